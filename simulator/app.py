"""Puts the pretend Microsoft together: sign-in, consent, tokens, Graph, control interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator import consent, control, graph, login, tokens
from simulator.graph_paths import ROOT
from simulator.memory import Memory, remember
from simulator.seed_files import read_seed
from simulator.state import Simulation
from simulator.trouble import Trouble

_ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


async def _nothing(_request: object, _error: Exception) -> JSONResponse:
    return JSONResponse({"error": "not_found"}, 404)


def create_app(
    seed_files: Sequence[Path | str],
    base_url: str | None = None,
    memory: Path | None = None,
) -> Starlette:
    """A simulator that starts from these seed files.

    Args:
        seed_files: Paths of JSON files; later ones add to earlier ones.
        base_url: The address for links and issuers; by default each request's own host.
        memory: A file in which grants outlive the process; by default they do not.

    Raises:
        SeedError: A seed cannot be read or is malformed.
    """
    simulation = Simulation([read_seed(Path(path)) for path in seed_files])
    routes = [
        Route(f"{ROOT}/{{path:path}}", graph.graph, methods=_ALL_METHODS),
        *control.ROUTES,
        Route("/{tenant}/v2.0/.well-known/openid-configuration", login.discovery),
        Route("/{tenant}/discovery/v2.0/keys", login.keys),
        Route("/{tenant}/oauth2/v2.0/authorize", login.authorize, methods=["GET", "POST"]),
        Route("/{tenant}/oauth2/v2.0/token", tokens.token, methods=["POST"]),
        Route("/{tenant}/oauth2/v2.0/logout", login.logout, methods=["GET", "POST"]),
        Route("/{tenant}/v2.0/adminconsent", consent.admin_consent, methods=["GET", "POST"]),
    ]
    middleware = [Middleware(Trouble, simulation=simulation)]
    if memory is not None:
        remember(simulation, memory)
        middleware.append(Middleware(Memory, simulation=simulation, file=memory))
    app = Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={404: _nothing},
    )
    app.state.simulation = simulation
    app.state.base_url = base_url.rstrip("/") if base_url else None
    return app
