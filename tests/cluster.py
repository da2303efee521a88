"""The whole product for tests: real Temporal, PostgreSQL, SMTP, web, and Microsoft's pretence.

One cluster a test session; each test founds an organisation of its own in it, with its own tenant
and e-mail domain, so that tests never meet.
"""

import asyncio
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from sqlalchemy import Engine, text
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper

from commands import imports, setup
from commands.orders import Orders
from commands.people_in_charge import PeopleInCharge
from contracts.go_live import GoLiveResult, Progress, Wait, go_live_id
from database import grants
from database.engine import open_engine, open_sessions
from database.go_live import standings
from local import loopback, people, queries
from local.ports import Ports
from local.postgresql import running_postgresql
from local.stack import Stack
from settings import Settings
from tests.bounds import LONGEST_WAIT
from worker import WorkerDependencies, build_workers, open_dependencies
from workflows.payloads import DATA_CONVERTER

ROOT = Path(__file__).parents[1]
STAFF = "dana"
A_WHILE = timedelta(minutes=5)
"""How far to skip beyond a reminder. A second is over while the mail is still being sent, and then
Temporal was seen to skip on to the next timer, however far away that is."""
MOST_MAILS = 10_000
"""The most that the mailbox lists, the oldest first."""
SERVING = "serving"
"""The database role of web, worker and shell."""
IN_MEMORY = ("--db-filename", "")
"""What a session's Temporal knows need not outlive it."""


@dataclass
class Person:
    """Someone in an organisation's directory, with us, or both."""

    name: str
    status: str | None = "active"
    """With us; None = only in the directory."""
    in_directory: bool = True
    group: str = ""
    administrator: bool = False
    directory: dict[str, Any] = field(default_factory=dict)
    """What the directory says otherwise, such as {"accountEnabled": False}."""
    object_id: str = field(default_factory=lambda: str(uuid4()))


class Organisation:
    """One organisation of a test, with its tenant."""

    def __init__(self, cluster: "Cluster", slug: str, tenant_id: str, people: list[Person]) -> None:
        self.cluster, self.slug, self.tenant_id, self.people = cluster, slug, tenant_id, people
        self.domain = f"{slug}.example"
        self.contact = f"it@{self.domain}"
        self.second_contact = f"it2@{self.domain}"
        self.tenant: dict[str, Any] = {}
        """As the simulator knows it."""

    def address(self, name: str) -> str:
        return f"{name}@{self.domain}"

    @property
    def administrator(self) -> str:
        return self.address("admin")

    @property
    def administrator_id(self) -> str:
        return next(person.object_id for person in self.people if person.administrator)

    @property
    def handle(self) -> WorkflowHandle[Any, GoLiveResult]:
        return self.cluster.client.get_workflow_handle(
            go_live_id(self.slug), result_type=GoLiveResult
        )

    async def start(self, *, aftercare_days: int = 0, skipping: bool = False) -> None:
        """Start as `starter.py` does; `skipping` lets every idle wait pass at once."""
        client = self.cluster.skipper.client if skipping else self.cluster.client
        await self.cluster.orders(client).start(self.slug, aftercare_days=aftercare_days)

    def standing(self) -> standings.Standing:
        with open_sessions(self.cluster.engine).begin() as session:
            found = standings.standing_of(session, self.slug)
        assert found is not None
        return found

    async def until(
        self, what: Callable[[Progress], bool] | Wait, *, within: float = LONGEST_WAIT
    ) -> Progress:
        """Return the first progress in the database of which this is true."""
        wanted = (lambda progress: progress.wait is what) if isinstance(what, Wait) else what
        give_up = time.monotonic() + within
        while time.monotonic() < give_up:
            progress = (await asyncio.to_thread(self.standing)).progress
            if progress is not None and wanted(progress):
                return progress
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.slug} did not get there in {within} s: {progress}")

    async def ended(self, *, within: float = LONGEST_WAIT) -> GoLiveResult:
        return await asyncio.wait_for(self.handle.result(), within)

    async def consent(self) -> None:
        """The administrator consents by the link in the mail, in a browser of their own."""
        await asyncio.to_thread(
            people.consent, self.cluster.endpoints, self.contact, self.administrator
        )

    async def sign_in(self, name: str) -> None:
        """Someone logs in by the SSO button."""

        def log_in() -> None:
            with people.log_in_with_sso(self.cluster.endpoints, self.address(name)):
                pass

        await asyncio.to_thread(log_in)

    async def skip(self, duration: timedelta) -> None:
        """Let this much of the go-live's own time pass at once."""
        await self.cluster.skipper.fast_forward(self.handle, duration)

    async def skip_to_due(self) -> None:
        """Let time pass until what is being waited for is due."""
        due = (await asyncio.to_thread(self.standing)).progress.due_at  # type: ignore[union-attr]
        assert due is not None
        await self.skip(due - await self.now() + timedelta(seconds=1))

    async def skip_to_reminder(self) -> None:
        """Let time pass until the next reminder goes out, whichever day of the week that is."""
        already = await self.now()
        ahead = await self.until(
            lambda now: now.reminder_at is not None and now.reminder_at > already
        )
        assert ahead.reminder_at is not None
        await self.skip(ahead.reminder_at - await self.now() + A_WHILE)

    async def now(self) -> datetime:
        """The go-live's own clock: wall time plus what was skipped."""
        return await self.cluster.skipper.get_current_time(self.handle)

    async def come_to_the_move(self, *, aftercare_days: int = 0) -> None:
        """Start, consent, and let the agreed hour come."""
        await self.start(aftercare_days=aftercare_days)
        await self.until(Wait.ADMIN_CONSENT)
        await self.consent()
        await self.until(Wait.MOVE_DATE)
        await self.skip_to_due()

    async def go_live(self) -> GoLiveResult:
        """Play every part from start to LIVE."""
        await self.come_to_the_move()
        progress = await self.until(
            lambda now: now.wait is Wait.FIRST_SIGN_IN or now.outcome is not None
        )
        if progress.outcome is None:
            await self.sign_in(self.first_moved())
        return await self.ended()

    def first_moved(self) -> str:
        standing = self.standing()
        assert standing.go_live_id is not None
        with open_sessions(self.cluster.engine).begin() as session:
            return queries.first_wave_addresses(session, standing.go_live_id)[0].split("@")[0]

    def mails(self, message: str | None = None) -> list[tuple[str, str, str]]:
        """The ledger: message, recipient's address, state."""
        rows = self.cluster.rows(
            """
            SELECT m.message, coalesce(u.address, c.address, s.address) AS address, m.state
            FROM golive.mail m JOIN golive.go_live g ON g.id = m.go_live_id
            JOIN pulse.organisation o ON o.id = g.organisation_id
            LEFT JOIN pulse.app_user u ON u.id = m.recipient_id
            LEFT JOIN golive.contact c ON c.id = m.recipient_id
            LEFT JOIN golive.staff s ON s.id = m.recipient_id
            WHERE o.slug = :slug AND (:message::text IS NULL OR m.message = :message)
            ORDER BY m.due_at, m.message, address
            """.replace(":message::text", "CAST(:message AS text)"),
            slug=self.slug,
            message=message,
        )
        return [tuple(row) for row in rows]

    def received(self, name_or_address: str) -> list[dict[str, Any]]:
        """What lies in someone's mailbox, oldest first.

        Dana gets mail about the organisations of other tests, too: that is left out.
        """
        address = name_or_address if "@" in name_or_address else self.address(name_or_address)
        found = loopback.get(
            f"{self.cluster.endpoints.mailbox}/api/messages",
            params={"to": address, "limit": MOST_MAILS},
            timeout=LONGEST_WAIT,
        ).json()
        if address == f"{STAFF}@clientshare.example":
            found = [one for one in found if self.slug.title() in one["subject"]]
        return sorted(found, key=lambda one: int(one["id"]))

    def user(self, name: str) -> dict[str, Any]:
        """One user's row."""
        (row,) = self.cluster.rows(
            """
            SELECT u.*, l.object_id FROM pulse.app_user u
            JOIN pulse.organisation o ON o.id = u.organisation_id
            LEFT JOIN golive.directory_link l ON l.user_id = u.id
            WHERE o.slug = :slug AND u.address = :address
            """,
            slug=self.slug,
            address=self.address(name),
        )
        return dict(row._mapping)

    @property
    def progress(self) -> Progress:
        found = self.standing().progress
        assert found is not None
        return found

    def newest_mail_to(self, address: str) -> str:
        """The text of the newest mail in someone's mailbox, in one line."""
        return self._text_of(self.received(address)[-1])

    def _text_of(self, mail: dict[str, Any]) -> str:
        shown = loopback.get(
            f"{self.cluster.endpoints.mailbox}/api/messages/{mail['id']}",
            timeout=LONGEST_WAIT,
        ).json()
        return " ".join(str(shown["text"]).split())

    async def received_by(self, address: str, words: str, *, within: float = LONGEST_WAIT) -> str:
        """A mail to someone that says this, once it is there, whatever comes after it."""
        give_up = time.monotonic() + within
        texts: dict[str, str] = {}
        while time.monotonic() < give_up:
            for mail in await asyncio.to_thread(self.received, address):
                if mail["id"] not in texts:
                    texts[mail["id"]] = await asyncio.to_thread(self._text_of, mail)
                    if words in texts[mail["id"]]:
                        return texts[mail["id"]]
            await asyncio.sleep(0.05)
        raise AssertionError(f"No mail says “{words}”: {list(texts.values())}")

    async def temporal_details(self) -> str:
        """What the Temporal UI shows on the run's page."""
        metadata: Any = await self.handle.query("__temporal_workflow_metadata")
        return str(metadata.current_details)

    async def shown(self, name: str) -> Any:
        """A search attribute of the run, None while it has none."""
        described = await self.handle.describe()
        return next(
            (
                pair.value
                for pair in described.typed_search_attributes.search_attributes
                if pair.key.name == name
            ),
            None,
        )

    async def signals(self) -> list[str]:
        """Names of the signals the run has received."""
        return [
            event.workflow_execution_signaled_event_attributes.signal_name
            async for event in self.handle.fetch_history_events()
            if event.HasField("workflow_execution_signaled_event_attributes")
        ]

    async def newest_timer(self) -> str:
        """The summary of the timer that was set last."""
        summaries = [
            json.loads(event.user_metadata.summary.data)
            async for event in self.handle.fetch_history_events()
            if event.HasField("timer_started_event_attributes")
        ]
        return str(summaries[-1])

    def change_tenant(self, **changes: Any) -> None:
        """Change the tenant as a whole, such as its domains; its grants are forgotten by it."""
        self.tenant = {**self.tenant, **changes}
        self.cluster.control("PUT", f"/tenants/{self.tenant_id}", **self.tenant)

    def audit(self) -> list[tuple[str, str, str]]:
        """The audit trail: actor, action, reason."""
        rows = self.cluster.rows(
            """
            SELECT a.actor, a.action, a.reason FROM golive.audit_entry a
            JOIN pulse.organisation o ON o.id = a.organisation_id WHERE o.slug = :slug
            ORDER BY a.id
            """,
            slug=self.slug,
        )
        return [tuple(row) for row in rows]


@dataclass
class Cluster:
    """Where everything is."""

    client: Client
    skipper: TimeSkipper
    engine: Engine
    settings: Settings
    endpoints: people.Endpoints
    simulator: str
    environment: dict[str, str]
    folder: Path
    dependencies: WorkerDependencies

    @property
    def owner_url(self) -> str:
        """The address of the database for the role that owns the tables."""
        return self.engine.url.render_as_string(hide_password=False)

    def orders(self, client: Client | None = None) -> Orders:
        return Orders(self.engine, client or self.client, STAFF, self.settings.public_url)

    def people(self, by: str = STAFF) -> PeopleInCharge:
        return PeopleInCharge(self.engine, self.client, by)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    def control(self, method: str, path: str, *, missing_ok: bool = False, **body: Any) -> Any:
        """Ask the pretend Microsoft for a fault, a clock or a tenant."""
        response = loopback.request(
            method,
            f"{self.simulator}/_control{path}",
            json=body or None,
            timeout=LONGEST_WAIT,
        )
        assert response.is_success or (missing_ok and response.status_code == 404), response.text
        return response.json() if response.content else None

    def mail_faults(self, **fault: Any) -> None:
        """Let the relay refuse, defer or drop."""
        method = "POST" if fault else "DELETE"
        loopback.request(
            method,
            f"{self.endpoints.mailbox}/api/faults",
            json=fault or None,
            timeout=LONGEST_WAIT,
        ).raise_for_status()

    def create_organisation(
        self, *members: Person, slug: str | None = None, **columns: str
    ) -> Organisation:
        """Make an organisation, its tenant and its users, by the same import that people use."""
        slug = slug or f"t{uuid4().hex[:10]}"
        tenant_id = str(uuid4())
        everyone = list(members) or [
            Person("anna"),
            Person("ben"),
            Person("nora", status="invited"),
        ]
        if not any(one.administrator for one in everyone):
            everyone.append(Person("admin", status=None, administrator=True))
        organisation = Organisation(self, slug, tenant_id, everyone)
        self.put_tenant(organisation)
        self.import_organisation(organisation, **columns)
        return organisation

    def put_tenant(self, organisation: Organisation) -> None:
        """Make, or make again, the tenant of an organisation."""
        organisation.change_tenant(
            id=organisation.tenant_id,
            display_name=organisation.slug.title(),
            domains=[directory_domain(organisation.domain)],
            users=[
                directory_user(organisation, one) for one in organisation.people if one.in_directory
            ],
        )

    def import_organisation(self, organisation: Organisation, **columns: str) -> None:
        row = {
            "slug": organisation.slug,
            "name": organisation.slug.title(),
            "domains": organisation.domain,
            "customer_success_email": "dana@clientshare.example",
            "it_contacts": (
                f"Ira Tee <{organisation.contact}>;Otto Tee <{organisation.second_contact}>"
            ),
            "sso_included": "yes",
            "agreement_start": "2020-01-01",
            "agreement_end": "2099-12-31",
            "customer_success_handle": STAFF,
            "exception_threshold": "1000",
            **columns,
        }
        users = [
            {
                "organisation": organisation.slug,
                "email": organisation.address(one.name),
                "display_name": one.name.title(),
                "status": one.status,
                "group": one.group,
            }
            for one in organisation.people
            if one.status is not None
        ]
        first, second = self.folder / f"{organisation.slug}.csv", self.folder / "users.csv"
        write_csv(first, [row])
        write_csv(second, users, columns=["organisation", "email", "display_name", "status"])
        imports.import_files(self.engine, first, second)


def directory_domain(name: str, *, default: bool = True, verified: bool = True) -> dict[str, Any]:
    """A domain as a seed of the simulator has it."""
    return {"name": name, "is_default": default, "is_initial": False, "is_verified": verified}


def write_csv(path: Path, rows: list[dict[str, Any]], columns: list[str] | None = None) -> None:
    names = list(rows[0]) if rows else columns or []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def directory_user(organisation: Organisation, person: Person) -> dict[str, Any]:
    address = organisation.address(person.name)
    return {
        "id": person.object_id,
        "userPrincipalName": address,
        "mail": address,
        "displayName": person.name.title(),
        "proxyAddresses": [f"SMTP:{address}"],
        "userType": "Member",
        "accountEnabled": True,
        "roles": ["Global Administrator"] if person.administrator else [],
        "app_roles": {},
        **person.directory,
    }


# --- building the cluster ------------------------------------------------------------------------


@asynccontextmanager
async def build_cluster(folder: Path) -> AsyncIterator[Cluster]:
    """Start every part but the worker, and set the database and Temporal up."""
    ports = Ports.free()
    # Not the SDK's own way to start Temporal: that gives up after five seconds.
    stack = Stack(
        folder,
        ports,
        temporal_extra_args=IN_MEMORY,
        without={"postgresql", "setup", "worker", "web"},
    )
    async with AsyncExitStack() as closing:
        database_url = closing.enter_context(running_postgresql(folder / "pg", ports.postgresql))
        closing.enter_context(stack.running())
        client = await Client.connect(
            stack.environment()["TEMPORAL_ADDRESS"], data_converter=DATA_CONVERTER
        )
        settings_of = stack.environment() | {
            # The product serves as a role that owns nothing; tests arrange things as the owner.
            "GOLIVE_DATABASE_URL": database_url.replace("postgres@", f"{SERVING}@"),
        }
        for for_one_worker in ("GOLIVE_WORKER_HEALTH_PORT", "GOLIVE_WORKER_METRICS_ADDRESS"):
            settings_of.pop(for_one_worker)
        with changed_environment(settings_of):
            settings = Settings()
        engine = open_engine(database_url)
        closing.callback(engine.dispose)
        setup.set_up_database(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {SERVING} LOGIN")
            connection.exec_driver_sql(grants.script(engine.url.database or "", SERVING))
        await setup.set_up_temporal(client)
        closing.enter_context(web(settings_of, ports.web, folder / "web.log"))
        dependencies = closing.enter_context(open_dependencies(settings))
        yield Cluster(
            client=client,
            skipper=TimeSkipper(client),
            engine=engine,
            settings=settings,
            endpoints=people.Endpoints(
                f"http://127.0.0.1:{ports.web}", f"http://127.0.0.1:{ports.mailbox}"
            ),
            simulator=f"http://127.0.0.1:{ports.simulator}",
            environment=settings_of,
            folder=folder,
            dependencies=dependencies,
        )


@contextmanager
def changed_environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@asynccontextmanager
async def working(cluster: Cluster) -> AsyncIterator[None]:
    """Run the workers, as `worker.py` builds them, in this process."""
    async with AsyncExitStack() as running:
        for worker in build_workers(cluster.client, cluster.dependencies):
            await running.enter_async_context(worker)
        yield


@contextmanager
def process(
    variables: dict[str, str], *command: str, log: Path, folder: Path = ROOT
) -> Iterator[Any]:
    """Run one of our programs as people do, and end it at the end."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, **variables},
            stdout=output,
            stderr=output,
        )
    try:
        yield running
    finally:
        with suppress(ProcessLookupError):
            running.terminate()
        running.wait(LONGEST_WAIT)


@contextmanager
def web(environment: dict[str, str], port: int, log: Path) -> Iterator[None]:
    with process(environment, "-m", "web", "--port", str(port), log=log) as running:
        give_up = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < give_up and running.poll() is None:
            with suppress(httpx2.TransportError):
                url = f"http://127.0.0.1:{port}/health/live"
                if loopback.get(url, timeout=LONGEST_WAIT).is_success:
                    yield
                    return
            time.sleep(0.05)
        raise AssertionError(f"The web did not start: {log.read_text()}")
