"""The simulator's own time: the wall clock plus what was moved forward by request."""

from datetime import UTC, datetime, timedelta


class SimulatorClock:
    """Tells the simulator's time; it only ever moves forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The simulator's instant, in UTC."""
        return datetime.now(UTC) + self._ahead

    def timestamp(self) -> int:
        """The simulator's instant in whole seconds since 1970."""
        return int(self.now().timestamp())

    def wall_timestamp(self) -> int:
        """The wall clock in whole seconds since 1970: what stands in ID tokens.

        Whoever checks an ID token compares it with the wall clock, not with this simulator's.
        """
        return int(datetime.now(UTC).timestamp())

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ValueError: The number is negative.
        """
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._ahead += timedelta(seconds=seconds)

    @property
    def seconds_ahead(self) -> float:
        """How far the simulator is ahead of the wall clock."""
        return self._ahead.total_seconds()

    def reset(self) -> None:
        """Back to the wall clock."""
        self._ahead = timedelta()
