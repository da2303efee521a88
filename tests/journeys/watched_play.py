"""The people of two organisations on a watched stack, and what is left behind for its tests."""

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from commands.orders import Orders
from contracts.clock import wall_clock
from contracts.go_live import Wait, go_live_id
from database.engine import open_sessions
from database.go_live import standings
from local import loopback, people, queries
from local.demo import ADMINISTRATORS
from local.ports import Ports
from local.stack import Stack
from tests.bounds import LONGEST_WAIT
from tests.journeys.watched import until_wait
from tests.journeys.watched_keys import Keys
from web.visit import SESSION_COOKIE

ALPENGLOW, NORTHWIND = "alpenglow", "northwind"
TYPED = "very.secret.person@alpenglow.example"
"""An address that nobody has, typed where people type."""

DATABASE_PASSWORD = token_urlsafe(16)
"""PostgreSQL on this machine asks for none; it must be told to nobody all the same."""


@dataclass
class Seen:
    """What was left behind by a run with every kind of failure."""

    logs: dict[str, str] = field(default_factory=dict)
    """By part of the stack."""
    metrics: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    """By Temporal."""
    said: list[str] = field(default_factory=list)
    """By commands that failed."""
    spans: list[Any] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    keys: Keys = field(default_factory=Keys)
    refused_statuses: list[int] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)


class WatchedStack(Stack):
    """A stack whose database has a password in its address, as a real one has, and with traces."""

    def __init__(self, folder: Path, ports: Ports, tracing: dict[str, str]) -> None:
        super().__init__(folder, ports)
        self._tracing = tracing

    def environment(self) -> dict[str, str]:
        settings = super().environment()
        address = settings["GOLIVE_DATABASE_URL"].replace("@", f":{DATABASE_PASSWORD}@", 1)
        return settings | {"GOLIVE_DATABASE_URL": address} | self._tracing


class Play:
    """The people of two organisations, on one stack."""

    def __init__(self, stack: Stack, engine: Engine, client: Client, seen: Seen) -> None:
        self.stack, self.engine, self.client, self.seen = stack, engine, client, seen
        self.orders = Orders(engine, client, "dana")
        ports = stack.ports
        self.web = f"http://127.0.0.1:{ports.web}"
        self.mailbox = f"http://127.0.0.1:{ports.mailbox}"
        self.worker = f"http://127.0.0.1:{ports.worker_metrics}"
        self.simulator = f"http://127.0.0.1:{ports.simulator}"
        self.cluster = people.Endpoints(self.web, self.mailbox)

    async def consent(self, slug: str) -> None:
        await asyncio.to_thread(people.consent, self.cluster, *ADMINISTRATORS[slug])

    async def move(self, slug: str) -> None:
        progress = await until_wait(self.engine, slug, Wait.MOVE_DATE)
        assert progress.due_at is not None
        handle = self.client.get_workflow_handle(go_live_id(slug))
        await TimeSkipper(self.client).fast_forward(handle, progress.due_at - wall_clock())
        await until_wait(self.engine, slug, Wait.FIRST_SIGN_IN)

    async def first_sign_in(self, slug: str) -> None:
        with open_sessions(self.engine).begin() as session:
            standing = standings.standing_of(session, slug)
            assert standing is not None
            assert standing.go_live_id is not None
            address = queries.first_wave_addresses(session, standing.go_live_id)[0]
        with await asyncio.to_thread(people.log_in_with_sso, self.cluster, address) as browser:
            self.seen.keys.add("session", browser.cookies[SESSION_COOKIE])

    def consent_token(self) -> str:
        link = self.cluster.consent_link(ADMINISTRATORS[ALPENGLOW][0])
        return link.rpartition("/")[2]

    def make_trouble(self) -> None:
        """Refused and deferred mail; a Graph that fails and answers malformed."""
        for fault in (
            {"reject": "tom.berger@alpenglow.example", "code": 550},
            {"defer": "amelia.baker@northwind.example", "code": 451, "times": 1},
        ):
            self._post(f"{self.mailbox}/api/faults", fault)
        for kind in ({"kind": "malformed"}, {"kind": "server_error", "status": 503}):
            fault = {"match": {"path": "/graph/v1.0/*"}, "times": 1, **kind}
            self._post(f"{self.simulator}/_control/faults", fault)

    @staticmethod
    def _post(url: str, body: dict[str, Any]) -> None:
        loopback.request("POST", url, json=body, timeout=LONGEST_WAIT).raise_for_status()

    def visit_badly(self, link: str) -> None:
        """What strangers and unlucky people do; each with an address in it."""
        with loopback.client(base_url=self.web, timeout=LONGEST_WAIT) as browser:
            browser.get(f"/{TYPED}/nowhere?email={TYPED}")
            browser.get(f"/consent/{link}x")
            browser.get("/auth/microsoft/callback", params={"state": TYPED, "code": TYPED})
            browser.get("/consent/callback", params={"error": TYPED, "error_description": TYPED})
            page = browser.get("/login").text
            token = re.search(r'name="form_token" value="([^"]+)"', page)
            assert token is not None
            for _ in range(11):
                browser.post(
                    "/login/password",
                    data={"form_token": token[1], "email": TYPED, "password": TYPED},
                )
