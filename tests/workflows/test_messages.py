"""Every message at every place: accepted with its effect, or refused with its reason."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from contracts.go_live import (
    AcknowledgeIt,
    ApproveMigration,
    CloseDeclined,
    ConfirmEntitlement,
    ConsentNotGiven,
    ConsentReported,
    DeclineEntitlement,
    ExtendDeadline,
    GoLiveOutcome,
    GoLiveStage,
    ItAcknowledged,
    MailRequested,
    Pause,
    PeopleChanged,
    Progress,
    Refusal,
    Replan,
    Resume,
    Retry,
    RollBack,
    Skip,
    UserSignedIn,
    Wait,
)
from contracts.notices import Message
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation
from tests.workflows.driver import PLACES, beside_reminders, go_on, new_organisation
from tests.workflows.schedule import ledger
from workflows.go_live import SsoGoLive

WRONG = "0" * 64

CONFIRMED = "already confirmed"
NO_PLAN = "No plan waits"
NO_NEW_PLAN = "new plan can be made"
NOT_PAUSED = "not paused"
NO_TROUBLE = "Nothing needs attention"
NO_DEADLINE = "Nothing with a deadline"
MOVING = "Users are moving already"
NOT_DECLINED = "Nobody has declined"
CHANGED = "plan has changed"


@dataclass(frozen=True)
class Row:
    """What is refused at one place; every other order is accepted there."""

    confirm: str | None = CONFIRMED
    decline: str | None = CONFIRMED
    acknowledge: str | None = None
    approve: str | None = NO_PLAN
    replan: str | None = NO_NEW_PLAN
    retry: str | None = NO_TROUBLE
    skip: str | None = NO_TROUBLE
    extend: str | None = None
    close_declined: str | None = NOT_DECLINED


TABLE = {
    Wait.ENTITLEMENT: Row(confirm=None, decline=None),
    Wait.IT_ACKNOWLEDGEMENT: Row(skip=None),
    Wait.ADMIN_CONSENT: Row(),
    Wait.MICROSOFT: Row(),
    Wait.MOVE_DATE: Row(),
    Wait.APPROVAL: Row(acknowledge=MOVING, approve=CHANGED, replan=None, extend=NO_DEADLINE),
    Wait.FIRST_SIGN_IN: Row(acknowledge=MOVING),
    Wait.AFTERCARE: Row(acknowledge=MOVING, replan=None),
}


async def test_every_order_at_every_place_is_refused_with_its_reason_or_does_what_it_says(
    cluster: Cluster,
) -> None:
    organisation = new_organisation(cluster)
    here = Wait.NOTHING
    for place in PLACES:
        here = await go_on(organisation, here)
        assert here is place
        await _refuse_and_accept(organisation, TABLE[place])
        if place is Wait.MICROSOFT:
            await beside_reminders(organisation)
            await _refuse_and_accept(organisation, TABLE[place])
        await _other_people(organisation)
        await _late_and_early_facts(organisation, place)
    await _replan_in_aftercare(organisation)
    await cluster.orders().roll_back(organisation.slug, "The table is done.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK


async def _refuse_and_accept(organisation: Organisation, row: Row) -> None:
    await _refused_orders_change_nothing(organisation, row)
    await _pause_and_resume(organisation)
    if row.extend is None:
        await _extend_and_take_back(organisation)


async def _refused_orders_change_nothing(organisation: Organisation, row: Row) -> None:
    now = await organisation.now()
    orders: dict[str, tuple[Any, Any]] = {
        "confirm": (SsoGoLive.confirm_entitlement, ConfirmEntitlement("dana")),
        "decline": (SsoGoLive.decline_entitlement, DeclineEntitlement("dana", 1)),
        "acknowledge": (SsoGoLive.acknowledge_it, AcknowledgeIt("dana")),
        "approve": (SsoGoLive.approve_migration, ApproveMigration(WRONG, "dana")),
        "replan": (SsoGoLive.replan, Replan("dana")),
        "retry": (SsoGoLive.retry, Retry("dana")),
        "skip": (SsoGoLive.skip, Skip("dana", 1)),
        "extend": (SsoGoLive.extend_deadline, ExtendDeadline("dana", now + timedelta(days=9))),
        "close_declined": (SsoGoLive.close_declined, CloseDeclined("dana", 1)),
    }
    before = await _progress(organisation)
    events = await _events(organisation)
    for name, (order, message) in orders.items():
        refusal = getattr(row, name)
        if refusal is not None:
            assert refusal in await _refusal(organisation, order, message), name
    always: list[tuple[Any, Any, str]] = [
        (SsoGoLive.resume, Resume("dana"), NOT_PAUSED),
        (SsoGoLive.roll_back, RollBack("dana", 0), "Say why"),
    ]
    if row.extend is None:
        always += [
            (SsoGoLive.extend_deadline, ExtendDeadline("dana", now - timedelta(days=1)), "past"),
            (
                SsoGoLive.extend_deadline,
                ExtendDeadline("dana", now.replace(tzinfo=None)),
                "lacks a time zone",
            ),
        ]
    if row.acknowledge is None:
        late = AcknowledgeIt("dana", now - timedelta(days=1))
        always.append((SsoGoLive.acknowledge_it, late, "past"))
    if row.skip is None:
        always.append((SsoGoLive.skip, Skip("dana", 0), "Say why"))
    for order, message, refusal in always:
        assert refusal in await _refusal(organisation, order, message)
    assert await _progress(organisation) == before
    # A refused update leaves no trace of its own in the history.
    assert await _events(organisation) == events


async def _pause_and_resume(organisation: Organisation) -> None:
    handle = organisation.handle
    before, begun = await _progress(organisation), await organisation.now()
    assert (await handle.execute_update(SsoGoLive.pause, Pause("dana", 0))).paused
    again = await handle.execute_update(SsoGoLive.pause, Pause("dana", 0))
    assert again.paused
    assert organisation.standing().progress.paused  # type: ignore[union-attr]
    after = await handle.execute_update(SsoGoLive.resume, Resume("dana"))
    assert not after.paused
    if before.due_at is not None and before.wait is not Wait.MOVE_DATE:
        assert after.due_at is not None
        assert timedelta() <= after.due_at - before.due_at <= await organisation.now() - begun
    await _settled(organisation, before.wait)


async def _extend_and_take_back(organisation: Organisation) -> None:
    before = await _progress(organisation)
    assert before.due_at is not None
    later = before.due_at + timedelta(days=3)
    for until in (later, later, before.due_at):
        order = ExtendDeadline("dana", until)
        await organisation.handle.execute_update(SsoGoLive.extend_deadline, order)
        after = await _settled(organisation, before.wait)
        assert after.due_at == until


async def _other_people(organisation: Organisation) -> None:
    """Who looks after it changes at any place, and nothing else does."""
    before = await _progress(organisation)
    for owner in ("lee", "lee", "dana"):
        await organisation.handle.signal(SsoGoLive.people_changed, PeopleChanged(owner))
        async with asyncio.timeout(LONGEST_WAIT):
            while await organisation.shown("CustomerSuccessOwner") != owner:
                await asyncio.sleep(0.05)
    after = await _settled(organisation, before.wait)
    assert replace(after, since=before.since) == before


async def _late_and_early_facts(organisation: Organisation, place: Wait) -> None:
    """Facts are only recorded: at no place do they break or advance what they do not concern."""
    if place not in {Wait.MOVE_DATE, Wait.APPROVAL, Wait.AFTERCARE, Wait.FIRST_SIGN_IN}:
        return
    handle = organisation.handle
    for _ in range(2):
        await handle.signal(
            SsoGoLive.consent_reported, ConsentReported(organisation.tenant_id, WRONG)
        )
        await handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven("declined"))
        await handle.signal(SsoGoLive.user_signed_in, UserSignedIn(WRONG))
        await handle.signal(
            SsoGoLive.mail_requested, MailRequested(Message.IT_PACK, "again-2", "contact:0")
        )
        await handle.signal(SsoGoLive.it_acknowledged, ItAcknowledged("contact:0", 1))
        if place is not Wait.MOVE_DATE:
            later = await organisation.now() + timedelta(days=3)
            fact = ItAcknowledged("contact:0", 10**9, later)
            await handle.signal(SsoGoLive.it_acknowledged, fact)
    assert (await _progress(organisation)).stage is GoLiveStage.USERS_MIGRATED
    await _settled(organisation, place)


async def _replan_in_aftercare(organisation: Organisation) -> None:
    """A new plan that decides the same needs no second approval, and moves nobody twice."""
    before = await _progress(organisation)
    assert (before.users_done, before.exceptions) == (8, 1)
    mails = len(organisation.mails())
    await organisation.handle.execute_update(SsoGoLive.replan, Replan("dana"))
    after = await organisation.until(
        lambda now: now.wait is Wait.AFTERCARE and now.since > before.since
    )
    assert (after.users_done, after.exceptions, after.due_at) == (8, 1, before.due_at)
    assert len(organisation.mails()) == mails


# --- early, repeated, late, simultaneous ---------------------------------------------------------


async def test_early_messages_count_when_their_time_comes(cluster: Cluster) -> None:
    organisation = new_organisation(cluster)
    handle = organisation.handle
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    move_at = await organisation.now() + timedelta(days=40)
    other = move_at - timedelta(days=9)
    await handle.execute_update(SsoGoLive.acknowledge_it, AcknowledgeIt("dana", other))
    await handle.signal(SsoGoLive.it_acknowledged, ItAcknowledged("contact:0", 7, move_at))
    # What was said before that and is told later, or twice, changes nothing; nor does no date.
    for number, date in ((7, move_at), (3, other), (8, None)):
        await handle.signal(SsoGoLive.it_acknowledged, ItAcknowledged("contact:0", number, date))
    await handle.execute_update(SsoGoLive.acknowledge_it, AcknowledgeIt("dana"))
    for _ in range(3):
        await handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven("declined"))
    await cluster.orders().confirm_entitlement(organisation.slug)
    await organisation.until(lambda now: now.refusal is not None)
    # Nobody waits for an acknowledgement that was given, and the refusal is told once.
    assert organisation.mails("it_acknowledgement_reminder") == []
    await organisation.consent()
    progress = await organisation.until(Wait.MOVE_DATE)
    assert progress.due_at == move_at
    assert len(organisation.mails("consent_declined")) == 1
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()


async def test_a_consent_that_no_browser_of_ours_has_seen_is_not_believed(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    forged = ConsentReported(organisation.tenant_id, organisation.people[0].object_id)
    for _ in range(3):
        await organisation.handle.signal(SsoGoLive.consent_reported, forged)
    progress = await organisation.until(lambda now: now.refusal is not None)
    assert progress.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()


async def test_of_two_opposite_answers_at_once_one_counts_and_the_other_is_refused(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    answers = await asyncio.gather(
        cluster.orders().confirm_entitlement(organisation.slug),
        cluster.orders().decline_entitlement(organisation.slug, "It is not in the agreement."),
        return_exceptions=True,
    )
    refused = [str(one) for one in answers if isinstance(one, Exception)]
    assert len(refused) == 1
    await organisation.until(
        lambda now: now.wait is Wait.ADMIN_CONSENT or now.outcome is GoLiveOutcome.NOT_ENTITLED
    )
    if organisation.standing().progress.outcome is None:  # type: ignore[union-attr]
        await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()


async def test_the_acknowledgement_can_be_skipped_with_a_reason(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(it_acknowledgement="yes")
    await organisation.start()
    progress = await organisation.until(Wait.IT_ACKNOWLEDGEMENT)
    assert progress.may_skip
    await cluster.orders().skip(organisation.slug, "They told us by phone.")
    await organisation.until(Wait.ADMIN_CONSENT)
    assert ("dana", "skip", "They told us by phone.") in organisation.audit()
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()


async def test_a_decline_never_ends_a_run_and_a_later_consent_counts(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    for _ in range(2):
        await organisation.handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven("declined"))
    await organisation.until(lambda now: now.refusal is not None)
    await organisation.skip(timedelta(days=20))
    assert ledger(organisation, "consent_reminder", "consent_escalation") == []
    assert [to for _, to, _ in organisation.mails("consent_declined")] == [
        "dana@clientshare.example"
    ]
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()


async def test_a_no_after_another_try_is_heard_again(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    no = ConsentNotGiven("declined")
    await organisation.handle.signal(SsoGoLive.consent_not_given, no)
    await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    forged = ConsentReported(organisation.tenant_id, organisation.people[0].object_id)
    await organisation.handle.signal(SsoGoLive.consent_reported, forged)
    await organisation.until(lambda now: now.refusal is Refusal.UNPROVEN)
    await organisation.handle.signal(SsoGoLive.consent_not_given, no)
    again = await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    assert again.reminder_at is None
    await organisation.until(lambda _: len(organisation.mails("consent_declined")) == 2)
    await cluster.orders().close_declined(organisation.slug, "They do not want SSO.")
    await organisation.ended()


@pytest.mark.parametrize("by_order", [True, False], ids=["closed by an order", "at the deadline"])
async def test_declined_is_an_ending_only_by_order_or_at_the_deadline(
    cluster: Cluster, *, by_order: bool
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven("declined"))
    await organisation.until(lambda now: now.refusal is not None)
    if by_order:
        await cluster.orders().close_declined(organisation.slug, "They do not want SSO.")
    else:
        await organisation.skip(timedelta(days=29))
    assert (await organisation.ended()).outcome is GoLiveOutcome.CONSENT_DECLINED
    assert {to for _, to, _ in organisation.mails("closing_notice")} == {
        "dana@clientshare.example",
        organisation.contact,
        organisation.second_contact,
    }


async def _progress(organisation: Organisation) -> Progress:
    return await organisation.handle.query(SsoGoLive.progress)


async def _settled(organisation: Organisation, place: Wait) -> Progress:
    """Where it stands once the run itself waits at a place; the record may be a moment behind."""
    async with asyncio.timeout(LONGEST_WAIT):
        while (progress := await _progress(organisation)).wait is not place:
            await asyncio.sleep(0.05)
    await organisation.until(lambda now: now == progress)
    return progress


async def _events(organisation: Organisation) -> int:
    history = await organisation.handle.fetch_history()
    return sum(1 for event in history.events if _is_update(event))


def _is_update(event: Any) -> bool:
    return bool(event.HasField("workflow_execution_update_accepted_event_attributes"))


async def _refusal(organisation: Organisation, order: Any, message: Any) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await organisation.handle.execute_update(order, message)
    return str(caught.value.cause)
