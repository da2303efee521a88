"""Browsers by which somebody has been signed in: others' wrong passwords do not shut them out.

Microsoft's page has the name of such a person filled in already, which a stranger's has not.

A browser brings a number of its own, a tag of the account that signed in, and our signature over
both. It signs nobody in, nothing of it is stored, and no address can be told from it.

Source: OWASP, *Slow down online guessing attacks with device cookies*, read 2026-11-30.
"""

import hashlib
import hmac
import secrets

from fastapi.responses import Response

from contracts import rules
from contracts.addresses import address_key
from web.visit import Visit

KNOWN_COOKIE = "pulse_known"


def remember(visit: Visit, response: Response, address: str) -> None:
    """Let the browser be known from now on as one that has been signed in with this address."""
    key = visit.dependencies.settings.secret_keys[0]
    number, tag = secrets.token_urlsafe(16), _tag(key, address)
    value = f"{number}.{tag}.{_signature(key, number, tag)}"
    visit.set_cookie(response, KNOWN_COOKIE, value, days=rules.KNOWN_BROWSER_DAYS)


def tag_of(visit: Visit) -> str:
    """Return the tag of the account that has been signed in by this browser, "" for none."""
    return _known(visit)[1]


def number_for(visit: Visit, address: str) -> str:
    """Return the browser's number where this very address has been signed in by it, else ""."""
    number, tag = _known(visit)
    keys = visit.dependencies.settings.secret_keys
    return number if any(hmac.compare_digest(tag, _tag(key, address)) for key in keys) else ""


def _known(visit: Visit) -> tuple[str, str]:
    """Return the number and the tag, two empty texts unless we signed them."""
    parts = visit.cookie(KNOWN_COOKIE).split(".")
    if len(parts) != 3 or not all(part.isascii() for part in parts):
        return "", ""
    number, tag, signature = parts
    keys = visit.dependencies.settings.secret_keys
    genuine = any(hmac.compare_digest(signature, _signature(key, number, tag)) for key in keys)
    return (number, tag) if genuine else ("", "")


def _tag(key: bytes, address: str) -> str:
    return _hmac(key, f"known account:{address_key(address)}")


def _signature(key: bytes, number: str, tag: str) -> str:
    return _hmac(key, f"known browser:{number}:{tag}")


def _hmac(key: bytes, words: str) -> str:
    return hmac.new(key, words.encode(), hashlib.sha256).hexdigest()[:32]
