"""How answers leave the sign-in service: pages, redirects to the application, errors as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from simulator import entra_errors
from simulator.entra_errors import EntraError
from simulator.state import Simulation

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def simulation_of(request: Request) -> Simulation:
    """The simulation behind a request."""
    simulation: Simulation = request.app.state.simulation
    return simulation


def base_url(request: Request) -> str:
    """The address under which this request reached us, such as `http://127.0.0.1:9000`."""
    fixed: str | None = request.app.state.base_url
    return fixed or f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page that looks like Microsoft's."""
    content = _TEMPLATES.get_template(name).render(**values)
    return HTMLResponse(content, status_code=status, headers=_NO_STORE)


def error_page(simulation: Simulation, error: EntraError, status: int = 400) -> HTMLResponse:
    """What Microsoft shows when it cannot send the person back: the AADSTS sentence."""
    trace, correlation = simulation.new_identifier(), simulation.new_identifier()
    return page(
        "error.html",
        status,
        code=error.code,
        message=f"AADSTS{error.code}: {error.text}",
        trace=trace,
        correlation=correlation,
        timestamp=simulation.timestamp(),
    )


def error_json(simulation: Simulation, error: EntraError) -> JSONResponse:
    """A refusal as the token and discovery endpoints answer it."""
    trace, correlation = simulation.new_identifier(), simulation.new_identifier()
    body = entra_errors.body(error, trace, correlation, simulation.timestamp())
    return JSONResponse(body, error.status, headers=_NO_STORE)


def token_json(body: Mapping[str, Any]) -> JSONResponse:
    """A successful answer of the token endpoint."""
    return JSONResponse(dict(body), headers=_NO_STORE)


def error_parameters(simulation: Simulation, error: EntraError) -> dict[str, str]:
    """A refusal as parameters of the redirect back to the application."""
    trace, correlation = simulation.new_identifier(), simulation.new_identifier()
    parameters = {"error": error.error}
    if error.subcode:
        parameters["error_subcode"] = error.subcode
    parameters["error_description"] = entra_errors.description(
        error, trace, correlation, simulation.timestamp()
    )
    parameters["error_uri"] = f"https://login.microsoftonline.com/error?code={error.code}"
    return parameters


def send_back(redirect_uri: str, parameters: Mapping[str, str], mode: str = "query") -> Response:
    """Send the browser back to the application, in the response mode it asked for."""
    if mode == "form_post":
        return page("form_post.html", action=redirect_uri, fields=parameters)
    parts = urlsplit(redirect_uri)
    added = urlencode(parameters)
    if mode == "fragment":
        return RedirectResponse(urlunsplit(parts._replace(fragment=added)), 302, _NO_STORE)
    query = f"{parts.query}&{added}" if parts.query else added
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 302, _NO_STORE)
