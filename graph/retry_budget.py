"""How long a call may wait in its thread before it hands the wait back to its caller."""

from collections.abc import Callable

from graph.errors import ThrottledError

LONGEST_PAUSE_SECONDS = 5.0
"""Longer waits go back to Temporal, which holds no thread while it waits."""
LONGEST_PAUSES_SECONDS = 15.0
"""All pauses of one call together."""


class RetryBudget:
    """The pauses one call may still make."""

    def __init__(self, pause: Callable[[float], None]) -> None:
        """`pause` waits that many seconds."""
        self._pause = pause
        self._left = LONGEST_PAUSES_SECONDS

    def wait(self, seconds: float) -> None:
        """Pause, if that is short enough.

        Raises:
            ThrottledError: it is longer; the error carries the seconds to wait.
        """
        if seconds > min(LONGEST_PAUSE_SECONDS, self._left):
            raise ThrottledError(seconds)
        self._left -= seconds
        self._pause(seconds)
