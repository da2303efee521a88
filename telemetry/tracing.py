"""OpenTelemetry traces: from a page through the workflow and its activity to Microsoft.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set; the other `OTEL_*` variables apply. What a signal
or an order causes within the hour belongs to its trace, so that one can follow a click to its end;
what a timer causes later begins a trace of its own. The workflow only passes a header on: no
command depends on it, so a history replays with and without traces. Spans hold ids and patterns;
no address of a page or of Graph, no text of an exception.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import opentelemetry.context  # noqa: F401  (loads what must not be loaded inside the sandbox)
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio import activity, workflow
from temporalio import client as temporal_client
from temporalio import worker as temporal_worker
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter

from telemetry.spans import quiet_span

_HEADER = "golive-trace"
_NOTED = "golive_trace_noted"
_CAUSES_FOR = timedelta(hours=1)
_CONTEXT = TraceContextTextMapPropagator()

Headers = Mapping[str, Payload]


def set_up_tracing(service: str) -> list["Tracing"]:
    """Export traces where the environment says so, and return what the Temporal client needs."""
    if not (
        os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    ):
        return []
    # Imported here, so that a process without traces does not load them.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", service)
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return [Tracing()]


class RequestSpan:
    """The span of one request to our web; it is named once the route is known."""

    def __init__(self, span: Span) -> None:
        """Wrap this span."""
        self._span = span

    def name_it(self, name: str, status: int) -> None:
        """Give it the route's name and the answer's status."""
        self._span.update_name(name)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))


@contextmanager
def request_span(name: str) -> Iterator[RequestSpan]:
    """Trace a request; a trace header from the browser is ignored."""
    with quiet_span(name, SpanKind.SERVER) as span:
        yield RequestSpan(span)


def _with_context(headers: Headers) -> Headers:
    carrier: dict[str, str] = {}
    _CONTEXT.inject(carrier)
    if not carrier:
        return headers
    return {**headers, _HEADER: PayloadConverter.default.to_payload(carrier)}


def _context_of(payload: Payload | None) -> Any:
    if payload is None:
        return None
    return _CONTEXT.extract(PayloadConverter.default.from_payload(payload, dict[str, str]))


class Tracing(temporal_client.Interceptor, temporal_worker.Interceptor):
    """Carries the trace through the Temporal client, the workflow and its activities."""

    def intercept_client(
        self, next: temporal_client.OutboundInterceptor
    ) -> temporal_client.OutboundInterceptor:
        """Trace what is sent to a run."""
        return _Client(next)

    def intercept_activity(
        self, next: temporal_worker.ActivityInboundInterceptor
    ) -> temporal_worker.ActivityInboundInterceptor:
        """Trace each activity."""
        return _Activity(next)

    def workflow_interceptor_class(
        self, input: temporal_worker.WorkflowInterceptorClassInput
    ) -> type[temporal_worker.WorkflowInboundInterceptor]:
        """Pass the trace through the workflow."""
        input.unsafe_extern_functions.update(**{_NOTED: _noted})
        return _Workflow


def _noted(payload: Payload, name: str, workflow_id: str, run_id: str) -> Payload:
    """Record, outside of the sandbox, that a run took a message; return its trace header."""
    with quiet_span(
        f"workflow took {name}",
        SpanKind.SERVER,
        _context_of(payload),
        {"temporal.workflow_id": workflow_id, "temporal.run_id": run_id},
    ):
        return _with_context({}).get(_HEADER, payload)


class _Client(temporal_client.OutboundInterceptor):
    async def start_workflow(self, input: temporal_client.StartWorkflowInput) -> Any:
        with _sending("start", input.workflow, input.id):
            input.headers = _with_context(input.headers)
            return await super().start_workflow(input)

    async def signal_workflow(self, input: temporal_client.SignalWorkflowInput) -> None:
        with _sending("signal", input.signal, input.id):
            input.headers = _with_context(input.headers)
            await super().signal_workflow(input)

    async def start_workflow_update(
        self, input: temporal_client.StartWorkflowUpdateInput
    ) -> temporal_client.WorkflowUpdateHandle[Any]:
        with _sending("update", input.update, input.id):
            input.headers = _with_context(input.headers)
            return await super().start_workflow_update(input)


@contextmanager
def _sending(what: str, name: str, workflow_id: str) -> Iterator[None]:
    with quiet_span(
        f"{what} {name}", SpanKind.CLIENT, attributes={"temporal.workflow_id": workflow_id}
    ):
        yield


class _Activity(temporal_worker.ActivityInboundInterceptor):
    async def execute_activity(self, input: temporal_worker.ExecuteActivityInput) -> Any:
        info = activity.info()
        attributes: dict[str, str | int] = {
            "temporal.workflow_id": info.workflow_id or "",
            "temporal.run_id": info.workflow_run_id or "",
            "temporal.activity_attempt": info.attempt,
        }
        parent = _context_of(input.headers.get(_HEADER))
        with quiet_span(f"activity {info.activity_type}", SpanKind.SERVER, parent, attributes):
            return await super().execute_activity(input)


class _Workflow(temporal_worker.WorkflowInboundInterceptor):
    """Runs inside the sandbox: it only keeps a header and passes it on."""

    def __init__(self, next: temporal_worker.WorkflowInboundInterceptor) -> None:
        super().__init__(next)
        self._cause: Payload | None = None
        self._caused_at: datetime | None = None

    def init(self, outbound: temporal_worker.WorkflowOutboundInterceptor) -> None:
        super().init(_FromWorkflow(outbound, self))

    async def execute_workflow(self, input: temporal_worker.ExecuteWorkflowInput) -> Any:
        self._take(input.headers, "start")
        return await super().execute_workflow(input)

    async def handle_signal(self, input: temporal_worker.HandleSignalInput) -> None:
        self._take(input.headers, input.signal)
        await super().handle_signal(input)

    async def handle_update_handler(self, input: temporal_worker.HandleUpdateInput) -> Any:
        self._take(input.headers, input.update)
        return await super().handle_update_handler(input)

    def _take(self, headers: Headers, name: str) -> None:
        payload = headers.get(_HEADER)
        if payload is None:
            return
        if not workflow.unsafe.is_replaying():
            info = workflow.info()
            noted = workflow.extern_functions()[_NOTED]
            payload = noted(payload, name, info.workflow_id, info.run_id)
        self._cause, self._caused_at = payload, workflow.now()

    def headers(self, headers: Headers) -> Headers:
        """Return the headers with the trace of what caused this, if that was within the hour."""
        if self._cause is None or self._caused_at is None:
            return headers
        if workflow.now() - self._caused_at > _CAUSES_FOR:
            return headers
        return {**headers, _HEADER: self._cause}


class _FromWorkflow(temporal_worker.WorkflowOutboundInterceptor):
    def __init__(
        self, next: temporal_worker.WorkflowOutboundInterceptor, inbound: _Workflow
    ) -> None:
        super().__init__(next)
        self._inbound = inbound

    def start_activity(
        self, input: temporal_worker.StartActivityInput
    ) -> workflow.ActivityHandle[Any]:
        input.headers = self._inbound.headers(input.headers)
        return super().start_activity(input)

    def start_local_activity(
        self, input: temporal_worker.StartLocalActivityInput
    ) -> workflow.ActivityHandle[Any]:
        input.headers = self._inbound.headers(input.headers)
        return super().start_local_activity(input)
