"""The ports of the local stack: one per service, each movable by an environment variable."""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from typing import Self

from local.errors import PortsTakenError, WrongSettingError

HOST = "127.0.0.1"
"""Everything listens here and nowhere else: nothing of the stack is reachable from outside."""

# Below the range from which Linux takes ports for outgoing connections (32768 and up), so that a
# free port found now is not taken by somebody's client a moment later.
_CHOICE = range(20_000, 32_000)

_SERVICES = {
    "temporal": "Temporal",
    "temporal_ui": "the Temporal UI",
    "postgresql": "PostgreSQL",
    "simulator": "the simulator of Microsoft",
    "smtp": "the mail server",
    "mailbox": "the mailbox page",
    "worker_health": "the worker's health page",
    "worker_metrics": "the worker's metrics page",
    "web": "the web server",
}


@dataclass(frozen=True)
class Ports:
    """Which port each service of the stack listens on, all on the loopback address."""

    temporal: int = 7233
    temporal_ui: int = 8233
    postgresql: int = 54320
    simulator: int = 8081
    smtp: int = 8025
    mailbox: int = 8082
    worker_health: int = 8083
    worker_metrics: int = 8084
    web: int = 8080

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return the usual ports, moved where GOLIVE_LOCAL_<SERVICE>_PORT says so.

        Raises:
            WrongSettingError: every value that is no port, and every port given out twice.
        """
        environment = os.environ if environment is None else environment
        faults: list[str] = []
        chosen: dict[str, int] = {}
        for field in fields(cls):
            text = environment.get(variable(field.name), "").strip()
            if not text:
                continue
            if text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535:
                chosen[field.name] = int(text)
            else:
                faults.append(
                    f"{variable(field.name)} must be a number from 1 to 65535. "
                    f"Example: {variable(field.name)}={field.default}"
                )
        ports = cls(**chosen)
        faults += _given_out_twice(ports)
        if faults:
            raise WrongSettingError("\n".join(faults))
        return ports

    @classmethod
    def free(cls) -> Self:
        """Return ports that nobody listens on just now, all different; for tests."""
        return cls(*(free_port() for _ in fields(cls)))

    def check_free(self, leave_out: frozenset[str] = frozenset()) -> None:
        """Return if nobody listens on any of the ports.

        Args:
            leave_out: names of services that will not be started, such as {"web"}.

        Raises:
            PortsTakenError: naming every taken port, its service and the setting that moves it.
        """
        taken = [
            f"Port {port} is taken by another program; {_SERVICES[service]} needs it. "
            f"Stop that program, or choose another port: {variable(service)}={free_port()}"
            for service, port in self.by_service().items()
            if service not in leave_out and is_taken(port)
        ]
        if taken:
            raise PortsTakenError("\n".join(taken))

    def by_service(self) -> dict[str, int]:
        """Return the ports by the name of their service, in the order of starting."""
        return dict(zip((field.name for field in fields(self)), astuple(self), strict=True))


def variable(service: str) -> str:
    """Return the variable that moves a service, such as GOLIVE_LOCAL_WEB_PORT for "web"."""
    return f"GOLIVE_LOCAL_{service.upper()}_PORT"


def is_taken(port: int) -> bool:
    """Return whether somebody listens on that port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it, connections of a stack stopped a moment ago would count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


_reserved: list[socket.socket] = []


def free_port() -> int:
    """Return a port that nobody listens on, and that no process here is given until ours ends."""
    # The operating system's generator, so that processes started together do not pick alike.
    choice = random.SystemRandom()
    for _ in _CHOICE:
        port = choice.choice(_CHOICE)
        if _reserve(port) and not is_taken(port):
            return port
    raise PortsTakenError(
        f"No free port between {_CHOICE.start} and {_CHOICE.stop - 1}: stop some programs."
    )


def _reserve(port: int) -> bool:
    """Reserve a port among all processes that ask here; return whether nobody else had.

    A service that is killed and started again finds its port as it left it. The reservation is the
    UDP port of the same number, which nothing of ours uses: the operating system gives it to one
    process, and takes it back when that process ends, however it ends.
    """
    reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        reservation.bind((HOST, port))
    except OSError:
        reservation.close()
        return False
    _reserved.append(reservation)
    return True


def _given_out_twice(ports: Ports) -> list[str]:
    services: dict[int, list[str]] = {}
    for service, port in ports.by_service().items():
        services.setdefault(port, []).append(service)
    return [
        f"Port {port} is given to {' and '.join(_SERVICES[name] for name in names)}: "
        f"change {' or '.join(variable(name) for name in names)}."
        for port, names in services.items()
        if len(names) > 1
    ]
