"""A cancelled activity stops between two steps: what it had begun is whole, the rest untouched."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError

from activities import directory, heartbeats, notices
from contracts.business_hours import next_working_morning
from contracts.go_live import GO_LIVE_BULK_QUEUE, GO_LIVE_QUEUE, GoLiveOutcome, Wait, go_live_id
from mail.mailer import Mailer
from mail.outgoing import OutgoingMail
from telemetry.logs import JsonLines
from tests.activity_worker import activity_worker
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person
from tests.one_activity import Asked, AskOnce
from worker import WorkerDependencies

USERS = 8
ZONE = "Pacific/Auckland"
ACTIVITY_LOGGER = "temporalio.worker._activity"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small batches, and a heartbeat that brings the cancelling at once."""
    monkeypatch.setattr(directory, "BATCH_SIZE", 2)
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(notices, "HEARTBEAT_SECONDS", 0.1)
    logger = logging.getLogger(ACTIVITY_LOGGER)
    before = logger.level
    # Not by its attribute: a logger remembers which levels were switched off.
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(before)


class SlowRelay:
    """The relay's yes is held back until the test lets it through."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer
        self.taken: list[str] = []
        self.go_on = Event()

    def send(self, mail: OutgoingMail) -> str:
        reply = self._mailer.send(mail)
        self.taken.append(mail.recipient)
        assert self.go_on.wait(LONGEST_WAIT)
        return reply


@pytest_asyncio.fixture
async def organisation(cluster: Cluster) -> AsyncIterator[Organisation]:
    """One that has consented, and whose users would move tomorrow."""
    people = [Person(f"user{number}") for number in range(USERS)]
    organisation = cluster.create_organisation(*people)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    yield organisation
    if organisation.progress.outcome is None:
        await organisation.handle.cancel()


class Asking:
    """Has activities done for one go-live, and cancels them in the midst of it."""

    def __init__(
        self, cluster: Cluster, queue: str, organisation: Organisation, lines: list[str]
    ) -> None:
        self.cluster, self.queue, self.organisation, self.lines = (
            cluster,
            queue,
            organisation,
            lines,
        )
        self.reference = {
            "go_live_id": str(organisation.standing().go_live_id),
            "at": datetime.now(UTC).isoformat(),
        }

    async def do(self, name: str, **argument: Any) -> Any:
        handle = await self.begin(name, **argument)
        return await asyncio.wait_for(handle.result(), LONGEST_WAIT)

    async def cancelled(
        self, name: str, is_busy: Callable[[], bool], release: Callable[[], None], **argument: Any
    ) -> bool:
        """Cancel it once it is busy; let it go on once it knows. True = it ended as cancelled."""
        seen = len(self.lines)
        handle = await self.begin(name, **argument)
        await self.until(is_busy)
        await handle.cancel()
        await self.until(self.hears_of_it(seen))
        release()
        with suppress(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), LONGEST_WAIT)
        self.assert_no_trouble(seen)
        events = (await handle.fetch_history()).events
        return any(one.HasField("activity_task_canceled_event_attributes") for one in events)

    def hears_of_it(self, seen: int) -> Callable[[], bool]:
        """Whether the worker was told to cancel, by the lines of its log from there on."""
        return lambda: any("Cancelling activity" in line for line in self.lines[seen:])

    def assert_no_trouble(self, seen: int) -> None:
        told = "\n".join(self.lines[seen:])
        for trouble in ("in progress", "OperationalError", "unexpected", "Traceback", "ERROR"):
            assert trouble not in told

    async def begin(self, name: str, **argument: Any) -> Any:
        return await self.cluster.client.start_workflow(
            AskOnce.run,
            Asked(name, {**self.reference, **argument}),
            id=f"{self.queue}-{uuid4().hex[:8]}",
            task_queue=self.queue,
        )

    async def until(self, true: Callable[[], bool]) -> None:
        give_up = time.monotonic() + LONGEST_WAIT
        while not await asyncio.to_thread(true):
            assert time.monotonic() < give_up, self.lines[-20:]
            await asyncio.sleep(0.02)

    def count(self, table: str, where: str = "true") -> int:
        (row,) = self.cluster.rows(
            f"SELECT count(*) FROM {table} WHERE go_live_id = :g AND {where}",
            g=self.reference["go_live_id"],
        )
        return int(row[0])


@contextmanager
def logged(about: str) -> Iterator[list[str]]:
    """Every line of every logger, but none about other workflows than these.

    Runs that earlier tests have cancelled are perhaps still ending in this process.
    """
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            activity = getattr(record, "temporal_activity", None)
            run = getattr(record, "temporal_workflow", activity)
            if run is not None:
                is_ours = about in run["workflow_id"]
            else:
                # Its lines name a workflow by the token of the task alone.
                is_ours = record.name != ACTIVITY_LOGGER or about in record.getMessage()
            if is_ours:
                lines.append(JsonLines().format(record))

    logger, handler = logging.getLogger(), Keeping()
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


@asynccontextmanager
async def asking(
    cluster: Cluster,
    organisation: Organisation,
    dependencies: WorkerDependencies | None = None,
    *,
    like: str = GO_LIVE_BULK_QUEUE,
) -> AsyncIterator[Asking]:
    queue = f"cancelling-{uuid4().hex[:8]}"
    with logged(queue) as lines:
        async with activity_worker(cluster, dependencies or cluster.dependencies, queue, like=like):
            yield Asking(cluster, queue, organisation, lines)


class Held:
    """Rows or a table that somebody else holds, so that a statement of ours waits in its midst."""

    def __init__(self, connection: psycopg.Connection[Any], cluster: Cluster) -> None:
        self._connection, self._cluster = connection, cluster

    def has_a_waiter(self) -> bool:
        (row,) = self._cluster.rows(
            "SELECT count(*) FROM pg_stat_activity WHERE :mine = ANY(pg_blocking_pids(pid))",
            mine=self._connection.info.backend_pid,
        )
        return bool(row[0])

    def release(self) -> None:
        self._connection.rollback()


@contextmanager
def held(cluster: Cluster, statement: str, **values: Any) -> Iterator[Held]:
    url = cluster.environment["GOLIVE_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(statement, values)
        yield Held(connection, cluster)
        connection.rollback()


ITS_USERS = (
    "SELECT 1 FROM pulse.app_user u JOIN pulse.organisation o ON o.id = u.organisation_id "
    "WHERE o.slug = %(slug)s FOR NO KEY UPDATE OF u"
)


async def test_what_moves_users_is_cancelled_between_two_batches(
    cluster: Cluster, organisation: Organisation
) -> None:
    async with asking(cluster, organisation) as ask:
        with held(cluster, "LOCK TABLE golive.directory_entry IN SHARE MODE") as holding:
            cancelled = await ask.cancelled(
                "snapshot_directory", holding.has_a_waiter, holding.release
            )
        kept = cluster.rows(
            "SELECT entries FROM golive.directory_snapshot WHERE go_live_id = :g",
            g=ask.reference["go_live_id"],
        )
        assert cancelled
        assert kept[0].entries == ask.count("golive.directory_entry")

        await ask.do("snapshot_directory")
        with held(cluster, "LOCK TABLE golive.user_move IN SHARE MODE") as holding:
            await ask.cancelled("plan_migration", holding.has_a_waiter, holding.release)
        assert ask.count("golive.user_move") == USERS

        plan = await ask.do("plan_migration")
        order = {"plan_hash": plan["plan_hash"], "wave": "first", "password_grace_days": 14}
        await ask.do("move_wave", **order)
        first = ask.count("golive.user_move", "moved_at IS NOT NULL")
        order["wave"] = "rest"
        with held(cluster, ITS_USERS, slug=organisation.slug) as holding:
            cancelled = await ask.cancelled(
                "move_wave", holding.has_a_waiter, holding.release, **order
            )
        moved = ask.count("golive.user_move", "moved_at IS NOT NULL")
        assert cancelled
        assert moved == first + 2 < USERS
        assert ask.count("golive.mail", "idempotency_key = 'move'") == moved
        assert ask.count("golive.directory_link") == moved
        assert ask.count("golive.audit_entry", "action = 'user_moved'") == moved

        await ask.do("move_wave", **order)
        with held(cluster, ITS_USERS, slug=organisation.slug) as holding:
            cancelled = await ask.cancelled("undo_moves", holding.has_a_waiter, holding.release)
        assert cancelled
        assert ask.count("golive.user_move", "undone_at IS NOT NULL") == 2
        assert ask.count("golive.audit_entry", "action = 'user_move_undone'") == 2
        assert ask.count("golive.directory_link") == USERS - 2
        await ask.do("undo_moves")
        assert ask.count("golive.directory_link") == 0


async def test_a_worker_that_stops_ends_with_the_batch_at_hand_and_another_goes_on(
    cluster: Cluster, organisation: Organisation
) -> None:
    async with asking(cluster, organisation) as ask:
        await ask.do("snapshot_directory")
        plan = await ask.do("plan_migration")
    queue = f"stopping-{uuid4().hex[:8]}"
    with logged(queue) as lines, held(cluster, ITS_USERS, slug=organisation.slug) as holding:
        ask = Asking(cluster, queue, organisation, lines)
        async with activity_worker(cluster, cluster.dependencies, queue) as worker:
            handle = await ask.begin(
                "move_wave", plan_hash=plan["plan_hash"], wave="first", password_grace_days=14
            )
            await ask.until(holding.has_a_waiter)
            stopping = asyncio.create_task(worker.shutdown())
            await ask.until(ask.hears_of_it(0))
            holding.release()
            await stopping
    (failed,) = [
        event.activity_task_failed_event_attributes.failure
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_failed_event_attributes")
    ]
    # Temporal has it done again; a run that heard of a cancelling would roll back.
    assert failed.application_failure_info.type == "WorkerShutdown"
    assert not failed.application_failure_info.non_retryable
    for table, what in (
        ("golive.audit_entry", "action = 'user_moved'"),
        ("golive.mail", "idempotency_key = 'move'"),
        ("golive.directory_link", "true"),
    ):
        assert ask.count(table, what) == 2, table
    await handle.terminate()


async def test_rolling_back_does_not_wait_for_more_than_the_batch_at_hand(
    cluster: Cluster, organisation: Organisation
) -> None:
    about = go_live_id(organisation.slug)
    with logged(about) as lines, held(cluster, ITS_USERS, slug=organisation.slug) as holding:
        ask = Asking(cluster, "", organisation, lines)
        await organisation.skip_to_due()
        await ask.until(holding.has_a_waiter)
        seen = len(lines)
        ordering = asyncio.create_task(cluster.orders().roll_back(organisation.slug, "Not now."))
        await ask.until(ask.hears_of_it(seen))
        holding.release()
        await ordering
        result = await organisation.ended()
        ask.assert_no_trouble(seen)
    assert result.outcome is GoLiveOutcome.ROLLED_BACK
    done = Counter(action for _, action, _ in organisation.audit())
    assert done["user_moved"] == done["user_move_undone"] == 2
    assert {organisation.user(f"user{number}")["sign_in_method"] for number in range(USERS)} == {
        "password"
    }


async def _with_mail_for_all_users(cluster: Cluster) -> Organisation:
    people = [Person(f"user{number}") for number in range(USERS)]
    organisation = cluster.create_organisation(*people)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    cluster.rows(
        """
        INSERT INTO golive.mail (id, go_live_id, message, idempotency_key, recipient_kind,
            recipient_id, due_at, state, attempts)
        SELECT gen_random_uuid(), :g, 'sign_in_with_sso', 'move', 'user', u.id, now(), 'queued', 0
        FROM pulse.app_user u JOIN pulse.organisation o ON o.id = u.organisation_id
        WHERE o.slug = :slug
        """,
        g=organisation.standing().go_live_id,
        slug=organisation.slug,
    )
    return organisation


async def test_mail_to_all_users_keeps_its_pace_and_other_mail_does_not_wait_for_it(
    cluster: Cluster,
) -> None:
    organisation = await _with_mail_for_all_users(cluster)
    slow = cluster.settings.model_copy(update={"user_mails_per_second": 0.001})
    async with asking(cluster, organisation, cluster.dependencies._replace(settings=slow)) as ask:
        at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        sent = "idempotency_key = 'move' AND state = 'sent'"

        notice = {"message": "result", "audience": "every_contact", "idempotency_key": "beside"}
        seen = len(ask.lines)
        paced = await ask.begin("deliver_mail", at=at)
        await ask.until(lambda: ask.count("golive.mail", sent) == 1)
        await ask.do("send_notice", at=at, **notice)
        assert ask.count("golive.mail", "idempotency_key = 'beside' AND state = 'sent'") == 2
        await paced.cancel()
        with suppress(WorkflowFailureError):
            await asyncio.wait_for(paced.result(), LONGEST_WAIT)
        ask.assert_no_trouble(seen)
        assert ask.count("golive.mail", sent) == 1
    await organisation.handle.cancel()


async def test_the_ordinary_queue_mails_the_few_users_there_at_once(cluster: Cluster) -> None:
    organisation = await _with_mail_for_all_users(cluster)
    slow = cluster.settings.model_copy(update={"user_mails_per_second": 0.001})
    dependencies = cluster.dependencies._replace(settings=slow)
    async with asking(cluster, organisation, dependencies, like=GO_LIVE_QUEUE) as ask:
        await ask.do("deliver_mail", at=(datetime.now(UTC) + timedelta(minutes=1)).isoformat())
        assert ask.count("golive.mail", "idempotency_key = 'move' AND state <> 'sent'") == 0
    await organisation.handle.cancel()


async def test_a_delivery_is_cancelled_between_two_mails_each_with_the_note_of_it(
    cluster: Cluster,
) -> None:
    organisation = await _with_mail_for_all_users(cluster)
    relay = SlowRelay(cluster.dependencies.mailer)
    async with asking(cluster, organisation, cluster.dependencies._replace(mailer=relay)) as ask:
        at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        assert await ask.cancelled(
            "deliver_mail", lambda: len(relay.taken) == 4, relay.go_on.set, at=at
        )
        assert len(relay.taken) == 4
        assert ask.count("golive.mail", "idempotency_key = 'move' AND state = 'sent'") == 4
        await ask.do("deliver_mail", at=at)
        assert len(relay.taken) == len(set(relay.taken)) == USERS

        notice = {"message": "result", "audience": "every_contact", "idempotency_key": "cancelled"}
        relay.go_on.clear()
        relay.taken.clear()
        assert await ask.cancelled(
            "send_notice", lambda: len(relay.taken) == 2, relay.go_on.set, at=at, **notice
        )
        assert ask.count("golive.mail", "idempotency_key = 'cancelled' AND state = 'sent'") == 2
    await organisation.handle.cancel()


async def test_a_round_of_digests_is_cancelled_after_the_digest_at_hand(cluster: Cluster) -> None:
    handles = [f"m{uuid4().hex[:8]}" for _ in range(2)]
    organisations = []
    for handle in handles:
        organisations.append(
            cluster.create_organisation(
                sso_included="no",
                customer_success_handle=handle,
                customer_success_email=f"{handle}@clientshare.example",
                customer_success_time_zone=ZONE,
            )
        )
    cluster.create_organisation()  # with it comes dana, who starts them
    for organisation in organisations:
        await organisation.start()
        await organisation.until(Wait.ENTITLEMENT)
    relay = SlowRelay(cluster.dependencies.mailer)
    morning = next_working_morning(datetime.now(UTC), ZONE) + timedelta(minutes=5)

    async with asking(
        cluster, organisations[0], cluster.dependencies._replace(mailer=relay)
    ) as ask:
        ask.reference = {"at": morning.isoformat()}
        assert await ask.cancelled("send_digests", lambda: len(relay.taken) == 1, relay.go_on.set)
        assert len(relay.taken) == 1
        await ask.do("send_digests")
    mine = [one for one in relay.taken if one.partition("@")[0] in handles]
    assert sorted(mine) == sorted(f"{one}@clientshare.example" for one in handles)
    assert len(relay.taken) == len(set(relay.taken))
    for organisation in organisations:
        await organisation.handle.cancel()
