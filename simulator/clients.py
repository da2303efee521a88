"""Who calls the token endpoint: an application proves itself by a secret or by a certificate.

Source: Microsoft Learn, *Microsoft identity platform application authentication certificate
credentials*, read 2026-11-23.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from simulator.directory import Application
from simulator.entra_errors import EntraError, application_not_found
from simulator.state import Simulation

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW = 300


def _refused(code: int, text: str) -> EntraError:
    return EntraError("invalid_client", code, text, 401)


def authenticate(
    simulation: Simulation,
    tenant: str,
    form: Mapping[str, str],
    authorization: str | None,
    audience: str,
) -> Application:
    """The application that calls, once it has proven itself.

    Raises:
        EntraError: `unauthorized_client` when it is unknown, `invalid_client` when the proof fails.
    """
    client_id, secret = form.get("client_id"), form.get("client_secret")
    if authorization and authorization.lower().startswith("basic "):
        client_id, secret = _basic(authorization[6:])
    if not client_id:
        raise EntraError(
            "invalid_request",
            900144,
            "The request body must contain the following parameter: 'client_id'.",
        )
    application = simulation.applications.get(client_id.lower())
    if application is None:
        raise application_not_found(client_id, tenant)
    if assertion := form.get("client_assertion"):
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise _refused(
                7000218, f"The parameter 'client_assertion_type' must be '{ASSERTION_TYPE}'."
            )
        _check_assertion(simulation, application, assertion, audience)
    elif not secret:
        raise _refused(
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or "
            "'client_secret'.",
        )
    elif application.client_secret is None or not hmac.compare_digest(
        secret.encode(), application.client_secret.encode()
    ):
        raise _refused(
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app "
            f"'{application.client_id}'.",
        )
    elif application.secret_ended:
        raise _refused(
            7000222,
            f"The provided client secret keys for app '{application.client_id}' are expired. Visit "
            "the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or "
            "consider using certificate credentials for added security: https://aka.ms/certCreds.",
        )
    return application


def _basic(encoded: str) -> tuple[str, str]:
    try:
        name, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except (Base64Error, UnicodeDecodeError):
        raise _refused(7000215, "The Authorization header cannot be read.") from None
    return unquote(name), unquote(secret)


def _check_assertion(
    simulation: Simulation, application: Application, assertion: str, audience: str
) -> None:
    try:
        header = jwt.get_unverified_header(assertion)
        thumbprint = _thumbprint(header)
        algorithm = header.get("alg")
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise _refused(50027, "JWT token is invalid or malformed.") from None
    if thumbprint not in application.certificate_thumbprints:
        raise _refused(
            700027,
            "The certificate with identifier used to sign the client assertion is not registered "
            f"on application. [Reason - The key was not found., Thumbprint of key used by client: "
            f"'{thumbprint}']",
        )
    if algorithm not in ("RS256", "PS256"):
        raise _refused(5002738, f"Invalid JWT token. '{algorithm}' is not a supported algorithm.")
    claims = _claims(application, assertion, thumbprint, str(algorithm), simulation.clock.now())
    now = simulation.clock.wall_timestamp()
    if claims.get("iss") != application.client_id or claims.get("sub") != application.client_id:
        raise _refused(
            700021, "Client assertion application identifier doesn't match 'client_id' parameter."
        )
    # The application may know this simulator by another scheme: MSAL insists on https.
    if not _same_endpoint(str(claims.get("aud", "")), audience):
        raise _refused(700023, "Client assertion audience claim does not match Realm issuer.")
    # A number of seconds may have a fraction; MSAL writes one.
    expires, begins = claims.get("exp", "none"), claims.get("nbf", now)
    timed = isinstance(expires, int | float) and isinstance(begins, int | float)
    if not timed or expires + _SKEW < now or begins - _SKEW > now:
        raise _refused(700024, "Client assertion is not within its valid time range.")


def _thumbprint(header: Mapping[str, Any]) -> str:
    text = header.get("x5t#S256") or header.get("x5t") or ""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex().upper()


def _check_end(certificate: x509.Certificate, thumbprint: str, at: datetime) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at >= ends:
        raise _refused(
            700027,
            "The certificate with identifier used to sign the client assertion is expired on "
            "application. [Reason - The key used is expired., Thumbprint of key used by client: "
            f"'{thumbprint}', Found key 'Start={begins:%m/%d/%Y %H:%M:%S}, "
            f"End={ends:%m/%d/%Y %H:%M:%S}']",
        )


def _claims(
    application: Application, assertion: str, thumbprint: str, algorithm: str, at: datetime
) -> Mapping[str, Any]:
    unchecked = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    for text in application.certificates:
        certificate = x509.load_pem_x509_certificate(text.encode())
        prints = {certificate.fingerprint(kind).hex().upper() for kind in (SHA1(), SHA256())}  # noqa: S303
        if thumbprint in prints:
            try:
                claims: Mapping[str, Any] = jwt.decode(
                    assertion,
                    certificate.public_key(),  # type: ignore[arg-type]
                    algorithms=[algorithm],
                    options=unchecked,  # type: ignore[arg-type]
                )
            except jwt.InvalidTokenError:
                raise _refused(700027, "Client assertion failed signature validation.") from None
            _check_end(certificate, thumbprint, at)
            return claims
    # Only the thumbprint is registered: the signature cannot be checked, and the seed wants it so.
    return jwt.decode(assertion, options={"verify_signature": False} | unchecked)  # type: ignore[arg-type]


def _same_endpoint(claimed: str, ours: str) -> bool:
    one, other = urlsplit(claimed), urlsplit(ours)
    return one.netloc.lower() == other.netloc.lower() and one.path.lower() == other.path.lower()
