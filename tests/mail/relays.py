"""Real SMTP servers on loopback: an obedient one (aiosmtpd) and one that follows a script."""

# ruff: noqa: N802 (aiosmtpd calls handlers by these names)

import asyncio
import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.bounds import LONGEST_WAIT

REFUSALS = {
    "full@": "452 4.2.2 full@northwind.example has no room left",
    "busy@": "451 4.3.0 Try again later",
    "gone@": "550 5.1.1 <gone@northwind.example>: no such mailbox",
    "foreign@": "554 5.7.1 <foreign@northwind.example>: Relay access denied",
    "login@": "530 5.7.0 Authentication required",
}


@dataclass
class Relay:
    """aiosmtpd in a thread: keeps what it is given and counts connections."""

    options: dict[str, Any] = field(default_factory=dict)
    tls_from_start: ssl.SSLContext | None = None
    received: list[Envelope] = field(default_factory=list)
    clients: set[tuple[str, int]] = field(default_factory=set)
    port: int = 0
    drop_next: bool = False

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        for start, reply in REFUSALS.items():
            if address.startswith(start):
                return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.received.append(envelope)
        self.clients.add(session.peer)
        if self.drop_next:
            self.drop_next = False
            server.transport.abort()
        if b"Subject: refuse this" in envelope.content:
            return "554 5.6.0 Not this message"
        return "250 2.0.0 Ok: queued for <maria@northwind.example>"

    def __enter__(self) -> "Relay":
        self._loop = asyncio.new_event_loop()
        self._transports: list[asyncio.BaseTransport] = []
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(LONGEST_WAIT)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def hang_up_on_everyone(self) -> None:
        """Close every connection, as a relay does with clients that were silent for long."""
        done = threading.Event()

        def close() -> None:
            for protocol in self._protocols:
                if protocol.transport is not None:
                    protocol.transport.close()
            done.set()

        self._loop.call_soon_threadsafe(close)
        assert done.wait(LONGEST_WAIT)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._protocols: list[SMTP] = []

        def protocol() -> SMTP:
            smtp = SMTP(self, hostname="relay.test", **self.options)
            self._protocols.append(smtp)
            return smtp

        server = await self._loop.create_server(protocol, "127.0.0.1", 0, ssl=self.tls_from_start)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for each in self._protocols:
            if each.transport is not None:
                each.transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class ScriptedRelay:
    """Says to each connection the lines of its script, one per line that it hears.

    `None` in a script hangs up; `...` stays silent until the client leaves.
    """

    def __init__(self, *scripts: list[Any]) -> None:
        self._scripts = list(scripts)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "ScriptedRelay":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A listening socket wakes up from accept() only when somebody calls.
        self._scripts.clear()
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if not self._scripts:
                    return
                self.connections += 1
                # A client that hangs up in the middle is part of the play.
                with contextlib.suppress(ConnectionError):
                    self._play(connection, self._scripts.pop(0))

    @staticmethod
    def _play(connection: socket.socket, script: list[Any]) -> None:
        with connection.makefile("rwb", buffering=0) as stream:
            in_data = False
            for number, line in enumerate(script):
                if number:
                    heard = stream.readline()
                    while in_data and heard not in (b".\r\n", b""):
                        heard = stream.readline()
                    if not heard:
                        return
                if line is None:
                    return
                if line is ...:
                    while stream.readline():
                        pass
                    return
                in_data = line.startswith("354")
                stream.write(line.encode() + b"\r\n")


@dataclass(frozen=True)
class Certificate:
    """A self-made certificate for 127.0.0.1."""

    bundle: Path
    context: ssl.SSLContext


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    """Let in pulse with the right password."""
    right = isinstance(data, LoginPassword) and data == LoginPassword(b"pulse", b"s3cret:@/")
    return AuthResult(success=right, handled=False)
