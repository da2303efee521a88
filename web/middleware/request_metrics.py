"""Measures, logs and traces each request, by its route and never by its address."""

import logging
import time
from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.responses import Response
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry import metrics
from telemetry.logs import set_organisation
from telemetry.tracing import request_span

_log = logging.getLogger(__name__)

_UNKNOWN = "unknown"
"""Instead of an address that is no route of ours: anybody can make those up."""
_QUIET = frozenset({"/health", "/health/live", "/metrics"})
"""Machines ask for them every few seconds."""
_NONE = 499
"""Counted as the visitor's doing: they left before an answer."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class RequestMetrics:
    """ASGI middleware around everything else, so that failures are measured as well."""

    def __init__(self, app: ASGIApp) -> None:
        """Measure this application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as before."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        set_organisation("")
        status = _NONE

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else _UNKNOWN
        with request_span(method) as span:
            try:
                await self._app(scope, receive, observe)
            except Exception:
                status = 500
                raise
            finally:
                route = _route(scope)
                span.name_it(f"{method} {route}", status)
                self._note(scope, method, route, status, time.perf_counter() - begun)

    def _note(self, scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
        metrics.HTTP_SECONDS.labels(method, route, f"{status // 100}xx").observe(seconds)
        if route in _QUIET or route.startswith("/static"):
            return
        fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
        if route.startswith("/console/{slug}") and status < 400:
            set_organisation(scope["path_params"]["slug"])
        _log.info("%s %s %s", method, route, status, extra={"fields": fields})


def _route(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    if path is not None:
        return str(path)
    return "/static" if scope["path"].startswith("/static/") else _UNKNOWN


def metrics_page(token: SecretStr) -> Callable[[Request], Awaitable[Response]]:
    """Return the page of the metrics, for requests that carry the token."""

    async def page(request: Request) -> Response:
        if not metrics.may_read(request.headers.get("Authorization", ""), token.get_secret_value()):
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return Response(await run_in_threadpool(metrics.shown), media_type=metrics.CONTENT_TYPE)

    return page
