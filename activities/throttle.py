"""Limits on mail, so that it leaves room for everything else: how fast, and how much at once."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.heartbeats import stop_if_cancelled
from contracts.errors import ErrorType

LARGEST_CHUNK = 500
"""Mails that are read from the ledger at once."""

LONGEST_TURN_SECONDS = 5 * 60.0
"""After this time the mail of one organisation gives way to others in its queue."""

FIRST_RETRY_DELAY, LONGEST_RETRY_DELAY = timedelta(seconds=2), timedelta(seconds=30)
"""When an activity that found no free slot, or gave its own up, runs again: first, and at most."""


class RateLimiter:
    """Gives turns at an even rate to all threads of this process.

    At an even rate, not in bursts, so that the relay, the database and this process have time in
    between for the few mails that somebody is waiting for.
    """

    def __init__(
        self, per_second: float, longest_turn_seconds: float = LONGEST_TURN_SECONDS
    ) -> None:
        """Give this many turns a second; 0 sets no limit."""
        self.longest_turn_seconds = longest_turn_seconds
        self._between = 1 / per_second if per_second else 0.0
        self._next = time.monotonic()
        self._taking = threading.Lock()

    def turns_in(self, seconds: float) -> int:
        """Return how many turns fit into this time: at least one, at most `LARGEST_CHUNK`."""
        if not self._between:
            return LARGEST_CHUNK
        return max(1, min(LARGEST_CHUNK, int(seconds / self._between)))

    def wait_for_turn(self) -> None:
        """Return when it is the caller's turn.

        Raises:
            CancelledError: the activity was cancelled before its turn came.
        """
        if not self._between:
            return
        with self._taking:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._between
        activity.wait_for_cancelled_sync(max(0.0, turn - time.monotonic()))
        stop_if_cancelled()


UNBOUNDED = RateLimiter(0, math.inf)
"""For the few mails that somebody is waiting for, and where nothing else needs room."""


class Slots:
    """Limits how many deliveries one worker runs at once.

    A relay that takes a mail and then falls silent holds its delivery for minutes. If deliveries
    held every thread, no consent would be checked and no order recorded.
    """

    def __init__(self, slots: int) -> None:
        """Allow this many at once."""
        self._free = threading.Semaphore(slots)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot inside the block.

        Without a free slot the activity gives its thread back and is retried, ever more rarely.

        Raises:
            ApplicationError: `MAIL_UNAVAILABLE`, to be retried; every slot is taken.
        """
        if not self._free.acquire(blocking=False):
            raise try_later("As much mail as may be is on its way.", times=activity.info().attempt)
        try:
            yield
        finally:
            self._free.release()


def try_later(why: str, times: int = 1) -> ApplicationError:
    """Return the error by which an activity runs again after others; nothing is wrong."""
    again = FIRST_RETRY_DELAY * 2 ** min(times - 1, 10)
    return ApplicationError(
        f"{why} This goes on in a moment.",
        type=ErrorType.MAIL_UNAVAILABLE,
        next_retry_delay=min(again, LONGEST_RETRY_DELAY),
        category=ApplicationErrorCategory.BENIGN,
    )
