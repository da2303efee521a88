"""One span for each call to Microsoft: method, host, the path as a pattern, and the status.

A path can name a tenant or a domain and a query can spell out an account, so neither is kept: of
the path, only Microsoft's own words stay.
"""

from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind

from telemetry.spans import quiet_span

_WORDS = frozenset(
    {
        "$batch", ".well-known", "common", "discovery", "graph", "keys", "oauth2",
        "openid-configuration", "organization", "organizations", "token", "users", "v1.0", "v2.0",
    }
)  # fmt: skip


def pattern(path: str) -> str:
    """Return a path with everything but Microsoft's own words replaced, such as `/{}/v2.0`."""
    return "/".join(part if part in _WORDS or not part else "{}" for part in path.split("/"))


def _parts(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.path
    except ValueError:
        # Sending it fails with an error of its own.
        return "", ""


def call_span(method: str, url: str) -> AbstractContextManager[Span]:
    """Trace a call; nothing is exported unless the process has set tracing up."""
    host, path = _parts(url)
    attributes = {"http.request.method": method, "server.address": host}
    return quiet_span(f"{method} {pattern(path)}", SpanKind.CLIENT, attributes=attributes)
