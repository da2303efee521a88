"""Humane times: nothing is sent to a person at night or at a weekend of theirs."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MORNING = time(9, 0)
EVENING = time(17, 0)
_SATURDAY = 5


def humane(at: datetime, time_zone: str) -> datetime:
    """Return `at` if it is within working hours there, else the next working morning."""
    local = at.astimezone(ZoneInfo(time_zone))
    if _is_working_day(local.date()) and MORNING <= local.time() < EVENING:
        return at
    day = local.date() if local.time() < MORNING else local.date() + timedelta(days=1)
    return _morning(day, time_zone)


def next_working_morning(at: datetime, time_zone: str) -> datetime:
    """Return nine o'clock of the first working day after the day of `at` there."""
    local = at.astimezone(ZoneInfo(time_zone))
    return _morning(local.date() + timedelta(days=1), time_zone)


def morning_of(day: date, time_zone: str) -> datetime:
    """Return nine o'clock of a day there."""
    return datetime.combine(day, MORNING, ZoneInfo(time_zone))


def evening_of(day: date, time_zone: str) -> datetime:
    """Return the end of a day's working hours there."""
    return datetime.combine(day, EVENING, ZoneInfo(time_zone))


def _morning(day: date, time_zone: str) -> datetime:
    while not _is_working_day(day):
        day += timedelta(days=1)
    return morning_of(day, time_zone)


def _is_working_day(day: date) -> bool:
    return day.weekday() < _SATURDAY
