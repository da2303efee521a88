"""HTTP to the parts on this machine: through no proxy, and without anybody's certificates.

`httpx2` reads a bundle of certificates for each client, which takes longer than the request itself.
"""

import ssl
from typing import Any

import httpx2

_KEEPS_NONE = httpx2.Limits(max_keepalive_connections=0)
"""A server closes a connection that was idle for some seconds, perhaps just as the next request is
sent on it: on a busy machine, that would fail now and then."""

_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""All parts speak plain HTTP; over TLS, this would refuse whoever answers."""


def client(*, timeout: float = 30, **options: Any) -> httpx2.Client:
    """Return a client; `options` are those of `httpx2.Client`."""
    return httpx2.Client(
        trust_env=False, verify=_TRUSTS_NOBODY, limits=_KEEPS_NONE, timeout=timeout, **options
    )


def request(method: str, url: str, *, timeout: float = 30, **options: Any) -> httpx2.Response:
    """Send one request by a client of its own, which keeps no cookies."""
    with client(timeout=timeout) as http:
        return http.request(method, url, **options)


def get(url: str, *, timeout: float = 30, **options: Any) -> httpx2.Response:
    """Get a page."""
    return request("GET", url, timeout=timeout, **options)
