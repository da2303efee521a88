"""Makes the web application: dependencies, routes, middleware and error handlers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles

from bootstrap import connections
from bootstrap.collectors import GraphUsageCollector, RecordCollector
from bootstrap.health import Health
from contracts.links import LinkSigner
from database.engine import PAGES, open_sessions
from graph.client import GraphClient
from settings import Settings
from telemetry.metrics import registered
from telemetry.runtime import runtime
from telemetry.tracing import set_up_tracing
from web import error_handlers, login, outbox_relay
from web.console import contacts, imports, organisations, plans, staff, users
from web.customer import consent, hand_off, invitation, new_link, setup_page
from web.dependencies import Dependencies
from web.microsoft import consent_callback, other_account, sign_in_callback
from web.middleware.request_limits import BodyLimits
from web.middleware.request_metrics import RequestMetrics, metrics_page
from web.middleware.security_headers import HeadAsGet, SecurityHeaders
from web.slow_work import SlowWorkPlaces


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it connects to Temporal when it starts to serve."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = connections.database(settings, PAGES)
        sessions = open_sessions(engine)
        with (
            connections.http(settings) as http,
            runtime(with_metrics=settings.metrics_token is not None) as temporal_runtime,
        ):
            slow_work = SlowWorkPlaces()
            entra = connections.entra_client(settings, http)
            graph = GraphClient(http, settings.graph_url, entra)
            app.state.dependencies = Dependencies(
                settings=settings,
                engine=engine,
                sessions=sessions,
                entra=entra,
                graph=graph,
                # Pages work while Temporal is away; only what signals it then answers 503.
                temporal=await connections.temporal(
                    settings,
                    lazy=True,
                    runtime=temporal_runtime,
                    interceptors=set_up_tracing("sso-go-live-web"),
                ),
                signer=LinkSigner(settings.secret_keys),
                slow_work=slow_work,
            )
            app.state.health = Health(sessions, app.state.dependencies.temporal)
            relaying = asyncio.create_task(
                outbox_relay.relay_until_cancelled(app.state.dependencies)
            )
            with registered(RecordCollector(sessions), GraphUsageCollector(graph)):
                yield
            relaying.cancel()
            slow_work.close()
        engine.dispose()

    app = FastAPI(
        title="Clientshare Pulse: sign-in",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # Starlette would send /login/ to /login at whatever host the request names, by http.
        redirect_slashes=False,
        openapi_url=None,
        # Its own spans and metrics hold whole addresses, and ours hold personal links.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    # The console's own orders come last: their path would also fit its other forms.
    for room in (
        login,
        sign_in_callback,
        other_account,
        staff,
        imports,
        users,
        contacts,
        plans,
        organisations,
    ):
        app.include_router(room.router)
    # The consent's way back comes first: its path would also fit a personal link's.
    for room in (consent_callback, consent, hand_off, setup_page, invitation, new_link):
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_api_route("/health", _health, include_in_schema=False)
    app.add_api_route("/health/live", _live, include_in_schema=False)
    if settings.metrics_token is not None:
        app.add_api_route("/metrics", metrics_page(settings.metrics_token), include_in_schema=False)
    app.add_middleware(
        BodyLimits, too_large=error_handlers.too_large, too_slow=error_handlers.too_slow
    )
    app.add_middleware(error_handlers.UnforeseenErrors)
    app.add_middleware(
        SecurityHeaders,
        microsoft=settings.entra_authority,
        https=settings.public_url.startswith("https://"),
    )
    app.add_middleware(RequestMetrics)
    app.add_middleware(HeadAsGet)
    error_handlers.register(app)
    return app


async def _health(request: Request) -> PlainTextResponse:
    """Say whether every page could be answered now; not ready is no reason to restart."""
    health: Health = request.app.state.health
    status, said = await health.page()
    return PlainTextResponse(said, status, headers={"Cache-Control": "no-store"})


async def _live() -> PlainTextResponse:
    return PlainTextResponse("ok\n")
