"""What the tests of the mail room start from."""

import ipaddress
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mail.mailer import OutgoingMail, message_id_for
from tests.mail.relays import Certificate, Relay


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as running:
        yield running


@pytest.fixture
def start_relay() -> Iterator[Callable[..., Relay]]:
    running: list[Relay] = []

    def start(*, tls_from_start: ssl.SSLContext | None = None, **options: Any) -> Relay:
        running.append(Relay(options, tls_from_start).__enter__())
        return running[-1]

    yield start
    for each in running:
        each.__exit__()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.test")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    bundle, key_file = folder / "relay.pem", folder / "key.pem"
    bundle.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, key_file)
    return Certificate(bundle, context)


@pytest.fixture
def a_mail() -> Callable[..., OutgoingMail]:
    def make(number: int = 1, **changes: Any) -> OutgoingMail:
        return OutgoingMail(
            **{
                "message_id": message_id_for(number, "pulse.example"),
                "sender": "Clientshare Pulse <go-live@pulse.example>",
                "recipient": "Maria Jensen <maria@northwind.example>",
                "subject": "Please log in with SSO",
                "text": "Hello Maria,\n\n.\n.. and dots\nGrüße\n",
                "html": "<p>Hello Maria</p>\n.\n",
                "date": datetime(2026, 12, 3, 8, 0, tzinfo=UTC),
                **changes,
            }
        )

    return make
