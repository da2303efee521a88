"""Starts a go-live and gives it orders; each is in the audit trail with who and why."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Engine
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from commands import dates, sending, standings
from commands.errors import CommandError, RefusedError, UsageError, plain_database_errors
from commands.lookups import known_staff, organisation_named
from commands.order_records import OrderRecords, check_same
from commands.sending import Argument
from contracts import rules
from contracts.clock import wall_clock
from contracts.go_live import GO_LIVE_QUEUE, Progress, StartGoLive, go_live_id
from contracts.orders import ORDER_RULES, Order, OrderRefusal, Role
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import orders, records
from database.go_live.prerequisites import furthest_stage
from database.models import AuditEntry, Staff
from wording import runs
from workflows import search_attributes
from workflows.go_live import SsoGoLive

SHORTEST_HASH = 8
"""Characters of a plan's hash that are enough to name it."""


@dataclass(frozen=True)
class Started:
    """What a start did."""

    slug: str
    number: int
    workflow_id: str
    already_running: bool
    resumed_after: str | None = None
    """Where it goes on although the run before is over: what became of that one, in words."""


class Orders:
    """Orders of one person to the go-lives of one database and one Temporal server."""

    def __init__(
        self,
        engine: Engine,
        client: Client,
        by: str,
        public_url: str = "",
        *,
        role: Role = Role.LEAD,
    ) -> None:
        """Give orders as the member of staff with this handle; runs link to the console there.

        The shell has no token that names a role, so whoever uses it is lead.
        """
        self._engine = engine
        self._client = client
        self._by = by
        self._public_url = public_url
        self._role = role
        self._records = OrderRecords(engine, by)

    async def start(
        self,
        slug: str,
        *,
        aftercare_days: int = rules.AFTERCARE_DAYS,
        order_id: UUID | None = None,
    ) -> Started:
        """Start a go-live; where one runs already, say so and change nothing.

        A start that was interrupted between database and Temporal is completed. The same order
        again starts no other go-live, also when the one it began has ended. Where the run of an
        open go-live is over without an ending, as when it was terminated, another one goes on from
        what the database knows.
        """
        self._check_role(slug, Role.MANAGER)
        at = wall_clock()
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = organisation_named(session, slug)
            known_staff(session, self._by)
            before = orders.order_given(session, order_id) if order_id else None
            if before is not None and before.go_live_id is not None:
                check_same(before, organisation, "go_live_started", self._by)
                go_live, is_new = records.go_live_by_id(session, before.go_live_id), False
            else:
                go_live, is_new = records.begin_go_live(
                    session,
                    organisation,
                    by=self._by,
                    at=at,
                    aftercare_days=aftercare_days,
                    order_id=order_id,
                )
            owner = session.get_one(Staff, go_live.owner_id).handle
            stage = furthest_stage(session, go_live)
        if go_live.closed_at is not None:
            return Started(slug, go_live.number, go_live_id(slug), already_running=True)
        start = StartGoLive(
            go_live_id=str(go_live.id),
            organisation_id=str(organisation.id),
            slug=slug,
            number=go_live.number,
            owner=owner,
            aftercare_days=go_live.aftercare_days,
        )
        try:
            lost = None if is_new else await self._run_before(start)
            already = not await self._start_run(start)
        except RPCError as error:
            raise sending.start_failed(error) from None
        resumed_after = None
        # Without a record nothing was done by a run that is not there any more.
        if not already and not is_new and (lost or go_live.recorded_by):
            became = lost.status.name if lost and lost.status else None
            ended_at = lost.close_time if lost else None
            resumed_after = runs.goes_on(go_live.number, became, ended_at, stage)
            await asyncio.to_thread(self._records.record_new_run, go_live.id, resumed_after)
        return Started(slug, go_live.number, go_live_id(slug), already, resumed_after)

    async def _run_before(self, start: StartGoLive) -> WorkflowExecutionDescription | None:
        """Return the newest run of this go-live, None where Temporal has none."""
        try:
            found = await self._client.get_workflow_handle(go_live_id(start.slug)).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return found if await found.static_summary() == _summary(start) else None

    async def _start_run(self, start: StartGoLive) -> bool:
        """Start the run; False = it runs already. That of the go-live before may be ending still.

        Raises:
            CommandError: it takes too long to end.
        """
        summary = _summary(start)
        console_url = f"{self._public_url}/console/{start.slug}" if self._public_url else ""
        clock = asyncio.get_running_loop().time
        give_up = clock() + sending.ANSWER_WITHIN_SECONDS
        while True:
            try:
                await self._client.start_workflow(
                    SsoGoLive.run,
                    start,
                    id=go_live_id(start.slug),
                    task_queue=GO_LIVE_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    static_summary=summary,
                    static_details=runs.steering(start.slug, start.number, console_url),
                    search_attributes=search_attributes.at_start(start),
                )
                return True
            except WorkflowAlreadyStartedError:
                handle = self._client.get_workflow_handle(go_live_id(start.slug))
                if await (await handle.describe()).static_summary() == summary:
                    return False
            if clock() > give_up:
                raise CommandError(Problem.STILL_ENDING, slug=start.slug)
            await asyncio.sleep(0.1)

    # Each is given once, however often: an `order_id` names one that may have been given before.

    async def confirm_entitlement(
        self, slug: str, reason: str = "", *, order_id: UUID | None = None
    ) -> Progress:
        """Say that SSO is in the subscription agreement."""
        return await self._give(slug, Order.CONFIRM_ENTITLEMENT, reason, order_id)

    async def decline_entitlement(
        self, slug: str, reason: str = "", *, order_id: UUID | None = None
    ) -> Progress:
        """Say that SSO is not in the subscription agreement."""
        return await self._give(slug, Order.DECLINE_ENTITLEMENT, reason, order_id)

    async def acknowledge(
        self,
        slug: str,
        move_at: datetime | str | None = None,
        reason: str = "",
        *,
        order_id: UUID | None = None,
    ) -> Progress:
        """Say for customer IT that it has read the pack, and when users may move.

        `move_at` is an instant, or a day or hour as typed, in the organisation's time zone.
        """
        chosen = (
            dates.move_date(move_at, await self._time_zone(slug))
            if isinstance(move_at, str)
            else move_at
        )
        return await self._give(slug, Order.ACKNOWLEDGE_IT, reason, order_id, Argument(chosen))

    async def approve(
        self, slug: str, plan_hash: str, reason: str = "", *, order_id: UUID | None = None
    ) -> Progress:
        """Approve the plan with this hash, or with a hash that begins like this."""
        found = (await self._progress(slug)).plan_hash or ""
        whole = found if len(plan_hash) >= SHORTEST_HASH and found.startswith(plan_hash) else ""
        plan = Argument(plan_hash=whole or plan_hash)
        return await self._give(slug, Order.APPROVE_MIGRATION, reason, order_id, plan)

    async def replan(
        self, slug: str, reason: str = "", *, order_id: UUID | None = None
    ) -> Progress:
        """Have the directory read again, and move who became possible."""
        return await self._give(slug, Order.REPLAN, reason, order_id)

    async def pause(self, slug: str, reason: str = "", *, order_id: UUID | None = None) -> Progress:
        """Hold reminders and batches until resumed; facts still count."""
        return await self._give(slug, Order.PAUSE, reason, order_id)

    async def resume(
        self, slug: str, reason: str = "", *, order_id: UUID | None = None
    ) -> Progress:
        """Go on; dates from before the pause move by it, those chosen during it stay."""
        return await self._give(slug, Order.RESUME, reason, order_id)

    async def retry(self, slug: str, reason: str = "", *, order_id: UUID | None = None) -> Progress:
        """Try again what needs attention."""
        return await self._give(slug, Order.RETRY, reason, order_id)

    async def skip(self, slug: str, reason: str, *, order_id: UUID | None = None) -> Progress:
        """Go on without what needs attention, or without the IT team's acknowledgement."""
        return await self._give(slug, Order.SKIP, reason, order_id)

    async def extend(
        self,
        slug: str,
        until: datetime | str | None = None,
        *,
        days: int = rules.EXTENSION_DAYS,
        reason: str = "",
        order_id: UUID | None = None,
    ) -> Progress:
        """Move the deadline of the present wait, to later or to sooner.

        `until` is an instant, or a day or hour as typed, in the organisation's time zone;
        without it the deadline moves by `days`.
        """
        most = rules.MOST_EXTENSION_DAYS
        if not 1 <= days <= most:
            raise UsageError(Problem.DEADLINE_OUT_OF_RANGE, most=most, days=days)
        if until is None:
            # By then the deadline is another one, or nothing with a deadline is waited for.
            answer = await self._answered(slug, Order.EXTEND_DEADLINE, order_id)
            if answer is not None:
                return answer
            due_at = (await self._progress(slug)).due_at
            if due_at is None:
                raise CommandError(OrderRefusal.NO_DEADLINE, slug=slug)
            until = due_at + timedelta(days=days)
        elif isinstance(until, str):
            until = dates.deadline(until, await self._time_zone(slug))
        return await self._give(slug, Order.EXTEND_DEADLINE, reason, order_id, Argument(until))

    async def roll_back(self, slug: str, reason: str, *, order_id: UUID | None = None) -> Progress:
        """Undo everything and end; people log in as before."""
        return await self._give(slug, Order.ROLL_BACK, reason, order_id)

    async def confirm_consent(
        self, slug: str, reason: str, *, order_id: UUID | None = None
    ) -> Progress:
        """Say that the organisation wants the consent that stands at Microsoft already."""
        return await self._give(slug, Order.CONFIRM_CONSENT, reason, order_id)

    async def close_declined(
        self, slug: str, reason: str, *, order_id: UUID | None = None
    ) -> Progress:
        """End a go-live whose customer declined the consent for good."""
        return await self._give(slug, Order.CLOSE_DECLINED, reason, order_id)

    async def confirm(self, slug: str, order_id: UUID) -> Progress:
        """Confirm what another member of staff ordered, so that it is given.

        Raises:
            CommandError: this person may not confirm it, or it can be confirmed no more.
            RefusedError: it is not carried out, and the audit trail says so.
            UnansweredError: it may still be carried out.
        """
        least = await asyncio.to_thread(self._records.least_role, order_id)
        self._check_role(slug, least)
        entry, request = await asyncio.to_thread(self._records.confirm, slug, order_id)
        answer = await sending.answer_of(self._client, slug, order_id)
        if answer is not None:
            return answer
        order, argument = Order(request.order), Argument.of_data(request.argument)
        return await self._carry_out(slug, order, argument, entry, perhaps_before=True)

    async def _give(
        self,
        slug: str,
        order: Order,
        reason: str,
        order_id: UUID | None,
        argument: Argument = Argument(),  # noqa: B008  (frozen)
    ) -> Progress:
        """Write the order into the audit trail, give it, and return where the run then stands.

        Raises:
            RefusedError: it is not carried out, and the audit trail says so.
            UnansweredError: it may still be carried out.
            ToBeConfirmedError: a second person confirms it first.
        """
        self._check_role(slug, ORDER_RULES[order].least_role)
        _check_reason(order, reason)
        answer = await self._answered(slug, order, order_id)
        if answer is not None:
            return answer
        order_id = order_id or uuid4()
        if ORDER_RULES[order].second_person:
            # What was confirmed is given, whatever this repetition comes with.
            data = argument.as_data()
            request = await asyncio.to_thread(
                self._records.confirmed_request, slug, order, data, reason, order_id
            )
            argument = Argument.of_data(request.argument)
        entry, is_new = await asyncio.to_thread(self._records.record, slug, order, reason, order_id)
        return await self._carry_out(slug, order, argument, entry, perhaps_before=not is_new)

    def _check_role(self, slug: str, least: Role) -> None:
        if self._role < least:
            raise CommandError(Problem.ROLE_TOO_LOW, slug=slug, role=least.value)

    async def _carry_out(
        self,
        slug: str,
        order: Order,
        argument: Argument,
        entry: AuditEntry,
        *,
        perhaps_before: bool,
    ) -> Progress:
        """Give an order that is in the audit trail, and write there if it is refused."""
        assert entry.id is not None  # noqa: S101  (the database has given it)
        assert entry.order_id is not None  # noqa: S101
        message = sending.MESSAGES[order](entry.actor, entry.id, argument)
        sent = sending.SentOrder(slug, order, entry.order_id, message, perhaps_before)
        try:
            answer = await sending.give(self._client, sent)
        except RefusedError as refused:
            await asyncio.to_thread(self._records.record_refusal, entry, refused.problem)
            raise
        if order is Order.ACKNOWLEDGE_IT:
            await asyncio.to_thread(self._records.record_move_date, slug, argument.moment)
        return answer

    async def _answered(self, slug: str, order: Order, order_id: UUID | None) -> Progress | None:
        """Return how this very order was answered before, None where it has to be given."""
        if order_id is None:
            return None
        if not await asyncio.to_thread(self._records.was_given, slug, order, order_id):
            return None
        return await sending.answer_of(self._client, slug, order_id)

    async def _progress(self, slug: str) -> Progress:
        found = await asyncio.to_thread(standings.standing, self._engine, slug)
        if found.progress is None:
            raise CommandError(Problem.NOT_RUNNING, slug=slug)
        return found.progress

    async def _time_zone(self, slug: str) -> str:
        return await asyncio.to_thread(self._records.time_zone, slug)


def _summary(start: StartGoLive) -> str:
    return f"Go-live {start.number} of {start.slug}"


def _check_reason(order: Order, reason: str) -> None:
    if ORDER_RULES[order].needs_reason and not reason.strip():
        raise UsageError(Problem.REASON_MISSING)
