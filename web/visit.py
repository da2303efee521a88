"""What pages share: the rooms they use, the browser's cookies, forms, and how a page is made."""

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader
from pydantic import AfterValidator
from sqlalchemy import Engine
from temporalio.client import Client

from contracts import rules
from contracts.clock import wall_clock
from contracts.links import LinkSigner
from database.engine import Sessions
from graph.client import GraphClient
from graph.tokens import EntraClient
from settings import Settings
from wording.sentences import counted

PRODUCT_NAME = "Clientshare Pulse"
BROWSER_COOKIE = "pulse_browser"
"""Binds what a browser started to that browser."""
SESSION_COOKIE = "pulse_session"

TEMPLATES = Jinja2Templates(
    env=Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # Templates come with the code and change with it, so no request looks at the files again.
        auto_reload=False,
    )
)
TEMPLATES.env.filters["counted"] = counted
TEMPLATES.env.globals["rules"] = rules


def _printable(written: str) -> str:
    return "".join(letter for letter in written if letter.isprintable() or letter in "\n\t")


TypedText = Annotated[str, AfterValidator(_printable)]
"""What a person typed, without control characters: PostgreSQL refuses some, people see none."""


def network_of(host: str) -> str:
    """Return an IPv4 address as it is, and the /64 of an IPv6 one: "2001:db8:1:2::/64".

    Every home and server has a whole /64 to take addresses from. What is no address is returned
    as it is.
    """
    with suppress(ValueError):
        address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv6Address):
            return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False))
    return host


@dataclass(frozen=True)
class Rooms:
    """Everything the pages need from outside; one for the life of the process."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    entra: EntraClient
    graph: GraphClient
    temporal: Client
    signer: LinkSigner

    def url(self, path: str) -> str:
        """Return the outside address of one of our paths."""
        return f"{self.settings.public_url}{path}"

    @property
    def is_secure(self) -> bool:
        """Cookies travel over TLS only; on the loopback address of a demo there is none."""
        return self.settings.public_url.startswith("https://")

    def cookie_name(self, name: str) -> str:
        """Return the name a cookie has in browsers.

        Over TLS it is one that browsers take from this very host alone: a page of another host of
        our domain can then plant neither a session nor what binds forms to a browser.
        """
        return f"__Host-{name}" if self.is_secure else name

    def form_token(self, browser: str) -> str:
        """Return what a form of this browser must carry, so that no other site can send it."""
        key = self.settings.secret_key.get_secret_value().encode()
        return hmac.new(key, f"form:{browser}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Visit:
    """One request: its browser, its session token if any, and its instant."""

    rooms: Rooms
    request: Request
    browser: str
    session_token: str
    at: datetime

    @property
    def network(self) -> str:
        """Where the request comes from, as limits on guessing count it; see `network_of`."""
        client = self.request.client
        return network_of(client.host) if client else ""

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page; the browser keeps, or gets, the cookie that binds its forms."""
        response = TEMPLATES.TemplateResponse(
            self.request,
            template,
            {
                "product_name": PRODUCT_NAME,
                "support_address": self.rooms.settings.support_address,
                "form_token": self.rooms.form_token(self.browser),
                **values,
            },
            status_code=status,
        )
        self._keep_browser(response)
        return response

    def go_to(self, url: str) -> Response:
        """Return a redirect after a form, so that a reload repeats nothing."""
        response = RedirectResponse(url, status_code=303)
        self._keep_browser(response)
        return response

    def sign_in(self, response: Response, token: str) -> Response:
        """Give the browser its session."""
        self.set_cookie(response, SESSION_COOKIE, token)
        return response

    def _keep_browser(self, response: Response) -> None:
        if self.cookie(BROWSER_COOKIE) != self.browser:
            self.set_cookie(response, BROWSER_COOKIE, self.browser)

    def cookie(self, name: str) -> str:
        """Return what the browser brought in a cookie of ours, "" for none."""
        return self.request.cookies.get(self.rooms.cookie_name(name), "")[:200]

    def set_cookie(self, response: Response, name: str, value: str) -> None:
        """Give the browser a cookie that no script and no other site's form can use."""
        response.set_cookie(
            self.rooms.cookie_name(name),
            value,
            httponly=True,
            samesite="lax",
            secure=self.rooms.is_secure,
        )

    def forget_cookie(self, response: Response, name: str) -> None:
        """Take a cookie from the browser."""
        response.delete_cookie(self.rooms.cookie_name(name), secure=self.rooms.is_secure)


class FormRefusedError(Exception):
    """A form came without the token of this browser: another site, or cookies are off."""


def visit(request: Request) -> Visit:
    """Return the present visit; a browser without a cookie gets a new one with the answer."""
    rooms: Rooms = request.app.state.rooms
    browser = request.cookies.get(rooms.cookie_name(BROWSER_COOKIE), "")
    session_token = request.cookies.get(rooms.cookie_name(SESSION_COOKIE), "")
    return Visit(
        rooms=rooms,
        request=request,
        browser=browser if 20 <= len(browser) <= 100 else secrets.token_urlsafe(32),
        session_token=session_token[:200],
        at=wall_clock(),
    )


async def _present_visit(request: Request) -> Visit:
    # Not `def`: it asks nobody, and a thread of its own would cost more than it does.
    return visit(request)


AVisit = Annotated[Visit, Depends(_present_visit)]


async def own_form(visit: AVisit, form_token: Annotated[str, Form()] = "") -> Visit:
    """Return the present visit of a form that one of our pages gave to this very browser.

    Raises:
        FormRefusedError: it did not come from there.
    """
    if not hmac.compare_digest(form_token.encode(), visit.rooms.form_token(visit.browser).encode()):
        raise FormRefusedError
    return visit


OwnForm = Annotated[Visit, Depends(own_form)]
