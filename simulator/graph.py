"""Microsoft Graph v1.0 over HTTP: who calls, for which tenant, and how an answer leaves.

Source: Microsoft Learn, *Microsoft Graph error responses*, read 2026-11-23.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import jwt
from starlette.requests import Request
from starlette.responses import Response

from simulator.answers import base_url, simulation_of
from simulator.graph_batch import batch
from simulator.graph_call import GraphAnswer, GraphCall, GraphError, bad_request
from simulator.graph_paths import JSON_TYPE, ROOT, answer_one, refusal
from simulator.state import Simulation
from simulator.tokens import GRAPH_AUDIENCE


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
        answer = refusal(simulation, error, client_request)
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


async def _json(request: Request) -> Any:
    content = await request.body()
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        raise bad_request("Unable to read JSON request payload.") from None


def graph_refusal(
    simulation: Simulation, error: GraphError, client_request: str | None
) -> Response:
    """A refusal as a whole response, for faults that replace an answer."""
    return _response(simulation, refusal(simulation, error, client_request), client_request)


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
    headers["Content-Type"] = JSON_TYPE
    return Response(content, answer.status, headers)
