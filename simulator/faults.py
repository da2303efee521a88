"""Faults on request: which requests meet which trouble, how often, and after how many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """Every trouble that can be ordered."""

    THROTTLE = "throttle"
    SERVER_ERROR = "server_error"
    SLOW = "slow"
    CUT = "cut"
    MALFORMED = "malformed"
    EMPTY_PAGE = "empty_page"
    FOREIGN_NEXT_LINK = "foreign_next_link"
    DUPLICATE_USERS = "duplicate_users"
    NOT_FOUND = "not_found"
    ID_TOKEN = "id_token"


PAGE_KINDS = frozenset(
    {FaultKind.EMPTY_PAGE, FaultKind.FOREIGN_NEXT_LINK, FaultKind.DUPLICATE_USERS}
)
"""Faults that change a page of Graph instead of replacing the answer."""


_NUMBERS: Mapping[str, Callable[[Any], Any]] = {
    "after": int,
    "retry_after": str,
    "seconds": float,
    "status": int,
    "times": int,
}


@dataclass
class Fault:
    """One ordered trouble and how much of it is left."""

    kind: FaultKind
    path: str | None = None
    """Exact path, or a beginning followed by `*`; None for every path."""
    method: str | None = None
    tenant: str | None = None
    times: int | None = None
    """How many requests it meets; None for every one until it is cleared."""
    after: int = 0
    """How many matching requests pass unharmed first."""
    retry_after: str | None = "1"
    """Seconds, as the header says them; may be fractional. None: no such header."""
    inner: bool = False
    """Meets requests inside a batch instead of whole ones."""
    status: int = 503
    seconds: float = 1.0
    """How long a slow answer waits, in real time."""
    url: str = "https://graph.attacker.example/v1.0/users?$skiptoken=stolen"
    claims: Mapping[str, Any] | None = None
    """For `id_token`: claims to set; null removes one."""
    signature: str | None = None
    """For `id_token`: `none` or `foreign_key`."""
    met: int = 0
    """How many requests it has met."""

    def matches(self, path: str, method: str, tenant: str | None, inner: bool) -> bool:
        """Whether a request is one of those it is meant for."""
        if self.path is not None:
            if self.path.endswith("*"):
                if not path.startswith(self.path[:-1]):
                    return False
            elif path != self.path:
                return False
        return (
            self.inner == inner and self.method in (None, method) and self.tenant in (None, tenant)
        )


class Faults:
    """Every fault in force, in the order in which they were set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, order: Mapping[str, Any]) -> None:
        """Put a fault in force.

        Raises:
            ValueError: An unknown kind or field, or a number that is none.
        """
        fields = dict(order)
        match = fields.pop("match", None) or {}
        kind = FaultKind(fields.pop("kind", ""))
        unknown = (fields.keys() - Fault.__dataclass_fields__.keys()) | (
            match.keys() - {"path", "method", "tenant"}
        )
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        for name, kind_of_value in _NUMBERS.items():
            if fields.get(name) is not None:
                fields[name] = kind_of_value(fields[name])
        method = match.get("method")
        self._faults.append(
            Fault(
                kind=kind,
                path=match.get("path"),
                method=method.upper() if method else None,
                tenant=match.get("tenant"),
                **fields,
            )
        )

    def take(
        self,
        path: str,
        method: str,
        tenant: str | None,
        *,
        inner: bool = False,
        only: frozenset[FaultKind] | None = None,
    ) -> Fault | None:
        """The fault that this request meets, counted as met; at most one."""
        for fault in self._faults:
            if only is not None and fault.kind not in only:
                continue
            if fault.times == 0 or not fault.matches(path, method, tenant, inner):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
            fault.met += 1
            return fault
        return None

    def __bool__(self) -> bool:
        return bool(self._faults)

    def listing(self) -> list[dict[str, Any]]:
        """Every fault with what is left of it."""
        return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()
