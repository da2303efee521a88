"""Serves the web: python -m web --port 8080."""

import argparse
import gc
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from ipaddress import ip_network
from types import FrameType

import uvicorn

from bootstrap import connections
from bootstrap.exit import leave, leave_after
from commands import signing_keys
from commands.errors import CommandError
from contracts.links import LinkSigner
from database.engine import open_sessions
from setting_checks import is_port
from settings import SettingsError, read_settings
from telemetry.logs import set_up_logging
from web.app import create_app
from web.middleware.request_limits import HeaderTimeout
from wording import shell

_log = logging.getLogger(__name__)

GRACE_SECONDS = 15
"""After SIGTERM, pages under way have this long."""
STOP_SECONDS = 20.0
"""After SIGTERM the process is gone by then."""


def _port(text: str) -> int:
    if not is_port(text):
        raise argparse.ArgumentTypeError("must be a number from 1 to 65535, such as 8080")
    return int(text)


EVERYBODY_IS_TRUSTED = (
    "FORWARDED_ALLOW_IPS lets everybody say which network they come from, and so guess without a "
    "limit. Name the proxy's own addresses or networks, such as 10.0.0.5 or 10.0.0.0/24."
)


def trusts_everybody(written: str) -> bool:
    """Tell whether `FORWARDED_ALLOW_IPS` names everybody, or nearly: `*`, 0.0.0.0/0, ::/0."""
    for one in (part.strip() for part in written.split(",")):
        if one == "*":
            return True
        with suppress(ValueError):
            network = ip_network(one, strict=False)
            # The largest private network is a /8; of IPv6 a provider has a /32 or less.
            if network.prefixlen < (8 if network.version == 4 else 20):
                return True
    return False


def _listener(host: str, port: int) -> socket.socket:
    """Return a socket that is bound there.

    Raises:
        OSError: another program listens there, or the machine has no such address.
    """
    # With the protocol named, asyncio switches off Nagle's delay on its connections.
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m web", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=8080)
    arguments = parser.parse_args()
    set_up_logging()
    try:
        settings = read_settings()
        engine = connections.database(settings)
        signing_keys.check_if_there(open_sessions(engine), LinkSigner(settings.secret_keys))
        engine.dispose()
        # Here and not when it begins to serve, so that what is wrong is one line.
        connections.microsoft_credential(settings)
        app = create_app(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except CommandError as error:
        print(error.words(shell.said_of), file=sys.stderr)  # noqa: T201
        return 1
    trusted = os.environ.get("FORWARDED_ALLOW_IPS", "")
    if trusts_everybody(trusted):
        print(EVERYBODY_IS_TRUSTED, file=sys.stderr)  # noqa: T201
        return 1
    if settings.public_url.startswith("https://") and not trusted:
        # TLS ends before us, so somebody else talks to us in everybody's name.
        _log.warning(
            "FORWARDED_ALLOW_IPS names no proxy: unless it runs on this machine, everybody "
            "behind it shares one network address, and with it the limits on guessing"
        )
    try:
        listener = _listener(arguments.host, arguments.port)
    except OSError as error:
        print(  # noqa: T201
            f"The web server cannot listen on {arguments.host}:{arguments.port}: "
            f"{error.strerror or type(error).__name__}. Stop the program that does, or give "
            "another address by --host and --port.",
            file=sys.stderr,
        )
        return 1
    # No access log: addresses of pages hold personal tokens. No server header: it tells versions.
    server = _Server(
        uvicorn.Config(
            app,
            http=HeaderTimeout,
            access_log=False,
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    # What imports have made lives as long as the process. Without this, every full collection
    # looks through all of it, and all pages wait for a fifth of a second each time.
    gc.collect()
    gc.freeze()
    # A page waits so long, some thirty times, for a thread that writes a document or reads a
    # directory; the usual five milliseconds make a log-in three times as slow beside it.
    sys.setswitchinterval(0.001)
    server.run(sockets=[listener])
    return 0 if server.started else 3


class _Server(uvicorn.Server):
    """Ends within a bounded time, also if a page waits for a server that fell silent.

    It then returns: uvicorn's own would raise the signal once more, and no process that was asked
    to end would end well.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a second Ctrl-C cuts off pages under way."""
        del frame
        leave_after(STOP_SECONDS)
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


if __name__ == "__main__":
    leave(main())
