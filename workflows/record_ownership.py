"""Whether this run may write the record in the database: another run may be ahead of it.

Somebody may reset a run in Temporal. Then the run no longer knows what it did, but the record does.
"""

import asyncio

from temporalio import workflow


class RecordOwnership:
    """Keeps what the database answered when this run last wrote its position."""

    def __init__(self) -> None:
        """Begin by taking the record over, as every new run must."""
        self.takes_over = True
        """Whether the next write counts, even if the record is ahead."""
        self.was_reset = False
        """Whether the run was reset and has not written since, so the record may be ahead."""
        self.is_behind = False
        """Whether the record is ahead of this run, and its last write was refused."""

    @property
    def is_unsure(self) -> bool:
        """Whether `AttentionRequests.check_for_reset` must run before anything else."""
        return self.was_reset or self.is_behind

    def take_over(self) -> None:
        """Let the next write count: this run begins, or a person ordered a retry."""
        self.takes_over, self.is_behind = True, False

    def mark_written(self) -> None:
        """Take the record as this run's own."""
        self.takes_over = self.was_reset = self.is_behind = False

    def mark_refused(self) -> None:
        """Take the record as ahead of this run: it was not overwritten."""
        self.is_behind, self.was_reset = True, False

    def watch_for_resets(self) -> None:
        """Watch for resets of the run; a reset ends its present wait."""
        loop = asyncio.get_running_loop()

        def hear(_seed: int) -> None:
            loop.call_soon(self._mark_reset)

        # Temporal changes a run's random seed when it resets the run, and at no other time.
        workflow.register_random_seed_callback(hear)

    def _mark_reset(self) -> None:
        self.was_reset = True
