"""One stack as its operators see it: no person in any log, metric, trace or history; figures that
are true; a consent that can be followed to Microsoft; a back-up that go-lives go on from.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from commands import connections, importing
from commands.orders import Orders
from contracts.clock import wall_clock
from contracts.go_live import GO_LIVE_QUEUE, GoLiveOutcome, Wait, go_live_id
from database import reading
from database.engine import open_sessions
from local import people
from local.demo import ADMINISTRATORS
from local.histories import everything_kept, found_in, texts_of
from local.ports import Ports
from local.postgresql import running_postgresql
from local.stack import POSTGRESQL, Stack
from settings import Settings
from tests.journeys.watched import (
    Spans,
    collecting_spans,
    postgresql,
    scrape,
    shell,
    until,
    until_wait,
    value,
)
from tests.telemetry.rules import selectors
from tests.town import ROOT, changed_environment

ALPENGLOW, NORTHWIND = "alpenglow", "northwind"
TYPED = "very.secret.person@alpenglow.example"
"""An address that nobody has, typed where people type."""


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
    links: list[str] = field(default_factory=list)
    refused_statuses: list[int] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)


class Play:
    """The people of two organisations, on one stack."""

    def __init__(self, stack: Stack, engine: Engine, client: Client) -> None:
        self.engine, self.client = engine, client
        self.orders = Orders(engine, client, "dana")
        ports = stack.ports
        self.web = f"http://127.0.0.1:{ports.web}"
        self.mailbox = f"http://127.0.0.1:{ports.mailbox}"
        self.worker = f"http://127.0.0.1:{ports.worker_metrics}"
        self.simulator = f"http://127.0.0.1:{ports.simulator}"
        self.town = people.Town(self.web, self.mailbox)

    async def consent(self, slug: str) -> None:
        await asyncio.to_thread(people.consent, self.town, *ADMINISTRATORS[slug])

    async def move(self, slug: str) -> None:
        progress = await until_wait(self.engine, slug, Wait.MOVE_DATE)
        assert progress.due_at is not None
        handle = self.client.get_workflow_handle(go_live_id(slug))
        await TimeSkipper(self.client).fast_forward(handle, progress.due_at - wall_clock())
        await until_wait(self.engine, slug, Wait.FIRST_SIGN_IN)

    async def first_sign_in(self, slug: str) -> None:
        with open_sessions(self.engine).begin() as session:
            standing = reading.standing_of(session, slug)
            assert standing is not None
            assert standing.go_live_id is not None
            address = reading.first_wave_addresses(session, standing.go_live_id)[0]
        (await asyncio.to_thread(people.log_in_with_sso, self.town, address)).__exit__()

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
        httpx2.post(url, json=body, trust_env=False).raise_for_status()

    def visit_badly(self, link: str) -> None:
        """What strangers and unlucky people do; each with an address in it."""
        with httpx2.Client(base_url=self.web, trust_env=False) as browser:
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


@pytest_asyncio.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seen]:
    """Two go-lives with every trouble; a back-up in the middle, a new database server, and on."""
    folder, seen, ports = tmp_path_factory.mktemp("watched"), Seen(), Ports.free()
    dump = folder / "pulse.dump"
    with collecting_spans() as spans:
        tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        with changed_environment(tracing):
            await _until_backed_up(folder, ports, dump, seen, spans)
            await _after_restoring(folder, ports, dump, seen)
        seen.spans = spans.found
    yield seen


async def _until_backed_up(
    folder: Path, ports: Ports, dump: Path, seen: Seen, spans: Spans
) -> None:
    stack = Stack(folder / "state", ports)
    with ExitStack() as opened:
        opened.enter_context(stack.running())
        opened.enter_context(changed_environment(stack.environment()))
        engine, client = connections.database(Settings()), await connections.temporal()
        opened.callback(engine.dispose)
        play = Play(stack, engine, client)
        examples = ROOT / "examples"
        importing.import_files(engine, examples / "organisations.csv", examples / "users.csv")
        play.make_trouble()
        for slug in (ALPENGLOW, NORTHWIND):
            await play.orders.start(slug, aftercare_days=0)
            await until_wait(engine, slug, Wait.ADMIN_CONSENT)
        seen.links = [play.town.consent_link(ADMINISTRATORS[ALPENGLOW][0]).rsplit("/", 1)[1]]
        play.visit_badly(seen.links[0])
        await asyncio.to_thread(
            postgresql, "pg_dump", ports.postgresql,
            "--format", "custom", "--file", str(dump), "pulse",
        )  # fmt: skip
        # The database is gone for a moment, in the middle of things.
        stack.supervisor.kill(POSTGRESQL)
        seen.said += [shell("status", ALPENGLOW).stderr, shell("start", TYPED).stderr]
        httpx2.get(f"{play.web}/consent/{seen.links[0]}", trust_env=False)
        seen.metrics["away"] = scrape(play.web).text
        stack.supervisor.restart(POSTGRESQL)
        await play.consent(ALPENGLOW)
        await play.move(ALPENGLOW)
        await until(
            lambda: asyncio.to_thread(lambda: spans.named("activity verify_consent")),
            bool,
            "the trace",
        )
        await _park_a_run(client, play)
        seen.metrics |= {
            name: await asyncio.to_thread(lambda url=url: scrape(url).text)
            for name, url in {"web": play.web, "worker": play.worker}.items()
        }
        seen.refused_statuses = [
            scrape(url, "another-token").status_code for url in (play.web, play.worker)
        ]
    _keep_logs(folder, seen)


async def _park_a_run(client: Client, play: Play) -> None:
    """A run whose code the worker does not have: what a wrong deployment looks like."""
    parked = await client.start_workflow("NoSuchKind", id="parked", task_queue=GO_LIVE_QUEUE)
    await until(
        lambda: asyncio.to_thread(lambda: scrape(play.worker).text),
        lambda metrics: value(metrics, "temporal_workflow_task_execution_failed_total") > 0,
        "the failed workflow task",
    )
    await parked.terminate()


def _keep_logs(folder: Path, seen: Seen) -> None:
    for log in folder.glob("state/logs/*.log"):
        part = log.name.split(".")[0]
        seen.logs[part] = seen.logs.get(part, "") + log.read_text()


async def _after_restoring(folder: Path, ports: Ports, dump: Path, seen: Seen) -> None:
    """The database of the back-up on a new server; Temporal is ahead of it for one go-live."""
    stack = Stack(folder / "state", ports, without={POSTGRESQL})
    with ExitStack() as opened:
        opened.enter_context(running_postgresql(folder / "restored", ports.postgresql))
        await asyncio.to_thread(
            postgresql, "pg_restore", ports.postgresql,
            "--dbname", "pulse", "--exit-on-error", str(dump),
        )  # fmt: skip
        opened.enter_context(stack.running())
        opened.enter_context(changed_environment(stack.environment()))
        engine, client = connections.database(Settings()), await connections.temporal()
        opened.callback(engine.dispose)
        play = Play(stack, engine, client)
        # Where Temporal is not ahead, nothing has to be done.
        await play.consent(NORTHWIND)
        await play.move(NORTHWIND)
        await play.first_sign_in(NORTHWIND)
        await until_wait(engine, NORTHWIND, GoLiveOutcome.LIVE)
        # Where it is, the go-live is rolled back and started again.
        await play.orders.roll_back(ALPENGLOW, "the database was restored")
        await until_wait(engine, ALPENGLOW, GoLiveOutcome.ROLLED_BACK)
        await play.orders.start(ALPENGLOW, aftercare_days=0)
        await until_wait(engine, ALPENGLOW, Wait.ADMIN_CONSENT)
        await play.consent(ALPENGLOW)
        await play.move(ALPENGLOW)
        await play.first_sign_in(ALPENGLOW)
        await until_wait(engine, ALPENGLOW, GoLiveOutcome.LIVE)
        with open_sessions(engine).begin() as session:
            for slug in (ALPENGLOW, NORTHWIND):
                standing = reading.standing_of(session, slug)
                assert standing is not None
                assert standing.progress is not None
                seen.outcomes[slug] = f"{standing.progress.number} {standing.progress.outcome}"
                if slug == ALPENGLOW:
                    seen.people = reading.personal_data(session, standing.organisation_id)
        seen.kept = await _everything_at_temporal(client)
    _keep_logs(folder, seen)


async def _everything_at_temporal(client: Client) -> list[str]:
    kept: list[str] = []
    async for run in client.list_workflows():
        kept += texts_of([run.raw_info])
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        kept += texts_of((await handle.fetch_history()).events)
        if run.workflow_type == "SsoGoLive":
            kept.append(str(await handle.query("__temporal_workflow_metadata")))
    for slug in (ALPENGLOW, NORTHWIND):
        kept += (await everything_kept(client, go_live_id(slug)))[1]
    return kept


# --- no person anywhere ---------------------------------------------------------------------------


def test_no_log_line_of_any_part_names_a_person_or_a_link(seen: Seen) -> None:
    wanted = [*seen.people, TYPED, *seen.links]
    assert len(seen.people) > 40
    for part in ("worker", "web", "setup", "postgresql", "temporal"):
        assert found_in([seen.logs[part]], wanted) == [], part


def test_temporal_keeps_no_person_of_any_run(seen: Seen) -> None:
    assert len(seen.kept) > 1000
    assert found_in(seen.kept, [*seen.people, TYPED, *seen.links]) == []


def test_no_metric_no_span_and_no_failing_command_names_a_person(seen: Seen) -> None:
    texts = [*seen.metrics.values(), *seen.said, *(str(span) for span in seen.spans)]
    assert all("Traceback" not in said for said in seen.said)
    assert found_in(texts, [*seen.people, *seen.links, "alpenglow.example"]) == []


def test_every_line_of_worker_and_web_is_json_and_says_which_go_live(seen: Seen) -> None:
    for part in ("worker", "web"):
        lines = [json.loads(line) for line in seen.logs[part].splitlines()]
        assert all({"at", "level", "logger", "message"} <= set(line) for line in lines)
        assert any(
            line.get("organisation") == ALPENGLOW and line["workflow_id"] == go_live_id(ALPENGLOW)
            for line in lines
        ), part


# --- figures and traces ---------------------------------------------------------------------------


def test_metrics_are_for_who_shows_the_token(seen: Seen) -> None:
    assert seen.refused_statuses == [401, 401]


def test_the_figures_are_true(seen: Seen) -> None:
    web, worker = seen.metrics["web"], seen.metrics["worker"]
    for process in (web, worker):
        assert value(process, "golive_database_up") == 1
        assert value(process, "golive_open", waits_for="admin_consent") == 1
        assert value(process, "golive_open", waits_for="first_sign_in") == 1
        assert value(process, "golive_needs_attention") == 0
        assert value(process, "golive_stage_began_timestamp_seconds", stage="users_migrated") > 0
    assert value(seen.metrics["away"], "golive_database_up") == 0
    assert value(worker, "golive_mails_total", result="refused") >= 1
    assert value(worker, "golive_mails_total", result="sent") >= 5
    assert value(worker, "golive_graph_resource_units_total") > 0
    assert value(worker, "temporal_activity_execution_latency_count") > 10
    assert value(web, "golive_consents_refused_total") >= 1
    assert value(web, "golive_slowed_down_total", what="password") >= 1
    assert value(web, "golive_http_request_seconds_count", route="/consent/{token}") >= 2


def test_every_metric_that_a_rule_reads_is_exported_with_its_labels(seen: Seen) -> None:
    lines = [line for text in seen.metrics.values() for line in text.splitlines()]
    for read in selectors():
        family = re.sub("_(bucket|count|sum)$", "", read.metric)
        assert any(line.startswith(f"# TYPE {family} ") for line in lines), read
        samples = [line for line in lines if re.match(rf"{read.metric}[{{ ]", line)]
        for label in read.labels if samples else ():
            assert any(f'{label}="' in sample for sample in samples), (read, label)


def test_a_consent_is_one_trace_from_the_page_to_graph(seen: Seen) -> None:
    by_id = {span.span_id: span for span in seen.spans}

    def way(span: Any) -> list[str]:
        names = [span.name]
        while span.parent_span_id in by_id:
            span = by_id[span.parent_span_id]
            names.insert(0, span.name)
        return names

    ways = [way(span) for span in seen.spans if "organization" in span.name]
    assert [
        "GET /auth/microsoft/callback",
        "signal admin_consented",
        "workflow took admin_consented",
        "activity verify_consent",
        "GET /graph/v1.0/organization",
    ] in ways
    assert len({span.trace_id for span in seen.spans}) > 3


# --- back-up and restore --------------------------------------------------------------------------


def test_go_lives_go_on_from_a_back_up_on_a_new_server(seen: Seen) -> None:
    assert seen.outcomes == {NORTHWIND: "1 LIVE", ALPENGLOW: "2 LIVE"}
