"""One span for each call to Microsoft: method, host, the path as a pattern, and the status.

A path can name a tenant or a domain and a query can spell out an account, so neither is kept: of
the path, only Microsoft's own words stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

_tracer = trace.get_tracer("sso-go-live")

_WORDS: Final = frozenset(
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
        # Whoever sends it finds out that it is no address.
        return "", ""


def call_span(method: str, url: str) -> AbstractContextManager[Span]:
    """Trace a call; nothing is exported unless the process has set tracing up."""
    host, path = _parts(url)
    attributes = {"http.request.method": method, "server.address": host}
    return quiet_span(f"{method} {pattern(path)}", SpanKind.CLIENT, attributes=attributes)


@contextmanager
def quiet_span(
    name: str,
    kind: SpanKind,
    parent: Context | None = None,
    attributes: Mapping[str, str | int] | None = None,
) -> Iterator[Span]:
    """Open a span that keeps of an exception its kind only: the text may name a person."""
    with _tracer.start_as_current_span(
        name,
        parent,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
