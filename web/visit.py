"""A visit: one request with its browser, its cookies, and the pages it is answered with."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from contracts.clock import wall_clock
from web.dependencies import Dependencies
from web.templating import PRODUCT_NAME, TEMPLATES

BROWSER_COOKIE = "pulse_browser"
"""Binds what a browser started to that browser."""
SESSION_COOKIE = "pulse_session"


def networks_of(host: str) -> tuple[str, ...]:
    """Return the networks that an address is in, from the smallest to the largest.

    The smallest is an IPv4 address itself, and the /64 of an IPv6 one, "2001:db8:1:2::/64": every
    home and server has a whole /64 to take addresses from, many have a /48. What is no address
    is returned as it is.
    """
    with suppress(ValueError):
        address = ip_address(host.partition("%")[0])
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped is None:
                return tuple(
                    str(ip_network((address, bits), strict=False)) for bits in (64, 56, 48, 32)
                )
            address = address.ipv4_mapped
        wider = (str(ip_network((address, bits), strict=False)) for bits in (24, 16))
        return (str(address), *wider)
    return (host,)


@dataclass(frozen=True)
class Visit:
    """One request: its browser, its session token if any, and its instant."""

    dependencies: Dependencies
    request: Request
    browser: str
    session_token: str
    at: datetime

    @property
    def networks(self) -> tuple[str, ...]:
        """Where the request comes from, as rate limits count it; see `networks_of`."""
        client = self.request.client
        return networks_of(client.host) if client else ("",)

    @property
    def network(self) -> str:
        """The smallest of these networks."""
        return self.networks[0]

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page; the browser keeps, or gets, the cookie that binds its forms."""
        response = TEMPLATES.TemplateResponse(
            self.request,
            template,
            {
                "product_name": PRODUCT_NAME,
                "support_address": self.dependencies.settings.support_address,
                "form_token": self.dependencies.form_token(self.browser),
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
        return self.request.cookies.get(self.dependencies.cookie_name(name), "")[:200]

    def set_cookie(
        self, response: Response, name: str, value: str, *, days: int | None = None
    ) -> None:
        """Give the browser a cookie that no script and no other site's form can use.

        It keeps it for so many days; None = until the browser is closed.
        """
        response.set_cookie(
            self.dependencies.cookie_name(name),
            value,
            max_age=days * 86_400 if days is not None else None,
            httponly=True,
            samesite="lax",
            secure=self.dependencies.is_secure,
        )

    def delete_cookie(self, response: Response, name: str) -> None:
        """Delete a cookie of the browser."""
        response.delete_cookie(
            self.dependencies.cookie_name(name), secure=self.dependencies.is_secure
        )


def visit(request: Request) -> Visit:
    """Return the present visit; a browser without a cookie gets a new one with the answer."""
    dependencies: Dependencies = request.app.state.dependencies
    browser = request.cookies.get(dependencies.cookie_name(BROWSER_COOKIE), "")
    session_token = request.cookies.get(dependencies.cookie_name(SESSION_COOKIE), "")
    return Visit(
        dependencies=dependencies,
        request=request,
        browser=browser if 20 <= len(browser) <= 100 else secrets.token_urlsafe(32),
        session_token=session_token[:200],
        at=wall_clock(),
    )


async def _present_visit(request: Request) -> Visit:
    # Not `def`: it asks nobody, and a thread of its own would cost more than it does.
    return visit(request)


AVisit = Annotated[Visit, Depends(_present_visit)]
