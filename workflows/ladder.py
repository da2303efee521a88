"""The reminders of a wait, rung by rung, and its deadline."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.notices import Audience


@dataclass
class Rung:
    """One step of a ladder: when, what it is called in the timeline, what it does."""

    at: datetime
    name: str
    send: Callable[[], Awaitable[object]]
    audience: Audience | None = None
    """Who is written to, at a humane time; None = nobody."""


@dataclass
class Ladder:
    """The reminders still to come in a wait, and its deadline if it has one."""

    deadline: datetime | None
    rungs: list[Rung] = field(default_factory=list)
    stopped: list[Rung] = field(default_factory=list)
    """Reminders that do not go out, because somebody said no."""
    moved: bool = False
    """Dates changed since the timer was set."""
    shifted: bool = False
    """They changed by a pause; nobody chose the new hours."""
    chosen_at: datetime | None = None
    """When a person last chose the deadline."""

    def nearest(self) -> tuple[datetime | None, str]:
        """Return when something is due next and what; (None, "") = nothing ever."""
        if self.rungs and (self.deadline is None or self.rungs[0].at < self.deadline):
            return self.rungs[0].at, self.rungs[0].name
        return self.deadline, "deadline"

    def next_reminder(self) -> datetime | None:
        """Return when somebody is written to next, if anybody is before the deadline."""
        ahead = [rung.at for rung in self.rungs if rung.audience is not None]
        return next((at for at in ahead if self.deadline is None or at < self.deadline), None)

    def is_over(self, now: datetime) -> bool:
        """Tell whether the deadline has passed."""
        return self.deadline is not None and now >= self.deadline

    def take_due(self, now: datetime) -> Rung | None:
        """Return the newest rung that is due; older ones that were held back are let go.

        One that writes to somebody goes before one that only looks.
        """
        due = [rung for rung in self.rungs if rung.at <= now]
        self.rungs = [rung for rung in self.rungs if rung.at > now]
        writing = [rung for rung in due if rung.audience is not None]
        newest = (writing or due)[-1:]
        return newest[0] if newest else None

    def choose(self, deadline: datetime, now: datetime, *, heed_later: bool = False) -> None:
        """Put the deadline where a person wants it; `heed_later`: a pause comes first."""
        self.deadline, self.chosen_at = deadline, now
        self.moved, self.shifted = not heed_later, False

    def stop_reminders(self) -> None:
        """Remind nobody any more, until `remind_again`."""
        self.stopped, self.rungs = self.rungs, []

    def remind_again(self, now: datetime) -> None:
        """Take up those reminders that were stopped and are still to come."""
        self.rungs += [rung for rung in self.stopped if rung.at > now]
        self.stopped = []

    def shift(self, paused: timedelta, deadline_by: timedelta) -> None:
        """Move the rungs by the time paused, and the deadline by its own share of it."""
        for rung in (*self.rungs, *self.stopped):
            rung.at += paused
        self.moved = True
        if self.deadline is not None and deadline_by:
            self.deadline += deadline_by
            self.shifted = True
