"""How a go-live shows where it stands: in the Temporal UI, and in the database, the record."""

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

    A run changes what it is listed by when it next waits for something, not at each step: every
    change costs the server as much as an activity does, and nobody could see those between two
    steps of one workflow task. Nothing is listed for the first check of a consent (but the end
    of a trouble), nor for a step of the database's own: it takes milliseconds, and without a
    database the record before it is not written either.

    A wait that is over stands in the record until the next thing that is told, or that all users
    are worked on, which may take an hour.
    """

    def __init__(self, state: RunState, progress: Callable[[], Progress]) -> None:
        """Publish what `progress` returns at the time."""
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
        """Show from now on where customer success looks at this organisation."""
        self._console_url = console_url

    def hand_over_to(self, owner: str) -> None:
        """List the run under another owner, at once."""
        self._owner = owner
        self.show()

    async def record(
        self, *, visibility_later: bool = False, schedule: ReminderSchedule | None = None
    ) -> None:
        """Show the present state in the Temporal UI and write it into the database.

        `visibility_later`: the caller updates visibility before anything is waited for. `schedule`:
        its reminders are brought into their readers' working hours by the same call.
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
                    # Whatever a run that ends knows of, it undoes what the database knows of.
                    self._state.ownership.takes_over or not progress.goes_on,
                )
            )
            if schedule is not None and recorded is not None:
                schedule.put_into_business_hours(asked, recorded.reminders)
                self._recorded = progress = self._progress()
                self._describe(progress)

    async def _write(self, position: Position) -> Recorded | None:
        """Return what came of it, None where the record is ahead and stays as it is."""
        summary = _summary(position.progress)
        try:
            recorded = await ask_database(RecordActivities.record_position, position, summary)
        except FailureError as error:
            if not _says_ahead(error):
                raise
            self._state.ownership.was_refused()
            return None
        self._state.ownership.was_written()
        return recorded

    async def record_if_changed(self) -> None:
        """Record, before all users are worked on, that nothing else is waited for any more."""
        if self._recorded != self._progress():
            await self.record(visibility_later=True)

    def show(self) -> None:
        """Show the present state in the Temporal UI alone."""
        progress = self._progress()
        self._describe(progress)
        self._list(progress)

    def update_visibility(self) -> None:
        """Let the run be listed and found by where it stands, as something is waited for now."""
        self._list(self._progress())

    def clear_listed_attention(self) -> None:
        """List the run anew if it is listed among those that wait on customer success."""
        if self._listed.get(search_attributes.WAITING_ON.name) == WaitingOn.CUSTOMER_SUCCESS:
            self.update_visibility()

    def _describe(self, progress: Progress) -> None:
        workflow.set_current_details(sentences.details(progress, self._console_url))

    def _list(self, progress: Progress) -> None:
        pairs = search_attributes.of(progress, self._owner)
        changed = [pair for pair in pairs if self._listed.get(pair.key.name) != pair.value]
        if changed:
            workflow.upsert_search_attributes(changed)
            self._listed |= {pair.key.name: pair.value for pair in changed}


def _says_ahead(error: FailureError) -> bool:
    # A local activity fails with its own error, an ordinary one with another around it.
    own = error if isinstance(error, ApplicationError) else error.cause
    return isinstance(own, ApplicationError) and own.type == ErrorType.RECORD_AHEAD


def _summary(progress: Progress) -> str:
    """Return what the timeline says of a record: what is waited for, or done, from here on."""
    if progress.attention is not None:
        return f"recorded: needs attention, {progress.attention.replace('_', ' ')}"
    if progress.ending is not None:
        return f"recorded: ending as {progress.ending}"
    paused = "paused, " if progress.paused else ""
    if progress.wait is Wait.NOTHING:
        return f"recorded: {paused}{progress.stage.replace('_', ' ')} is being done"
    return f"recorded: {paused}waits on {sentences.whom(progress)}"
