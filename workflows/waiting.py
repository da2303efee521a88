"""How a go-live waits for people, notices trouble, and does what it was told meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.workflow import ActivityConfig

from workflows.conversation import Conversation, Ladder, Rung

with workflow.unsafe.imports_passed_through():
    from activities.notices import NoticeActivities
    from activities.records import RecordActivities
    from contracts.errors import ErrorType
    from contracts.go_live import Attention, GoLiveStage, Progress, Resend, Retry, StartGoLive, Wait
    from contracts.notices import Audience, Delivery, Message, Notice
    from contracts.records import Reminders
    from workflows.policies import MAIL_CALL, POSITION_CALL, Reminder

Argument = TypeVar("Argument")
Result = TypeVar("Result")


_ATTENTION = {
    ErrorType.NOT_YET: Attention.MICROSOFT_NOT_CAUGHT_UP,
    ErrorType.NOTHING_GRANTED: Attention.SELF_ONLY,
    ErrorType.DOMAINS_NOT_VERIFIED: Attention.DOMAINS_NOT_VERIFIED,
    ErrorType.TENANT_UNKNOWN: Attention.TENANT_UNKNOWN,
    ErrorType.DIFFERENT_TENANTS: Attention.DIFFERENT_TENANTS,
    ErrorType.MICROSOFT_UNREACHABLE: Attention.MICROSOFT_UNREACHABLE,
    ErrorType.MICROSOFT_THROTTLES: Attention.MICROSOFT_UNREACHABLE,
    ErrorType.CREDENTIAL_REFUSED: Attention.CREDENTIAL_REFUSED,
    ErrorType.APPLICATION_DISABLED: Attention.APPLICATION_DISABLED,
    ErrorType.PERMISSION_MISSING: Attention.PERMISSION_MISSING,
    ErrorType.MAIL_UNAVAILABLE: Attention.MAIL_UNAVAILABLE,
    ErrorType.MAIL_REFUSED: Attention.MAIL_REFUSED,
}


def attention_of(error: ActivityError) -> Attention:
    """Return what kind of trouble an activity gave up with."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__
    if isinstance(cause, ApplicationError) and cause.type in list(ErrorType):
        return _ATTENTION.get(ErrorType(cause.type), Attention.UNEXPECTED)
    return Attention.UNEXPECTED


class Waiting(Conversation):
    """The waits and the safety net that every stage uses."""

    def __init__(self, start: StartGoLive) -> None:
        """Begin before any wait."""
        super().__init__(start)
        self._last_deadline = workflow.now()
        """Deadline of the wait that ended last; people may have moved it meanwhile."""

    # --- where we are ------------------------------------------------------------------------

    async def _move_to(self, stage: GoLiveStage) -> None:
        self._stage = stage
        await self._now_waits(Wait.NOTHING)

    async def _now_waits(self, wait: Wait) -> None:
        self._wait = wait
        self._since = workflow.now()
        await self._record()

    # --- waiting for people ------------------------------------------------------------------

    async def _wait_for(
        self, wait: Wait, answered: Callable[[], bool], window: timedelta, *rungs: Rung
    ) -> bool:
        """Wait until `answered`, sending each rung on its day; False when the deadline passes.

        No rung approves anything. A pause stops rungs and deadline, not facts.
        """
        self._ladder = Ladder(workflow.now() + window, sorted(rungs, key=lambda rung: rung.at))
        await self._now_waits(wait)
        while not answered():
            ladder = self._ladder
            ladder.moved = False
            if self._paused_at is not None:
                await workflow.wait_condition(lambda: answered() or self._paused_at is None)
                continue
            if workflow.now() >= ladder.deadline:
                break
            if ladder.rungs and workflow.now() >= ladder.rungs[0].at:
                await self._climb(ladder)
                continue
            nearest = ladder.rungs[0].at if ladder.rungs else ladder.deadline
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda ladder=ladder: (  # type: ignore[misc]
                        answered() or ladder.moved or self._paused_at is not None
                    ),
                    timeout=min(nearest, ladder.deadline) - workflow.now(),
                    timeout_summary=(
                        ladder.rungs[0].name
                        if nearest < ladder.deadline and ladder.rungs
                        else "deadline"
                    ),
                )
            if ladder.moved:
                await self._record()
        self._last_deadline = self._ladder.deadline
        # Recorded with what comes next, which is the next thing to happen.
        self._ladder, self._wait, self._since = None, Wait.NOTHING, workflow.now()
        return answered()

    async def _climb(self, ladder: Ladder) -> None:
        """Send the newest rung that is due; older ones that a pause held back are let go."""
        while ladder.rungs and workflow.now() >= ladder.rungs[0].at:
            rung = ladder.rungs.pop(0)
            rung.sent = True
        await rung.send()

    def _at_once(self, send: Callable[[], Awaitable[object]]) -> Rung:
        return Rung(workflow.now(), "at once", send)

    async def _until(self, wait: Wait, moment: datetime) -> None:
        """Wait for a date that was agreed; it can be moved and paused like any deadline."""
        if moment > workflow.now():
            await self._wait_for(wait, lambda: False, moment - workflow.now())

    async def _not_paused(self) -> None:
        await workflow.wait_condition(lambda: self._paused_at is None)

    async def _reminders(self, *planned: Reminder) -> list[Rung]:
        """Return a rung for each reminder, at humane times of the organisation's time zone."""
        opened = workflow.now()
        moments = [opened + one.after for one in planned]
        humane = await self._ask(
            RecordActivities.humane_times, Reminders(self._start.go_live_id, moments)
        )

        def rung(number: int, at: datetime, reminder: Reminder) -> Rung:
            name = f"{reminder.message.value.replace('_', ' ')} {number}"
            occasion = f"{opened:%Y%m%d%H%M%S} {name}"
            send = self._sender(reminder.message, reminder.audience, occasion)
            return Rung(at, name, send)

        return [
            rung(number, at, reminder)
            for number, (at, reminder) in enumerate(
                zip(humane.moments, planned, strict=True), start=1
            )
        ]

    def _sender(
        self, message: Message, audience: Audience, occasion: str
    ) -> Callable[[], Awaitable[object]]:
        return lambda: self._send(message, audience, occasion)

    # --- mail --------------------------------------------------------------------------------

    async def _send(
        self,
        message: Message,
        audience: Audience,
        occasion: str = "first",
        *,
        link_expires_at: datetime | None = None,
        may_skip: bool = False,
    ) -> None:
        """Send one message to one audience, once per occasion."""
        await self._not_paused()
        attempt = self._attempt if may_skip else self._do
        await attempt(
            NoticeActivities.notify,
            lambda: Notice(
                self._start.go_live_id, message, audience, occasion, workflow.now(), link_expires_at
            ),
            MAIL_CALL,
            f"{message.value.replace('_', ' ')} to {audience.value.replace('_', ' ')}",
        )

    # --- calls -------------------------------------------------------------------------------

    async def _ask(self, activity: Callable[[Any, Argument], Result], argument: Argument) -> Result:
        """Ask the database a small thing: one marker in the history, tried until it answers."""
        return await workflow.execute_local_activity_method(activity, argument, **POSITION_CALL)

    # --- needs attention ---------------------------------------------------------------------

    async def _do(
        self,
        activity: Callable[[Any, Argument], Result],
        argument: Callable[[], Argument],
        policy: ActivityConfig,
        summary: str,
        unless: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Return the activity's result, however many times a person has to say *retry*.

        `unless` = something else happened that makes it worth another try.
        """
        while True:
            try:
                return await _execute(activity, argument(), policy, summary)
            except ActivityError as error:
                await self._ask_for_help(error, may_skip=False, unless=unless)

    async def _attempt(
        self,
        activity: Callable[[Any, Argument], Result],
        argument: Callable[[], Argument],
        policy: ActivityConfig,
        summary: str,
    ) -> Result | None:
        """Like `_do`, but a person may also say *skip*: then None."""
        while True:
            try:
                return await _execute(activity, argument(), policy, summary)
            except ActivityError as error:
                if not await self._ask_for_help(error, may_skip=True):
                    return None

    async def _ask_for_help(
        self,
        error: ActivityError,
        *,
        may_skip: bool,
        unless: Callable[[], bool] = lambda: False,
    ) -> bool:
        if is_cancelled_exception(error):
            raise error
        return await self._needs_attention(attention_of(error), may_skip=may_skip, unless=unless)

    async def _needs_attention(
        self,
        why: Attention,
        *,
        may_skip: bool = False,
        unless: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Wait for a person, or `unless`; True = try again, False = go on without."""
        self._attention, self._may_skip, self._attention_answer = why, may_skip, None
        self._since = workflow.now()
        await self._record()
        # Told in the background: where mail itself is what broke, nobody waits for it.
        telling = asyncio.create_task(self._tell_of_trouble())
        try:
            await workflow.wait_condition(lambda: self._attention_answer is not None or unless())
        finally:
            telling.cancel()
            self._attention = None
        return self._attention_answer is None or isinstance(self._attention_answer, Retry)

    async def _tell_of_trouble(self) -> None:
        with suppress(ActivityError):
            await self._notify(
                Message.NEEDS_ATTENTION,
                Audience.CUSTOMER_SUCCESS,
                f"{workflow.now():%Y%m%d%H%M%S}",
            )

    async def _notify(
        self,
        message: Message,
        audience: Audience,
        occasion: str,
        link_expires_at: datetime | None = None,
    ) -> None:
        """Send once, without asking for help where mail itself is the trouble."""
        await _execute(
            NoticeActivities.notify,
            Notice(
                self._start.go_live_id, message, audience, occasion, workflow.now(), link_expires_at
            ),
            MAIL_CALL,
            f"{message.value.replace('_', ' ')} to {audience.value.replace('_', ' ')}",
        )

    # --- asked for again -----------------------------------------------------------------------

    @workflow.update(description="Send one message of the ledger again, such as a new link")
    async def resend(self, order: Resend) -> Progress:
        """Deliver it now; where mail is the trouble, the next delivery takes it along."""
        with suppress(ActivityError):
            await _execute(
                NoticeActivities.deliver,
                Delivery(
                    self._start.go_live_id, workflow.now(), Message(order.message), order.occasion
                ),
                MAIL_CALL,
                f"{order.message.replace('_', ' ')} again",
            )
        return self.progress()

    @resend.validator
    def _may_resend(self, order: Resend) -> None:
        self._check_running()
        if order.message not in list(Message):
            raise ApplicationError("There is no such message.", type="refused", non_retryable=True)


async def _execute(
    activity: Callable[[Any, Argument], Result],
    argument: Argument,
    policy: ActivityConfig,
    summary: str,
) -> Result:
    config: ActivityConfig = {**policy, "summary": summary}
    return await workflow.execute_activity_method(activity, argument, **config)
