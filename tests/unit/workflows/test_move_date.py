"""When people hear of the date of the move: the first at once, another once it stands, calmly."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.rules import DATE_ANNOUNCED_AT_MOST_EVERY, DATE_QUIET_TIME
from workflows.move_date import AnnouncedDate

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
FIRST = datetime(2026, 12, 10, 9, tzinfo=UTC)
OTHER, THIRD = FIRST + timedelta(days=3), FIRST + timedelta(days=5)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def date() -> AnnouncedDate:
    """A date that was announced an hour ago."""
    date = AnnouncedDate(FIRST, NOW - HOUR)
    date.begin_to_announce(NOW - HOUR)
    date.mark_announced(FIRST)
    return date


def change(date: AnnouncedDate, to: datetime, now: datetime, *, shifted: bool = False) -> None:
    date.set_date(to, now, shifted=shifted)


def announce(date: AnnouncedDate, now: datetime) -> None:
    date.begin_to_announce(now)
    date.mark_announced(date.date)


def test_the_first_date_is_announced_at_once() -> None:
    date = AnnouncedDate(FIRST, NOW)
    assert (date.due, date.is_announced) == (NOW, False)
    announce(date, NOW)
    assert (date.due, date.is_announced) == (None, True)
    assert date.schedule(chosen_at=None).reminders == []


def test_another_date_is_announced_once_it_has_stood_unchanged(date: AnnouncedDate) -> None:
    change(date, OTHER, NOW)
    assert date.due == NOW + DATE_QUIET_TIME
    change(date, OTHER, NOW + 30 * MINUTE)
    assert date.due == NOW + DATE_QUIET_TIME, "the same date again is no change"
    change(date, THIRD, NOW + 50 * MINUTE)
    assert date.due == NOW + 50 * MINUTE + DATE_QUIET_TIME
    (announcing,) = date.schedule(chosen_at=None).reminders
    assert (announcing.at, announcing.is_mail) == (date.due, False)


def test_a_change_that_is_taken_back_is_announced_to_nobody(date: AnnouncedDate) -> None:
    change(date, OTHER, NOW)
    change(date, FIRST, NOW + MINUTE)
    assert date.due is None


def test_two_announcements_of_other_dates_are_a_day_apart(date: AnnouncedDate) -> None:
    change(date, OTHER, NOW)
    told = NOW + DATE_QUIET_TIME
    announce(date, told)
    change(date, THIRD, told + MINUTE)
    assert date.due == told + DATE_ANNOUNCED_AT_MOST_EVERY
    late = told + DATE_ANNOUNCED_AT_MOST_EVERY
    change(date, OTHER + 2 * HOUR, late)
    assert date.due == late + DATE_QUIET_TIME


def test_an_announcement_that_was_broken_off_counts(date: AnnouncedDate) -> None:
    change(date, OTHER, NOW)
    begun = NOW + DATE_QUIET_TIME
    date.begin_to_announce(begun)
    change(date, THIRD, begun + MINUTE)
    assert not date.is_announced
    assert date.due == begun + DATE_ANNOUNCED_AT_MOST_EVERY


@pytest.mark.parametrize("shifted", [True, False])
def test_less_than_an_hour_is_not_announced_and_kept_if_somebody_chose_it(
    date: AnnouncedDate, *, shifted: bool
) -> None:
    change(date, FIRST + 30 * MINUTE, NOW, shifted=shifted)
    assert date.is_announced
    assert date.date == (FIRST if shifted else FIRST + 30 * MINUTE)
