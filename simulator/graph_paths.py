"""Which paths of Graph exist, who may call them, what they cost, and how they refuse.

Source: Microsoft Learn, *Permissions reference* and *Microsoft Graph service-specific throttling
limits*, read 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from simulator import graph_objects, graph_users, quota
from simulator.faults import Fault, FaultKind
from simulator.graph_call import GraphAnswer, GraphCall, GraphError, bad_request, error_body
from simulator.state import Simulation

ROOT = "/graph/v1.0"
JSON_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)
"""The content type of every answer."""
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


def refusal(simulation: Simulation, error: GraphError, client_request: str | None) -> GraphAnswer:
    """A refusal as an answer."""
    return GraphAnswer(error.status, error_body(simulation, error, client_request), error.headers)
