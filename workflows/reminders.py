"""The reminders of a wait and its deadline: rows of data, and what becomes of them in time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.notices import Audience, Message


@dataclass
class Reminder:
    """Something that is done at its time if nobody has answered by then."""

    at: datetime
    name: str
    """What its timer is called in the timeline."""
    message: Message | None = None
    """What is sent; None = the database is asked whether there is an answer."""
    audience: Audience | None = None
    idempotency_key: str = ""
    in_business_hours: bool = True
    """It waits for its readers' working hours. False: it opens the wait, and goes out at once."""
    link_until_deadline: bool = False
    """The link it carries lives as long as the wait."""

    @property
    def is_mail(self) -> bool:
        """Whether it reminds somebody; what opens a wait, or asks the database, does not."""
        return self.message is not None and self.in_business_hours


@dataclass
class ReminderSchedule:
    """The reminders still to come in a wait, in their order, and its deadline if it has one."""

    deadline: datetime | None
    reminders: list[Reminder] = field(default_factory=list)
    stopped: list[Reminder] = field(default_factory=list)
    """Reminders that do not go out, because somebody said no."""
    in_business_hours: bool = True
    """Its mails are in their readers' working hours, as the readers were named last."""
    moved: bool = False
    """Dates changed since the timer was set."""
    shifted: bool = False
    """They changed by a pause; nobody chose the new hours."""
    chosen_at: datetime | None = None
    """When a person last chose the deadline."""

    def nearest(self) -> tuple[datetime | None, str]:
        """Return when something is due next and what; (None, "") = nothing ever."""
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
        """Return the reminders that wait for their readers' working hours."""
        return [one for one in self.reminders if one.is_mail]

    def take_due(self, now: datetime) -> Reminder | None:
        """Take the newest reminder that is due; older ones that were held back are dropped.

        A mail goes before what only asks the database.
        """
        due = [one for one in self.reminders if one.at <= now]
        self.reminders = [one for one in self.reminders if one.at > now]
        mails = [one for one in due if one.is_mail]
        newest = (mails or due)[-1:]
        return newest[0] if newest else None

    def put_first(self, reminder: Reminder) -> None:
        """Put this before all others."""
        self.reminders.insert(0, reminder)

    def add(self, reminders: list[Reminder]) -> None:
        """Put these among the others, by their time."""
        self.reminders += reminders
        self._sort()

    def put_into_business_hours(
        self, asked: list[tuple[Reminder, datetime]], moments: list[datetime]
    ) -> None:
        """Put each reminder at its moment, unless it has moved since it was `asked` about."""
        for (one, at), moment in zip(asked, moments, strict=True):
            if one.at == at:
                one.at = moment
        self.in_business_hours = not self.moved
        self._sort()

    def _sort(self) -> None:
        self.reminders.sort(key=lambda one: one.at)

    def choose(self, deadline: datetime, now: datetime, *, after_pause: bool = False) -> None:
        """Put the deadline where a person wants it; `after_pause`: a pause comes first."""
        self.deadline, self.chosen_at = deadline, now
        self.shifted = False
        if after_pause:
            self.moved = False
        else:
            self.move()

    def move(self) -> None:
        """Have the dates brought into business hours anew, such as those of other readers."""
        self.moved, self.in_business_hours = True, False

    def mark_applied(self) -> None:
        """Take the change of dates as heeded."""
        self.moved = False

    def stop_reminders(self) -> None:
        """Remind nobody any more, until `remind_again`."""
        self.stopped, self.reminders = self.reminders, []

    def remind_again(self, now: datetime) -> None:
        """Take up those reminders that were stopped and are still to come."""
        self.reminders += [one for one in self.stopped if one.at > now]
        self.stopped = []

    def resume(self, paused_at: datetime, now: datetime) -> None:
        """Move every date by the time paused, but a deadline that was chosen during the pause."""
        for one in (*self.reminders, *self.stopped):
            one.at += now - paused_at
        self.move()
        by = self._deadline_shift(paused_at, now)
        if self.deadline is not None and by:
            self.deadline += by
            self.shifted = True

    def _deadline_shift(self, paused_at: datetime, now: datetime) -> timedelta:
        """Return by how much a pause moves the deadline: not at all if it was chosen during it.

        One that was, and has passed meanwhile, moves by the time since.
        """
        if self.chosen_at is None or self.chosen_at < paused_at:
            return now - paused_at
        passed = self.deadline is not None and self.deadline <= now
        return now - self.chosen_at if passed else timedelta()
