import datetime
from collections.abc import Iterator

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.tokens import EntraClient
from graph.transport import open_http
from tests.graph.scripted import CLIENT_ID, ScriptedMicrosoft, SteppedClock
from tests.graph.simulated import Simulator


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def foreign_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def certificate(signing_key: rsa.RSAPrivateKey) -> str:
    """A certificate for the signing key, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sso-go-live")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signing_key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3650))
        .sign(signing_key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


@pytest.fixture(scope="session")
def simulator_process(
    tmp_path_factory: pytest.TempPathFactory, certificate: str
) -> Iterator[Simulator]:
    simulator = Simulator(tmp_path_factory.mktemp("simulator"), certificate)
    yield simulator
    simulator.close()


@pytest.fixture
def simulator(simulator_process: Simulator) -> Simulator:
    """The simulator as it was seeded, without faults."""
    simulator_process.reset()
    return simulator_process


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(scope="session")
def http() -> Iterator[httpx2.Client]:
    with open_http() as client:
        yield client


@pytest.fixture
def scripted(signing_key: rsa.RSAPrivateKey, clock: SteppedClock) -> Iterator[ScriptedMicrosoft]:
    server = ScriptedMicrosoft(signing_key, clock)
    yield server
    server.close()


@pytest.fixture
def entra(scripted: ScriptedMicrosoft, http: httpx2.Client, clock: SteppedClock) -> EntraClient:
    return EntraClient(
        authority=scripted.url,
        client_id=CLIENT_ID,
        credential=ClientSecret("a-secret"),
        http=http,
        clock=clock,
    )


@pytest.fixture
def client(
    scripted: ScriptedMicrosoft, http: httpx2.Client, entra: EntraClient, clock: SteppedClock
) -> GraphClient:
    return GraphClient(http, f"{scripted.url}/graph/v1.0", entra, pause=clock.pause, clock=clock)
