"""Makes the web application: its rooms, routes, headers and calm answers when something fails."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from contracts.links import LinkSigner
from database.engine import open_engine, open_sessions
from graph.credentials import chosen_credential
from graph.errors import GraphError
from graph.tokens import EntraClient
from graph.transport import open_http
from settings import Settings
from web import consent, invitation, login, setup
from web.deps import FormRefusedError, Rooms, visit

_log = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; form-action 'self' {microsoft}"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it connects to Temporal when it starts to serve."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = open_engine(settings.database_url.get_secret_value())
        config = ClientConfig.load_client_connect_config()
        config.setdefault("target_host", "localhost:7233")
        with open_http(str(settings.ca_bundle) if settings.ca_bundle else None) as http:
            app.state.rooms = Rooms(
                settings=settings,
                sessions=open_sessions(engine),
                entra=EntraClient(
                    authority=settings.entra_authority,
                    client_id=settings.client_id,
                    credential=chosen_credential(
                        settings.client_certificate_path, settings.client_secret_text
                    ),
                    http=http,
                    clock=time.time,
                ),
                # Pages work while Temporal is away; only what signals it then answers 503.
                temporal=await Client.connect(**config, lazy=True),
                signer=LinkSigner(settings.secret_key.get_secret_value().encode()),
            )
            yield
        engine.dispose()

    app = FastAPI(
        title="Clientshare Pulse: sign-in", lifespan=lifespan, docs_url=None, redoc_url=None
    )
    for room in (login, consent, setup, invitation):
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_api_route("/health", _health, include_in_schema=False)
    app.middleware("http")(_headers(settings))
    app.exception_handler(HTTPException)(_not_found)
    app.exception_handler(FormRefusedError)(_form_refused)
    for away in (OperationalError, RPCError, GraphError):
        app.exception_handler(away)(_away)
    return app


def _health() -> PlainTextResponse:
    return PlainTextResponse("ok")


def _headers(
    settings: Settings,
) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    # Browsers check form-action for the whole chain of redirects after a form.
    headers = {
        name: value.format(microsoft=settings.entra_authority) if "{" in value else value
        for name, value in _HEADERS.items()
    }

    async def add(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        response.headers.update(headers)
        if settings.public_url.startswith("https://"):
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response

    return add


def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return visit(request).page(
        "message.html",
        status=status,
        title="This page does not exist",
        happened="There is nothing at this address.",
        to_do="Go to the login page, or use the newest mail from us.",
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
        link="/login",
        button="Go to the login page",
    )


def _away(request: Request, error: Exception) -> Response:
    _log.warning("A page could not be answered: %s", type(error).__name__)
    return visit(request).page(
        "message.html",
        status=503,
        title="One moment, please",
        happened="A part of our service does not answer right now. Nothing was changed.",
        to_do="Wait a minute and repeat the click; nothing happens twice.",
        link=request.url.path if request.method == "GET" else "/login",
        button="Try again",
    )
