"""Validates ID tokens, which MSAL leaves to the application.

MSAL 1.39 decodes an ID token without validating it. This module checks the signature by the
tenant's published keys (RS256 only), audience, tenant, issuer, period of validity and nonce.

Source: Microsoft Learn, *ID token claims reference* and *Access tokens: validate the issuer*, read
2026-11-23.
"""

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from contracts.clouds import Cloud, cloud_of, cloud_of_instance
from graph.errors import IdTokenRefusal, IdTokenRefusedError, MicrosoftUnreachableError

_CLOCK_SKEW_SECONDS = 120.0
_LONGEST_KEY_AGE_SECONDS = 24 * 3600.0
_SHORTEST_REFRESH_SECONDS = 5.0
_ONLY_ALGORITHM = "RS256"
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class SigningKeys:
    """The keys that Microsoft publishes per tenant, kept for a day.

    An unknown key id causes one refresh, because Microsoft rolls keys without notice; at most
    one every five seconds, so that made-up key ids cannot be turned into load on Microsoft.
    """

    def __init__(self, fetch: Callable[[str], dict[str, Any]], clock: Callable[[], float]) -> None:
        """`fetch` GETs one JSON object; `clock` gives seconds since the epoch."""
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[str, tuple[float, dict[str, dict[str, Any]]]] = {}
        self._lock = threading.Lock()

    def find(self, keys_url: str, key_id: str) -> dict[str, Any] | None:
        """Return the published key as a JSON Web Key, or None if there is none of that id.

        Raises:
            MicrosoftUnreachableError, ThrottledError, ForeignLinkError: the keys could not be read.
        """
        now = self._clock()
        with self._lock:
            read_at, keys = self._kept.get(keys_url, (None, {}))
        age = None if read_at is None else abs(now - read_at)
        known = key_id in keys
        if age is None or age > (_LONGEST_KEY_AGE_SECONDS if known else _SHORTEST_REFRESH_SECONDS):
            keys = _by_id(self._fetch(keys_url))
            with self._lock:
                self._kept[keys_url] = (now, keys)
        return keys.get(key_id)


def validate_id_token(
    id_token: str,
    *,
    tenant_id: str,
    issuer: str,
    keys_url: str,
    client_id: str,
    nonce: str | None,
    keys: SigningKeys,
    now: float,
) -> dict[str, Any]:
    """Return the claims of an ID token that is genuine, current and made for this very sign-in.

    Args:
        id_token: as Microsoft sent it.
        tenant_id: the tenant that the person was sent to, a GUID in lower case.
        issuer: the issuer in that tenant's own discovery document.
        keys_url: the `jwks_uri` there.
        client_id: our application.
        nonce: the nonce of this sign-in as MSAL keeps it (the token carries its SHA-256); None
            for a token that came straight from Microsoft for a refresh token, which has none.
        keys: where published keys are found.
        now: seconds since the epoch.

    Raises:
        IdTokenRefusedError: with the reason.
        MicrosoftUnreachableError, ThrottledError, ForeignLinkError: the keys could not be read.
    """
    claims = _signed_claims(id_token, issuer, tenant_id, keys_url, keys)
    audience = claims.get("aud")
    if audience != client_id:
        raise IdTokenRefusedError(IdTokenRefusal.AUDIENCE)
    # Microsoft signs all tenants with the same keys, so a good signature says nothing about the
    # tenant.
    if claims.get("tid") != tenant_id:
        raise IdTokenRefusedError(IdTokenRefusal.TENANT)
    if claims.get("iss") != issuer or tenant_id not in issuer:
        raise IdTokenRefusedError(IdTokenRefusal.ISSUER)
    expires: Any = claims.get("exp")
    not_before: Any = claims.get("nbf", 0)
    if not _is_number(expires) or not _is_number(not_before):
        raise IdTokenRefusedError(IdTokenRefusal.MALFORMED)
    if now > expires + _CLOCK_SKEW_SECONDS or now < not_before - _CLOCK_SKEW_SECONDS:
        raise IdTokenRefusedError(IdTokenRefusal.EXPIRED)
    if nonce is not None and not _is_nonce(claims.get("nonce"), nonce):
        raise IdTokenRefusedError(IdTokenRefusal.NONCE)
    if not _is_guid(claims.get("oid")):
        raise IdTokenRefusedError(IdTokenRefusal.MALFORMED)
    return claims


def _is_nonce(given: object, nonce: str) -> bool:
    expected = hashlib.sha256(nonce.encode()).hexdigest()
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _signed_claims(
    id_token: str, issuer: str, tenant_id: str, keys_url: str, keys: SigningKeys
) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(id_token)
    except jwt.PyJWTError:
        raise IdTokenRefusedError(IdTokenRefusal.MALFORMED) from None
    key_id = header.get("kid")
    if header.get("alg") != _ONLY_ALGORITHM or not isinstance(key_id, str):
        raise IdTokenRefusedError(IdTokenRefusal.SIGNATURE)
    key = keys.find(keys_url, key_id)
    if key is None or not _is_usable(key, issuer, tenant_id):
        raise IdTokenRefusedError(IdTokenRefusal.SIGNATURE)
    try:
        # Only the signature here: PyJWT would judge times by its own clock.
        return jwt.decode(
            id_token,
            jwt.PyJWK(key, algorithm=_ONLY_ALGORITHM),
            algorithms=[_ONLY_ALGORITHM],
            options={
                "verify_signature": True,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
            },
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError, jwt.InvalidKeyError):
        raise IdTokenRefusedError(IdTokenRefusal.SIGNATURE) from None
    except jwt.PyJWTError:
        raise IdTokenRefusedError(IdTokenRefusal.MALFORMED) from None


def usable_keys(answer: Mapping[str, Any], issuer: str, tenant_id: str) -> int:
    """Return how many keys of a published list could sign for this tenant.

    Raises:
        MicrosoftUnreachableError: the list is malformed.
    """
    return sum(_is_usable(key, issuer, tenant_id) for key in _by_id(answer).values())


def _is_usable(key: Mapping[str, Any], issuer: str, tenant_id: str) -> bool:
    return key.get("kty") == "RSA" and _key_speaks_for(key, issuer, tenant_id)


def _key_speaks_for(key: Mapping[str, Any], issuer: str, tenant_id: str) -> bool:
    # A published key may be marked for a cloud, and the list may hold keys of several.
    instance = key.get("cloud_instance_name")
    here = cloud_of(issuer) or Cloud.WORLDWIDE
    if instance is not None and cloud_of_instance(instance) is not here:
        return False
    # It may be bound to an issuer: Microsoft's personal-account keys must not speak for tenants.
    bound_to = key.get("issuer")
    return bound_to is None or str(bound_to).replace("{tenantid}", tenant_id) == issuer


def _by_id(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    listed = answer.get("keys")
    if not isinstance(listed, list):
        raise MicrosoftUnreachableError("Microsoft's list of signing keys was malformed.")
    return {
        key["kid"]: key
        for key in listed
        if isinstance(key, dict) and isinstance(key.get("kid"), str)
    }


def _is_guid(value: object) -> bool:
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
