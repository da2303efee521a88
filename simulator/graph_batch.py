"""Graph's `$batch`: many requests in one, each charged and refused by itself.

Source: Microsoft Learn, *Combine multiple HTTP requests using JSON batching*, read 2026-11-23.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from simulator.faults import PAGE_KINDS
from simulator.graph_call import GraphAnswer, GraphCall, GraphError, bad_request
from simulator.graph_paths import JSON_TYPE, ROOT, answer_one, fault_error, refusal

LARGEST_BATCH = 20


@dataclass(frozen=True)
class _Step:
    name: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    needs: tuple[str, ...]


def batch(call: GraphCall) -> GraphAnswer:
    """POST /$batch: up to twenty requests; their answers come in another order.

    Raises:
        GraphError: The batch itself is not as it should be.
    """
    requests = call.body.get("requests") if isinstance(call.body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise bad_request("Invalid batch payload format: it holds no requests.")
    if len(requests) > LARGEST_BATCH:
        raise bad_request(
            f"Number of batch request steps exceeds the maximum value of {LARGEST_BATCH}."
        )
    steps = [_step(entry) for entry in requests]
    if len({step.name for step in steps}) != len(steps):
        raise bad_request("Invalid batch payload format: two requests have the same id.")
    statuses: dict[str, int] = {}
    responses: list[dict[str, Any]] = []
    units = 0
    for step in steps:
        if any(statuses.get(name, 424) >= 400 for name in step.needs):
            failed = GraphError(424, "FailedDependency", "A request this one depends on failed.")
            answer = refusal(call.simulation, failed, None)
        else:
            answer = _answer(call, step)
        statuses[step.name] = answer.status
        units += answer.units
        responses.append(_response(step, answer))
    return GraphAnswer(body={"responses": responses[::-1]}, units=units)


def _step(entry: Any) -> _Step:
    fields = entry if isinstance(entry, dict) else {}
    name, method, url = fields.get("id"), fields.get("method"), fields.get("url")
    headers, needs = fields.get("headers") or {}, fields.get("dependsOn") or []
    if (
        not (isinstance(name, str) and name and isinstance(method, str) and isinstance(url, str))
        or not isinstance(headers, dict)
        or not (isinstance(needs, list) and all(isinstance(need, str) for need in needs))
    ):
        raise bad_request("Invalid batch payload format: a request needs an id, method and url.")
    named = {str(name).lower(): str(value) for name, value in headers.items()}
    return _Step(name, method.upper(), url, named, fields.get("body"), tuple(needs))


def _answer(call: GraphCall, step: _Step) -> GraphAnswer:
    path, _, query = step.url.partition("?")
    path = "/" + unquote(path).lstrip("/")
    fault = call.simulation.faults.take(ROOT + path, step.method, call.tenant.id, inner=True)
    try:
        if fault is not None and fault.kind not in PAGE_KINDS:
            raise fault_error(fault, path)
        if path.lower() == "/$batch":
            raise bad_request("A batch cannot hold a batch.")
        inner = replace(
            call,
            method=step.method,
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=step.headers,
            body=step.body,
            fault=fault,
        )
        return answer_one(inner)
    except GraphError as error:
        return refusal(call.simulation, error, None)


def _response(step: _Step, answer: GraphAnswer) -> dict[str, Any]:
    response: dict[str, Any] = {
        "id": step.name,
        "status": answer.status,
        "headers": {"Cache-Control": "no-cache", **answer.headers, "Content-Type": JSON_TYPE},
    }
    if answer.body is not None:
        body = answer.body
        response["body"] = json.loads(body) if isinstance(body, str) else body
    return response
