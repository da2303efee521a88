"""One stack as its operators see it: no person in any log, metric, trace or history; figures that
are true; a consent that can be followed to Microsoft; a back-up that go-lives go on from.
"""

import asyncio
import json
import re
import signal
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client

from bootstrap import connections
from commands import imports
from contracts.go_live import GO_LIVE_BULK_QUEUE, GO_LIVE_QUEUE, GoLiveOutcome, Wait, go_live_id
from database.engine import open_sessions
from database.go_live import standings
from local import loopback, queries
from local.histories import everything_kept, found_in, texts_of
from local.ports import Ports
from local.postgresql import running_postgresql
from local.stack import POSTGRESQL, SETUP, WEB, WORKER, Stack
from settings import Settings
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, changed_environment
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
from tests.journeys.watched_play import (
    ALPENGLOW,
    DATABASE_PASSWORD,
    NORTHWIND,
    TYPED,
    Play,
    Seen,
    WatchedStack,
)
from tests.telemetry.rules import selectors

OUR_LOGS = ("worker", "web", "setup", "postgresql", "temporal")


@pytest_asyncio.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seen]:
    """Two go-lives with every trouble; a back-up in the middle, a new database server, and on."""
    folder, seen = tmp_path_factory.mktemp("watched"), Seen()
    with ExitStack() as opened:
        spans = opened.enter_context(collecting_spans())
        tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        stack = WatchedStack(folder / "state", Ports.free(), tracing)
        opened.enter_context(stack.running())
        opened.enter_context(changed_environment(stack.environment()))
        engine, client = connections.database(Settings()), await connections.temporal()
        opened.callback(engine.dispose)
        play = Play(stack, engine, client, seen)
        dump = await _until_backed_up(folder, play)
        await _until_ahead(play, spans)
        opened.enter_context(await asyncio.to_thread(_restored, folder, stack, dump))
        await asyncio.gather(_goes_on(play), _begins_again(play))
        _keep_people(play)
        seen.kept = await _everything_at_temporal(client)
        seen.spans = spans.found
    for log in folder.glob("state/logs/*.log"):
        part = log.name.split(".")[0]
        seen.logs[part] = seen.logs.get(part, "") + log.read_text()
    seen.keys.add_links_of(folder / "state" / "mailbox")
    for name in ("GOLIVE_SECRET_KEY", "GOLIVE_CLIENT_SECRET", "GOLIVE_METRICS_TOKEN"):
        seen.keys.add(name, stack.environment()[name])
    seen.keys.add("password of the database", DATABASE_PASSWORD)
    yield seen


async def _until_backed_up(folder: Path, play: Play) -> Path:
    """Both wait for their consent, after everything that strangers and faults do."""
    examples = ROOT / "examples"
    imports.import_files(play.engine, examples / "organisations.csv", examples / "users.csv")
    play.make_trouble()
    for slug in (ALPENGLOW, NORTHWIND):
        await play.orders.start(slug, aftercare_days=0)
    for slug in (ALPENGLOW, NORTHWIND):
        await until_wait(play.engine, slug, Wait.ADMIN_CONSENT)
    dump = folder / "pulse.dump"
    backing_up = asyncio.to_thread(
        postgresql, "pg_dump", play.stack.ports.postgresql,
        "--format", "custom", "--file", str(dump), "pulse",
    )  # fmt: skip
    await asyncio.gather(asyncio.to_thread(play.visit_badly, play.consent_token()), backing_up)
    return dump


async def _until_ahead(play: Play, spans: Spans) -> None:
    """One goes on after the back-up; the database is gone for a moment, in the middle of things."""
    seen, supervisor = play.seen, play.stack.supervisor
    supervisor.kill(POSTGRESQL)
    failed = await asyncio.gather(
        asyncio.to_thread(shell, "status", ALPENGLOW), asyncio.to_thread(shell, "start", TYPED)
    )
    seen.said += [command.stderr for command in failed]
    loopback.get(f"{play.web}/consent/{play.consent_token()}", timeout=LONGEST_WAIT)
    seen.metrics["away"] = scrape(play.web).text
    await asyncio.to_thread(supervisor.restart, POSTGRESQL)
    await play.consent(ALPENGLOW)
    await play.move(ALPENGLOW)
    await until(
        lambda: asyncio.to_thread(lambda: spans.named("activity verify_consent")),
        bool,
        "the trace",
    )
    await _park_a_run(play)
    seen.metrics |= {
        name: await asyncio.to_thread(lambda url=url: scrape(url).text)
        for name, url in {"web": play.web, "worker": play.worker}.items()
    }
    seen.refused_statuses = [
        scrape(url, "another-token").status_code for url in (play.web, play.worker)
    ]


async def _park_a_run(play: Play) -> None:
    """A run whose code the worker does not have: what a wrong deployment looks like."""
    parked = await play.client.start_workflow("NoSuchKind", id="parked", task_queue=GO_LIVE_QUEUE)
    await until(
        lambda: asyncio.to_thread(lambda: scrape(play.worker).text),
        lambda metrics: value(metrics, "temporal_workflow_task_execution_failed_total") > 0,
        "the failed workflow task",
    )
    await parked.terminate()


@contextmanager
def _restored(folder: Path, stack: Stack, dump: Path) -> Iterator[None]:
    """The database of the back-up on a new server, as docs/operating.md says."""
    for part in (WEB, WORKER):
        stack.supervisor.kill(part, signal.SIGTERM)
    stack.supervisor.kill(POSTGRESQL)
    with running_postgresql(folder / "restored", stack.ports.postgresql):
        postgresql(
            "pg_restore", stack.ports.postgresql, "--dbname", "pulse", "--exit-on-error", str(dump)
        )
        stack.supervisor.run_once(stack.part(SETUP))
        stack.supervisor.start(stack.part(WORKER), stack.part(WEB))
        yield


async def _goes_on(play: Play) -> None:
    """Where Temporal is not ahead of the record, nothing has to be done."""
    await play.consent(NORTHWIND)
    await play.move(NORTHWIND)
    await play.first_sign_in(NORTHWIND)
    await until_wait(play.engine, NORTHWIND, GoLiveOutcome.LIVE)


async def _begins_again(play: Play) -> None:
    """Where it is, the go-live is rolled back and started again."""
    await play.orders.roll_back(ALPENGLOW, "the database was restored")
    await until_wait(play.engine, ALPENGLOW, GoLiveOutcome.ROLLED_BACK)
    await play.orders.start(ALPENGLOW, aftercare_days=0)
    await until_wait(play.engine, ALPENGLOW, Wait.ADMIN_CONSENT)
    await play.consent(ALPENGLOW)
    await play.move(ALPENGLOW)
    await play.first_sign_in(ALPENGLOW)
    await until_wait(play.engine, ALPENGLOW, GoLiveOutcome.LIVE)


def _keep_people(play: Play) -> None:
    with open_sessions(play.engine).begin() as session:
        for slug in (ALPENGLOW, NORTHWIND):
            standing = standings.standing_of(session, slug)
            assert standing is not None
            assert standing.progress is not None
            play.seen.outcomes[slug] = f"{standing.progress.number} {standing.progress.outcome}"
            if slug == ALPENGLOW:
                play.seen.people = queries.personal_data(session, standing.organisation_id)


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


# --- no person and no key anywhere ----------------------------------------------------------------


def test_no_log_line_of_any_part_names_a_person_or_holds_a_key(seen: Seen) -> None:
    assert len(seen.people) > 40
    for part in OUR_LOGS:
        assert found_in([seen.logs[part]], [*seen.people, TYPED]) == [], part
        assert seen.keys.found_in([seen.logs[part]]) == [], part


def test_temporal_keeps_no_person_and_no_key_of_any_run(seen: Seen) -> None:
    assert len(seen.kept) > 1000
    assert found_in(seen.kept, [*seen.people, TYPED]) == []
    assert seen.keys.found_in(seen.kept) == []


def test_every_kind_of_key_was_searched_for_and_would_be_found(seen: Seen) -> None:
    assert set(seen.keys.known) >= {
        *("link: consent", "link: invitation", "link: setup", "session"),
        *("GOLIVE_SECRET_KEY", "GOLIVE_CLIENT_SECRET", "GOLIVE_METRICS_TOKEN"),
        "password of the database",
    }
    for kind, keys in seen.keys.known.items():
        for key in keys:
            assert len(key) >= 16, kind
            assert kind in seen.keys.found_in([f'{{"message": "a line with {key} in it"}}'])
    parts = (b'{"alg":"RS256"}', b'{"oid":"1234"}', b"signature")
    token = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    assert seen.keys.found_in([f"Bearer {token}"]) == ["a token of Microsoft"]
    assert seen.keys.found_in(["GET /auth/callback?code=0.AbCdEfGh1"]) == ["a round trip"]


def test_no_metric_no_span_and_no_failing_command_names_a_person(seen: Seen) -> None:
    texts = [*seen.metrics.values(), *seen.said, *(str(span) for span in seen.spans)]
    assert all("Traceback" not in said for said in seen.said)
    assert found_in(texts, [*seen.people, "alpenglow.example"]) == []
    assert seen.keys.found_in(texts) == []


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
    for queue, kind in ((GO_LIVE_QUEUE, "workflow_task"), (GO_LIVE_BULK_QUEUE, "activity_task")):
        assert value(worker, "temporal_num_pollers", task_queue=queue, poller_type=kind) > 0
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
        "signal consent_reported",
        "workflow took consent_reported",
        "activity verify_consent",
        "GET /graph/v1.0/organization",
    ] in ways
    assert len({span.trace_id for span in seen.spans}) > 3


# --- back-up and restore --------------------------------------------------------------------------


def test_go_lives_go_on_from_a_back_up_on_a_new_server(seen: Seen) -> None:
    assert seen.outcomes == {NORTHWIND: "1 LIVE", ALPENGLOW: "2 LIVE"}
