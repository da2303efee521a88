"""One request to Graph and its answer, as every path of Graph sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from simulator.directory import Tenant
from simulator.faults import Fault
from simulator.state import Simulation


class GraphError(Exception):
    """A refusal in Graph's words."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class GraphCall:
    """A request that carries a valid token of a tenant."""

    simulation: Simulation
    method: str
    path: str
    """Below `/v1.0`, decoded, such as `/users/ada@northwind.example`."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    claims: Mapping[str, Any]
    tenant: Tenant
    service: str
    """Absolute address of the service, such as `http://127.0.0.1:9000/graph/v1.0`."""
    fault: Fault | None = None
    """A fault that changes a page."""

    @property
    def eventual(self) -> bool:
        """Whether advanced query capabilities are asked for, by header and `$count` together."""
        header = self.headers.get("consistencylevel", "").lower() == "eventual"
        return header and self.query.get("$count", "").lower() == "true"

    def context(self, entity: str) -> str:
        """The `@odata.context` of an answer."""
        return f"{self.service}/$metadata#{entity}"

    def link(self, path: str, added: Mapping[str, str]) -> str:
        """A link to this request's own address with other parameters added or replaced."""
        query = {k: v for k, v in self.query.items() if k != "$skiptoken"} | dict(added)
        text = "&".join(f"{name}={quote(value, safe='(),@:')}" for name, value in query.items())
        return f"{self.service}{quote(path)}?{text}"


@dataclass(frozen=True)
class GraphAnswer:
    """What Graph says; a text body is JSON already."""

    status: int = 200
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    units: int = 0
    """Resource units charged."""


def error_body(
    simulation: Simulation, error: GraphError, client_request: str | None
) -> dict[str, Any]:
    """A refusal in Graph's shape."""
    request = simulation.new_identifier()
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "innerError": {
                "date": f"{simulation.clock.now():%Y-%m-%dT%H:%M:%S}",
                "request-id": request,
                "client-request-id": client_request or request,
            },
        }
    }


def not_found(name: str) -> GraphError:
    """No such object."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are "
        "not present.",
    )


def bad_request(message: str, code: str = "BadRequest") -> GraphError:
    """A request that Graph does not understand or support."""
    return GraphError(400, code, message)


def unsupported(message: str) -> GraphError:
    """A query that Graph understands and does not answer."""
    return bad_request(message, "Request_UnsupportedQuery")


def selected(
    call: GraphCall, known: frozenset[str], default: tuple[str, ...], kind: str
) -> tuple[str, ...]:
    """The properties asked by `$select`, in Microsoft's spelling.

    Raises:
        GraphError: One of them is no property of this kind of object.
    """
    text = call.query.get("$select")
    if not text:
        return default
    spelling = {name.lower(): name for name in known}
    names: list[str] = []
    for asked in text.split(","):
        name = spelling.get(asked.strip().lower())
        if name is None:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{asked.strip()}' on type 'microsoft.graph.{kind}'."
            )
        if name not in names:
            names.append(name)
    return tuple(names)
