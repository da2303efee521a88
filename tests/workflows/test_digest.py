"""The daily digest: on a working morning, to whom it concerns, once, if it says something."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.client import ScheduleActionStartWorkflow, ScheduleOverlapPolicy
from temporalio.testing import ActivityEnvironment

from activities.digests import DigestActivities, Operators
from activities.mail_sending import Sending
from commands import setup
from contracts.business_hours import next_working_morning
from contracts.digests import DigestRound, DigestsSent
from contracts.go_live import GO_LIVE_QUEUE, Attention, Wait
from database.engine import open_sessions
from database.mail import digests
from database.models import Staff
from local import loopback
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation
from tests.workflows.driver import until_attention
from workflows import policies
from workflows.staff_digest import SCHEDULE_ID, StaffDigest

ZONE = "Pacific/Auckland"


class Manager:
    """A customer success manager of one test, working in Auckland."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.handle = f"m{uuid4().hex[:8]}"
        self.address = f"{self.handle}@clientshare.example"

    def found(self, **columns: str) -> Organisation:
        return self.cluster.create_organisation(
            customer_success_handle=self.handle,
            customer_success_email=self.address,
            customer_success_time_zone=ZONE,
            **columns,
        )

    async def digests(self) -> list[str]:
        return [
            str(one["subject"])
            for one in await asyncio.to_thread(self._received)
            if "go-lives" in str(one["subject"])
        ]

    async def newest(self) -> str:
        def read() -> str:
            number = self._received()[-1]["id"]
            url = f"{self.cluster.endpoints.mailbox}/api/messages/{number}"
            return " ".join(str(loopback.get(url, timeout=LONGEST_WAIT).json()["text"]).split())

        return await asyncio.to_thread(read)

    def _received(self) -> list[dict[str, object]]:
        found = loopback.get(
            f"{self.cluster.endpoints.mailbox}/api/messages",
            params={"to": self.address, "limit": 200},
            timeout=LONGEST_WAIT,
        ).json()
        return sorted(found, key=lambda one: int(str(one["id"])))


@pytest.fixture
def manager(cluster: Cluster) -> Manager:
    cluster.create_organisation()  # with it comes dana, who gives the orders
    return Manager(cluster)


BEGUN = datetime.now(UTC)
"""One moment for all mornings of a session: midnight in Auckland may come between two of them."""


def morning(number: int) -> datetime:
    """Nine on a working morning in Auckland: 0 = the next one, 1 = the one after it."""
    at = BEGUN
    for _ in range(number + 1):
        at = next_working_morning(at, ZONE)
    return at


def saturday_after(at: datetime) -> datetime:
    return at + timedelta(days=5 - at.weekday())


async def a_round(cluster: Cluster, at: datetime) -> DigestsSent:
    return await asyncio.wait_for(
        cluster.client.execute_workflow(
            StaffDigest.run,
            DigestRound(at),
            id=f"digest-{uuid4()}",
            task_queue=GO_LIVE_QUEUE,
        ),
        LONGEST_WAIT,
    )


async def test_each_manager_gets_one_digest_in_their_own_morning(
    cluster: Cluster, manager: Manager
) -> None:
    waits, asks, stuck = manager.found(), manager.found(sso_included="no"), manager.found()
    cluster.mail_faults(reject=stuck.contact, code=550)
    cluster.mail_faults(reject=stuck.second_contact, code=550)
    for organisation in (waits, asks, stuck):
        await organisation.start()
    await waits.until(Wait.ADMIN_CONSENT)
    await asks.until(Wait.ENTITLEMENT)
    await until_attention(stuck, Attention.MAIL_REFUSED)
    cluster.mail_faults()
    first = morning(0)
    for too_early_or_late in (-60, -1, 8 * 60):
        await a_round(cluster, first + timedelta(minutes=too_early_or_late))
    assert await manager.digests() == []
    await asyncio.gather(*(a_round(cluster, first + timedelta(minutes=5)) for _ in range(3)))
    await a_round(cluster, first + timedelta(hours=3))
    (subject,) = await manager.digests()
    assert subject.endswith(": 2 of 3 need you")
    assert f"{first:%A}" in subject
    text = await manager.newest()
    order = [text.index(one.slug.title()) for one in (stuck, asks, waits)]
    assert order == sorted(order)
    assert f"{stuck.slug.title()} (needs attention)" in text
    assert "WAITING ON THE CUSTOMER" in text
    assert "New: The go-live has begun." in text
    # What still needs them is said again the next day, without what was said already.
    await a_round(cluster, morning(1))
    assert len(await manager.digests()) == 2
    assert "New:" not in await manager.newest()
    for organisation in (waits, asks, stuck):
        await cluster.orders().roll_back(organisation.slug, "The test is over.")
        await organisation.ended()


async def test_without_news_and_without_need_nothing_comes_and_nothing_at_weekends(
    cluster: Cluster, manager: Manager
) -> None:
    organisation = manager.found()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    first = morning(0)
    await a_round(cluster, first)
    assert len(await manager.digests()) == 1
    assert (await manager.digests())[0].endswith(": none needs you")
    for at in (morning(1), morning(2), saturday_after(first)):
        await a_round(cluster, at)
    assert len(await manager.digests()) == 1
    decided = cluster.rows(
        "SELECT idempotency_key, state FROM golive.mail m "
        "JOIN golive.staff s ON s.id = m.recipient_id "
        "WHERE s.handle = :handle AND m.go_live_id IS NULL ORDER BY idempotency_key",
        handle=manager.handle,
    )
    assert [one.state for one in decided] == ["sent", "withdrawn", "withdrawn"]
    await cluster.orders().roll_back(organisation.slug, "The customer asked for it.")
    await organisation.ended()
    cluster.rows(
        "UPDATE golive.go_live SET closed_at = :at WHERE id = :id",
        at=morning(2) + timedelta(hours=5),
        id=organisation.standing().go_live_id,
    )
    await a_round(cluster, morning(3))
    assert "ENDED SINCE THE LAST DIGEST" in await manager.newest()
    await a_round(cluster, morning(4))
    assert len(await manager.digests()) == 2


async def test_a_relay_that_is_away_delays_the_digest_and_nobody_gets_two(
    cluster: Cluster, manager: Manager
) -> None:
    organisation = manager.found(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    cluster.mail_faults(defer=manager.address, code=451)
    first = morning(0)
    running = asyncio.create_task(a_round(cluster, first))
    async with asyncio.timeout(LONGEST_WAIT):
        while not cluster.rows(
            "SELECT 1 FROM golive.mail m JOIN golive.staff s ON s.id = m.recipient_id "
            "WHERE s.handle = :handle AND m.message = 'staff_digest' AND m.reply IS NOT NULL",
            handle=manager.handle,
        ):
            await asyncio.sleep(0.05)
    assert await manager.digests() == []
    cluster.mail_faults()
    await running
    await a_round(cluster, first + timedelta(hours=1))
    assert len(await manager.digests()) == 1
    await cluster.orders().decline_entitlement(organisation.slug)
    await organisation.ended()


async def test_operators_hear_of_our_credential_without_a_go_live_of_their_own(
    cluster: Cluster, manager: Manager
) -> None:
    organisation, first = manager.found(), morning(0)

    async def a_day(number: int, ends_at: datetime | None) -> int:
        """The digests so far, after a round on that morning."""
        known = Operators(manager.address, ends_at)
        sending = Sending(
            open_sessions(cluster.engine),
            cluster.dependencies.mailer,
            cluster.settings.mail_from,
            pooled=False,
        )
        activities = DigestActivities(
            open_sessions(cluster.engine), sending, cluster.dependencies.branding, known
        )
        round_of_it = DigestRound(morning(number))
        await asyncio.to_thread(ActivityEnvironment().run, activities.send_digests, round_of_it)
        return len(await manager.digests())

    assert await a_day(0, first + timedelta(days=90)) == 0
    assert await a_day(1, morning(1) + timedelta(days=29)) == 1
    assert (await manager.digests())[0].endswith(": something for those who run this")
    assert "FOR THOSE WHO RUN THIS Our own certificate or secret at Microsoft ends on" in (
        await manager.newest()
    )
    assert "in 29 days" in await manager.newest()
    assert await a_day(2, morning(1) + timedelta(days=29)) == 1
    assert await a_day(3, morning(3) + timedelta(days=6)) == 2
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    cluster.rows(
        "UPDATE golive.go_live SET attention = 'credential_refused' WHERE id = :id",
        id=organisation.standing().go_live_id,
    )
    assert await a_day(4, None) == 3
    text = await manager.newest()
    assert "at every customer: 1 go-live waits for a new one" in text
    assert "WAITING ON THOSE WHO RUN THIS" in text
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()


def test_an_operator_is_found_by_the_address_and_else_made(
    cluster: Cluster, manager: Manager
) -> None:
    manager.found()
    with open_sessions(cluster.engine)() as session:
        assert digests.operator(session, manager.address.upper()).handle == manager.handle
        for address in ("operations@ours.example", "night-shift@ours.example"):
            made = digests.operator(session, address)
            assert (made.handle, made.time_zone) == ("operators", "Europe/London")
            session.flush()
            assert session.get_one(Staff, made.id).address == address
            session.expire_all()
        session.rollback()


async def test_the_schedule_is_made_once_and_renewed(cluster: Cluster) -> None:
    for _ in range(2):
        await setup.set_up_digest(cluster.client)
    handle = cluster.client.get_schedule_handle(SCHEDULE_ID)
    try:
        schedule = (await handle.describe()).schedule
        assert isinstance(schedule.action, ScheduleActionStartWorkflow)
        assert schedule.action.task_queue == GO_LIVE_QUEUE
        (interval,) = schedule.spec.intervals
        assert interval.every == timedelta(hours=1)
        # A round that no code can go on with is over before it holds up more than the next one,
        # and one that is only slow ends by itself before that.
        assert schedule.policy.overlap is ScheduleOverlapPolicy.SKIP
        assert schedule.action.run_timeout == interval.every
        longest = policies.DIGEST_CALL["schedule_to_close_timeout"]
        assert longest is not None
        assert longest < schedule.action.run_timeout
    finally:
        # Other tests read mailboxes; no digest is to come to them on the hour.
        await handle.delete()
