"""The lines of workers and web to other parts, which can be cut or fall silent."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import psycopg

from local.ports import Ports
from tests.forwarder import Forwarder, forwarding


class Lines:
    """One line to each part, for all processes of the product together."""

    def __init__(self, ports: Ports, lines: Mapping[str, Forwarder], admin_url: str) -> None:
        self._ports, self._lines, self._admin_url = ports, lines, admin_url

    def through(self, environment: Mapping[str, str]) -> dict[str, str]:
        """These settings, with the addresses of the lines in them."""
        changed = {
            "GOLIVE_DATABASE_URL": (self._ports.postgresql, self._lines["postgresql"].port),
            "TEMPORAL_ADDRESS": (self._ports.temporal, self._lines["temporal"].port),
            "GOLIVE_SMTP_URL": (self._ports.smtp, self._lines["relay"].port),
        }
        return {**environment} | {
            name: environment[name].replace(f":{port}", f":{line}")
            for name, (port, line) in changed.items()
        }

    def begin(self, fault: str) -> None:
        """Make one of `LINE_FAULTS`."""
        part, how = fault.split()
        if how == "cut":
            self._lines[part].cut()
        elif how == "silent":
            self._lines[part].fall_silent()
        else:
            self._accept_writes(accepted=False)

    def end(self, fault: str) -> None:
        """Let new connections work; those that fell silent are ended, as their ends would do."""
        part, how = fault.split()
        if how == "silent":
            self._lines[part].speak_again()
            self._lines[part].cut()
        elif how == "read-only":
            self._accept_writes(accepted=True)

    def _accept_writes(self, *, accepted: bool) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as server:
            value = "off" if accepted else "on"
            server.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            server.execute("SELECT pg_reload_conf()")


@contextmanager
def lines(ports: Ports, admin_url: str) -> Iterator[Lines]:
    """Hand on what comes, inside the block."""
    with ExitStack() as closing:
        yield Lines(
            ports,
            {
                name: closing.enter_context(forwarding(port))
                for name, port in (
                    ("postgresql", ports.postgresql),
                    ("temporal", ports.temporal),
                    ("relay", ports.smtp),
                )
            },
            admin_url,
        )
