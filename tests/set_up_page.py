"""A contact at the set-up page, by HTTP: as fast and as often as anybody can click."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import httpx2
from fastapi import Request, Response

from contracts.clock import wall_clock
from contracts.links import LinkPurpose, LinkSigner
from database.engine import open_sessions
from local import loopback
from local.browser import Browser
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation
from web.customer import setup_page
from web.visit import BROWSER_COOKIE, Visit


def personal_link(cluster: Cluster, organisation: Organisation, purpose: LinkPurpose) -> str:
    """The path of the first contact's live link of a kind."""
    (row,) = cluster.rows(
        "SELECT l.id, l.version FROM golive.personal_link l JOIN golive.contact c "
        "ON c.id = l.contact_id WHERE l.go_live_id = :g AND l.purpose = :purpose "
        "AND c.position = 1 AND l.revoked_at IS NULL",
        g=organisation.standing().go_live_id,
        purpose=purpose,
    )
    signer = LinkSigner(cluster.settings.secret_keys)
    return f"/{purpose}/{signer.token(purpose, row.id, row.version)}"


class Clicking:
    """Somebody who has a set-up link and sends its form."""

    def __init__(self, http: httpx2.Client, page: str) -> None:
        self._http, self._page = http, page
        found = re.search(r'name="form_token" value="(\w+)"', http.get(page).text)
        assert found is not None
        self._token = found.group(1)

    def ready(self, move_at: str | datetime = "") -> httpx2.Response:
        """Press “We have read the pack”, with a date or without; nothing is followed."""
        chosen = f"{move_at:%Y-%m-%dT%H:%M}" if isinstance(move_at, datetime) else move_at
        form = {"form_token": self._token, "move_at": chosen, "by_a_person": "yes"}
        return self._http.post(f"{self._page}/acknowledge", data=form)

    def new_link(self) -> httpx2.Response:
        """Press “Send me a new link”."""
        return self._http.post(f"{self._page}/new-link", data={"form_token": self._token})

    def shown(self) -> str:
        """What the page says now."""
        return " ".join(self._http.get(self._page).text.split())


class Page:
    """What answers a click on “We have read the pack”, called without a server around it."""

    def __init__(self, cluster: Cluster, organisation: Organisation) -> None:
        *_, self._token = personal_link(cluster, organisation, LinkPurpose.SETUP).split("/")
        self._request = Request({"type": "http", "method": "POST", "headers": []})
        self._rooms: Any = SimpleNamespace(
            sessions=open_sessions(cluster.engine),
            signer=LinkSigner(cluster.settings.secret_keys),
            cookie_name=str,
            is_secure=False,
        )

    def ready(self) -> Response:
        """Press it; what would be told in the background is not."""
        visit = Visit(self._rooms, self._request, "a" * 30, "", wall_clock())
        return setup_page.acknowledge(visit, self._token, ticked="yes")


@contextmanager
def clicking(
    cluster: Cluster,
    organisation: Organisation,
    *,
    web: str = "",
    purpose: LinkPurpose = LinkPurpose.SETUP,
    login: str = "",
) -> Iterator[Clicking]:
    """Somebody with the first contact's link, at this web process.

    With `login` they have signed in there, which takes a consent that is proven.
    """
    page, base = personal_link(cluster, organisation, purpose), web or cluster.endpoints.web
    with loopback.client(base_url=base, timeout=LONGEST_WAIT) as http:
        if login:
            http.cookies.set(BROWSER_COOKIE, _signed_in(f"{base}{page}", login))
        yield Clicking(http, page)


def _signed_in(page: str, login: str) -> str:
    """Sign in at a set-up page, and return the cookie of that browser."""
    with Browser() as browser:
        browser.open(page)
        browser.press("Login with SSO")
        browser.press("Sign in", login=login)
        return browser.cookies[BROWSER_COOKIE]


def pending(cluster: Cluster, organisation: Organisation) -> list[tuple[str, dict[str, str]]]:
    """What stands in the outbox for an organisation's go-live: signal and argument."""
    rows = cluster.rows(
        "SELECT signal, argument FROM golive.outbox WHERE go_live_id = :g ORDER BY id",
        g=organisation.standing().go_live_id,
    )
    return [tuple(row) for row in rows]
