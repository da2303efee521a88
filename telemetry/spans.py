"""Spans that record only the kind of an exception."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

_tracer = trace.get_tracer("sso-go-live")


@contextmanager
def quiet_span(
    name: str,
    kind: SpanKind,
    parent: Context | None = None,
    attributes: Mapping[str, str | int] | None = None,
) -> Iterator[Span]:
    """Open a span that records only an exception's kind: its text may name a person."""
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
