"""One simulator process for all tests of this room; each test starts from the seeds."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from local import loopback
from tests.bounds import LONGEST_WAIT
from tests.simulator.pretend import Pretend, running, seed


@dataclass(frozen=True)
class Certificate:
    """A certificate that the application may sign with."""

    pem: str
    private_key: str
    sha1: bytes
    sha256: bytes


def make_certificate() -> Certificate:
    from cryptography.hazmat.primitives.hashes import SHA1

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pulse.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Certificate(
        certificate.public_bytes(Encoding.PEM).decode(),
        pem,
        certificate.fingerprint(SHA1()),
        certificate.fingerprint(SHA256()),
    )


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    return make_certificate()


@pytest.fixture(scope="session")
def seed_file(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Path:
    path = tmp_path_factory.mktemp("seed") / "seed.json"
    path.write_text(json.dumps(seed(certificate.pem)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def address(seed_file: Path) -> Iterator[str]:
    with running("--seed", str(seed_file)) as base:
        yield base


@pytest.fixture
def pretend(address: str) -> Iterator[Pretend]:
    with loopback.client(timeout=LONGEST_WAIT) as http:
        found = Pretend(address, http)
        found.control("POST", "/reset")
        yield found
        found.close()
