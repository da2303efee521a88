"""Sends an order to a go-live: it is carried out once, however often it is sent.

Temporal knows an update by its id. One that was sent before is answered again, also after the
go-live has ended, and never carried out a second time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from commands.errors import (
    CommandError,
    NotRunningError,
    RefusedError,
    UnansweredError,
    UnavailableError,
    is_first_connection,
)
from contracts.go_live import (
    AcknowledgeIt,
    ApproveMigration,
    CloseDeclined,
    ConfirmConsent,
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
    go_live_id,
)
from contracts.orders import Order, OrderRefusal
from contracts.problems import Problem

ANSWER_WITHIN_SECONDS = 20
"""An update is answered by a worker; without one the server waits, so we do not."""

AGAIN_AFTER_SECONDS = 0.5
"""Until an order is sent again that Temporal did not take."""

_NEVER_CARRIED_OUT = {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
}
"""What Temporal answers where it has done nothing, and would not do it next time either."""

_UNANSWERED = (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError, RuntimeError)


@dataclass(frozen=True)
class Argument:
    """What an order comes with, besides who gives it and why."""

    moment: datetime | None = None
    plan_hash: str = ""

    def as_data(self) -> dict[str, str]:
        """Return it as JSON has it."""
        moment = {"moment": self.moment.isoformat()} if self.moment else {}
        return moment | ({"plan_hash": self.plan_hash} if self.plan_hash else {})

    @classmethod
    def of_data(cls, data: dict[str, str]) -> "Argument":
        """Return what `as_data` returned as it was."""
        moment = datetime.fromisoformat(data["moment"]) if "moment" in data else None
        return cls(moment, data.get("plan_hash", ""))


def _extend(by: str, _: int, given: Argument) -> ExtendDeadline:
    assert given.moment is not None  # noqa: S101  (`Orders.extend` has chosen one)
    return ExtendDeadline(by, given.moment)


MESSAGES: dict[Order, Callable[[str, int, Argument], object]] = {
    Order.CONFIRM_ENTITLEMENT: lambda by, _, __: ConfirmEntitlement(by),
    Order.DECLINE_ENTITLEMENT: lambda by, reason_id, _: DeclineEntitlement(by, reason_id),
    Order.ACKNOWLEDGE_IT: lambda by, line, given: AcknowledgeIt(by, given.moment, line),
    Order.APPROVE_MIGRATION: lambda by, _, given: ApproveMigration(given.plan_hash, by),
    Order.PAUSE: lambda by, reason_id, _: Pause(by, reason_id),
    Order.RESUME: lambda by, _, __: Resume(by),
    Order.RETRY: lambda by, _, __: Retry(by),
    Order.SKIP: lambda by, reason_id, _: Skip(by, reason_id),
    Order.EXTEND_DEADLINE: _extend,
    Order.REPLAN: lambda by, _, __: Replan(by),
    Order.CONFIRM_CONSENT: lambda by, reason_id, _: ConfirmConsent(by, reason_id),
    Order.CLOSE_DECLINED: lambda by, reason_id, _: CloseDeclined(by, reason_id),
    Order.ROLL_BACK: lambda by, reason_id, _: RollBack(by, reason_id),
}
"""How each order of staff is said to a go-live: by whom, with which entry of the audit trail."""


@dataclass(frozen=True)
class SentOrder:
    """One order on its way."""

    slug: str
    order: Order
    order_id: UUID
    message: object
    perhaps_before: bool
    """It may have been sent before, and have arrived."""


async def give(client: Client, sent: SentOrder) -> Progress:
    """Send an order until it is answered, for as long as a person waits.

    Raises:
        RefusedError: it is not carried out.
        UnansweredError: it may still be carried out.
    """
    handle = client.get_workflow_handle(go_live_id(sent.slug))

    async def send() -> Progress:
        answer: Progress = await handle.execute_update(
            sent.order.value,
            sent.message,
            id=str(sent.order_id),
            result_type=Progress,
            rpc_timeout=timedelta(seconds=ANSWER_WITHIN_SECONDS),
        )
        return answer

    answer = await _with_retries(send, sent.slug, sent.order_id, in_doubt=sent.perhaps_before)
    if answer is None:
        # Certain also of one sent before: a run that has ended answers what it had taken.
        raise NotRunningError(Problem.NOT_RUNNING, slug=sent.slug)
    return answer


async def answer_of(client: Client, slug: str, order_id: UUID) -> Progress | None:
    """Return how an order was answered that may have been sent before, None if it never arrived.

    Raises:
        RefusedError: it is not carried out.
        UnansweredError: it may still be carried out.
    """
    handle = client.get_workflow_handle(go_live_id(slug))
    update = handle.get_update_handle(str(order_id), result_type=Progress)
    return await _with_retries(update.result, slug, order_id, in_doubt=True)


async def _with_retries(
    ask: Callable[[], Awaitable[Progress]], slug: str, order_id: UUID, *, in_doubt: bool
) -> Progress | None:
    """Ask until there is an answer; None = Temporal knows no such run, or no such order.

    `in_doubt`: the order may have arrived before.
    """
    clock = asyncio.get_running_loop().time
    give_up = clock() + ANSWER_WITHIN_SECONDS
    while True:
        try:
            # Whenever the server gives up waiting for a worker, the client asks it anew.
            async with asyncio.timeout_at(give_up):
                return await ask()
        except WorkflowUpdateFailedError as error:
            raise _refused(error, slug) from None
        except _UNANSWERED as error:
            _raise_if_final(error)
            trouble = error
        if isinstance(trouble, RPCError):
            if trouble.status is RPCStatusCode.NOT_FOUND:
                return None
            if trouble.status in _NEVER_CARRIED_OUT and not in_doubt:
                status = trouble.status.name
                raise RefusedError(Problem.TEMPORAL_REFUSES, slug=slug, status=status)
        in_doubt = True
        if clock() + AGAIN_AFTER_SECONDS >= give_up:
            raise _unanswered(trouble, slug, order_id)
        await asyncio.sleep(AGAIN_AFTER_SECONDS)


def start_failed(error: RPCError) -> CommandError:
    """Return why Temporal did not start a go-live."""
    if error.status is RPCStatusCode.INVALID_ARGUMENT:
        return CommandError(Problem.SEARCH_ATTRIBUTES_MISSING)
    return UnavailableError(Problem.START_NOT_TAKEN, status=error.status.name)


def _refused(error: WorkflowUpdateFailedError, slug: str) -> RefusedError:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type in list(OrderRefusal):
        return RefusedError(OrderRefusal(cause.type), slug=slug)
    # As where the worker is of a later release, whose code for it is not known here.
    why = cause.message if isinstance(cause, ApplicationError) else None
    return RefusedError(Problem.REFUSED_OTHERWISE, slug=slug, why=why)


def _raise_if_final(error: Exception) -> None:
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # Whoever waits wants to wait no longer; the client turns that into an error of its own.
        raise asyncio.CancelledError from None
    if isinstance(error, RuntimeError) and not is_first_connection(error):
        raise error


def _unanswered(trouble: Exception, slug: str, order_id: UUID) -> UnansweredError:
    late = {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
    if isinstance(trouble, RuntimeError):
        return UnansweredError(Problem.TEMPORAL_SILENT, slug=slug, order_id=order_id)
    if isinstance(trouble, RPCError) and trouble.status not in late:
        status = trouble.status.name
        return UnansweredError(Problem.ORDER_NOT_TAKEN, slug=slug, order_id=order_id, status=status)
    return UnansweredError(Problem.NO_WORKER_ANSWERS, slug=slug, order_id=order_id)
