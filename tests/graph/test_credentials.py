from datetime import timedelta
from pathlib import Path

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from graph.credentials import ClientCertificate, ClientSecret, chosen_credential
from graph.errors import CredentialMalformedError
from graph.tokens import EntraClient
from tests.graph.scripted import CLIENT_ID, TENANT, ScriptedMicrosoft, SteppedClock


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


@pytest.mark.parametrize("key_first", [True, False])
def test_a_certificate_signs_our_request_and_the_secret_key_never_travels(
    tmp_path: Path,
    signing_key: rsa.RSAPrivateKey,
    certificate: str,
    http: httpx2.Client,
    scripted: ScriptedMicrosoft,
    clock: SteppedClock,
    key_first: bool,
) -> None:
    parts = [pem(signing_key), certificate.encode()]
    path = tmp_path / "client.pem"
    path.write_bytes(b"".join(parts if key_first else parts[::-1]))
    entra = EntraClient(
        authority=scripted.url,
        client_id=CLIENT_ID,
        credential=ClientCertificate.read(path),
        http=http,
        clock=clock,
    )

    assert entra.app_token(TENANT) == "app-token"

    form = scripted.requests[-1].form
    assertion = form["client_assertion"]
    assert "client_secret" not in form
    assert jwt.get_unverified_header(assertion)["alg"] == "PS256"
    assert "x5t#S256" in jwt.get_unverified_header(assertion)
    claims = jwt.decode(
        assertion, signing_key.public_key(), algorithms=["PS256"], options={"verify_aud": False}
    )
    assert claims["iss"] == claims["sub"] == CLIENT_ID


def test_the_ways_in_which_a_certificate_file_is_wrong_are_told_apart(
    tmp_path: Path,
    signing_key: rsa.RSAPrivateKey,
    foreign_key: rsa.RSAPrivateKey,
    certificate: str,
) -> None:
    public = certificate.encode()
    wrong = {
        "no readable private key": public,
        "no readable certificate": pem(signing_key),
        "do not belong together": pem(foreign_key) + public,
        "is encrypted": pem(signing_key, b"password") + public,
        "must be RSA": pem(ec.generate_private_key(ec.SECP256R1())) + public,
        "no readable private": b"nonsense",
    }
    path = tmp_path / "client.pem"
    for text, content in wrong.items():
        path.write_bytes(content)
        with pytest.raises(CredentialMalformedError, match=text) as caught:
            ClientCertificate.read(path)
        assert str(path) not in str(caught.value)


def test_a_missing_certificate_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CredentialMalformedError, match="No such file"):
        ClientCertificate.read(tmp_path / "nothing.pem")


def test_credentials_do_not_show_themselves(
    signing_key: rsa.RSAPrivateKey, certificate: str, tmp_path: Path
) -> None:
    path = tmp_path / "client.pem"
    path.write_bytes(pem(signing_key) + certificate.encode())

    assert "a-secret" not in repr(ClientSecret("a-secret"))
    assert "PRIVATE" not in repr(ClientCertificate.read(path))


def test_a_certificate_outside_its_time_is_refused_with_the_day(
    signing_key: rsa.RSAPrivateKey, certificate: str, tmp_path: Path
) -> None:
    path = tmp_path / "client.pem"
    path.write_bytes(pem(signing_key) + certificate.encode())
    read = ClientCertificate.read(path)

    assert chosen_credential(path, None, read.ends_at - timedelta(seconds=1)) == read
    with pytest.raises(CredentialMalformedError, match=r"ended on \d\d \w+ 20\d\d"):
        chosen_credential(path, None, read.ends_at)
    with pytest.raises(CredentialMalformedError, match="is valid from 01 January 2026 only"):
        chosen_credential(path, None, read.begins_at - timedelta(seconds=1))
