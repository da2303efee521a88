"""The keys that sign tokens, the key set that applications read, the check of access tokens."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

_KEPT_TOKENS = 256


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _integer(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class SigningKey:
    """One RSA key with the certificate that Microsoft publishes beside it."""

    key_id: str
    private_key: rsa.RSAPrivateKey
    certificate: bytes

    @classmethod
    def generate(cls) -> SigningKey:
        """Make a new one, for this process only."""
        private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulator.signing.example")])
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private_key.public_key())
            .serial_number(1)
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=3650))
            .sign(private_key, SHA256())
        )
        thumbprint = _base64url(certificate.fingerprint(SHA1()))  # noqa: S303
        return cls(thumbprint, private_key, certificate.public_bytes(Encoding.DER))

    def public(self) -> dict[str, Any]:
        """The key's entry in the key set."""
        numbers = self.private_key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.key_id,
            "x5t": self.key_id,
            "n": _integer(numbers.n),
            "e": _integer(numbers.e),
            "x5c": [b64encode(self.certificate).decode()],
        }


class SigningKeys:
    """The current key, older ones still published, and one that is never published."""

    def __init__(self) -> None:
        self._keys = [SigningKey.generate()]
        self._foreign: SigningKey | None = None
        self._verified: dict[str, Mapping[str, Any]] = {}

    def rotate(self) -> str:
        """Sign with a new key from now on; the older ones stay in the key set. Returns its id."""
        self._keys.insert(0, SigningKey.generate())
        return self._keys[0].key_id

    def key_set(self, issuer: str) -> dict[str, Any]:
        """The JSON Web Key Set as Microsoft publishes it, an `issuer` with each key."""
        return {"keys": [key.public() | {"issuer": issuer} for key in self._keys]}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A signed token (RS256)."""
        return self._encode(self._keys[0], claims)

    def sign_badly(self, claims: Mapping[str, Any], way: str) -> str:
        """A token nobody must accept: unsigned (`none`), or by another key (`foreign_key`)."""
        if way == "none":
            return jwt.encode(dict(claims), key="", algorithm="none")
        self._foreign = self._foreign or SigningKey.generate()
        ours = self._keys[0].key_id
        return self._encode(self._foreign, claims, key_id=ours)

    def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that this simulator signed; its times are not looked at.

        Raises:
            jwt.InvalidTokenError: Not a token, or not ours.
        """
        known = self._verified.get(token)
        if known is None:
            # A bearer sends the same token a thousand times: checking the signature once is enough.
            key_id = jwt.get_unverified_header(token).get("kid")
            for key in self._keys:
                if key.key_id == key_id:
                    known = jwt.decode(
                        token,
                        key.private_key.public_key(),
                        algorithms=["RS256"],
                        options={
                            "verify_exp": False,
                            "verify_nbf": False,
                            "verify_iat": False,
                            "verify_aud": False,
                        },
                    )
                    break
            else:
                raise jwt.InvalidKeyError("the token names a key that is not ours")
            if len(self._verified) >= _KEPT_TOKENS:
                self._verified.clear()
            self._verified[token] = known
        return known

    @staticmethod
    def _encode(key: SigningKey, claims: Mapping[str, Any], key_id: str | None = None) -> str:
        name = key_id or key.key_id
        headers = {"kid": name, "x5t": name}
        return jwt.encode(dict(claims), key.private_key, algorithm="RS256", headers=headers)
