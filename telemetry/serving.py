"""Small pages for machines: the worker's health, and its metrics for holders of the token."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from telemetry import metrics

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


@contextmanager
def serving(host: str, port: int, pages: Mapping[str, Answer]) -> Iterator[None]:
    """Answer GET requests for these paths inside the block."""

    class Handler(BaseHTTPRequestHandler):
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

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
