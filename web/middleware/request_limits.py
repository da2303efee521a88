"""Bounds what one request may cost: how much it may send, and how long it may take to."""

import asyncio
from collections.abc import Awaitable, Callable

import h11
from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from contracts import rules

MOST_BYTES = 64 * 1024
"""Of a request's body; our longest form, an order with its reason, takes a tenth of it."""

UPLOADS = frozenset({"/console/-/imports"})
"""Addresses that take files. Who may send them is known before their body is read."""

MOST_UPLOADED_BYTES = 2 * rules.MOST_IMPORTED_BYTES + MOST_BYTES

UPLOAD_SECONDS = 300.0
"""As `BODY_SECONDS`, for files."""

BODY_SECONDS = 20.0
"""From the end of the headers to the end of the body."""

HEADER_SECONDS = 10.0
"""From the opening of a connection, or its first byte of a further request, to all headers."""

Page = Callable[[Request], Response]


class BodyLimits:
    """ASGI middleware: refuses a body that is too long or too slow before our code reads it.

    A form is read here, whole, before any code of ours runs; what is too large is refused by its
    announced length, or at the byte that is too many. Files are refused by their announced length,
    and read by the page that takes them.
    """

    def __init__(
        self, app: ASGIApp, *, too_large: Page, too_slow: Page, seconds: float = BODY_SECONDS
    ) -> None:
        """Answer with these pages."""
        self._app, self._too_large, self._too_slow = app, too_large, too_slow
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then answer as before."""
        headers = dict(scope.get("headers", ()))
        announced = headers.get(b"content-length", b"0")
        if scope["type"] != "http" or (announced == b"0" and b"transfer-encoding" not in headers):
            await self._app(scope, receive, send)
            return
        if scope["path"] in UPLOADS and scope["method"] == "POST":
            # A browser says how much it sends; whoever does not is no browser.
            if not 0 < int(announced) <= MOST_UPLOADED_BYTES:
                await self._refuse(self._too_large, scope, receive, send)
                return
            await self._app(scope, _in_time(receive), send)
            return
        if int(announced) > MOST_BYTES:
            await self._refuse(self._too_large, scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await _read_body(receive)
        except TimeoutError:
            await self._refuse(self._too_slow, scope, receive, send)
            return
        except _DisconnectedError:
            return
        if body is None:
            await self._refuse(self._too_large, scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _refuse(self, page: Page, scope: Scope, receive: Receive, send: Send) -> None:
        response = page(Request(scope))
        # What is still on its way belongs to no request of ours.
        response.headers["Connection"] = "close"
        await response(scope, receive, send)


class _DisconnectedError(Exception):
    """The visitor left before there was an answer."""


async def _read_body(receive: Receive) -> bytes | None:
    """Return the whole body, None when it is too long.

    Raises:
        _DisconnectedError: the visitor left before the end of it.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _DisconnectedError
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _in_time(receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Pass a body on as it comes; what is not there in time never comes."""
    clock = asyncio.get_running_loop().time
    over_at = clock() + UPLOAD_SECONDS
    whole = False

    async def next_message() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(over_at):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        whole = not message.get("more_body", False)
        return message

    return next_message


def _replayed(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


class HeaderTimeout(H11Protocol):
    """A connection that is closed when its headers take too long; uvicorn has no such timeout."""

    header_seconds = HEADER_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once the headers are whole; begin anew with the next request."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.header_seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
