"""The state of a run: its stage, what it waits for, whether it is paused, how it ends."""

from datetime import datetime, timedelta

from temporalio import workflow

from workflows.record_ownership import RecordOwnership

with workflow.unsafe.imports_passed_through():
    from contracts.go_live import GoLiveOutcome, GoLiveStage, StartGoLive, Wait
    from contracts.records import OrderCarriedOut


class RunState:
    """State that every part of a run reads, and only this class changes."""

    def __init__(self, start: StartGoLive) -> None:
        """Begin at the first stage, waiting for nothing."""
        self.start = start
        self.stage = GoLiveStage.ENTITLEMENT_CONFIRMED
        self.wait = Wait.NOTHING
        self.since = workflow.now()
        """When the present wait, or what needs attention in it, began."""
        self.paused_at: datetime | None = None
        self.ending: GoLiveOutcome | None = None
        """The outcome that it is about to have, while its changes are undone."""
        self.outcome: GoLiveOutcome | None = None
        self.ownership = RecordOwnership()
        self.orders = 0
        """How many orders it has accepted."""
        self._executed: list[OrderCarriedOut] = []

    @property
    def consent_window(self) -> timedelta:
        """How long the administrator has, from the consent request on."""
        return timedelta(days=self.start.consent_window_days)

    @property
    def is_paused(self) -> bool:
        """Whether nothing is sent and nobody is moved until somebody resumes it."""
        return self.paused_at is not None

    @property
    def goes_on(self) -> bool:
        """Whether it has neither ended nor begun to end."""
        return self.outcome is None and self.ending is None

    def enter(self, stage: GoLiveStage) -> None:
        """Enter a stage, without a wait yet."""
        self.stage = stage
        self.wait_for(Wait.NOTHING)

    def wait_for(self, wait: Wait) -> None:
        """Wait for this from now on."""
        # The second part of a proof continues the wait that its first check began.
        if wait is not Wait.MICROSOFT or self.wait is not wait:
            self.reset_since()
        self.wait = wait

    def stop_waiting(self) -> None:
        """End the present wait."""
        self.wait = Wait.NOTHING
        self.reset_since()

    def reset_since(self) -> None:
        """Let the present wait, or what needs attention in it, begin now."""
        self.since = workflow.now()

    def pause(self) -> None:
        """Pause; a second pause changes nothing."""
        self.paused_at = self.paused_at or workflow.now()

    def resume(self) -> datetime | None:
        """End the pause, and return when it began; None = there was none."""
        paused_at, self.paused_at = self.paused_at, None
        return paused_at

    def count_order(self) -> None:
        """Count the order whose update is being handled, and keep its id for the record."""
        self.orders += 1
        if (update := workflow.current_update_info()) is not None:
            self._executed.append(OrderCarriedOut(update.id, update.name, workflow.now()))

    @property
    def executed(self) -> list[OrderCarriedOut]:
        """The orders that the record does not have yet."""
        return list(self._executed)

    def were_recorded(self, executed: list[OrderCarriedOut]) -> None:
        """Keep these no longer."""
        self._executed = [one for one in self._executed if one not in executed]

    def begin_ending(self, outcome: GoLiveOutcome) -> None:
        """Begin to end with this outcome, which also ends a pause."""
        self.ending, self.paused_at = outcome, None

    def end(self, outcome: GoLiveOutcome) -> None:
        """End with this outcome."""
        self.outcome, self.wait = outcome, Wait.NOTHING
