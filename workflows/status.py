"""Publishes a run's progress, in the Temporal UI and in the record in the database."""

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from workflows.execution import ask_database
from workflows.state import RunState

with workflow.unsafe.imports_passed_through():
    from activities.records import RecordActivities
    from contracts.errors import ErrorType
    from contracts.go_live import Progress, Wait
    from contracts.records import Position, Recorded, ReminderTime
    from contracts.waiting_on import WaitingOn
    from wording import sentences
    from workflows import search_attributes
    from workflows.reminders import ReminderSchedule


class StatusPublisher:
    """Publishes where a run stands: in the Temporal UI, its lists included, and in the record.

    It updates search attributes when the run next waits for something, not at each step: every
    update costs the server as much as an activity does, and nobody could see those between two
    steps of one workflow task. The first check of a consent updates none (except that it clears
    what needed attention), nor does a step of the database alone: that takes milliseconds, and
    without a database the record before it is not written either.

    A wait that is over stays in the record until the next record, or until work on all users
    begins, which may take an hour.
    """

    def __init__(self, state: RunState, progress: Callable[[], Progress]) -> None:
        """Publish what `progress` returns each time."""
        self._state = state
        self._owner = state.start.owner
        self._console_url = ""
        self._recorded: Progress | None = None
        self._progress = progress
        self._recording = asyncio.Lock()
        self._listed: dict[str, object] = {
            pair.key.name: pair.value for pair in workflow.info().typed_search_attributes
        }

    def link_to(self, console_url: str) -> None:
        """Link the Temporal UI to the organisation's page in the console from now on."""
        self._console_url = console_url

    def hand_over_to(self, owner: str) -> None:
        """List the run under another owner, at once."""
        self._owner = owner
        self.show()

    async def record(
        self, *, visibility_later: bool = False, schedule: ReminderSchedule | None = None
    ) -> None:
        """Show the present state in the Temporal UI and write it into the database.

        `visibility_later`: the caller updates visibility before it waits for anything. `schedule`:
        the same call moves its reminders into their readers' business hours.
        """
        async with self._recording:
            self._recorded = progress = self._progress()
            self._describe(progress)
            if not visibility_later:
                self._list(progress)
            now = workflow.now()
            asked = [(one, one.at) for one in schedule.mails()] if schedule else []
            recorded = await self._write(
                Position(
                    self._state.start.go_live_id,
                    progress,
                    now,
                    [
                        ReminderTime(max(at, now), one.audience)
                        for one, at in asked
                        if one.audience is not None
                    ],
                    workflow.info().get_current_history_length(),
                    self._state.orders,
                    self._state.executed,
                    # A run that ends undoes what the database knows, even if it knows less itself.
                    self._state.ownership.takes_over or not progress.goes_on,
                )
            )
            if schedule is not None and recorded is not None:
                schedule.put_into_business_hours(asked, recorded.reminders)
                self._recorded = progress = self._progress()
                self._describe(progress)

    async def _write(self, position: Position) -> Recorded | None:
        """Return the result, None if the record is ahead and stays as it is."""
        summary = _summary(position.progress)
        try:
            recorded = await ask_database(RecordActivities.record_position, position, summary)
        except FailureError as error:
            if not _says_ahead(error):
                raise
            self._state.ownership.mark_refused()
            return None
        self._state.ownership.mark_written()
        self._state.were_recorded(position.executed)
        return recorded

    async def record_if_changed(self) -> None:
        """Record the end of the last wait before work on all users begins."""
        if self._recorded != self._progress():
            await self.record(visibility_later=True)

    def show(self) -> None:
        """Show the present state in the Temporal UI alone."""
        progress = self._progress()
        self._describe(progress)
        self._list(progress)

    def update_visibility(self) -> None:
        """Update the search attributes, because the run waits for something now."""
        self._list(self._progress())

    def clear_listed_attention(self) -> None:
        """Update the search attributes if they say that the run waits on our own people."""
        ours = {WaitingOn.CUSTOMER_SUCCESS, WaitingOn.OPERATORS}
        if self._listed.get(search_attributes.WAITING_ON.name) in ours:
            self.update_visibility()

    def _describe(self, progress: Progress) -> None:
        workflow.set_current_details(sentences.details(progress, self._console_url))

    def _list(self, progress: Progress) -> None:
        pairs = search_attributes.at_position(progress, self._owner)
        changed = [pair for pair in pairs if self._listed.get(pair.key.name) != pair.value]
        if changed:
            workflow.upsert_search_attributes(changed)
            self._listed |= {pair.key.name: pair.value for pair in changed}


def _says_ahead(error: FailureError) -> bool:
    # A local activity fails with its own error, an ordinary one with that error as its cause.
    own = error if isinstance(error, ApplicationError) else error.cause
    return isinstance(own, ApplicationError) and own.type == ErrorType.RECORD_AHEAD


def _summary(progress: Progress) -> str:
    """Return the timeline's summary of a record: what the run waits for, or does, from here on."""
    if progress.attention is not None:
        return f"recorded: needs attention, {progress.attention.replace('_', ' ')}"
    if progress.ending is not None:
        return f"recorded: ending as {progress.ending}"
    paused = "paused, " if progress.paused else ""
    if progress.wait is Wait.NOTHING:
        return f"recorded: {paused}{progress.stage.replace('_', ' ')} is being done"
    return f"recorded: {paused}waits on {sentences.whom(progress)}"
