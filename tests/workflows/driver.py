"""Brings an organisation to each place where a go-live can wait, by what people do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, PendingActivityState, ResetReapplyExcludeType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from contracts.go_live import Attention, Wait
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person

SETTINGS = {"sso_included": "no", "it_acknowledgement": "yes", "exception_threshold": "0"}
"""With these an organisation passes every wait there is."""

MEMBERS = (
    *(Person(name) for name in ("anna", "ben", "cleo", "dora", "emil", "fay", "gus")),
    Person("zoe", in_directory=False),
    Person("nora", status="invited"),
)
"""More than fit into the first wave, one of them an exception."""

PLACES = (
    Wait.ENTITLEMENT,
    Wait.IT_ACKNOWLEDGEMENT,
    Wait.ADMIN_CONSENT,
    Wait.MICROSOFT,
    Wait.MOVE_DATE,
    Wait.APPROVAL,
    Wait.FIRST_SIGN_IN,
    Wait.AFTERCARE,
)


def new_organisation(cluster: Cluster) -> Organisation:
    """An organisation that passes every wait."""
    return cluster.create_organisation(*MEMBERS, **SETTINGS)


async def go_on(organisation: Organisation, wait: Wait) -> Wait:
    """Have the person whose turn it is act, and return the next wait."""
    cluster, slug = organisation.cluster, organisation.slug
    match wait:
        case Wait.NOTHING:
            await organisation.start(aftercare_days=14)
        case Wait.ENTITLEMENT:
            await cluster.orders().confirm_entitlement(slug)
        case Wait.IT_ACKNOWLEDGEMENT:
            await cluster.orders().acknowledge(slug)
        case Wait.ADMIN_CONSENT:
            never_applied(organisation)
            await organisation.consent()
        case Wait.MICROSOFT:
            cluster.control("DELETE", "/propagation")
            # The next check is by the retry policy, which skipped time brings at once.
            await organisation.skip(timedelta(minutes=1))
        case Wait.MOVE_DATE:
            await organisation.skip_to_due()
        case Wait.APPROVAL:
            progress = organisation.standing().progress
            assert progress is not None
            assert progress.plan_hash is not None
            await cluster.orders().approve(slug, progress.plan_hash)
        case Wait.FIRST_SIGN_IN:
            await organisation.sign_in(organisation.first_moved())
        case Wait.AFTERCARE:
            raise AssertionError("After aftercare there is no other wait.")
    following = PLACES[PLACES.index(wait) + 1] if wait in PLACES else PLACES[0]
    await organisation.until(following)
    return following


def never_applied(organisation: Organisation) -> None:
    """Let Microsoft take for ever to apply the next consent of this organisation."""
    organisation.cluster.control(
        "POST",
        "/propagation",
        tenant=organisation.tenant_id,
        client_id=organisation.cluster.settings.client_id,
        mode="token_refused_400",
    )


async def checks_and_proofs(organisation: Organisation) -> int:
    """How often the workflow has asked whether the consent is there."""
    return sum(
        event.activity_task_scheduled_event_attributes.activity_type.name == "verify_consent"
        for event in (await organisation.handle.fetch_history()).events
    )


async def assert_checked(organisation: Organisation, times: int) -> None:
    """Assert that the workflow has asked so often; it is on record a moment after its position."""
    async with asyncio.timeout(LONGEST_WAIT):
        while await checks_and_proofs(organisation) < times:
            await asyncio.sleep(0.05)
    assert await checks_and_proofs(organisation) == times


async def consented_in_vain(organisation: Organisation) -> None:
    """Have it consented to, and the proof give up, as Microsoft never applies the consent."""
    await go_on(organisation, Wait.ADMIN_CONSENT)
    await proof_gives_up(organisation)


async def proof_gives_up(organisation: Organisation) -> None:
    """Let the time of a proof run out."""
    await organisation.skip(timedelta(minutes=16))
    await until_attention(organisation, Attention.MICROSOFT_NOT_CAUGHT_UP)


async def beside_reminders(organisation: Organisation) -> None:
    """Let the first check of a proof end, so that reminders go on beside the later ones."""
    begun = await checks_and_proofs(organisation)
    await organisation.skip(timedelta(minutes=1))
    while await checks_and_proofs(organisation) == begun:
        await asyncio.sleep(0.05)


async def bring_to(organisation: Organisation, place: Wait) -> None:
    """Drive a new go-live to one place."""
    here = Wait.NOTHING
    while here is not place:
        here = await go_on(organisation, here)


async def until_attention(organisation: Organisation, why: Attention) -> None:
    """Wait until it needs attention for this reason."""
    await organisation.until(lambda now: now.attention is why)


@asynccontextmanager
async def work_held_up(organisation: Organisation, begin: Awaitable[object]) -> AsyncIterator[None]:
    """Begin something, and hold the plan or the move that follows until the block ends."""
    cluster = organisation.cluster
    key = f"move:{organisation.standing().go_live_id}"
    # Those of other go-lives wait, too: a run that another test has cancelled is still ending.
    waits = """
        SELECT FROM pg_locks, hashtextextended(:key, 0) AS lock
        WHERE locktype = 'advisory' AND NOT granted
          AND (classid::bigint << 32 | objid::bigint) = lock
    """
    with cluster.engine.begin() as holding:
        holding.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}
        )
        await begin
        async with asyncio.timeout(LONGEST_WAIT):
            while not cluster.rows(waits, key=key):
                await asyncio.sleep(0.05)
        yield


async def with_a_stuck_reminder(cluster: Cluster) -> Organisation:
    """An organisation whose contacts refused the first reminder; the relay takes mail again."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    for contact in (organisation.contact, organisation.second_contact):
        cluster.mail_faults(reject=contact, code=550)
    await organisation.skip_to_reminder()
    await until_attention(organisation, Attention.MAIL_REFUSED)
    cluster.mail_faults()
    return organisation


async def stopped_in_the_midst_of_a_move(organisation: Organisation) -> None:
    """Pause it for a day while the others move, before any mail to the first is taken as sent."""
    cluster, slug = organisation.cluster, organisation.slug
    async with work_held_up(organisation, organisation.sign_in(organisation.first_moved())):
        cluster.rows(
            "UPDATE golive.mail m SET state = 'queued' FROM golive.go_live g, pulse.organisation o "
            "WHERE g.id = m.go_live_id AND o.id = g.organisation_id AND o.slug = :slug "
            "AND m.message = 'sign_in_with_sso'",
            slug=slug,
        )
        await cluster.orders().pause(slug)
    await organisation.skip(timedelta(days=1))


async def ordinary_activity_tries(organisation: Organisation, name: str, *, tries: int = 1) -> None:
    """Wait until Temporal itself tries this activity so often, no longer the worker by itself."""
    async with asyncio.timeout(LONGEST_WAIT):
        while await tries_of_activity(organisation, name) < tries:
            await asyncio.sleep(0.1)


async def ordinary_activity_ended(organisation: Organisation) -> None:
    """Wait until Temporal tries no activity any more."""
    async with asyncio.timeout(LONGEST_WAIT):
        while await pending_activities(organisation):
            await asyncio.sleep(0.1)


async def until_idle(organisation: Organisation) -> None:
    """Wait until the run has taken in every message and every timer that is due, and does nothing.

    What a web process is about to signal is in the outbox until the run has it. Activities may wait
    for their next try.
    """
    async with asyncio.timeout(LONGEST_WAIT):
        while _outbox(organisation) or await _is_busy(organisation):
            await asyncio.sleep(0.05)


def _outbox(organisation: Organisation) -> list[Any]:
    return organisation.cluster.rows(
        "SELECT FROM golive.outbox WHERE go_live_id = :id", id=organisation.standing().go_live_id
    )


async def _is_busy(organisation: Organisation) -> bool:
    described = (await organisation.handle.describe()).raw_description
    # A local activity is part of a workflow task. An activity between two tries does nothing.
    return described.HasField("pending_workflow_task") or any(
        one.attempt == 1 or one.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        for one in described.pending_activities
    )


async def tries_of_activity(organisation: Organisation, name: str) -> int:
    """How often Temporal has tried this activity that is under way; 0 = it is not under way."""
    tries = [
        one.attempt
        for one in await pending_activities(organisation)
        if one.activity_type.name == name
    ]
    return max(tries, default=0)


async def pending_activities(organisation: Organisation) -> list[PendingActivityInfo]:
    """The activities that Temporal tries, or will try again, for this run."""
    return list((await organisation.handle.describe()).raw_description.pending_activities)


async def reset_to(
    organisation: Organisation, what: Callable[[HistoryEvent], bool], *, messages_too: bool = False
) -> None:
    """Reset the run, as a button of the Temporal UI does, to before it took note of an event.

    The workflow task that heard of the first such event, or caused it, is done once more.
    `messages_too`: it forgets what it was told after that, too.
    """
    task = None
    while task is None:
        events = [event async for event in organisation.handle.fetch_history_events()]
        first = next(number for number, event in enumerate(events) if what(event))
        caused_by = events[first].activity_task_scheduled_event_attributes
        heard_in = (
            event.event_id
            for event in events[first:]
            if event.event_type is EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        )
        task = caused_by.workflow_task_completed_event_id or next(heard_in, None)
    excluded = [
        ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
        ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
    ]
    client = organisation.cluster.client
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(
                workflow_id=organisation.handle.id, run_id=await run_id_of(organisation)
            ),
            workflow_task_finish_event_id=task,
            request_id=str(uuid4()),
            reason="for the test",
            reset_reapply_exclude_types=excluded if messages_too else [],
        )
    )


def schedules(activity: str) -> Callable[[HistoryEvent], bool]:
    """Tell of an event whether this activity was scheduled by it."""
    return lambda event: (
        event.activity_task_scheduled_event_attributes.activity_type.name == activity
    )


def hears(signal: str) -> Callable[[HistoryEvent], bool]:
    """Tell of an event whether this signal came by it."""
    return lambda event: event.workflow_execution_signaled_event_attributes.signal_name == signal


async def run_id_of(organisation: Organisation) -> str:
    """The id of the newest run."""
    return str((await organisation.handle.describe()).run_id)
