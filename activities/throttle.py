"""How mail leaves room for everything else: how fast it goes out, and how much of it at once."""

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

MOST_TOGETHER = 500
"""Mails that are read from the ledger at once."""

LONGEST_TURN_SECONDS = 5 * 60.0
"""After so long the mail of one organisation lets others of its queue have their turn."""

TRIED_AGAIN_IN, LONGEST_PATIENCE = timedelta(seconds=2), timedelta(seconds=30)
"""When whoever found no place, or gave it up, asks for one again; at most, after many times."""


class Pace:
    """Turns, evenly spaced, for everybody who takes them in this process.

    Evenly, not in bursts: the relay, the database and this process then have time in between for
    the few mails that somebody is waiting for.
    """

    def __init__(
        self, per_second: float, longest_turn_seconds: float = LONGEST_TURN_SECONDS
    ) -> None:
        """Give this many turns a second; 0 = as many as are asked for."""
        self.longest_turn_seconds = longest_turn_seconds
        self._between = 1 / per_second if per_second else 0.0
        self._next = time.monotonic()
        self._taking = threading.Lock()

    def turns_in(self, seconds: float) -> int:
        """Return how many turns there are in this time: one at least, `MOST_TOGETHER` at most."""
        if not self._between:
            return MOST_TOGETHER
        return max(1, min(MOST_TOGETHER, int(seconds / self._between)))

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


UNBOUNDED = Pace(0, math.inf)
"""For the few mails that somebody is waiting for, and where nobody is to be spared."""


class Places:
    """How many deliveries there may be at once among all that a queue is asked for.

    A relay that takes a mail and then falls silent holds its delivery for minutes. Where all
    threads were held so, no consent would be looked for and no order be written down.
    """

    def __init__(self, places: int) -> None:
        """Let so many in."""
        self._free = threading.Semaphore(places)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place; whoever finds none gives the thread back and asks again, ever more rarely.

        Raises:
            ApplicationError: `MAIL_UNAVAILABLE`, to be retried; every place is taken.
        """
        if not self._free.acquire(blocking=False):
            raise let_others_go_first(
                "As much mail as may be is on its way.", times=activity.info().attempt
            )
        try:
            yield
        finally:
            self._free.release()


def let_others_go_first(why: str, times: int = 1) -> ApplicationError:
    """Return what an activity raises to be asked once more after others; nothing is wrong."""
    again = TRIED_AGAIN_IN * 2 ** min(times - 1, 10)
    return ApplicationError(
        f"{why} This goes on in a moment.",
        type=ErrorType.MAIL_UNAVAILABLE,
        next_retry_delay=min(again, LONGEST_PATIENCE),
        category=ApplicationErrorCategory.BENIGN,
    )
