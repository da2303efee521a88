"""A proof begins with a first check of a minute, during which nothing else is done."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.worker import Worker

from contracts.go_live import (
    GO_LIVE_QUEUE,
    CloseDeclined,
    ConsentNotGiven,
    ConsentReported,
    GoLiveOutcome,
    Progress,
    Refusal,
    Wait,
)
from contracts.records import Position
from database.go_live import positions
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person, build_cluster
from tests.workflows.driver import (
    assert_checked,
    beside_reminders,
    consented_in_vain,
    go_on,
    ordinary_activity_ended,
    until_idle,
    with_a_stuck_reminder,
)
from tests.workflows.schedule import ledger
from worker import activities
from workflows import policies
from workflows.go_live import SsoGoLive

NEARLY_A_MINUTE = timedelta(seconds=45)


@pytest.fixture
def delayed(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster whose Microsoft behaves again afterwards."""
    yield cluster
    cluster.control("DELETE", "/faults")
    cluster.control("DELETE", "/propagation")


async def _asked(cluster: Cluster) -> Organisation:
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    return organisation


async def _roll_back(organisation: Organisation) -> None:
    await organisation.cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()


async def test_it_lasts_its_minute_where_microsoft_asks_for_a_longer_pause(
    delayed: Cluster,
) -> None:
    organisation = await with_a_stuck_reminder(delayed)
    token = {"path": f"/{organisation.tenant_id}/oauth2/v2.0/token"}
    # The first two answers there are for the look for a grant and the administrator's browser.
    delayed.control("POST", "/faults", kind="throttle", retry_after="120", after=2, match=token)
    await organisation.consent()
    await organisation.until(Wait.MICROSOFT)
    await ordinary_activity_ended(organisation)
    await organisation.skip(NEARLY_A_MINUTE)
    await until_idle(organisation)
    await assert_checked(organisation, 1)
    assert {one.state for one in ledger(organisation, "consent_reminder")} == {"refused"}
    delayed.control("DELETE", "/faults")
    await organisation.skip(timedelta(minutes=1))
    done = await organisation.until(Wait.MOVE_DATE)
    assert done.attention is None
    await assert_checked(organisation, 2)
    await _roll_back(organisation)


async def test_another_report_does_not_take_the_place_of_the_consent_at_hand(
    delayed: Cluster,
) -> None:
    organisation = await _asked(delayed)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    forged = ConsentReported(organisation.tenant_id, str(uuid4()))
    await organisation.handle.signal(SsoGoLive.consent_reported, forged)
    await beside_reminders(organisation)
    delayed.control("DELETE", "/propagation")
    await organisation.skip(timedelta(minutes=1))
    proven = await organisation.until(Wait.MOVE_DATE)
    assert proven.refusal is None
    await _roll_back(organisation)


async def test_a_trouble_that_was_answered_is_listed_no_more(delayed: Cluster) -> None:
    organisation = await _asked(delayed)
    await consented_in_vain(organisation)
    async with asyncio.timeout(LONGEST_WAIT):
        while not await organisation.shown("NeedsAttention"):
            await asyncio.sleep(0.05)
    await delayed.orders().retry(organisation.slug)
    await organisation.until(Wait.MICROSOFT)
    async with asyncio.timeout(LONGEST_WAIT):
        while await organisation.shown("NeedsAttention"):
            await asyncio.sleep(0.05)
    assert await organisation.shown("WaitingOn") == "microsoft"
    await assert_checked(organisation, 3)  # The last one still lasts.
    await _roll_back(organisation)


async def test_what_follows_a_first_check_began_with_it_and_names_no_date_that_has_passed(
    delayed: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation = await with_a_stuck_reminder(delayed)
    recorded: list[Progress] = []
    record = positions.record_position

    def noting(session: object, go_live_id: object, position: Position, by: object) -> None:
        if position.progress.slug == organisation.slug:
            recorded.append(position.progress)
        record(session, go_live_id, position, by)  # type: ignore[arg-type]

    monkeypatch.setattr(positions, "record_position", noting)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    looking = organisation.progress
    await organisation.skip(timedelta(minutes=1))
    await organisation.until(lambda now: now.reminder_at is not None)
    proving = [one for one in recorded if one.wait is Wait.MICROSOFT]
    assert len(proving) > 1
    assert {one.since for one in proving} == {looking.since}
    named = [one.reminder_at for one in proving if one.reminder_at is not None]
    assert named
    assert all(at > looking.since for at in named)
    await _roll_back(organisation)


async def test_a_deadline_that_is_moved_in_it_is_seen_at_once(delayed: Cluster) -> None:
    organisation = await _asked(delayed)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    looking = organisation.progress
    moved = await delayed.orders().extend(organisation.slug, days=5)
    assert looking.due_at is not None
    assert moved.due_at == looking.due_at + timedelta(days=5)
    seen = await organisation.until(lambda now: now.due_at == moved.due_at)
    assert seen.wait is Wait.MICROSOFT
    await assert_checked(organisation, 1)
    await _roll_back(organisation)


async def test_whoever_looks_after_it_may_change_in_it(delayed: Cluster) -> None:
    organisation = await _asked(delayed)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    new = f"Otto Tee <{organisation.address('otto')}>"
    await delayed.people().name_contact(
        organisation.slug, new, instead_of=organisation.second_contact
    )
    await beside_reminders(organisation)
    delayed.control("DELETE", "/propagation")
    await organisation.skip(timedelta(minutes=1))
    await organisation.until(Wait.MOVE_DATE)
    told = {address for _, address, _ in organisation.mails("move_announcement")}
    assert told == {organisation.contact, organisation.address("otto")}
    await _roll_back(organisation)


@asynccontextmanager
async def _thinking(cluster: Cluster) -> AsyncIterator[None]:
    """Run workflows, and no activity but the local ones."""
    asked = activities(cluster.dependencies)[GO_LIVE_QUEUE]
    with ThreadPoolExecutor(4) as threads:
        async with Worker(
            cluster.client,
            task_queue=GO_LIVE_QUEUE,
            workflows=[SsoGoLive],
            activities=asked,
            activity_executor=threads,
            no_remote_activities=True,
        ):
            yield


@asynccontextmanager
async def _doing(cluster: Cluster) -> AsyncIterator[None]:
    """Run activities, and no workflow."""
    asked = activities(cluster.dependencies)[GO_LIVE_QUEUE]
    with ThreadPoolExecutor(4) as threads:
        async with Worker(
            cluster.client, task_queue=GO_LIVE_QUEUE, activities=asked, activity_executor=threads
        ):
            yield


async def test_a_go_live_that_is_closed_as_a_first_check_ends_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        policies.FIRST_CHECK_CALL, "schedule_to_close_timeout", timedelta(seconds=4)
    )
    async with build_cluster(tmp_path / "cluster") as cluster, _doing(cluster):
        async with _thinking(cluster):
            organisation = await _asked(cluster)
            await organisation.handle.signal(
                SsoGoLive.consent_not_given, ConsentNotGiven("declined")
            )
            await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
            await go_on(organisation, Wait.ADMIN_CONSENT)
            await assert_checked(organisation, 1)
        # Nobody hears that the first check is over before both are there.
        closing = asyncio.create_task(
            organisation.handle.execute_update(SsoGoLive.close_declined, CloseDeclined("dana", 1))
        )
        async with asyncio.timeout(LONGEST_WAIT):
            while (await organisation.handle.describe()).raw_description.pending_activities:
                await asyncio.sleep(0.1)
        async with _thinking(cluster):
            await closing
            ended = await organisation.ended()
        assert ended.outcome is GoLiveOutcome.CONSENT_DECLINED
