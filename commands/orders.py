"""Starts a go-live and gives it orders; each is in the audit trail with who and why."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from commands.connections import plain_database_errors
from commands.errors import CommandError, UsageError
from commands.reading import unknown_organisation
from contracts.clock import wall_clock
from contracts.go_live import (
    GO_LIVE_QUEUE,
    ConfirmEntitlement,
    DeclineEntitlement,
    Progress,
    StartGoLive,
    go_live_id,
)
from database import records
from database.engine import open_sessions
from database.models import GoLive, Organisation, Staff
from workflows.go_live import SsoGoLive

ANSWER_WITHIN_SECONDS = 20
"""An update is answered by a worker; without one the server waits, so we do not."""


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

    async def start(self, slug: str, *, aftercare_days: int = 14) -> Started:
        """Start a go-live; where one runs already, say so and change nothing.

        A start that was interrupted between database and Temporal is completed.
        """
        at = wall_clock()
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = self._organisation(session, slug)
            self._staff(session)
            go_live, _ = records.open_go_live(
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
            await self._client.start_workflow(
                SsoGoLive.run,
                start,
                id=go_live_id(slug),
                task_queue=GO_LIVE_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                static_summary=f"Go-live {go_live.number} of {slug}",
            )
            already = False
        except WorkflowAlreadyStartedError:
            already = True
        except RPCError as error:
            raise _unavailable(error) from None
        return Started(slug, go_live.number, go_live_id(slug), already)

    async def confirm_entitlement(self, slug: str, reason: str = "") -> Progress:
        """Say that SSO is in the subscription agreement."""
        self._audit(slug, "confirm_entitlement", reason)
        return await self._give(
            slug, SsoGoLive.confirm_entitlement, ConfirmEntitlement(by=self._by)
        )

    async def decline_entitlement(self, slug: str, reason: str = "") -> Progress:
        """Say that SSO is not in the subscription agreement."""
        reason_id = self._audit(slug, "decline_entitlement", reason)
        return await self._give(
            slug, SsoGoLive.decline_entitlement, DeclineEntitlement(self._by, reason_id)
        )

    async def _give(self, slug: str, order: Any, message: Any) -> Progress:
        handle: WorkflowHandle[Any, Any] = self._client.get_workflow_handle(go_live_id(slug))
        try:
            answer: Progress = await handle.execute_update(
                order,
                message,
                result_type=Progress,
                rpc_timeout=_seconds(ANSWER_WITHIN_SECONDS),
            )
        except WorkflowUpdateFailedError as error:
            why = error.cause.message if isinstance(error.cause, ApplicationError) else "refused"
            self._audit(slug, "order_refused", why)
            raise CommandError(f"{slug}: {why}") from None
        except RPCError as error:
            raise _unavailable(error, slug) from None
        return answer

    def _audit(self, slug: str, action: str, reason: str) -> int:
        """Write who orders what and why; the text stays here, the message carries its id."""
        with plain_database_errors(self._engine), open_sessions(self._engine).begin() as session:
            organisation = self._organisation(session, slug)
            self._staff(session)
            go_live: GoLive | None = records.latest_go_live(session, organisation.id)
            if go_live is None:
                raise CommandError(
                    f"{slug} has no go-live. Start it with: python starter.py start {slug}"
                )
            return records.write_audit(
                session, wall_clock(), self._by, action, go_live=go_live, reason=reason
            )

    def _organisation(self, session: Session, slug: str) -> Organisation:
        try:
            return records.organisation_by_slug(session, slug)
        except records.UnknownOrganisationError:
            raise CommandError(unknown_organisation(slug)) from None

    def _staff(self, session: Session) -> Staff:
        try:
            return records.staff_by_handle(session, self._by)
        except records.UnknownStaffError:
            raise UsageError(
                f"{self._by!r} is no known staff handle. Say who gives the order with "
                "--by HANDLE or GOLIVE_BY; handles come with an import."
            ) from None


def _unavailable(error: RPCError, slug: str = "") -> CommandError:
    if error.status is RPCStatusCode.NOT_FOUND:
        return CommandError(
            f"{slug} has no running go-live. Start one with: python starter.py start {slug}"
        )
    if error.status in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}:
        return CommandError(
            "No worker answered in time. Start one (python worker.py), then repeat the command; "
            "nothing is done twice."
        )
    return CommandError(f"Temporal did not take the command ({error.status.name}). Try again.")


def _seconds(count: int) -> timedelta:
    return timedelta(seconds=count)
