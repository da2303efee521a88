"""How the supervisor asks a part whether it answers yet."""

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

_TIMEOUT = 2.0
"""Seconds for one question; a part that is merely slow is asked again."""

Probe = Callable[[], bool]
"""Answers at once (within a few seconds) and never raises."""


def answers_http(url: str) -> Probe:
    """Return a probe: does a GET of that http URL on this machine answer with status 200?"""
    parts = urlsplit(url)

    def probe() -> bool:
        # http.client knows nothing of proxies, so a proxy of the environment is never asked.
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        try:
            connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe
