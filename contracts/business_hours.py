"""Humane times: nothing is sent to a person at night or at a weekend of theirs."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from contracts import rules


def humane(at: datetime, time_zone: str) -> datetime:
    """Return `at` if it is within working hours there, else the next working morning."""
    local = at.astimezone(ZoneInfo(time_zone))
    if _is_working_day(local.date()) and rules.MORNING <= local.time() < rules.EVENING:
        return at
    day = local.date() if local.time() < rules.MORNING else local.date() + timedelta(days=1)
    return _morning(day, time_zone)


def is_working_time(at: datetime, time_zone: str) -> bool:
    """Tell whether `at` is within working hours there."""
    return humane(at, time_zone) == at


def humane_for_all(at: datetime, time_zones: Sequence[str]) -> datetime:
    """Return the next instant from `at` on that lies in working hours of every time zone.

    Where there is none in a week (London and Auckland share no hour), the first one counts.
    """
    moment, latest = at, at + timedelta(days=8)
    while moment <= latest:
        asked = moment
        for time_zone in time_zones:
            moment = humane(moment, time_zone)
        if moment == asked:
            return moment
    return humane(at, time_zones[0])


def humane_one_by_one(
    moments: Sequence[tuple[datetime, Sequence[str]]],
) -> list[datetime]:
    """Return a humane instant for each moment and its time zones, `rules.SAME_DAY` apart or more.

    The moments are in order. Two that a weekend or a pause would bring to the same morning stay
    two mails on two days.
    """
    humane_moments: list[datetime] = []
    for moment, time_zones in moments:
        if humane_moments:
            moment = max(moment, humane_moments[-1] + rules.SAME_DAY)
        humane_moments.append(humane_for_all(moment, time_zones))
    return humane_moments


def next_working_morning(at: datetime, time_zone: str) -> datetime:
    """Return when working hours begin on the first working day after that of `at` there."""
    local = at.astimezone(ZoneInfo(time_zone))
    return _morning(local.date() + timedelta(days=1), time_zone)


def morning_of(day: date, time_zone: str) -> datetime:
    """Return when working hours begin on a day there."""
    return datetime.combine(day, rules.MORNING, ZoneInfo(time_zone))


def evening_of(day: date, time_zone: str) -> datetime:
    """Return the end of a day's working hours there."""
    return datetime.combine(day, rules.EVENING, ZoneInfo(time_zone))


def _morning(day: date, time_zone: str) -> datetime:
    while not _is_working_day(day):
        day += timedelta(days=1)
    return morning_of(day, time_zone)


def _is_working_day(day: date) -> bool:
    return day.weekday() in rules.WORKING_DAYS
