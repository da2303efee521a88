"""Microsoft Graph v1.0: tokens, permissions and charges of the paths that exist here.

Source: Microsoft Learn, *Microsoft Graph error responses*, *Permissions reference* and *Throttling
limits*, read 2026-11-23.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

import jwt
from starlette.requests import Request
from starlette.responses import Response

from simulator import graph_objects, graph_users, quota
from simulator.answers import base_url, simulation_of
from simulator.faults import PAGE_KINDS, Fault, FaultKind
from simulator.graph_call import GraphAnswer, GraphCall, GraphError, bad_request, error_body
from simulator.state import Simulation
from simulator.tokens import GRAPH_AUDIENCE

ROOT = "/graph/v1.0"
LARGEST_BATCH = 20
_JSON = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)
_EVERYTHING = ("Directory.Read.All", "Directory.ReadWrite.All")


@dataclass(frozen=True)
class GraphPath:
    """One path of Graph: who may call it and what it costs."""

    method: str
    pattern: re.Pattern[str]
    permissions: frozenset[str]
    """Application permissions of which one is enough."""
    units: int
    answer: Callable[..., GraphAnswer]


def _path(
    method: str, pattern: str, permissions: str, units: int, answer: Callable[..., GraphAnswer]
) -> GraphPath:
    allowed = frozenset(permissions.split())
    if method == "GET":
        allowed |= frozenset(_EVERYTHING)
    return GraphPath(method, re.compile(pattern, re.IGNORECASE), allowed, units, answer)


_USERS = "User.Read.All User.ReadWrite.All"
_APPLICATIONS = "Application.Read.All Application.ReadWrite.All"
_GRANTS = "DelegatedPermissionGrant.Read.All DelegatedPermissionGrant.ReadWrite.All"
_ORGANIZATIONS = "Organization.Read.All Organization.ReadWrite.All"

PATHS: tuple[GraphPath, ...] = (
    _path("GET", r"/users", _USERS, 2, graph_users.list_users),
    _path("GET", r"/users/(?:microsoft\.graph\.)?delta(?:\(\))?", _USERS, 2, graph_users.delta),
    _path("GET", r"/users/([^/]+)", _USERS, 2, graph_users.get_user),
    _path("GET", r"/organization", _ORGANIZATIONS, 1, graph_objects.organization),
    _path("GET", r"/domains", "Domain.Read.All Domain.ReadWrite.All", 1, graph_objects.domains),
    _path("GET", r"/servicePrincipals", _APPLICATIONS, 1, graph_objects.service_principals),
    _path(
        "GET",
        r"/servicePrincipals\(appId='([^']*)'\)",
        _APPLICATIONS,
        1,
        graph_objects.service_principal_of_application,
    ),
    _path("GET", r"/servicePrincipals/([^/]+)", _APPLICATIONS, 1, graph_objects.service_principal),
    _path(
        "GET",
        r"/servicePrincipals/([^/]+)/appRoleAssignments",
        _APPLICATIONS,
        2,
        graph_objects.app_role_assignments,
    ),
    _path(
        "GET",
        r"/servicePrincipals/([^/]+)/oauth2PermissionGrants",
        _GRANTS,
        2,
        graph_objects.permission_grants,
    ),
    _path("GET", r"/oauth2PermissionGrants", _GRANTS, 2, graph_objects.permission_grants),
    _path(
        "GET",
        r"/directoryRoles\(roleTemplateId='([^']*)'\)/members",
        "RoleManagement.Read.Directory RoleManagement.ReadWrite.Directory",
        1,
        graph_objects.role_members,
    ),
    _path(
        "GET",
        r"/subscribedSkus",
        f"LicenseAssignment.Read.All {_ORGANIZATIONS}",
        1,
        graph_objects.subscribed_skus,
    ),
    _path(
        "POST",
        r"/users/([^/]+)/revokeSignInSessions",
        "User.RevokeSessions.All User.ReadWrite.All Directory.ReadWrite.All",
        1,
        graph_objects.revoke_sessions,
    ),
    _path("POST", r"/users/([^/]+)/sendMail", "Mail.Send", 1, graph_objects.send_mail),
    _path(
        "POST",
        r"/invitations",
        "User.Invite.All User.ReadWrite.All Directory.ReadWrite.All",
        1,
        graph_objects.invite,
    ),
)
"""Every path that exists here but `/$batch`, which holds others."""


async def graph(request: Request) -> Response:
    """Every request below /graph/v1.0."""
    simulation = simulation_of(request)
    logged = request.scope["simulator.logged"]
    headers = {name.lower(): value for name, value in request.headers.items()}
    client_request = headers.get("client-request-id")
    try:
        claims = authenticated(simulation, headers.get("authorization"))
        tenant = simulation.tenants.get(claims["tid"])
        if tenant is None:
            raise _unauthenticated(
                "The identity of the calling application could not be established."
            )
        logged.tenant = tenant.id
        call = GraphCall(
            simulation=simulation,
            method=request.method,
            path="/" + request.path_params["path"],
            query=dict(parse_qsl(request.url.query, keep_blank_values=True)),
            headers=headers,
            body=await _json(request),
            claims=claims,
            tenant=tenant,
            service=base_url(request) + ROOT,
            fault=request.scope.get("simulator.fault"),
        )
        if call.path.lower() == "/$batch" and call.method == "POST":
            answer = batch(call)
        else:
            answer = answer_one(call)
    except GraphError as error:
        answer = _refusal(simulation, error, client_request)
    logged.units = answer.units
    return _response(simulation, answer, client_request)


def authenticated(simulation: Simulation, authorization: str | None) -> Mapping[str, Any]:
    """The claims of the bearer token.

    Raises:
        GraphError: 401, when there is none, it is not ours, is for something else, or has expired.
    """
    if not authorization:
        raise _unauthenticated("Access token is empty.")
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise _unauthenticated("Access token is empty.")
    try:
        claims = simulation.keys.verify(token.strip())
    except (jwt.InvalidTokenError, ValueError):
        raise _unauthenticated("Access token validation failure. Invalid signature.") from None
    if claims.get("aud") != GRAPH_AUDIENCE:
        raise _unauthenticated("Access token validation failure. Invalid audience.")
    if claims["exp"] <= simulation.clock.timestamp():
        raise _unauthenticated("Lifetime validation failed, the token is expired.")
    return claims


def _unauthenticated(message: str) -> GraphError:
    challenge = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge})


def answer_one(call: GraphCall) -> GraphAnswer:
    """Answer one request, alone or inside a batch.

    Raises:
        GraphError: Every refusal.
    """
    path, arguments = _found(call)
    granted = call.claims.get("roles", ())
    if path.permissions.isdisjoint(granted):
        raise GraphError(
            403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
        )
    units = quota.cost(path.units, call.query)
    now = call.simulation.clock.now().timestamp()
    charge = call.simulation.quota.charge(
        call.tenant.id, call.claims["appid"], units, len(call.tenant.users), now
    )
    headers = {"x-ms-resource-unit": str(units)}
    if charge.used >= 0.8:
        headers["x-ms-throttle-limit-percentage"] = f"{charge.used:.2f}"
    if charge.retry_after is not None:
        scope = f"Tenant_Application/ReadWrite/{call.claims['appid']}/{call.tenant.id}"
        headers |= {
            "x-ms-throttle-scope": scope,
            "x-ms-throttle-information": "ResourceUnitLimitExceeded",
        }
        raise throttled(str(charge.retry_after), headers)
    answer = path.answer(call, *arguments)
    return replace(answer, headers={**answer.headers, **headers}, units=units)


def _found(call: GraphCall) -> tuple[GraphPath, tuple[str, ...]]:
    known = False
    for path in PATHS:
        if match := path.pattern.fullmatch(call.path):
            if path.method == call.method:
                return path, match.groups()
            known = True
    if known:
        raise GraphError(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    segment = call.path.strip("/").split("/")[-1]
    raise bad_request(f"Resource not found for the segment '{segment}'.")


def throttled(retry_after: str | None, headers: Mapping[str, str] | None = None) -> GraphError:
    """The refusal 429; with no `retry_after` it lacks the header, as sometimes happens."""
    wait = {} if retry_after is None else {"Retry-After": retry_after}
    return GraphError(
        429,
        "TooManyRequests",
        "Too many requests. Please retry after some time.",
        {**wait, **(headers or {})},
    )


def fault_error(fault: Fault, path: str) -> GraphError:
    """What an ordered fault says in Graph's words."""
    if fault.kind is FaultKind.THROTTLE:
        return throttled(fault.retry_after)
    if fault.kind is FaultKind.NOT_FOUND:
        return GraphError(
            404, "Request_ResourceNotFound", f"Resource '{path.rpartition('/')[2]}' does not exist."
        )
    code = {500: "InternalServerError", 502: "BadGateway", 504: "GatewayTimeout"}.get(
        fault.status, "serviceNotAvailable"
    )
    wait = {"Retry-After": fault.retry_after} if fault.status == 503 and fault.retry_after else {}
    return GraphError(fault.status, code, "The service is temporarily unavailable.", wait)


def batch(call: GraphCall) -> GraphAnswer:
    """POST /$batch: up to twenty requests, each charged and refused alone; order is not kept.

    Raises:
        GraphError: The batch itself is not as it should be.
    """
    requests = call.body.get("requests") if isinstance(call.body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise bad_request("Write request id : the batch holds no requests.")
    if len(requests) > LARGEST_BATCH:
        raise bad_request(
            f"Number of batch request steps exceeds the maximum value of {LARGEST_BATCH}."
        )
    names = [one.get("id") for one in requests if isinstance(one, dict)]
    if len(names) != len(requests) or len(set(names)) != len(names) or not all(names):
        raise bad_request("Each request needs an id of its own.")
    statuses: dict[str, int] = {}
    responses: list[dict[str, Any]] = []
    units = 0
    for entry in requests:
        if any(statuses.get(name, 424) >= 400 for name in entry.get("dependsOn") or ()):
            error = GraphError(424, "FailedDependency", "A request this one depends on has failed.")
            answer = _refusal(call.simulation, error, None)
        else:
            answer = _inner(call, entry)
        statuses[entry["id"]] = answer.status
        units += answer.units
        inner: dict[str, Any] = {
            "id": entry["id"],
            "status": answer.status,
            "headers": {"Cache-Control": "no-cache", **answer.headers, "Content-Type": _JSON},
        }
        if answer.body is not None:
            inner["body"] = json.loads(answer.body) if isinstance(answer.body, str) else answer.body
        responses.append(inner)
    return GraphAnswer(body={"responses": responses[::-1]}, units=units)


def _inner(call: GraphCall, entry: Mapping[str, Any]) -> GraphAnswer:
    path, _, query = str(entry.get("url", "")).partition("?")
    path = "/" + unquote(path).lstrip("/")
    method = str(entry.get("method", "")).upper()
    headers = {
        str(name).lower(): str(value) for name, value in (entry.get("headers") or {}).items()
    }
    fault = call.simulation.faults.take(ROOT + path, method, call.tenant.id, inner=True)
    try:
        if fault is not None and fault.kind not in PAGE_KINDS:
            raise fault_error(fault, path)
        if path.lower() == "/$batch":
            raise bad_request("A batch cannot hold a batch.")
        inner = replace(
            call,
            method=method,
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=entry.get("body"),
            fault=fault,
        )
        return answer_one(inner)
    except GraphError as error:
        return _refusal(call.simulation, error, None)


async def _json(request: Request) -> Any:
    content = await request.body()
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        raise bad_request("Unable to read JSON request payload.") from None


def _refusal(simulation: Simulation, error: GraphError, client_request: str | None) -> GraphAnswer:
    return GraphAnswer(error.status, error_body(simulation, error, client_request), error.headers)


def graph_refusal(
    simulation: Simulation, error: GraphError, client_request: str | None
) -> Response:
    """A refusal as a whole response, for faults that replace an answer."""
    return _response(simulation, _refusal(simulation, error, client_request), client_request)


def _response(simulation: Simulation, answer: GraphAnswer, client_request: str | None) -> Response:
    request_id = simulation.new_identifier()
    headers = {
        "Cache-Control": "no-cache",
        "request-id": request_id,
        "client-request-id": client_request or request_id,
        "OData-Version": "4.0",
        **answer.headers,
    }
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    content = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    headers["Content-Type"] = _JSON
    return Response(content, answer.status, headers)
