"""The date on which users move: the present one, the announced one, and when to announce."""

from dataclasses import dataclass
from datetime import datetime

from contracts import rules
from workflows.reminders import Reminder, ReminderSchedule


@dataclass
class AnnouncedDate:
    """The date of the move, and which date was announced.

    The first date is announced at once. A changed date is announced after it has stayed the same
    for `DATE_QUIET_TIME`, and at least `DATE_ANNOUNCED_AT_MOST_EVERY` after the last change was
    announced: however often somebody changes it, people read the last date, at most once a day.
    """

    date: datetime
    """The present date."""
    since: datetime
    """Since when it has been the present date."""
    announced: datetime | None = None
    """The date that was announced last."""
    change_announced_at: datetime | None = None
    """When the announcement of a changed date last began."""

    def set_date(self, date: datetime, now: datetime, *, shifted: bool) -> None:
        """Set the date; `shifted`: a pause moved it, and a small shift keeps the announced hour."""
        if shifted and self.announced is not None and self._was_announced(date):
            date = self.announced
        if date != self.date:
            self.date, self.since = date, now

    @property
    def is_announced(self) -> bool:
        """Whether the present date was announced, to the hour."""
        return self._was_announced(self.date)

    def _was_announced(self, date: datetime) -> bool:
        return self.announced is not None and abs(date - self.announced) < rules.OTHER_DATE

    @property
    def due(self) -> datetime | None:
        """When the present date is to be announced; None = it already was."""
        if self.is_announced:
            return None
        if self.announced is None:
            return self.since
        quiet = self.since + rules.DATE_QUIET_TIME
        if self.change_announced_at is None:
            return quiet
        return max(quiet, self.change_announced_at + rules.DATE_ANNOUNCED_AT_MOST_EVERY)

    def begin_to_announce(self, now: datetime) -> None:
        """Count an announcement from its beginning: an interrupted one may have been read."""
        if self.announced is not None:
            self.change_announced_at = now

    def mark_announced(self, date: datetime) -> None:
        """Record that this date was announced."""
        self.announced = date

    def schedule(self, *, chosen_at: datetime | None) -> ReminderSchedule:
        """Return the schedule of the wait for the date, with its announcement if that is due."""
        due = self.due
        announcing = [Reminder(due, "announce the other date")] if due else []
        return ReminderSchedule(self.date, announcing, chosen_at=chosen_at)
