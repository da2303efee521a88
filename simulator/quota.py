"""What Graph charges for a request, and when it has had enough of an application in a tenant.

Source: Microsoft Learn, *Microsoft Graph service-specific throttling limits*, read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_SECONDS = 10.0


def limit_for(users: int) -> int:
    """Resource units per ten seconds for one application in a tenant of that size."""
    if users < 50:
        return 3_500
    return 5_000 if users <= 500 else 8_000


def cost(base: int, query: Mapping[str, str]) -> int:
    """Resource units of a request: `$select` and a small `$top` are cheaper, `$expand` dearer."""
    units = base
    if "$select" in query:
        units -= 1
    if "$expand" in query:
        units += 1
    top = query.get("$top", "")
    if top.isascii() and top.isdigit() and len(top) < 4 and int(top) < 20:
        units -= 1
    return max(1, units)


@dataclass(frozen=True)
class Charge:
    """The state of the account after a request."""

    used: float
    """Share of the limit that is used, 1.0 and above when the request is refused."""
    retry_after: float | None
    """Seconds until the next window when the request is refused."""


class Quota:
    """Counts resource units by tenant and application in windows of ten seconds."""

    def __init__(self) -> None:
        self.limit: int | None = None
        """Set by request: the same limit for every tenant, instead of Microsoft's."""
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def charge(self, tenant: str, client: str, units: int, users: int, now: float) -> Charge:
        """Count a request in, or refuse it. `now` is in seconds."""
        limit = self.limit if self.limit is not None else limit_for(users)
        begin, used = self._windows.get((tenant, client), (now, 0))
        if now - begin >= WINDOW_SECONDS:
            begin, used = now, 0
        if used + units > limit:
            self._windows[tenant, client] = (begin, used)
            left = max(0.001, WINDOW_SECONDS - (now - begin))
            return Charge(max(1.0, (used + units) / max(1, limit)), round(left, 3))
        self._windows[tenant, client] = (begin, used + units)
        return Charge((used + units) / limit, None)
