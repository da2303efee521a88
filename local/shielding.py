"""Keeps what a shell says about other systems away from the local stack and the tests."""

import os
from collections.abc import Mapping

# What the local stack and its person choose on purpose.
_KEPT = ("GOLIVE_BY", "GOLIVE_LOCAL_")
_ELSEWHERE = (
    # Settings of another installation, perhaps the real one.
    "GOLIVE_",
    "TEMPORAL_",
    # PostgreSQL's client library reads these wherever an address says nothing.
    "PG",
    # Traces would go to somebody else's collector.
    "OTEL_",
    # uvicorn's own, such as FORWARDED_ALLOW_IPS and the number of processes.
    "UVICORN_",
    "FORWARDED_ALLOW_IPS",
    "WEB_CONCURRENCY",
    # Keys of TLS would be written there; where that cannot be, nothing that speaks TLS starts.
    "SSLKEYLOGFILE",
    # How Python runs, and which modules stand before ours.
    "PYTHON",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")


def is_meant_for_elsewhere(name: str) -> bool:
    """Tell whether a variable of the shell describes another system than the local stack."""
    if name.startswith(_KEPT):
        return False
    return name.startswith(_ELSEWHERE) or name.lower() in _PROXIES


def shielded(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what is meant for elsewhere."""
    kept = {name: value for name, value in environment.items() if not is_meant_for_elsewhere(name)}
    # Files and lines hold names in every script, whatever language the shell speaks.
    return kept | {"PYTHONUTF8": "1"}


def shield_this_process(more: Mapping[str, str] | None = None) -> None:
    """Take what is meant for elsewhere out of this process's own environment; add `more`."""
    wanted = shielded(os.environ) | dict(more or {})
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)
