"""What Graph charges, and a budget per tenant so that we are rarely throttled.

Source: Microsoft Learn, *Microsoft Graph service-specific throttling limits: identity and access*,
read 2026-11-23.
"""

import threading
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

WINDOW_SECONDS = 10.0
"""Limits are counted per application and tenant over ten seconds."""

BASE_CHARGES: dict[str, int] = {
    "users": 2,
    "oauth2PermissionGrants": 2,
    "appRoleAssignments": 2,
    "servicePrincipals": 1,
    "organization": 1,
}
"""Resource units of one GET by its last named collection; anything else is counted as one."""

UNITS_PER_WINDOW = 3_500
"""Resource units per window for an application in the smallest tenants; larger ones allow more."""

_SMALL_PAGE = 20
_SHORTEST_WAIT = 0.01
"""Seconds; a wait that rounding has made too small for any clock would never end."""


def charge(path: str) -> int:
    """Return the resource units that Graph charges for one GET.

    `$select` makes it one cheaper, `$expand` one dearer, `$top` below 20 one cheaper; never
    below one. A next link carries its query with it, so it is charged alike.

    Args:
        path: path and query below the Graph URL, or a whole URL.
    """
    parts = urlsplit(path)
    named = [BASE_CHARGES[name] for name in parts.path.split("/") if name in BASE_CHARGES]
    query = parse_qs(parts.query)
    units = named[-1] if named else 1
    units -= "$select" in query
    units += "$expand" in query
    top = query.get("$top", [""])[0]
    units -= top.isdecimal() and int(top) < _SMALL_PAGE
    return max(1, units)


class Budget:
    """A token bucket for one tenant: one window's units at once, refilled evenly.

    It knows this process alone. With several workers on one tenant their sum may pass Microsoft's
    limit; then Graph throttles, and its Retry-After is honoured.
    """

    def __init__(self, clock: Callable[[], float], units: int | None = None) -> None:
        """Start with a full bucket; `clock` gives seconds of any clock that moves forward."""
        self._clock = clock
        self._limit = float(units or UNITS_PER_WINDOW)
        self._left = self._limit
        self._seen_at = clock()
        self._closed_until = 0.0
        self._charged = 0
        self._throttles = 0
        self._lock = threading.Lock()

    @property
    def charged(self) -> int:
        """Units spent since the start, for metrics."""
        return self._charged

    @property
    def throttles(self) -> int:
        """Times that Graph asked us to wait, for metrics."""
        return self._throttles

    def take(self, units: int) -> float:
        """Spend units and return 0, or spend nothing and return the seconds to wait first.

        One request dearer than the whole bucket is let through when the bucket is full.
        """
        with self._lock:
            now = self._refill()
            if now < self._closed_until:
                return max(_SHORTEST_WAIT, self._closed_until - now)
            needed = min(float(units), self._limit)
            if self._left < needed:
                missing = needed - self._left
                return max(_SHORTEST_WAIT, missing * WINDOW_SECONDS / self._limit)
            self._left -= units
            self._charged += units
            return 0.0

    def correct(self, units: int) -> None:
        """Account for units that Graph charged beyond (or, negative, below) what was taken."""
        with self._lock:
            self._left = min(self._limit, self._left - units)
            self._charged += units

    def close_for(self, seconds: float) -> None:
        """Block calls to this tenant for these seconds: Graph has throttled us."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock() + seconds)
            self._throttles += 1

    def _refill(self) -> float:
        now = self._clock()
        passed = max(0.0, now - self._seen_at)
        self._left = min(self._limit, self._left + passed * self._limit / WINDOW_SECONDS)
        self._seen_at = now
        return now
