"""How a secret of a browser is kept: as its SHA-256."""

import hashlib


def sha256(secret: str) -> str:
    """Return the form in which a secret of a browser is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()
