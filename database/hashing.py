"""Hashes the secrets of browsers: the database stores only their SHA-256."""

import hashlib


def sha256(secret: str) -> str:
    """Return the form in which a browser's secret is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()
