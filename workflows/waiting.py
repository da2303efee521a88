"""How a go-live waits for people, notices trouble, and does what it was told meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.workflow import ActivityConfig

from workflows.conversation import Conversation

with workflow.unsafe.imports_passed_through():
    from activities.notices import NoticeActivities
    from activities.records import RecordActivities
    from contracts.go_live import (
        GO_LIVE_BULK_QUEUE,
        Attention,
        GoLiveStage,
        Progress,
        Resend,
        Skip,
        StartGoLive,
        Wait,
    )
    from contracts.notices import Audience, Delivery, Message, Notice
    from contracts.records import Reminders
    from workflows.cancelling import StoppedAfter, heed_cancelling
    from workflows.ladder import Ladder, Rung
    from workflows.policies import (
        LATE,
        MAIL_CALL,
        MAIL_TO_USERS_CALL,
        POSITION_CALL,
        RECORD_CALL,
        Reminder,
    )
    from workflows.troubles import attention_of

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def _never() -> bool:
    return False


class Waiting(Conversation):
    """The waits and the safety net that every stage uses."""

    def __init__(self, start: StartGoLive) -> None:
        """Begin with no mail on its way."""
        super().__init__(start)
        self._beside: list[asyncio.Task[None]] = []
        self._few = False
        """Users and directory are small, as they were read last."""

    # --- where we are ------------------------------------------------------------------------

    async def _move_to(self, stage: GoLiveStage) -> None:
        self._stage = stage
        await self._now_waits(Wait.NOTHING)

    async def _now_waits(self, wait: Wait) -> None:
        # The second part of a proof goes on with the wait that its look began.
        if wait is not Wait.MICROSOFT or self._wait is not wait:
            self._since = workflow.now()
        self._wait = wait
        await self._board.record(in_passing=True)

    # --- waiting for people ------------------------------------------------------------------

    async def _wait_for(self, wait: Wait, answered: Callable[[], bool], ladder: Ladder) -> bool:
        """Wait until `answered`, sending each rung on its day; False when the deadline passes.

        No rung approves anything. A pause stops rungs and deadline, not facts. The same ladder
        can be waited on again: what was sent is not sent again, the deadline stays.
        """
        self._ladder = ladder
        await self._now_waits(wait)
        while not answered():
            now = workflow.now()
            nearest, name = ladder.nearest()
            if ladder.moved:
                ladder.moved = False
                await self._make_humane(ladder)
                await self._board.record()
            elif self._paused_at is not None:
                self._board.list_at_rest()
                await workflow.wait_condition(lambda: answered() or self._paused_at is None)
            elif ladder.is_over(now):
                break
            elif nearest is not None and nearest <= now:
                told = ladder.next_reminder()
                await self._climb(ladder, answered)
                if ladder.next_reminder() != told and not answered():
                    await self._board.record()
            else:
                self._board.list_at_rest()
                with suppress(asyncio.TimeoutError):
                    await workflow.wait_condition(
                        lambda: answered() or ladder.moved or self._paused_at is not None,
                        timeout=nearest - now if nearest else None,
                        timeout_summary=name,
                    )
                heed_cancelling()
        # Recorded with what comes next, which is the next thing to happen.
        self._ladder, self._wait, self._since = None, Wait.NOTHING, workflow.now()
        return answered()

    async def _climb(self, ladder: Ladder, answered: Callable[[], bool]) -> None:
        """Send the newest rung that is due; an answer ends the wait even while mail is stuck."""
        if ladder.rungs[0].at < workflow.now() - LATE:
            # No worker was there at its time, and now it may be night.
            await self._make_humane(ladder)
        rung = ladder.take_due(workflow.now())
        if rung is None:
            return
        sending = asyncio.ensure_future(rung.send())
        finished = False
        try:
            async with StoppedAfter(sending):
                await workflow.wait_condition(lambda: sending.done() or answered())
                finished = sending.done()
        finally:
            if not finished:
                # An answer may turn out to be none, such as a consent that is not proven.
                ladder.rungs.insert(0, rung)
        if finished:
            sending.result()

    async def _make_humane(self, ladder: Ladder) -> None:
        """Bring the rungs still to come into their readers' working hours; never to earlier."""
        rungs = [rung for rung in ladder.rungs if rung.audience is not None]
        for rung, moment in zip(rungs, await self._humane(rungs), strict=True):
            rung.at = moment
        ladder.rungs.sort(key=lambda rung: rung.at)

    async def _humane(self, rungs: list[Rung]) -> list[datetime]:
        if not rungs:
            return []
        asked = Reminders(
            self._start.go_live_id,
            [max(rung.at, workflow.now()) for rung in rungs],
            [rung.audience for rung in rungs if rung.audience is not None],
        )
        return (await self._ask(RecordActivities.humane_times, asked)).moments

    async def _ladder_of(
        self, window: timedelta | None, *planned: Reminder, first: Rung | None = None
    ) -> Ladder:
        """Return a ladder with a rung for each reminder, at humane times of its readers."""
        opened = workflow.now()
        rungs = [self._rung(number, reminder) for number, reminder in enumerate(planned, start=1)]
        ladder = Ladder(opened + window if window is not None else None, rungs)
        await self._make_humane(ladder)
        if first is not None:
            ladder.rungs.insert(0, first)
        self._ladders.append(ladder)
        return ladder

    def _rung(self, number: int, reminder: Reminder) -> Rung:
        opened = workflow.now()
        name = f"{reminder.message.value.replace('_', ' ')} {number}"
        send = self._sender(reminder.message, reminder.audience, f"{opened:%Y%m%d%H%M%S} {name}")
        return Rung(opened + reminder.after, name, send, reminder.audience)

    def _at_once(self, name: str, send: Callable[[], Awaitable[object]]) -> Rung:
        return Rung(workflow.now(), name, send)

    async def _not_paused(self) -> None:
        if self._paused_at is not None:
            self._board.list_at_rest()
        await workflow.wait_condition(lambda: self._paused_at is None)

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
    ) -> bool:
        """Send one message to one audience, once per occasion; False = a person skipped it."""
        attempt = self._attempt if may_skip else self._do
        paused = True
        while paused:
            await self._not_paused()
            sent = await attempt(
                NoticeActivities.notify,
                lambda: Notice(
                    self._start.go_live_id,
                    message,
                    audience,
                    occasion,
                    workflow.now(),
                    link_expires_at,
                ),
                self._on_their_queue(MAIL_TO_USERS_CALL)
                if audience is Audience.USERS
                else MAIL_CALL,
                f"{message.value.replace('_', ' ')} to {audience.value.replace('_', ' ')}",
            )
            paused = sent is not None and sent.paused
        return sent is not None

    # --- calls -------------------------------------------------------------------------------

    async def _ask(self, activity: Callable[[Any, Argument], Result], argument: Argument) -> Result:
        """Ask the database a small thing: one marker in the history, tried until it answers."""
        answer = await workflow.execute_local_activity_method(activity, argument, **POSITION_CALL)
        heed_cancelling()
        return answer

    def _on_their_queue(self, call: ActivityConfig) -> ActivityConfig:
        """Return this call for all users, made where so many hold up nobody."""
        return call if self._few else {**call, "task_queue": GO_LIVE_BULK_QUEUE}

    # --- needs attention ---------------------------------------------------------------------

    async def _do(
        self,
        activity: Callable[[Any, Argument], Result],
        argument: Callable[[], Argument],
        policy: ActivityConfig,
        summary: str,
    ) -> Result:
        """Return the activity's result, however many times a person has to say *retry*."""
        while True:
            if policy is not RECORD_CALL:
                self._board.list_at_rest()
            try:
                return await _execute(activity, argument(), policy, summary)
            except ActivityError as error:
                await self._ask_for_help(error)

    async def _attempt(
        self,
        activity: Callable[[Any, Argument], Result],
        argument: Callable[[], Argument],
        policy: ActivityConfig,
        summary: str,
    ) -> Result | None:
        """Like `_do`, but a person may also say *skip*: then None."""
        while True:
            self._board.list_at_rest()
            try:
                return await _execute(activity, argument(), policy, summary)
            except ActivityError as error:
                if not await self._ask_for_help(error, may_skip=True):
                    return None

    async def _ask_for_help(self, error: ActivityError, *, may_skip: bool = False) -> bool:
        if is_cancelled_exception(error):
            raise error
        return await self._needs_attention(attention_of(error), may_skip=may_skip)

    async def _needs_attention(
        self, why: Attention, *, may_skip: bool = False, unless: Callable[[], bool] = _never
    ) -> bool:
        """Wait for a person, or `unless`; True = try again, False = go on without."""
        self._attention, self._may_skip, self._attention_answer = why, may_skip, None
        self._since = workflow.now()
        await self._board.record()
        # Told in the background: where mail itself is what broke, nobody waits for it.
        telling = asyncio.create_task(self._tell_of_trouble(why))
        try:
            await workflow.wait_condition(lambda: self._attention_answer is not None or unless())
        finally:
            telling.cancel()
            answer, self._may_skip = self._attention_answer, False
            # Where it came while a proof was stuck (a reminder, say), that is shown again.
            self._attention = self._stuck
            if self._stuck is not None:
                self._attention_answer = None
        self._since = workflow.now()
        await self._board.record()
        return not isinstance(answer, Skip)

    async def _tell_of_trouble(self, why: Attention) -> None:  # noqa: ARG002  (a stage may ask)
        await self._tell(Message.NEEDS_ATTENTION, Audience.CUSTOMER_SUCCESS)

    async def _tell(
        self, message: Message, audience: Audience, link_expires_at: datetime | None = None
    ) -> None:
        """Send once, after a pause; where mail itself is the trouble, it is left at that."""
        if self._paused_at is not None:
            await self._not_paused()
        with suppress(ActivityError):
            await self._notify(message, audience, f"{workflow.now():%Y%m%d%H%M%S}", link_expires_at)

    def _tell_beside(self, mail: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let this mail go out beside what is waited for, at most until the run ends."""
        telling = asyncio.create_task(mail)
        self._beside = [one for one in self._beside if not one.done()] + [telling]
        return telling

    async def _stop_telling(self) -> None:
        """Take back what is still on its way: the ending is told instead."""
        pending = [one for one in self._beside if not one.done()]
        if pending:
            for one in pending:
                one.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

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
    result = await workflow.execute_activity_method(activity, argument, **config)
    heed_cancelling()
    return result
