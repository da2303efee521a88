"""Stands in front of every request: writes the log, and lets ordered faults strike first.

Pure ASGI, because a cut connection has to end in the middle of a body.
"""

from __future__ import annotations

import asyncio
import json

import jwt
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator import entra_errors
from simulator.entra_errors import EntraError
from simulator.faults import PAGE_KINDS, Fault, FaultKind
from simulator.graph import graph_refusal
from simulator.graph_paths import ROOT, fault_error
from simulator.state import Logged, Simulation

CONTROL = "/_control"
_BEFORE = frozenset(FaultKind) - {FaultKind.ID_TOKEN}


class Trouble:
    """Logs requests and applies faults; the control interface is left alone."""

    def __init__(self, app: ASGIApp, simulation: Simulation) -> None:
        self._app = app
        self._simulation = simulation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        logged = Logged(method, path)
        if path.startswith(ROOT):
            logged.query = scope["query_string"].decode("latin-1")
        else:
            # What people and applications send to the sign-in service is nobody's business.
            found = self._simulation.tenant_named(path.split("/")[1])
            logged.tenant = found.id if found else None
        scope["simulator.logged"] = logged
        self._simulation.requests.append(logged)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                logged.status = message["status"]
            await send(message)

        fault = self._fault(scope, logged)
        if fault is None:
            await self._app(scope, receive, noting)
            return
        logged.fault = fault.kind
        if fault.kind in PAGE_KINDS:
            scope["simulator.fault"] = fault
            await self._app(scope, receive, noting)
        elif fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, noting)
        elif fault.kind is FaultKind.CUT:
            await _cut(noting)
        else:
            await self._instead(fault, path)(scope, receive, noting)

    def _fault(self, scope: Scope, logged: Logged) -> Fault | None:
        if not self._simulation.faults:
            return None
        tenant = logged.tenant
        if scope["path"].startswith(ROOT):
            tenant = self._tenant_of_token(scope)
        return self._simulation.faults.take(scope["path"], scope["method"], tenant, only=_BEFORE)

    def _tenant_of_token(self, scope: Scope) -> str | None:
        for name, value in scope["headers"]:
            if name == b"authorization":
                try:
                    claims = self._simulation.keys.verify(value.decode("latin-1").partition(" ")[2])
                except (jwt.InvalidTokenError, ValueError):
                    return None
                return str(claims.get("tid"))
        return None

    def _instead(self, fault: Fault, path: str) -> Response:
        if fault.kind is FaultKind.MALFORMED:
            return Response('{"value": [{"id": "0000', media_type="application/json")
        if path.startswith(ROOT):
            return graph_refusal(self._simulation, fault_error(fault, path), None)
        return self._entra_refusal(fault)

    def _entra_refusal(self, fault: Fault) -> Response:
        headers = {}
        if fault.kind is FaultKind.THROTTLE:
            status, error = (
                429,
                EntraError("temporarily_unavailable", 90055, "Tenant request is throttled."),
            )
        elif fault.kind is FaultKind.NOT_FOUND:
            return Response(status_code=404)
        else:
            status = fault.status
            error = EntraError("temporarily_unavailable", 90033, "A transient error has occurred.")
        if fault.retry_after and status in (429, 503):
            headers["Retry-After"] = fault.retry_after
        identifier = self._simulation.new_identifier()
        body = entra_errors.body(error, identifier, identifier, self._simulation.timestamp())
        return JSONResponse(body, status, headers)


async def _cut(send: Send) -> None:
    """Promise a long body, send its beginning, and leave: the server closes the connection."""
    content = json.dumps({"value": [{"id": str(number)} for number in range(100)]}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send(
        {"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True}
    )
