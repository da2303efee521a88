"""How fast mail to the users of a large organisation goes out: it leaves room for others."""

import threading
import time

from temporalio import activity

from activities.heartbeats import stop_if_cancelled

MOST_TOGETHER = 500
"""Mails that are read from the ledger at once."""


class Pace:
    """Turns, evenly spaced, for everybody who takes them in this process.

    Evenly, not in bursts: the relay, the database and this process then have time in between for
    the few mails that somebody is waiting for.
    """

    def __init__(self, per_second: float) -> None:
        """Give this many turns a second; 0 = as many as are asked for."""
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


UNBOUNDED = Pace(0)
"""For the few mails that somebody is waiting for, and where nobody is to be spared."""
