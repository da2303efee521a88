"""How a go-live waits for people: due reminders, a deadline, pauses, changed dates."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import rules
    from contracts.go_live import GoLiveStage, Wait
    from contracts.notices import Audience, Message
    from contracts.rules import ReminderRule
    from workflows.attention import AttentionRequests
    from workflows.calls import Calls
    from workflows.cancellation import StoppedAfter, raise_if_cancelled
    from workflows.notices import stamp
    from workflows.reminders import Reminder, ReminderSchedule
    from workflows.state import RunState
    from workflows.status import StatusPublisher

Check = Callable[[], Awaitable[object]]
"""Checks the database for an answer."""


class Waits:
    """Holds the schedule of the present wait, and those of earlier ones."""

    def __init__(
        self,
        state: RunState,
        status: StatusPublisher,
        attention: AttentionRequests,
        calls: Calls,
    ) -> None:
        """Begin without a wait."""
        self._state, self._status = state, status
        self._attention, self._calls = attention, calls
        self.schedule: ReminderSchedule | None = None
        """The schedule of the present wait."""
        self._schedules: list[ReminderSchedule] = []
        """All schedules so far: a pause also moves those that are between two waits."""
        self._held = False
        """Whether the schedule is only shown, and nothing of it happens for a while."""

    # --- where we are ------------------------------------------------------------------------

    async def enter(self, stage: GoLiveStage) -> None:
        """Enter a stage and record it."""
        self._state.enter(stage)
        await self._status.record(visibility_later=True)
        await self._attention.check_for_reset()

    async def begin(self, wait: Wait) -> None:
        """Begin a wait and record it."""
        self._state.wait_for(wait)
        await self._record(visibility_later=True)
        await self._attention.check_for_reset()

    async def _record(self, *, visibility_later: bool = False) -> None:
        """Record where the run stands, with reminders in their readers' business hours."""
        schedule = self.schedule
        unplaced = schedule is not None and not schedule.in_business_hours
        await self._status.record(
            visibility_later=visibility_later, schedule=schedule if unplaced else None
        )

    def show(self, schedule: ReminderSchedule) -> None:
        """Show the dates of a schedule that does not run yet."""
        self.schedule = schedule

    def hold(self, schedule: ReminderSchedule) -> None:
        """Show the dates of a schedule and hold its reminders and deadline while something runs."""
        self.schedule, self._held = schedule, True

    def release(self) -> None:
        """Show no dates any more, and hold nothing."""
        self.schedule, self._held = None, False

    # --- schedules ---------------------------------------------------------------------------

    def open(
        self, window: timedelta | None, *planned: ReminderRule, first: Reminder | None = None
    ) -> ReminderSchedule:
        """Return a schedule of the planned reminders; `first` opens the wait."""
        opened = workflow.now()
        reminders = [_reminder(number, rule) for number, rule in enumerate(planned, start=1)]
        deadline = opened + window if window is not None else None
        schedule = ReminderSchedule(deadline, reminders, in_business_hours=not reminders)
        if first is not None:
            schedule.put_first(first)
        return self.register(schedule)

    def register(self, schedule: ReminderSchedule) -> ReminderSchedule:
        """Register this schedule, so that a pause moves it too, and return it."""
        self._schedules.append(schedule)
        return schedule

    # --- waiting -----------------------------------------------------------------------------

    async def until(
        self,
        wait: Wait,
        answered: Callable[[], bool],
        schedule: ReminderSchedule,
        check: Check | None = None,
    ) -> bool:
        """Wait until `answered`, and send due reminders; False when the deadline passes.

        A pause stops reminders and deadline, but answers still count. A caller may wait on the same
        schedule again: reminders that were sent are not sent again, and the deadline stays.
        """
        self.schedule, ownership = schedule, self._state.ownership
        await self.begin(wait)
        while ownership.is_unsure or not answered():
            now = workflow.now()
            nearest, name = schedule.nearest()
            if ownership.is_unsure:
                await self._attention.check_for_reset()
            elif schedule.moved:
                schedule.mark_applied()
                await self._record()
            elif self._state.is_paused:
                self._status.update_visibility()
                await workflow.wait_condition(
                    lambda: answered() or not self._state.is_paused or ownership.is_unsure
                )
            elif schedule.is_over(now):
                break
            elif nearest is not None and nearest <= now:
                announced = schedule.next_reminder()
                await self._send_due(schedule, answered, check)
                if schedule.next_reminder() != announced and not answered():
                    await self._status.record()
            else:
                self._status.update_visibility()
                with suppress(asyncio.TimeoutError):
                    await workflow.wait_condition(
                        lambda: (
                            answered()
                            or schedule.moved
                            or self._state.is_paused
                            or ownership.is_unsure
                        ),
                        timeout=nearest - now if nearest else None,
                        timeout_summary=name,
                    )
                raise_if_cancelled()
        # The next step records the end of this wait.
        self.schedule = None
        self._state.stop_waiting()
        return answered()

    async def _send_due(
        self, schedule: ReminderSchedule, answered: Callable[[], bool], check: Check | None
    ) -> None:
        """Send the newest due reminder; an answer ends the wait even if the mail is stuck."""
        if schedule.reminders[0].at < workflow.now() - rules.LATE:
            # No worker ran at its time, and now it may be night.
            schedule.move()
            schedule.mark_applied()
            await self._record()
        due = schedule.take_due(workflow.now())
        if due is None:
            return
        sending = asyncio.ensure_future(self._send(due, schedule, check))
        finished = False
        try:
            async with StoppedAfter(sending):
                await workflow.wait_condition(lambda: sending.done() or answered())
                finished = sending.done()
        finally:
            if not finished:
                # The answer may not count in the end, such as a consent that is not proven.
                schedule.put_first(due)
        if finished:
            sending.result()

    async def _send(self, due: Reminder, schedule: ReminderSchedule, check: Check | None) -> None:
        if due.message is not None and due.audience is not None:
            until = schedule.deadline if due.link_until_deadline else None
            await self._calls.send(
                due.message, due.audience, due.idempotency_key, link_expires_at=until
            )
        elif check is not None:
            await check()

    # --- what people change ------------------------------------------------------------------

    async def change_deadline(self, until: datetime) -> None:
        """Move the deadline of the present wait, if there is one."""
        if self.schedule is None:
            return
        # It takes effect after the pause; until then it is shown, and can be changed again.
        paused = self._state.is_paused
        self.schedule.choose(until, workflow.now(), after_pause=paused)
        if paused or self._held:
            await self._status.record()

    def resume(self, *, paused_at: datetime | None) -> None:
        """Move all dates by the length of the pause, except those chosen during it.

        None = there was no pause.
        """
        if paused_at is None:
            return
        for schedule in self._schedules:
            schedule.resume(paused_at, workflow.now())

    def readers_changed(self) -> None:
        """Move pending reminders into the business hours of their present readers."""
        if self.schedule is not None and self._state.wait is not Wait.MOVE_DATE:
            self.schedule.move()

    def next_reminder(self) -> datetime | None:
        """Return when the next reminder goes out; None if it is overdue while it is held back."""
        at = self.schedule.next_reminder() if self.schedule else None
        overdue = at is not None and at <= workflow.now()
        return None if self._state.wait is Wait.MICROSOFT and overdue else at


def opening(
    message: Message, audience: Audience, idempotency_key: str = "first", *, with_link: bool = False
) -> Reminder:
    """Return the message that opens a wait; it goes out at once, at any hour."""
    return Reminder(
        workflow.now(),
        message.value.replace("_", " "),
        message,
        audience,
        idempotency_key,
        in_business_hours=False,
        link_until_deadline=with_link,
    )


def _reminder(number: int, rule: ReminderRule) -> Reminder:
    name = f"{rule.message.value.replace('_', ' ')} {number}"
    idempotency_key = f"{stamp()} {name}"
    return Reminder(workflow.now() + rule.after, name, rule.message, rule.audience, idempotency_key)
