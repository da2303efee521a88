"""The date on which users move: which one stands, which one people know, when they hear of it."""

from dataclasses import dataclass
from datetime import datetime

from contracts import rules
from workflows.reminders import Reminder, ReminderSchedule


@dataclass
class AnnouncedDate:
    """The date of the move, and how far people know it.

    The first date is announced at once. Another one is announced when it has stood unchanged for
    `DATE_QUIET_TIME`, and no earlier than `DATE_ANNOUNCED_AT_MOST_EVERY` after the last that was:
    however often somebody changes it, people read of the last date, and once a day.
    """

    date: datetime
    """The one that stands."""
    since: datetime
    """How long it has stood."""
    announced: datetime | None = None
    """The one that people were told last."""
    change_announced_at: datetime | None = None
    """When another date than the first was last announced, or was about to be."""

    def stands(self, date: datetime, now: datetime, *, shifted: bool) -> None:
        """Take this date; `shifted`: by a pause, and a short one keeps the announced hour."""
        if shifted and self.announced is not None and self._is_known(date):
            date = self.announced
        if date != self.date:
            self.date, self.since = date, now

    @property
    def is_known(self) -> bool:
        """Whether people were told the date that stands, to the hour."""
        return self._is_known(self.date)

    def _is_known(self, date: datetime) -> bool:
        return self.announced is not None and abs(date - self.announced) < rules.OTHER_DATE

    @property
    def due(self) -> datetime | None:
        """When the date that stands is announced; None = people know it."""
        if self.is_known:
            return None
        if self.announced is None:
            return self.since
        quiet = self.since + rules.DATE_QUIET_TIME
        if self.change_announced_at is None:
            return quiet
        return max(quiet, self.change_announced_at + rules.DATE_ANNOUNCED_AT_MOST_EVERY)

    def begin_to_announce(self, now: datetime) -> None:
        """Count an announcement from when it begins: one that is broken off may have been read."""
        if self.announced is not None:
            self.change_announced_at = now

    def mark_announced(self, date: datetime) -> None:
        """Take that people know this date."""
        self.announced = date

    def schedule(self, *, chosen_at: datetime | None) -> ReminderSchedule:
        """Return the wait for the date, in which it is announced if that is still to come."""
        due = self.due
        announcing = [Reminder(due, "announce the other date")] if due else []
        return ReminderSchedule(self.date, announcing, chosen_at=chosen_at)
