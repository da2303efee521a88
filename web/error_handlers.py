"""Error handlers: a page for each failure, with what happened, who must do what, one way on."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from commands.errors import UnavailableError, is_first_connection
from graph.errors import GraphError
from telemetry.metrics import BUSY
from web.console import staff
from web.forms import FormRefusedError
from web.rate_limits import RateLimitExceededError
from web.refusal_pages import ButtonTarget, message_page
from web.slow_work import BusyError
from web.visit import visit
from wording import pages
from wording.pages import AwayAt, PageMessage

_log = logging.getLogger(__name__)


def register(app: FastAPI) -> None:
    """Give every failure of the application a page. None of them asks the database for anything."""
    app.exception_handler(HTTPException)(_not_found)
    app.exception_handler(RequestValidationError)(_not_understood)
    app.exception_handler(DataError)(_not_understood)
    app.exception_handler(FormRefusedError)(_form_refused)
    app.exception_handler(staff.StaffOnlyError)(_staff_only)
    app.exception_handler(staff.RoleTooLowError)(_role_too_low)
    app.exception_handler(RateLimitExceededError)(_too_many)
    app.exception_handler(BusyError)(_busy)
    app.exception_handler(RuntimeError)(_perhaps_away)
    for kind in (
        SQLAlchemyError,
        RPCError,
        WorkflowUpdateRPCTimeoutOrCancelledError,
        UnavailableError,
        GraphError,
    ):
        app.exception_handler(kind)(_away)


class UnforeseenErrors:
    """ASGI middleware within the security headers: a page for what nobody has thought of.

    Starlette's own answer stands outside of every middleware, and would go without those headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Answer for this application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as before; an error after the answer has begun can only end it."""
        begun = False

        async def observe(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, observe)
        except Exception:
            if scope["type"] != "http" or begun:
                raise
            # What is logged of an exception is its kind and its places; its text may quote people.
            _log.exception("A page failed")
            await _failed(Request(scope))(scope, receive, send)


def _message(request: Request, message: PageMessage, status: int, link: str) -> Response:
    return message_page(visit(request), message, ButtonTarget(link), status)


def _failed(request: Request) -> Response:
    return _message(request, pages.FAILED, 500, _page_of(request.url.path))


def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 405 and request.method == "GET":
        # A form's address, opened again after its answer was shown there: its page has it too.
        return RedirectResponse(_page_of(request.url.path), status_code=303)
    return _message(request, pages.NOT_FOUND, status, "/login")


def _not_understood(request: Request, _error: Exception) -> Response:
    link = "/console" if request.url.path.startswith("/console") else "/login"
    return _message(request, pages.NOT_UNDERSTOOD, 400, link)


def too_large(request: Request) -> Response:
    """Return the page for a request that sends more than any form of ours."""
    return _message(request, pages.TOO_LARGE, 413, "/login")


def too_slow(request: Request) -> Response:
    """Return the page for a request whose form does not arrive."""
    return _message(request, pages.TOO_SLOW, 408, "/login")


def _form_refused(request: Request, _error: Exception) -> Response:
    return _message(request, pages.FORM_REFUSED, 403, _page_of(request.url.path))


def _staff_only(request: Request, error: Exception) -> Response:
    assert isinstance(error, staff.StaffOnlyError)  # noqa: S101  (registered for it alone)
    return staff.sign_in_page(visit(request), error.because)


def _role_too_low(request: Request, _error: Exception) -> Response:
    return _message(request, pages.ROLE_TOO_LOW, 403, "/console")


def _too_many(request: Request, error: Exception) -> Response:
    assert isinstance(error, RateLimitExceededError)  # noqa: S101  (registered for it alone)
    return _message(request, pages.too_many(error.limit), 429, "/login")


async def _busy(request: Request, error: Exception) -> Response:
    # Not `def`: there may be very many at once, and none is to take a thread from others.
    assert isinstance(error, BusyError)  # noqa: S101  (registered for it alone)
    BUSY.labels(error.work.value).inc()
    path = request.url.path
    link = path if request.method == "GET" else _page_of(path)
    response = _message(request, pages.BUSY, 503, link)
    response.headers["Retry-After"] = "5"
    return response


def _perhaps_away(request: Request, error: Exception) -> Response:
    if not is_first_connection(error):
        raise error
    return _away(request, error)


def _away(request: Request, error: Exception) -> Response:
    _log.warning("A page could not be answered: %s", type(error).__name__)
    path = request.url.path
    # A form is sent again from the page it stood on: browsers keep what was filled in. What
    # Microsoft sent a browser back with stands in the address, and counts once.
    if path.endswith("/callback"):
        at = AwayAt.MICROSOFTS_ANSWER
    else:
        at = AwayAt.PAGE if request.method == "GET" else AwayAt.FORM
    link = path if at is AwayAt.PAGE else _page_of(path)
    response = _message(request, pages.AWAY[at], 503, link)
    response.headers["Retry-After"] = "60"
    return response


def _page_of(path: str) -> str:
    """Return the page that holds the form which is sent to this path, or where to begin."""
    parts = path.split("/")
    room, rest = parts[1], parts[2:]
    if room == "console":
        if rest[:1] == ["-"]:
            return "/".join(parts[:4])
        if rest[1:2] == ["users"] and len(rest) > 3:
            return "/".join(parts[:5])
        return "/console" if rest in (["sign-in"], ["sign-out"]) else "/".join(parts[:3])
    if path in {"/consent/again", "/consent/progress"}:
        return "/consent/progress"
    if path.endswith("/callback") or not rest:
        return "/login"
    if room in {"setup", "consent", "invitation", "hand-off"}:
        return "/".join(parts[:3])
    return "/login"
