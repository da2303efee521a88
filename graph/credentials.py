"""How this product proves to Microsoft that it is itself: a certificate (preferred) or a secret."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from graph.errors import CredentialMalformedError

_SMALLEST_KEY_BITS = 2048


@dataclass(frozen=True)
class ClientSecret:
    """A client secret from the application's registration."""

    value: str = field(repr=False)

    def for_msal(self) -> str:
        """Return it in the form that MSAL takes."""
        return self.value


@dataclass(frozen=True)
class ClientCertificate:
    """A private key with its certificate, both as PEM text."""

    private_key: str = field(repr=False)
    certificate: str = field(repr=False)

    @property
    def begins_at(self) -> datetime:
        """From when on Microsoft accepts it."""
        return _certificate(self.certificate.encode()).not_valid_before_utc

    @property
    def ends_at(self) -> datetime:
        """From when on Microsoft refuses it, in every customer's tenant at once."""
        return _certificate(self.certificate.encode()).not_valid_after_utc

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read one PEM file that holds an unencrypted RSA private key and its certificate.

        The order of the two does not matter. Chain certificates behind the first one are ignored.

        Raises:
            CredentialMalformedError: the file cannot be read, lacks one of the two, the key is
                encrypted, is not RSA or too short, or the two do not belong together. The text
                says which.
        """
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise CredentialMalformedError(
                f"The client certificate file cannot be read: {error.strerror}."
            ) from None
        key = _private_key(content)
        certificate = _certificate(content)
        if certificate.public_key() != key.public_key():
            raise CredentialMalformedError(
                "The client certificate file holds a private key and a certificate that do not "
                "belong together."
            )
        return cls(
            private_key=key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode("ascii"),
            certificate=certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"),
        )

    def for_msal(self) -> dict[str, str]:
        """Return it as MSAL takes it, which signs with PS256 under the SHA-256 thumbprint."""
        return {"private_key": self.private_key, "public_certificate": self.certificate}


Credential = ClientSecret | ClientCertificate


def _private_key(content: bytes) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except TypeError:
        raise CredentialMalformedError(
            "The private key in the client certificate file is encrypted; store it unencrypted "
            "and protect the file instead."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialMalformedError(
            "The client certificate file holds no readable private key; expected is a PEM file "
            "with both the private key and the certificate."
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _SMALLEST_KEY_BITS:
        raise CredentialMalformedError(
            "The private key in the client certificate file must be RSA with at least 2048 bits."
        )
    return key


def _certificate(content: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError:
        raise CredentialMalformedError(
            "The client certificate file holds no readable certificate; expected is a PEM file "
            "with both the private key and the certificate."
        ) from None


def chosen_credential(
    certificate_path: Path | None, secret: str | None, at: datetime
) -> Credential:
    """Return the certificate where one is configured, else the secret.

    Args:
        certificate_path: the certificate's file.
        secret: the client secret.
        at: now, with time zone.

    Raises:
        CredentialMalformedError: the certificate file cannot be used, or the certificate is not
            valid now.
        ValueError: neither is configured.
    """
    if certificate_path is not None:
        certificate = ClientCertificate.read(certificate_path)
        if at >= certificate.ends_at:
            raise CredentialMalformedError(
                f"The client certificate ended on {certificate.ends_at:%d %B %Y}; make a new one, "
                "upload it to the app registration and name its file here."
            )
        if at < certificate.begins_at:
            raise CredentialMalformedError(
                f"The client certificate is valid from {certificate.begins_at:%d %B %Y} only."
            )
        return certificate
    if secret is None:
        raise ValueError("A certificate or a secret is needed.")
    return ClientSecret(secret)
