"""Starts a go-live and gives it orders; each is in the audit trail with who and why."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session
from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from commands import dates, reading
from commands.connections import plain_database_errors
from commands.errors import CommandError, UnavailableError, UsageError
from commands.reading import unknown_organisation
from contracts import rules
from contracts.clock import wall_clock
from contracts.go_live import (
    GO_LIVE_QUEUE,
    AcknowledgeIt,
    ApproveMigration,
    CloseDeclined,
    ConfirmEntitlement,
    DeclineEntitlement,
    ExtendDeadline,
    Pause,
    Progress,
    Replan,
    Resume,
    Retry,
    RollBack,
    Skip,
    StartGoLive,
    go_live_id,
)
from contracts.order_words import REFUSED
from contracts.orders import ORDERS, Order, OrderRefusal
from database import it_team, records
from database.engine import open_sessions
from database.models import GoLive, Organisation, Preference, Staff
from workflows import search_attributes
from workflows.go_live import SsoGoLive

ANSWER_WITHIN_SECONDS = 20
"""An update is answered by a worker; without one the server waits, so we do not."""

SHORTEST_HASH = 8
"""Characters of a plan's hash that are enough to name it."""


@dataclass(frozen=True)
class Started:
    """What a start did."""

    slug: str
    number: int
    workflow_id: str
    already_running: bool


class Orders:
    """Orders of one person to the go-lives of one database and one Temporal server."""

    def __init__(self, engine: Engine, client: Client, by: str) -> None:
        """Give orders as the member of staff with this handle."""
        self._engine = engine
        self._client = client
        self._by = by

    async def start(self, slug: str, *, aftercare_days: int = rules.AFTERCARE_DAYS) -> Started:
        """Start a go-live; where one runs already, say so and change nothing.

        A start that was interrupted between database and Temporal is completed.
        """
        at = wall_clock()
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = self._organisation(session, slug)
            known_staff(session, self._by)
            go_live, _ = records.begin_go_live(
                session, organisation, by=self._by, at=at, aftercare_days=aftercare_days
            )
            owner = session.get_one(Staff, go_live.owner_id).handle
        start = StartGoLive(
            go_live_id=str(go_live.id),
            organisation_id=str(organisation.id),
            slug=slug,
            number=go_live.number,
            owner=owner,
            aftercare_days=go_live.aftercare_days,
        )
        try:
            already = not await self._start_run(start)
        except RPCError as error:
            raise _unavailable(error) from None
        return Started(slug, go_live.number, go_live_id(slug), already)

    async def _start_run(self, start: StartGoLive) -> bool:
        """Start the run; False = it runs already. That of the go-live before may be ending still.

        Raises:
            CommandError: it takes too long to end.
        """
        summary = f"Go-live {start.number} of {start.slug}"
        clock = asyncio.get_running_loop().time
        give_up = clock() + ANSWER_WITHIN_SECONDS
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
                    search_attributes=search_attributes.at_start(start),
                )
                return True
            except WorkflowAlreadyStartedError:
                handle = self._client.get_workflow_handle(go_live_id(start.slug))
                if await (await handle.describe()).static_summary() == summary:
                    return False
            if clock() > give_up:
                raise CommandError(
                    f"{start.slug}: the go-live before is still ending. Start again in a minute; "
                    "nothing is done twice."
                )
            await asyncio.sleep(0.1)

    async def confirm_entitlement(self, slug: str, reason: str = "") -> Progress:
        """Say that SSO is in the subscription agreement."""
        return await self._give(
            slug,
            SsoGoLive.confirm_entitlement,
            lambda _: ConfirmEntitlement(by=self._by),
            reason,
        )

    async def decline_entitlement(self, slug: str, reason: str = "") -> Progress:
        """Say that SSO is not in the subscription agreement."""
        return await self._give(
            slug,
            SsoGoLive.decline_entitlement,
            lambda reason_id: DeclineEntitlement(self._by, reason_id),
            reason,
        )

    async def acknowledge(
        self, slug: str, move_at: datetime | str | None = None, reason: str = ""
    ) -> Progress:
        """Say for customer IT that it has read the pack, and when users may move.

        `move_at` is an instant, or a day or hour as typed, in the organisation's time zone.
        """
        chosen = (
            dates.move_date(move_at, await self._time_zone(slug))
            if isinstance(move_at, str)
            else move_at
        )
        progress = await self._give(
            slug, SsoGoLive.acknowledge_it, lambda _: AcknowledgeIt(self._by, chosen), reason
        )
        await asyncio.to_thread(self._keep_move_date, slug, chosen)
        return progress

    async def approve(self, slug: str, plan_hash: str, reason: str = "") -> Progress:
        """Approve the plan with this hash, or with a hash that begins like this."""
        found = (await self._progress(slug)).plan_hash or ""
        whole = found if len(plan_hash) >= SHORTEST_HASH and found.startswith(plan_hash) else ""
        return await self._give(
            slug,
            SsoGoLive.approve_migration,
            lambda _: ApproveMigration(whole or plan_hash, self._by),
            reason,
        )

    async def replan(self, slug: str, reason: str = "") -> Progress:
        """Have the directory read again, and move who became possible."""
        return await self._give(slug, SsoGoLive.replan, lambda _: Replan(self._by), reason)

    async def pause(self, slug: str, reason: str = "") -> Progress:
        """Hold reminders and batches until resumed; facts still count."""
        return await self._give(
            slug, SsoGoLive.pause, lambda reason_id: Pause(self._by, reason_id), reason
        )

    async def resume(self, slug: str, reason: str = "") -> Progress:
        """Go on; every date moves by the time paused."""
        return await self._give(slug, SsoGoLive.resume, lambda _: Resume(self._by), reason)

    async def retry(self, slug: str, reason: str = "") -> Progress:
        """Try again what needs attention."""
        return await self._give(slug, SsoGoLive.retry, lambda _: Retry(self._by), reason)

    async def skip(self, slug: str, reason: str) -> Progress:
        """Go on without what needs attention, or without the IT team's acknowledgement."""
        return await self._give(
            slug,
            SsoGoLive.skip,
            lambda reason_id: Skip(self._by, reason_id),
            reason,
        )

    async def extend(
        self,
        slug: str,
        until: datetime | str | None = None,
        *,
        days: int = rules.EXTENSION_DAYS,
        reason: str = "",
    ) -> Progress:
        """Move the deadline of the present wait, to later or to sooner.

        `until` is an instant, or a day or hour as typed, in the organisation's time zone;
        without it the deadline moves by `days`.
        """
        most = rules.MOST_EXTENSION_DAYS
        if not 1 <= days <= most:
            raise UsageError(f"A deadline moves by 1 to {most} days, not by {days}.")
        if until is None:
            due_at = (await self._progress(slug)).due_at
            if due_at is None:
                raise CommandError(f"{slug}: {REFUSED[OrderRefusal.NO_DEADLINE]}")
            until = due_at + timedelta(days=days)
        elif isinstance(until, str):
            until = dates.deadline(until, await self._time_zone(slug))
        order = ExtendDeadline(self._by, until)
        return await self._give(slug, SsoGoLive.extend_deadline, lambda _: order, reason)

    async def roll_back(self, slug: str, reason: str) -> Progress:
        """Undo everything and end; people log in as before."""
        return await self._give(
            slug,
            SsoGoLive.roll_back,
            lambda reason_id: RollBack(self._by, reason_id),
            reason,
        )

    async def close_declined(self, slug: str, reason: str) -> Progress:
        """End a go-live whose customer declined the consent for good."""
        return await self._give(
            slug,
            SsoGoLive.close_declined,
            lambda reason_id: CloseDeclined(self._by, reason_id),
            reason,
        )

    async def _give(
        self, slug: str, order: Any, message: Callable[[int], object], reason: str
    ) -> Progress:
        """Write the order into the audit trail, give it, and return where the run then stands."""
        _check_reason(Order(order.__name__), reason)
        reason_id = await asyncio.to_thread(self._audit, slug, order.__name__, reason)
        handle: WorkflowHandle[Any, Any] = self._client.get_workflow_handle(go_live_id(slug))
        try:
            answer: Progress = await handle.execute_update(
                order,
                message(reason_id),
                result_type=Progress,
                rpc_timeout=timedelta(seconds=ANSWER_WITHIN_SECONDS),
            )
        except WorkflowUpdateFailedError as error:
            why = error.cause.message if isinstance(error.cause, ApplicationError) else "refused"
            await asyncio.to_thread(self._audit, slug, "order_refused", why, f"order:{reason_id}")
            raise CommandError(f"{slug}: {why}") from None
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
            refused = _unavailable(error, slug)
            await asyncio.to_thread(
                self._audit, slug, "order_refused", str(refused), f"order:{reason_id}"
            )
            raise refused from None
        return answer

    def _audit(self, slug: str, action: str, reason: str, subject: str = "") -> int:
        """Write who orders what and why; the text stays here, the message carries its id."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = self._organisation(session, slug)
            known_staff(session, self._by)
            go_live: GoLive | None = records.latest_go_live(session, organisation.id)
            if go_live is None:
                raise CommandError(_not_running(slug))
            return records.write_audit(
                session,
                wall_clock(),
                self._by,
                action,
                go_live=go_live,
                subject=subject,
                reason=reason.strip(),
            )

    def _keep_move_date(self, slug: str, chosen: datetime | None) -> None:
        """Show the date that the run has accepted to everyone who looks."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = self._organisation(session, slug)
            go_live = records.latest_go_live(session, organisation.id)
            if go_live is not None:
                it_team.keep_move_date(session, go_live.id, chosen)

    async def _progress(self, slug: str) -> Progress:
        found = await asyncio.to_thread(reading.standing, self._engine, slug)
        if found.progress is None:
            raise CommandError(_not_running(slug))
        return found.progress

    async def _time_zone(self, slug: str) -> str:
        def read() -> str:
            with (
                plain_database_errors(self._engine),
                open_sessions(self._engine).begin() as session,
            ):
                organisation = self._organisation(session, slug)
                return session.get_one(Preference, organisation.id).time_zone

        return await asyncio.to_thread(read)

    def _organisation(self, session: Session, slug: str) -> Organisation:
        try:
            return records.organisation_by_slug(session, slug)
        except records.UnknownOrganisationError:
            raise CommandError(unknown_organisation(slug)) from None


def known_staff(session: Session, handle: str) -> Staff:
    """Return the member of staff who gives an order.

    Raises:
        UsageError: nobody has this handle.
    """
    try:
        return records.staff_by_handle(session, handle)
    except records.UnknownStaffError:
        raise UsageError(
            f"{handle!r} is no known staff handle. Say who gives the order with "
            "--by HANDLE or GOLIVE_BY; handles come with an import."
        ) from None


def _unavailable(
    error: RPCError | WorkflowUpdateRPCTimeoutOrCancelledError, slug: str = ""
) -> CommandError:
    late = {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
    if not isinstance(error, RPCError) or error.status in late:
        return UnavailableError(
            "No worker answered in time. Start one (python worker.py), then repeat the command; "
            "nothing is done twice."
        )
    if error.status is RPCStatusCode.NOT_FOUND:
        return CommandError(_not_running(slug))
    if error.status is RPCStatusCode.INVALID_ARGUMENT:
        return CommandError(
            "Temporal refuses it: this namespace does not know what go-lives are listed by. "
            "Register that with: python starter.py setup"
        )
    return UnavailableError(f"Temporal did not take the command ({error.status.name}). Try again.")


def _not_running(slug: str) -> str:
    return f"{slug} has no running go-live. Start one with: python starter.py start {slug}"


def _check_reason(order: Order, reason: str) -> None:
    if ORDERS[order].needs_reason and not reason.strip():
        raise UsageError('Say why, with --reason "...": this order is given with a reason only.')
