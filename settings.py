"""One frozen `Settings`: what the environment says, checked once where a process starts."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from temporalio.envconfig import ClientConfig, ClientConfigProfile, DataSource

import setting_checks as checks
from contracts.clouds import why_not_together

LOCAL_TEMPORAL = "localhost:7233"
"""Where Temporal is asked for when nothing else is said."""


class Connection(StrEnum):
    """A connection that leaves this machine, for which TLS is demanded."""

    DATABASE = "database"
    TEMPORAL = "temporal"
    RELAY = "relay"


def _secret(check: Callable[[str], object]) -> AfterValidator:
    def checked(value: SecretStr) -> SecretStr:
        check(value.get_secret_value())
        return value

    return AfterValidator(checked)


def _not_to_be_set(keys: SecretStr | None) -> None:
    if keys is None:
        return
    # An operator who sets it expects encrypted payloads; ignoring it would hide that they are not.
    raise ValueError(
        "must not be set: payloads hold ids only and are not encrypted "
        "(docs/decisions/0008-payloads-are-not-encrypted.md)"
    )


def _names(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    names = [one.strip() for one in written.split(",") if one.strip()]
    if set(names) - set(Connection):
        raise ValueError(f"must be names out of these, with commas: {', '.join(Connection)}")
    return names


WebAddress = Annotated[str, AfterValidator(checks.web_address)]
Key = Annotated[SecretStr, _secret(checks.long_key)]
Port = Annotated[int, Field(ge=1, le=65535)]

EXAMPLES = {
    "DATABASE_URL": "postgresql+psycopg://pulse:PASSWORD@db.example.com/pulse?sslmode=verify-full",
    "DATABASE_POOLING": "transaction (behind PgBouncer)",
    "ENTRA_AUTHORITY": "https://login.microsoftonline.com",
    "GRAPH_URL": "https://graph.microsoft.com/v1.0",
    "CLIENT_ID": "11111111-2222-3333-4444-555555555555",
    "CLIENT_SECRET": "the value of a client secret of the app registration",
    "CLIENT_SECRET_EXPIRES_ON": "2027-11-30 (so that an alert says beforehand when it ends)",
    "CLIENT_CERTIFICATE_PATH": "/etc/pulse/entra.pem (private key and certificate)",
    "SMTP_URL": "smtp://user:PASSWORD@smtp.example.com:587?starttls=required",
    "MAIL_FROM": "Clientshare <sso@example.com>",
    "EHLO_NAME": "pulse.example.com (without it, the host of GOLIVE_PUBLIC_URL)",
    "USER_MAILS_PER_SECOND": "50 (0 = as fast as the relay takes it)",
    "PUBLIC_URL": "https://pulse.example.com",
    "SECRET_KEY": (
        'the output of: python3 -c "import secrets; print(secrets.token_hex())" '
        "(several, with commas: the first signs, all verify)"
    ),
    "SUPPORT_ADDRESS": "support@example.com",
    "OPERATORS_ADDRESS": "operations@example.com (who is mailed before our own credential ends)",
    "STAFF_TENANT_ID": "your own tenant's id, such as 99999999-0000-0000-0000-000000000000",
    "TEMPORAL_UI_URL": "https://temporal.example.com",
    "CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
    "MICROSOFT_PROXY": "http://proxy.example.com:3128 (with USER:PASSWORD@ where it asks for them)",
    "WORKER_HEALTH_PORT": "8083",
    "WORKER_QUEUE": "go-live-bulk",
    "BUILD_ID": "2026-11-24.1 (letters, digits, dots and hyphens)",
    "METRICS_TOKEN": 'the output of: python3 -c "import secrets; print(secrets.token_hex())"',
    "WORKER_METRICS_ADDRESS": "127.0.0.1:8084",
    "UNVERIFIED_CONNECTIONS": "database,relay (out of: database, temporal, relay)",
    "TEMPORAL_ADDRESS": "temporal.example.com:7233",
    "TEMPORAL_NAMESPACE": "pulse",
    "TEMPORAL_API_KEY": "the value of an API key of Temporal Cloud",
    "TEMPORAL_TLS": "true",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH": "/etc/pulse/temporal-ca.pem",
    "TEMPORAL_TLS_CLIENT_CERT_PATH": "/etc/pulse/temporal-client.pem",
    "TEMPORAL_TLS_CLIENT_KEY_PATH": "/etc/pulse/temporal-client.key",
    "TEMPORAL_PROFILE": "default",
    "TEMPORAL_CONFIG_FILE": "/etc/pulse/temporal.toml",
}


class Settings(BaseSettings):
    """What the environment (prefix `GOLIVE_`) says; docs/help.md lists each one."""

    model_config = SettingsConfigDict(env_prefix="GOLIVE_", frozen=True, extra="ignore")

    database_url: Annotated[SecretStr, _secret(checks.database_url)]
    database_pooling: Literal["session", "transaction"] = "session"
    """`transaction` where a pooler such as PgBouncer stands before the database."""
    entra_authority: Annotated[str, AfterValidator(checks.authority)] = (
        "https://login.microsoftonline.com"
    )
    graph_url: Annotated[str, AfterValidator(checks.graph_url)] = "https://graph.microsoft.com/v1.0"
    client_id: Annotated[str, AfterValidator(checks.client_id)]
    client_secret: Annotated[SecretStr, _secret(checks.client_secret)] | None = None
    client_secret_expires_on: date | None = None
    """The day on which the client secret ends, as the app registration shows it."""
    client_certificate_path: Annotated[Path, AfterValidator(checks.client_certificate)] | None = (
        None
    )
    smtp_url: Annotated[SecretStr, _secret(checks.smtp_url)]
    mail_from: Annotated[str, AfterValidator(checks.sender)]
    ehlo_name: Annotated[str, AfterValidator(checks.host_name)] | None = None
    """What the worker calls itself to the relay; many refuse a name without a domain."""
    user_mails_per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 50
    """How fast a worker mails the users of large organisations; 0 = as the relay takes it."""
    public_url: Annotated[str, AfterValidator(checks.own_address)]
    secret_key: Annotated[SecretStr, _secret(checks.long_keys)]
    """One key, or several with commas between them; see `secret_keys`."""
    support_address: Annotated[str, AfterValidator(checks.mail_address)]
    operators_address: Annotated[str, AfterValidator(checks.mail_address)] | None = None
    """Where the digest says what those who run this installation have to do."""
    staff_tenant_id: Annotated[str, AfterValidator(checks.tenant_id)] | None = None
    """In Microsoft's own form: lower case, with hyphens."""
    temporal_ui_url: WebAddress | None = None
    """Where the Temporal UI is; the console links each go-live to it."""
    ca_bundle: Annotated[Path, AfterValidator(checks.ca_bundle)] | None = None
    """Authorities to trust instead of the system's, for every connection."""
    microsoft_proxy: Annotated[SecretStr, _secret(checks.proxy_url)] | None = None
    """An HTTP proxy through which Microsoft is reached."""
    unverified_connections: Annotated[frozenset[Connection], NoDecode, BeforeValidator(_names)] = (
        frozenset()
    )
    """Connections that may leave this machine without TLS, or to whoever answers."""
    worker_health_port: Port | None = None
    """The worker answers on this port of the loopback address when it is up."""
    worker_queue: Literal["go-live", "go-live-bulk"] | None = None
    """The worker serves this task queue alone; without it, both."""
    build_id: Annotated[str, AfterValidator(checks.build_id)] | None = None
    """The version of the code as the worker tells it to Temporal; without it, unversioned."""

    metrics_token: Key | None = None
    """The token for reading /metrics; without it there is no such page."""
    worker_metrics_address: Annotated[str, AfterValidator(checks.host_and_port)] | None = None
    """Where the worker answers /metrics; the web does so on its own port."""

    payload_keys: Annotated[SecretStr | None, AfterValidator(_not_to_be_set)] = None
    """Refused: see docs/decisions/0008-payloads-are-not-encrypted.md."""

    @property
    def smtp_client_name(self) -> str:
        """What the worker calls itself to the relay (RFC 5321, 4.1.1.1); empty = its address."""
        host = urlsplit(self.public_url).hostname or ""
        is_name = not host.replace(".", "").isdecimal() and "." in host and ":" not in host
        return self.ehlo_name or (host if is_name else "")

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The keys behind personal links and forms: the first signs, every one verifies."""
        return tuple(key.strip().encode() for key in self.secret_key.get_secret_value().split(","))

    @property
    def client_secret_text(self) -> str | None:
        """The client secret in the clear, for the one call that needs it."""
        return self.client_secret.get_secret_value() if self.client_secret else None


class SettingsError(Exception):
    """A setting is missing or malformed; the text says which, why and gives an example."""


def read_settings() -> Settings:
    """Return the settings of this process's environment, checked as a whole.

    Every process calls it before it starts anything, and `starter.py check-settings` does nothing
    else. It reads files that settings name and asks no server.

    Raises:
        SettingsError: every missing or bad setting, one a line; never a value.
    """
    given = _given(os.environ)
    faults = dict(_faults_of_texts(given))
    settings = None
    try:
        settings = Settings()
    except ValidationError as error:
        # `input` would hold values, secrets among them: only names and reasons are used.
        for fault in error.errors():
            name = str(fault["loc"][0]).upper()
            faults.setdefault(f"GOLIVE_{name}", _reason(fault["msg"], fault["type"]))
    faults |= _misspelt(os.environ)
    for name, problem in _faults_of_pairs(given):
        faults.setdefault(name, problem)
    for name, problem in _faults_of_temporal(os.environ, given):
        faults.setdefault(name, problem)
    if faults or settings is None:
        raise SettingsError("\n".join(_line(name, problem) for name, problem in faults.items()))
    return settings


def _given(environment: Mapping[str, str]) -> dict[str, str]:
    """Return our settings of an environment by name, such as `DATABASE_URL`."""
    upper = {name.upper(): value for name, value in environment.items()}
    names = [name.upper() for name in Settings.model_fields]
    return {name: upper[f"GOLIVE_{name}"] for name in names if f"GOLIVE_{name}" in upper}


def _misspelt(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables that are no setting but nearly have the name of one, with what is wrong.

    Others are left alone: Kubernetes sets such as `GOLIVE_WEB_PORT` for its service `golive-web`,
    and a release that is rolled back may not know a setting of the next one.
    """
    known = [f"GOLIVE_{name.upper()}" for name in Settings.model_fields]
    found = {}
    for name in {name.upper() for name in environment} - set(known):
        if name.startswith("GOLIVE_") and (near := _nearest(name, known)):
            found[name] = f"is no setting: the nearest one is {near}"
    return found


def _nearest(name: str, known: list[str]) -> str | None:
    ends = [one.removeprefix("GOLIVE_") for one in known]
    near = get_close_matches(name.removeprefix("GOLIVE_"), ends, n=1, cutoff=0.8)
    return f"GOLIVE_{near[0]}" if near else None


def _reason(message: str, kind: str) -> str:
    if kind == "missing":
        return "is not set"
    if kind in {"int_parsing", "float_parsing"}:
        return "must be a number"
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def _line(name: str, problem: str) -> str:
    example = EXAMPLES.get(name.removeprefix("GOLIVE_"))
    return f"{name} {problem}." + (f" Example: {example}" if example else "")


def _faults_of_texts(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        try:
            checks.any_text(value)
        except ValueError as error:
            yield f"GOLIVE_{name}", str(error)


def _faults_of_pairs(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Find settings that do not go together; each by itself is checked elsewhere."""
    certificate, secret = "GOLIVE_CLIENT_CERTIFICATE_PATH", "GOLIVE_CLIENT_SECRET"
    if "CLIENT_CERTIFICATE_PATH" not in given and "CLIENT_SECRET" not in given:
        yield certificate, f"is not set (it is preferred), and neither is {secret}: set one of them"
    if "CLIENT_CERTIFICATE_PATH" in given and "CLIENT_SECRET" in given:
        yield secret, f"is set as well as {certificate}: set one of them"
    authority, graph_url = (
        given.get(name.upper(), str(Settings.model_fields[name].default))
        for name in ("entra_authority", "graph_url")
    )
    if why_not := why_not_together(authority, graph_url):
        yield "GOLIVE_GRAPH_URL", f"does not fit GOLIVE_ENTRA_AUTHORITY: {why_not}"
    if "WORKER_METRICS_ADDRESS" in given and "METRICS_TOKEN" not in given:
        yield "GOLIVE_METRICS_TOKEN", "is not set, and GOLIVE_WORKER_METRICS_ADDRESS needs it"
    if given.get("DATABASE_POOLING") == "transaction" and not _holds(
        checks.database_url, lambda url: "options" not in url.query, given.get("DATABASE_URL")
    ):
        yield (
            "GOLIVE_DATABASE_URL",
            "must not have options=, which a pooler does not hand on: give them to the database's "
            "role by ALTER ROLE ... SET, or leave GOLIVE_DATABASE_POOLING out",
        )
    allowed = _allowed(given)
    if Connection.DATABASE not in allowed and not _holds(
        checks.database_url, checks.database_is_verified, given.get("DATABASE_URL")
    ):
        yield (
            "GOLIVE_DATABASE_URL",
            "must end in ?sslmode=verify-full, or the password goes to whoever answers there "
            + _opt_out(Connection.DATABASE),
        )
    if Connection.RELAY not in allowed and not _holds(
        checks.smtp_url, checks.relay_is_verified, given.get("SMTP_URL")
    ):
        yield (
            "GOLIVE_SMTP_URL",
            "must be smtps:// or have starttls=required, or others can read the mail "
            + _opt_out(Connection.RELAY),
        )


def _allowed(given: Mapping[str, str]) -> frozenset[str]:
    return frozenset(one.strip() for one in given.get("UNVERIFIED_CONNECTIONS", "").split(","))


def _opt_out(connection: Connection) -> str:
    return f"(allow that by GOLIVE_UNVERIFIED_CONNECTIONS={connection})"


def _holds(read: Callable[[str], Any], is_good: Callable[[Any], bool], written: str | None) -> bool:
    """Tell whether this is good; what is missing or cannot be read has a fault of its own."""
    try:
        return written is None or is_good(read(written))
    except ValueError:
        return True


# --- Temporal's own settings ----------------------------------------------------------------------


def _faults_of_temporal(
    environment: Mapping[str, str], given: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Find what is wrong with Temporal's standard variables, or the profile file they name."""
    empty = [
        name for name in EXAMPLES if name.startswith("TEMPORAL_") and environment.get(name) == ""
    ]
    for name in empty:
        yield name, "is set but empty: give it a value, or do not set it"
    try:
        profile = ClientConfigProfile.load()
    except RuntimeError:
        # Its text may quote the file, which may hold a key.
        yield from _faults_of_profile(environment)
        return
    try:
        checks.host_and_port(profile.address or LOCAL_TEMPORAL)
    except ValueError as error:
        yield "TEMPORAL_ADDRESS", str(error)
        return
    for name in ("TEMPORAL_API_KEY", "TEMPORAL_NAMESPACE"):
        if name not in environment or name in empty:
            continue
        try:
            checks.any_text(environment[name])
        except ValueError as error:
            yield name, str(error)
    tls = profile.tls
    if tls is not None and not tls.disabled:
        yield from _faults_of_temporal_tls(profile)
    encrypted = (tls is not None and not tls.disabled) or (tls is None and bool(profile.api_key))
    host = (profile.address or LOCAL_TEMPORAL).rpartition(":")[0]
    if not (encrypted or checks.is_loopback(host) or Connection.TEMPORAL in _allowed(given)):
        yield (
            "TEMPORAL_TLS",
            "must be true, or go-lives are open to whoever answers at TEMPORAL_ADDRESS "
            + _opt_out(Connection.TEMPORAL),
        )


def _faults_of_profile(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    try:
        ClientConfig.load()
    except RuntimeError:
        yield (
            "TEMPORAL_CONFIG_FILE",
            "names a file that is missing or no profile file of Temporal's",
        )
        return
    if environment.get("TEMPORAL_PROFILE"):
        yield "TEMPORAL_PROFILE", "names no profile of Temporal's profile file"
    else:
        yield "TEMPORAL_TLS", "or another TEMPORAL_ variable has a value that Temporal cannot use"


def _faults_of_temporal_tls(profile: ClientConfigProfile) -> Iterator[tuple[str, str]]:
    assert profile.tls is not None  # noqa: S101  (the caller has asked)
    found: dict[str, bytes] = {}
    for name, source in (
        ("TEMPORAL_TLS_SERVER_CA_CERT_PATH", profile.tls.server_root_ca_cert),
        ("TEMPORAL_TLS_CLIENT_CERT_PATH", profile.tls.client_cert),
        ("TEMPORAL_TLS_CLIENT_KEY_PATH", profile.tls.client_private_key),
    ):
        try:
            if (content := _content(source)) is not None:
                found[name] = content
        except OSError as error:
            yield name, f"cannot be read: {os.strerror(error.errno or 0)}"
            return
    authorities, certificate, key = (
        found.get(f"TEMPORAL_TLS_{one}_PATH")
        for one in ("SERVER_CA_CERT", "CLIENT_CERT", "CLIENT_KEY")
    )
    if authorities is not None and (problem := _problem(checks.temporal_authorities, authorities)):
        yield "TEMPORAL_TLS_SERVER_CA_CERT_PATH", problem
    if (certificate is None) != (key is None):
        missing = "KEY" if key is None else "CERT"
        yield f"TEMPORAL_TLS_CLIENT_{missing}_PATH", "is not set, and the other of the pair is"
    elif (
        certificate is not None
        and key is not None
        and (problem := _problem(checks.temporal_client_key, certificate, key))
    ):
        yield "TEMPORAL_TLS_CLIENT_KEY_PATH", problem


def _problem(check: Callable[..., None], *content: bytes) -> str | None:
    try:
        check(*content)
    except ValueError as error:
        return str(error)
    return None


def _content(source: DataSource | None) -> bytes | None:
    if isinstance(source, Path):
        return source.read_bytes()
    return source.encode() if isinstance(source, str) else source
