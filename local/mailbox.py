"""A real SMTP server that delivers everything into one mailbox, which opens in a browser.

Run: python -m local.mailbox --smtp-port 8025 --http-port 8082 --folder FOLDER (port 0: any free).
"""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from local.mailbox_web import create_app
from local.mailfaults import MailFaults
from local.mailstore import MailStore
from local.ports import HOST


class SmtpHooks:
    """The hooks that aiosmtpd calls for each command of a client."""

    def __init__(self, store: MailStore, faults: MailFaults) -> None:
        self._store = store
        self._faults = faults

    async def handle_RCPT(  # noqa: N802  (the name aiosmtpd looks for)
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Accept the recipient, unless a fault was asked for."""
        key = address.lower()
        if (code := self._faults.reject.get(key)) is not None:
            return f"{code} 5.1.1 <{address}>: recipient address rejected: user unknown"
        deferral = self._faults.defer.get(key)
        if deferral is not None and deferral.times != 0:
            if deferral.times is not None:
                deferral.times -= 1
            return f"{deferral.code} 4.3.0 <{address}>: not now, try again later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        """Store the message, then answer (or cut the line, or be silent, if asked for)."""
        while any(address.lower() in self._faults.silent for address in envelope.rcpt_tos):
            await asyncio.sleep(0.05)
        mail = self._store.add(
            envelope.mail_from or "", envelope.rcpt_tos, cast("bytes", envelope.content)
        )
        if self._faults.drop_after_data > 0:
            self._faults.drop_after_data -= 1
            # In the log, so that a count of deliveries can tell which one we could not know of.
            print(f"cut the line after storing {mail.id}", flush=True)
            cast("asyncio.Transport", server.transport).abort()
        return f"250 2.0.0 OK, stored as {mail.id}"


class _WebServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Ours are set on the loop: uvicorn's raise the signal again at the end, which would make
        # an orderly stop look like a death.
        yield


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio switches off Nagle's delay on its connections; without
    # (as socket.create_server leaves it) each answer takes 40 ms longer.
    http = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    http.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    http.bind((HOST, port))
    # Whoever reads that we listen may connect at once; the web server begins a moment later.
    http.listen()
    return http


async def serve(folder: Path, smtp_port: int, http_port: int) -> None:
    """Serve mail and pages until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    store, faults = MailStore(folder), MailFaults()
    hooks = SmtpHooks(store, faults)
    smtp = await loop.create_server(
        lambda: SMTP(hooks, hostname="localhost", ident="local mailbox", enable_SMTPUTF8=True),
        HOST,
        smtp_port,
    )
    http = _listen(http_port)
    web = _WebServer(
        uvicorn.Config(
            create_app(store, faults),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, setattr, web, "should_exit", True)
    print(
        f"mailbox listening on smtp://{HOST}:{smtp.sockets[0].getsockname()[1]}"
        f" and http://{HOST}:{http.getsockname()[1]}",
        flush=True,
    )
    try:
        await web.serve(sockets=[http])
    finally:
        smtp.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m local.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.folder, arguments.smtp_port, arguments.http_port))
    except (OSError, OverflowError) as error:
        sys.exit(f"The mailbox cannot be served: {error}")


if __name__ == "__main__":
    main()
