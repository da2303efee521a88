"""Small pages for machines: the worker's health, and its metrics for holders of the token."""

import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from telemetry import metrics

_log = logging.getLogger(__name__)

MOST_CONNECTIONS = 8
"""At once; a scrape needs one, and each takes a thread."""

SILENT_SECONDS = 5.0
"""A connection that sends nothing for so long is closed."""

WHOLE_SECONDS = 15.0
"""From the opening of a connection to its end, whatever it sends."""

Answer = Callable[[str], tuple[int, str, bytes]]
"""From the `Authorization` header to status, content type and body."""


def metrics_page(token: str) -> Answer:
    """Return a page with the metrics, for requests with this token."""

    def answer(authorization: str) -> tuple[int, str, bytes]:
        if not metrics.may_read(authorization, token):
            return 401, "text/plain", b"Show the token that GOLIVE_METRICS_TOKEN holds.\n"
        return 200, metrics.CONTENT_TYPE, metrics.shown()

    return answer


def healthy(_authorization: str) -> tuple[int, str, bytes]:
    """Say that the process is up."""
    return 200, "text/plain", b"ok\n"


class _BoundedServer(ThreadingHTTPServer):
    """A thread for each connection, and only so many of them."""

    daemon_threads = True
    # Else each thread is kept until the server ends.
    block_on_close = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # Also bounds one that sends a byte now and then: it is closed however it behaves.
        closing = threading.Timer(WHOLE_SECONDS, _close, [request])
        closing.daemon = True
        closing.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            closing.cancel()
            self._places.release()

    def handle_error(self, *_: Any) -> None:
        """Log the kind of a failure of ours; that somebody hung up is none."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            _log.error("A page for machines failed: %s", type(error).__name__)


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(host: str, port: int, pages: Mapping[str, Answer]) -> Iterator[None]:
    """Answer GET requests for these paths inside the block.

    Connections beyond `MOST_CONNECTIONS` are closed unanswered, so that whoever reaches the port
    cannot take the worker's threads and file descriptors.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = SILENT_SECONDS

        def do_GET(self) -> None:
            page = pages.get(self.path)
            status, kind, body = (
                page(self.headers.get("Authorization", "")) if page else (404, "text/plain", b"")
            )
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: machines ask every few seconds."""

    server = _BoundedServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
