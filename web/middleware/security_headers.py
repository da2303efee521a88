"""Puts the security headers on every answer."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
        "img-src 'self'; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        # Browsers check each redirect after a form as well, and Microsoft sends people of a
        # federated domain on to their own login, at an address that nobody here knows.
        "form-action 'self' https:{microsoft}"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class HeadAsGet:
    """ASGI middleware: a page can be asked for by HEAD, as link checkers do."""

    def __init__(self, app: ASGIApp) -> None:
        """Answer for this application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as to GET, without the body."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


class SecurityHeaders:
    """ASGI middleware: one dictionary, made once, goes onto each answer."""

    def __init__(self, app: ASGIApp, *, microsoft: str, https: bool) -> None:
        """Allow forms to lead to `microsoft` too where that is a pretence without TLS."""
        self._app = app
        without_tls = f" {microsoft}" if microsoft.startswith("http://") else ""
        self._headers = {
            name: value.replace("{microsoft}", without_tls) for name, value in _HEADERS.items()
        }
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as before, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cache = "max-age=300" if scope["path"].startswith("/static/") else "no-store"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers["Cache-Control"] = cache
            await send(message)

        await self._app(scope, receive, with_headers)
