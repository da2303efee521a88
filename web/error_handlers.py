"""Calm answers when something fails: what happened, who must do what, one way on."""

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
from contracts import rules
from graph.errors import GraphError
from web import rate_limits
from web.console import staff
from web.visit import FormRefusedError, visit
from wording.sentences import counted

_log = logging.getLogger(__name__)


def answer_calmly(app: FastAPI) -> None:
    """Give every failure of the application a page. None of them asks the database for anything."""
    app.exception_handler(HTTPException)(_not_found)
    app.exception_handler(RequestValidationError)(_not_understood)
    app.exception_handler(DataError)(_not_understood)
    app.exception_handler(FormRefusedError)(_form_refused)
    app.exception_handler(staff.StaffOnlyError)(_staff_only)
    app.exception_handler(rate_limits.TooManyGuessesError)(_too_many_guesses)
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

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            if scope["type"] != "http" or begun:
                raise
            # What is logged of an exception is its kind and its places; its text may quote people.
            _log.exception("A page failed")
            await _failed(Request(scope))(scope, receive, send)


def _failed(request: Request) -> Response:
    return visit(request).page(
        "message.html",
        status=500,
        title="This did not work",
        happened="Something went wrong on our side, and we have noted it.",
        to_do="Look whether it was done before you try again. If it stays like this, write to us.",
        link=_page_of(request.url.path),
        button="Open the page again",
    )


def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 405 and request.method == "GET":
        # A form's address, opened again after its answer was shown there: its page has it too.
        return RedirectResponse(_page_of(request.url.path), status_code=303)
    return visit(request).page(
        "message.html",
        status=status,
        title="This page does not exist",
        happened="There is nothing at this address.",
        to_do="Go to the login page, or use the newest mail from us.",
        link="/login",
        button="Go to the login page",
    )


def _not_understood(request: Request, _error: Exception) -> Response:
    return visit(request).page(
        "message.html",
        status=400,
        title="That could not be read",
        happened="Something in this address or form is longer or other than it can be.",
        to_do="Go back, correct it and try again. Nothing was changed.",
        link="/console" if request.url.path.startswith("/console") else "/login",
        button="Go on",
    )


def too_large(request: Request) -> Response:
    """Return the page for a request that sends more than any form of ours."""
    return _cut_short(request, 413, "More was sent than any form of ours can hold.")


def too_slow(request: Request) -> Response:
    """Return the page for a request whose form does not arrive."""
    return _cut_short(request, 408, "The form did not arrive in time.")


def _cut_short(request: Request, status: int, happened: str) -> Response:
    return visit(request).page(
        "message.html",
        status=status,
        title="That could not be read",
        happened=happened,
        to_do="Go back and send it once more. Nothing was changed.",
        link="/login",
        button="Go to the login page",
    )


def _form_refused(request: Request, _error: Exception) -> Response:
    return visit(request).page(
        "message.html",
        status=403,
        title="Please try once more",
        happened="This form did not come from a page that this browser opened.",
        to_do="Allow cookies for this site, open the page again and repeat the click.",
        link=_page_of(request.url.path),
        button="Open the page again",
    )


def _staff_only(request: Request, _error: Exception) -> Response:
    return staff.sign_in_page(visit(request))


def _too_many_guesses(request: Request, error: Exception) -> Response:
    assert isinstance(error, rate_limits.TooManyGuessesError)  # noqa: S101  (registered for it alone)
    return visit(request).page(
        "message.html",
        status=429,
        title="Please wait a little",
        happened=f"Too many {error.what} were tried from your network.",
        to_do=f"Wait {counted(rules.FAILURE_MINUTES, 'minute')}, then try again, "
        "or open the link from our mail.",
        link="/login",
        button="Go to the login page",
    )


def _perhaps_away(request: Request, error: Exception) -> Response:
    if not is_first_connection(error):
        raise error
    return _away(request, error)


def _away(request: Request, error: Exception) -> Response:
    _log.warning("A page could not be answered: %s", type(error).__name__)
    path = request.url.path
    back_from_microsoft = path.endswith("/callback")
    # A form is sent again from the page it stood on: browsers keep what was filled in. What
    # Microsoft sent a browser back with stands in the address, and counts once.
    can_reload = request.method == "GET" and not back_from_microsoft
    if back_from_microsoft:
        to_do, button = "Wait a minute, then start again; nothing happens twice.", "Start again"
    elif can_reload:
        to_do, button = "Wait a minute and repeat the click; nothing happens twice.", "Try again"
    else:
        to_do = "Wait a minute, go back and repeat the click; nothing happens twice."
        button = "Go back"
    response = visit(request).page(
        "message.html",
        status=503,
        title="One moment, please",
        happened="A part of our service does not answer right now. Nothing was changed.",
        to_do=to_do,
        link=path if can_reload else _page_of(path),
        button=button,
    )
    response.headers["Retry-After"] = "60"
    return response


def _page_of(path: str) -> str:
    """Return the page that holds the form which is sent to this path, or where to begin."""
    parts = path.split("/")
    room, rest = parts[1], parts[2:]
    if room == "console":
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
