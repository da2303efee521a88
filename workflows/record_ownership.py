"""Whether the record in the database is this run's to write: another run may have come further.

Somebody may reset a run in Temporal. Then it forgets what it did, and the database does not.
"""

import asyncio

from temporalio import workflow


class RecordOwnership:
    """Knows what the database answered when this run last wrote where it stands."""

    def __init__(self) -> None:
        """Begin with a record that this run takes over, as a run that begins anew must."""
        self.takes_over = True
        """The next record counts, however far the one that is there has come."""
        self.was_reset = False
        """Nothing was written since the run was reset: how far the record is, is not known."""
        self.is_behind = False
        """The record is ahead of this run, and what it was to say was not written."""

    @property
    def is_unsure(self) -> bool:
        """Whether nothing is to be done before `AttentionRequests.check_for_reset` has looked."""
        return self.was_reset or self.is_behind

    def take_over(self) -> None:
        """Let the next record count: this run begins, or a person has said that it goes on."""
        self.takes_over, self.is_behind = True, False

    def was_written(self) -> None:
        """Take the record as this run's own."""
        self.takes_over = self.was_reset = self.is_behind = False

    def was_refused(self) -> None:
        """Take that the record is ahead, and not to be overwritten."""
        self.is_behind, self.was_reset = True, False

    def watch_for_resets(self) -> None:
        """Note from now on when the run is reset; that wakes it where it waits."""
        loop = asyncio.get_running_loop()

        def hear(_seed: int) -> None:
            loop.call_soon(self._mark_reset)

        # Temporal gives a run another seed where it resets it, and nowhere else.
        workflow.register_random_seed_callback(hear)

    def _mark_reset(self) -> None:
        self.was_reset = True
