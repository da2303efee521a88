"""The reminders of a wait and its deadline, as data, and how they change over time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.notices import Audience, Message


@dataclass
class Reminder:
    """What happens at a time if nobody has answered by then."""

    at: datetime
    name: str
    """The name of its timer in the timeline."""
    message: Message | None = None
    """What is sent; None = the database is checked for an answer."""
    audience: Audience | None = None
    idempotency_key: str = ""
    in_business_hours: bool = True
    """It waits for its readers' business hours. False: it opens the wait and goes out at once."""
    link_until_deadline: bool = False
    """Its link is valid as long as the wait."""

    @property
    def is_mail(self) -> bool:
        """Whether it reminds somebody; what opens a wait, or checks the database, does not."""
        return self.message is not None and self.in_business_hours


@dataclass
class ReminderSchedule:
    """The reminders still to come in a wait, in order, and its deadline if it has one."""

    deadline: datetime | None
    reminders: list[Reminder] = field(default_factory=list)
    stopped: list[Reminder] = field(default_factory=list)
    """Reminders that do not go out, because somebody declined."""
    in_business_hours: bool = True
    """Whether its mails are within the business hours of their present readers."""
    moved: bool = False
    """Whether dates changed since the timer was set."""
    shifted: bool = False
    """Whether a pause changed them, so that nobody chose the new hours."""
    chosen_at: datetime | None = None
    """When a person last chose the deadline."""

    def nearest(self) -> tuple[datetime | None, str]:
        """Return when something is due next, and its name; None = nothing ever is."""
        first = self.reminders[0] if self.reminders else None
        if first is not None and (self.deadline is None or first.at < self.deadline):
            return first.at, first.name
        return self.deadline, "deadline"

    def next_reminder(self) -> datetime | None:
        """Return when somebody is reminded next, if anybody is before the deadline."""
        ahead = [one.at for one in self.reminders if one.is_mail]
        return next((at for at in ahead if self.deadline is None or at < self.deadline), None)

    def is_over(self, now: datetime) -> bool:
        """Tell whether the deadline has passed."""
        return self.deadline is not None and now >= self.deadline

    def mails(self) -> list[Reminder]:
        """Return the reminders that wait for their readers' business hours."""
        return [one for one in self.reminders if one.is_mail]

    def take_due(self, now: datetime) -> Reminder | None:
        """Take the newest reminder that is due; drop older ones that were held back.

        A mail goes before a check of the database.
        """
        due = [one for one in self.reminders if one.at <= now]
        self.reminders = [one for one in self.reminders if one.at > now]
        mails = [one for one in due if one.is_mail]
        newest = (mails or due)[-1:]
        return newest[0] if newest else None

    def put_first(self, reminder: Reminder) -> None:
        """Put this reminder before all others."""
        self.reminders.insert(0, reminder)

    def add(self, reminders: list[Reminder]) -> None:
        """Add these reminders, sorted by time."""
        self.reminders += reminders
        self._sort()

    def put_into_business_hours(
        self, asked: list[tuple[Reminder, datetime]], moments: list[datetime]
    ) -> None:
        """Set each reminder to its moment, unless it has moved since it was `asked` about."""
        for (one, at), moment in zip(asked, moments, strict=True):
            if one.at == at:
                one.at = moment
        self.in_business_hours = not self.moved
        self._sort()

    def _sort(self) -> None:
        self.reminders.sort(key=lambda one: one.at)

    def choose(self, deadline: datetime, now: datetime, *, after_pause: bool = False) -> None:
        """Set the deadline that a person chose; `after_pause`: it takes effect after the pause."""
        self.deadline, self.chosen_at = deadline, now
        self.shifted = False
        if after_pause:
            self.moved = False
        else:
            self.move()

    def move(self) -> None:
        """Have the dates moved into business hours again, for example those of new readers."""
        self.moved, self.in_business_hours = True, False

    def mark_applied(self) -> None:
        """Mark the change of dates as applied to the timer."""
        self.moved = False

    def stop_reminders(self) -> None:
        """Send no reminders until `remind_again`."""
        self.stopped, self.reminders = self.reminders, []

    def remind_again(self, now: datetime) -> None:
        """Restore the stopped reminders that are still to come."""
        self.reminders += [one for one in self.stopped if one.at > now]
        self.stopped = []

    def resume(self, paused_at: datetime, now: datetime) -> None:
        """Move every date by the length of the pause, except a deadline chosen during it."""
        for one in (*self.reminders, *self.stopped):
            one.at += now - paused_at
        self.move()
        by = self._deadline_shift(paused_at, now)
        if self.deadline is not None and by:
            self.deadline += by
            self.shifted = True

    def _deadline_shift(self, paused_at: datetime, now: datetime) -> timedelta:
        """Return by how much a pause moves the deadline: not at all if it was chosen during it.

        If it was chosen during the pause and has passed, it moves by the time since it was chosen.
        """
        if self.chosen_at is None or self.chosen_at < paused_at:
            return now - paused_at
        passed = self.deadline is not None and self.deadline <= now
        return now - self.chosen_at if passed else timedelta()
