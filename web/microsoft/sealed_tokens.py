"""Refresh tokens of the console, sealed so that only the browser's own session opens them.

The key is derived from the session's token, which the browser holds and we store as a hash only.
So a copy of the database, even with our secret key, asks Microsoft nothing.
"""

import hmac
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken


def seal(session_token: str, refresh_token: str) -> str:
    """Return a refresh token as it is stored."""
    return _box(session_token).encrypt(refresh_token.encode()).decode()


def unseal(session_token: str, sealed: str) -> str | None:
    """Return the refresh token; None = it was sealed for another session, or changed since."""
    try:
        return _box(session_token).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(session_token: str) -> Fernet:
    key = hmac.digest(session_token.encode(), b"refresh token of the console", "sha256")
    return Fernet(urlsafe_b64encode(key))
