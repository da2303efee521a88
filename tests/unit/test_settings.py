"""What each setting may be: every bad value is named before anything starts, and never shown."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from settings import SettingsError, read_settings

GOOD = {
    "GOLIVE_DATABASE_URL": "postgresql+psycopg://pulse:pw@db.example.com/pulse?sslmode=verify-full",
    "GOLIVE_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
    "GOLIVE_CLIENT_SECRET": "abc8Q~something",
    "GOLIVE_SMTP_URL": "smtp://user:pw@smtp.example.com:587",
    "GOLIVE_MAIL_FROM": "Clientshare <sso@example.com>",
    "GOLIVE_PUBLIC_URL": "https://pulse.example.com",
    "GOLIVE_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "GOLIVE_SUPPORT_ADDRESS": "support@example.com",
    "TEMPORAL_CONFIG_FILE": os.devnull,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Settings that are good; nothing of the shell that the tests were started in."""
    for name in os.environ:
        if name.startswith(("GOLIVE_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of ours, and another key, each in a file."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "other"):
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / f"{name}.key").write_bytes(pem)
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "good").write_bytes(
        (folder / "ours.key").read_bytes() + (folder / "ours.pem").read_bytes()
    )
    (folder / "of another key").write_bytes(
        (folder / "other.key").read_bytes() + (folder / "ours.pem").read_bytes()
    )
    (folder / "garbage").write_bytes(b"\x00garbage")
    (folder / "empty").write_bytes(b"")
    return folder


def refused() -> str:
    with pytest.raises(SettingsError) as error:
        read_settings()
    return str(error.value)


def test_good_settings_are_taken(environment: pytest.MonkeyPatch) -> None:
    assert read_settings().client_id == GOOD["GOLIVE_CLIENT_ID"]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DATABASE_URL", "postgresql://pulse@db.example.com/pulse", "must start with postgresql+"),
        ("DATABASE_URL", "postgresql+psycopg://u:hunter2@db:abc/pulse", "port must be a number"),
        ("DATABASE_URL", "postgresql+psycopg://u:hunter2@db:99999/pulse", "from 1 to 65535"),
        ("DATABASE_URL", "postgresql+psycopg://u:hun@ter2@db/pulse", "holds an @"),
        ("DATABASE_URL", "postgresql+psycopg://u:hunter2@db", "must name a database"),
        ("DATABASE_URL", "postgresql+psycopg://u@127.0.0.1/p?sslmod=require", "does not know"),
        ("DATABASE_URL", "postgresql+psycopg://u@127.0.0.1/p?sslmode=on", "value of sslmode that"),
        ("DATABASE_URL", "postgresql+psycopg://u:hunter2@db/pulse", "sslmode=verify-full"),
        ("DATABASE_URL", "postgresql+psycopg://u:hunter2@db/p?sslmode=require", "whoever answers"),
        ("DATABASE_URL", "postgresql+psycopg:///p?host=127.0.0.1&host=db:5433", "whoever answers"),
        ("DATABASE_URL", "postgresql+psycopg://u@/p?service=pulse", "no service of a file"),
        ("DATABASE_URL", "postgresql+psycopg://u@127.0.0.1/p?connect_timeout=5s", "a number as"),
        ("DATABASE_URL", "postgresql+psycopg://u@127.0.0.1/p?target_session_attrs=rw", "value of"),
        ("DATABASE_URL", "postgresql+psycopg://u@127.0.0.1/p?channel_binding=hunter2", "value of"),
        ("DATABASE_URL", "postgresql+psycopg://u@127.0.0.1/p?gssencmode=off", "value of gssenc"),
        ("DATABASE_URL", "postgresql+psycopg://u@127.0.0.1/p?sslnegotiation=direct", "value of ss"),
        ("DATABASE_URL", "postgresql+psycopg://u@127.0.0.1/p?sslcert=/nowhere", "an sslcert that"),
        ("DATABASE_URL", "postgresql+psycopg://u@/p?host=127.0.0.1&port=abc", "numbers as ports"),
        ("DATABASE_URL", "postgresql+psycopg://u@/p?host=a&host=b&port=1,2,3", "numbers as ports"),
        ("SMTP_URL", "smtp://smtp.example.com:0", "must look like smtp://"),
        ("SMTP_URL", "smtp://smtp.exam ple.com", "must look like smtp://"),
        ("SMTP_URL", "smtp://smtp.example.com:abc", "cannot be read"),
        ("SMTP_URL", "smtp://smtp.example.com:99999", "cannot be read"),
        ("SMTP_URL", "smtp://smtp.example.com?tls=yes", "takes one option, starttls"),
        ("SMTP_URL", "smtp://smtp.example.com?starttls=if-offered", "others can read the mail"),
        ("SMTP_URL", "smtp://smtp.example.com:25?starttls=no", "others can read the mail"),
        ("MAIL_FROM", '"Clientshare <sso@example.com>"', "stands in quotes"),
        ("MAIL_FROM", "A <a@example.com>, B <b@example.com>", "not several"),
        ("MAIL_FROM", "a@example.com,b@example.com", "must be one mail address"),
        ("MAIL_FROM", "Clientshare <sso@example.com>\nBcc: x@example.com", "line break"),
        ("MAIL_FROM", "Clientshare", "must be one mail address"),
        ("PUBLIC_URL", "http://pulse.example.com", "must be an https address"),
        ("PUBLIC_URL", "https://pulse.example.com/ x", "must not hold a blank"),
        ("PUBLIC_URL", "https://pulse.example.com?x=1", "without ? and #"),
        ("PUBLIC_URL", "https://pulse.example.com#top", "without ? and #"),
        ("PUBLIC_URL", "https://me:hunter2@pulse.example.com", "user or a password"),
        ("PUBLIC_URL", "https://pulse.example.com/pulse", "without a path"),
        ("PUBLIC_URL", "https://pulse.example.com:99999", "port must be a number"),
        ("PUBLIC_URL", "https://", "must be an https address"),
        ("PUBLIC_URL", "https://10.0.0.300", "must hold a host name"),
        ("PUBLIC_URL", "https://pülse.example.com", "xn--"),
        ("PUBLIC_URL", "https://pulse..example.com", "must hold a host name"),
        ("PUBLIC_URL", "https://pulse.example\\.com", "must hold a host name"),
        ("PUBLIC_URL", "https://pulse.example.com:", "must hold a host name"),
        ("ENTRA_AUTHORITY", "https://login.microsoftonline.com/common", "without a path"),
        ("GRAPH_URL", "https://graph.microsoft.com", "must end in /v1.0"),
        ("GRAPH_URL", "https://graph.microsoft.com/beta", "must end in /v1.0"),
        ("CLIENT_ID", "pulse", "application (client) id"),
        ("CLIENT_ID", "11111111222233334444555555555555", "application (client) id"),
        ("CLIENT_SECRET", "", "is set but empty"),
        ("CLIENT_SECRET", " hunter2", "begins or ends with a blank"),
        ("CLIENT_SECRET", "hunter2\n", "begins or ends with a blank"),
        ("CLIENT_SECRET", "12345678-2222-3333-4444-555555555555", "is the secret's id"),
        ("SECRET_KEY", "hunter2", "at least 32 characters"),
        ("SECRET_KEY", " " * 40, "is set but empty"),
        ("SECRET_KEY", "x" * 40, "can be guessed"),
        ("METRICS_TOKEN", "short", "at least 32 characters"),
        ("SUPPORT_ADDRESS", "call us", "must be a mail address"),
        ("SUPPORT_ADDRESS", "support@localhost", "must be a mail address"),
        ("STAFF_TENANT_ID", "clientshare.example", "must be a tenant's id"),
        ("TEMPORAL_UI_URL", "temporal.example.com", "must be an https address"),
        ("TEMPORAL_UI_URL", "", "is set but empty"),
        ("GRAPH_URL", "https://graph.microsoft.com/v1.0?x", "without ? and #"),
        ("ENTRA_AUTHORITY", "ftp://login.example.com", "must be an https address"),
        ("WORKER_HEALTH_PORT", "99999", "must be less than or equal to 65535"),
        ("WORKER_HEALTH_PORT", "abc", "must be a number"),
        ("WORKER_METRICS_ADDRESS", "127.0.0.1", "must be HOST:PORT"),
        ("WORKER_QUEUE", "bulk", "must be 'go-live' or 'go-live-bulk'"),
        ("USER_MAILS_PER_SECOND", "-1", "must be greater than or equal to 0"),
        ("USER_MAILS_PER_SECOND", "inf", "must be a finite number"),
        ("BUILD_ID", "v 1", "must be letters, digits"),
        ("UNVERIFIED_CONNECTIONS", "everything", "must be names out of these"),
        ("MICROSOFT_PROXY", "proxy.example.com:3128", "must be http://HOST:PORT"),
        ("MICROSOFT_PROXY", "http://u:hunter2@proxy.example.com", "must be http://HOST:PORT"),
        ("MICROSOFT_PROXY", "socks5://proxy.example.com:1080", "must be http://HOST:PORT"),
        ("MICROSOFT_PROXY", "http://proxy.example.com:99999", "port must be a number"),
        ("CA_BUNDLE", "/nowhere/ca.pem", "cannot be read: No such file"),
        ("CA_BUNDLE", "/tmp", "cannot be read: Is a directory"),
        ("CLIENT_CERTIFICATE_PATH", "/nowhere/key.pem", "cannot be read: No such file"),
        ("PAYLOAD_KEYS", "k", "must not be set"),
    ],
)
def test_a_bad_value_is_named_with_what_is_wrong(
    environment: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    environment.setenv(f"GOLIVE_{name}", value)
    said = refused()
    assert f"GOLIVE_{name} " in said
    assert problem in said
    assert name == "PAYLOAD_KEYS" or "Example: " in said
    assert "hunter2" not in said
    assert "ter2" not in said


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("garbage", "no readable private key"),
        ("empty", "no readable private key"),
        ("ours.key", "no readable certificate"),
        ("ours.pem", "no readable private key"),
        ("of another key", "do not belong together"),
    ],
)
def test_a_certificate_file_is_read_before_anything_starts(
    environment: pytest.MonkeyPatch, keys: Path, file: str, problem: str
) -> None:
    environment.delenv("GOLIVE_CLIENT_SECRET")
    environment.setenv("GOLIVE_CLIENT_CERTIFICATE_PATH", str(keys / file))
    said = refused()
    assert said.startswith("GOLIVE_CLIENT_CERTIFICATE_PATH is refused.")
    assert problem in said


def test_files_that_are_good_are_taken(environment: pytest.MonkeyPatch, keys: Path) -> None:
    environment.delenv("GOLIVE_CLIENT_SECRET")
    environment.setenv("GOLIVE_CLIENT_CERTIFICATE_PATH", str(keys / "good"))
    environment.setenv("GOLIVE_CA_BUNDLE", str(keys / "ours.pem"))
    assert read_settings().ca_bundle == keys / "ours.pem"


@pytest.mark.parametrize("file", ["garbage", "empty", "ours.key"])
def test_a_bundle_without_certificates_is_refused(
    environment: pytest.MonkeyPatch, keys: Path, file: str
) -> None:
    environment.setenv("GOLIVE_CA_BUNDLE", str(keys / file))
    assert "GOLIVE_CA_BUNDLE holds no certificate in PEM." in refused()


@pytest.mark.parametrize(
    ("changes", "name", "problem"),
    [
        ({"ADDRESS": "temporal.example.com:7233"}, "TLS", "must be true"),
        ({"ADDRESS": "https://temporal.example.com:7233"}, "ADDRESS", "must be HOST:PORT"),
        ({"ADDRESS": "127.0.0.1:99999"}, "ADDRESS", "must be HOST:PORT"),
        ({"ADDRESS": "127.0.0.1"}, "ADDRESS", "must be HOST:PORT"),
        ({"API_KEY": ""}, "API_KEY", "is set but empty"),
        ({"API_KEY": "hunter2\n"}, "API_KEY", "begins or ends with a blank"),
        ({"NAMESPACE": ""}, "NAMESPACE", "is set but empty"),
        ({"NAMESPACE": " pulse"}, "NAMESPACE", "begins or ends with a blank"),
        ({"PROFILE": "elsewhere"}, "PROFILE", "names no profile"),
        ({"CONFIG_FILE": "{keys}/garbage"}, "CONFIG_FILE", "no profile file"),
        ({"TLS": "true", "TLS_SERVER_CA_CERT_PATH": "/nowhere"}, "TLS_SERVER_CA_CERT_PATH", "read"),
        (
            {"TLS_SERVER_CA_CERT_PATH": "{keys}/garbage"},
            "TLS_SERVER_CA_CERT_PATH",
            "no certificate",
        ),
        ({"TLS_CLIENT_CERT_PATH": "{keys}/ours.pem"}, "TLS_CLIENT_KEY_PATH", "is not set"),
        (
            {"TLS_CLIENT_CERT_PATH": "{keys}/ours.pem", "TLS_CLIENT_KEY_PATH": "{keys}/other.key"},
            "TLS_CLIENT_KEY_PATH",
            "does not belong",
        ),
        (
            {"TLS_CLIENT_CERT_PATH": "{keys}/ours.pem", "TLS_CLIENT_KEY_PATH": "{keys}/empty"},
            "TLS_CLIENT_KEY_PATH",
            "no private key",
        ),
    ],
)
def test_what_temporal_reads_is_checked_too(
    environment: pytest.MonkeyPatch, keys: Path, changes: dict[str, str], name: str, problem: str
) -> None:
    for variable, value in changes.items():
        environment.setenv(f"TEMPORAL_{variable}", value.replace("{keys}", str(keys)))
    said = refused()
    assert f"TEMPORAL_{name} " in said
    assert problem in said
    assert "Example: " in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("changes", "connection"),
    [
        ({"GOLIVE_DATABASE_URL": "postgresql+psycopg://u@db/pulse"}, "database"),
        ({"GOLIVE_SMTP_URL": "smtp://smtp.internal:25?starttls=no"}, "relay"),
        ({"TEMPORAL_ADDRESS": "temporal.internal:7233"}, "temporal"),
    ],
)
def test_a_connection_without_tls_is_allowed_by_name_alone(
    environment: pytest.MonkeyPatch, changes: dict[str, str], connection: str
) -> None:
    for name, value in changes.items():
        environment.setenv(name, value)
    assert f"(allow that by GOLIVE_UNVERIFIED_CONNECTIONS={connection})" in refused()
    environment.setenv("GOLIVE_UNVERIFIED_CONNECTIONS", connection)
    assert read_settings().unverified_connections == {connection}


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("PGHOST", "postgresql+psycopg://u:hunter2@/pulse"),
        ("PGHOSTADDR", "postgresql+psycopg://u:hunter2@localhost/pulse"),
        ("PGSERVICE", "postgresql+psycopg://u:hunter2@127.0.0.1/pulse"),
    ],
)
def test_a_variable_of_the_client_library_leads_nowhere_without_tls(
    environment: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    environment.setenv("GOLIVE_DATABASE_URL", address)
    read_settings()
    environment.setenv(variable, "10.0.0.5")
    assert "GOLIVE_DATABASE_URL must end in ?sslmode=verify-full" in refused()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", ""])
def test_this_machine_needs_no_tls(environment: pytest.MonkeyPatch, host: str) -> None:
    environment.setenv("GOLIVE_DATABASE_URL", f"postgresql+psycopg://u@{host}/pulse")
    read_settings()


def test_options_of_the_database_are_refused_where_a_pooler_would_drop_them(
    environment: pytest.MonkeyPatch,
) -> None:
    kept = GOOD["GOLIVE_DATABASE_URL"] + "&options=-c%20work_mem%3D64MB"
    environment.setenv("GOLIVE_DATABASE_URL", kept)
    read_settings()
    environment.setenv("GOLIVE_DATABASE_POOLING", "transaction")
    assert "GOLIVE_DATABASE_URL must not have options=" in refused()


def test_every_bad_setting_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("GOLIVE_CLIENT_SECRET")
    environment.delenv("GOLIVE_DATABASE_URL")
    environment.setenv("GOLIVE_MAIL_FROM", "nobody")
    environment.setenv("GOLIVE_WORKER_METRICS_ADDRESS", "127.0.0.1:8084")
    environment.setenv("TEMPORAL_ADDRESS", "nowhere")
    named = {line.split()[0] for line in refused().splitlines()}
    assert named == {
        "GOLIVE_CLIENT_CERTIFICATE_PATH",
        "GOLIVE_DATABASE_URL",
        "GOLIVE_MAIL_FROM",
        "GOLIVE_METRICS_TOKEN",
        "TEMPORAL_ADDRESS",
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("GOLIVE_CA_BUNDEL", "GOLIVE_CA_BUNDLE"),
        ("GOLIVE_CABUNDLE", "GOLIVE_CA_BUNDLE"),
        ("GOLIVE_OPERATOR_ADDRESS", "GOLIVE_OPERATORS_ADDRESS"),
        ("GOLIVE_CLIENT_SECRET_EXPIRES", "GOLIVE_CLIENT_SECRET_EXPIRES_ON"),
        ("GOLIVE_USER_MAIL_PER_SECOND", "GOLIVE_USER_MAILS_PER_SECOND"),
        ("GOLIVE_UNVERIFIED_CONNECTION", "GOLIVE_UNVERIFIED_CONNECTIONS"),
    ],
)
def test_a_misspelt_name_is_told_with_the_right_one(
    environment: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    environment.setenv(written, "hunter2")
    assert refused() == f"{written} is no setting: the nearest one is {meant}."


@pytest.mark.parametrize(
    "name",
    [
        "GOLIVE_BY",
        "GOLIVE_LOCAL_WEB_PORT",
        "GOLIVE_PORT_8080_TCP",
        "GOLIVE_SERVICE_HOST",
        "GOLIVE_WEB_PORT",
        "GOLIVE_WORKER_PORT",
        "GOLIVE_WORKER_SERVICE_PORT",
    ],
)
def test_variables_of_others_under_our_prefix_are_left_alone(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    environment.setenv(name, "tcp://10.0.0.5:8080")
    read_settings()


@pytest.mark.parametrize(
    ("public_url", "own_name", "said"),
    [
        ("https://pulse.example.com", "", "pulse.example.com"),
        ("https://pulse.example.com:8443", "mail.example.com", "mail.example.com"),
        ("https://10.0.0.5", "", ""),
        ("https://[fd00::5]", "", ""),
        ("http://localhost:8080", "", ""),
    ],
)
def test_the_worker_has_a_whole_name_for_the_relay_or_none(
    environment: pytest.MonkeyPatch, public_url: str, own_name: str, said: str
) -> None:
    environment.setenv("GOLIVE_PUBLIC_URL", public_url)
    if own_name:
        environment.setenv("GOLIVE_EHLO_NAME", own_name)
    assert read_settings().smtp_client_name == said


def test_one_credential_and_not_two(environment: pytest.MonkeyPatch, keys: Path) -> None:
    environment.setenv("GOLIVE_CLIENT_CERTIFICATE_PATH", str(keys / "good"))
    assert "GOLIVE_CLIENT_SECRET is set as well as" in refused()
