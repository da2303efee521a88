"""Business hours: nothing is sent to a person at night or at the weekend, in their time zone."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from contracts import rules


def into_business_hours(at: datetime, time_zone: str) -> datetime:
    """Return `at` if it is within business hours there, else the next working morning."""
    local = at.astimezone(ZoneInfo(time_zone))
    if _is_working_day(local.date()) and rules.MORNING <= local.time() < rules.EVENING:
        return at
    day = local.date() if local.time() < rules.MORNING else local.date() + timedelta(days=1)
    return _morning(day, time_zone)


def is_working_time(at: datetime, time_zone: str) -> bool:
    """Tell whether `at` is within business hours there."""
    return into_business_hours(at, time_zone) == at


def into_business_hours_of_all(at: datetime, time_zones: Sequence[str]) -> datetime:
    """Return the next instant from `at` on that is within business hours in every time zone.

    If there is none within a week (London and Auckland share no hour), the first time zone counts.
    """
    moment, latest = at, at + timedelta(days=8)
    while moment <= latest:
        asked = moment
        for time_zone in time_zones:
            moment = into_business_hours(moment, time_zone)
        if moment == asked:
            return moment
    return into_business_hours(at, time_zones[0])


def spread_over_business_hours(
    moments: Sequence[tuple[datetime, Sequence[str]]],
) -> list[datetime]:
    """Return for each moment the next instant in business hours of its time zones.

    The moments are in order, and the results at least `rules.SAME_DAY` apart: two mails that a
    weekend or a pause would move to the same morning go out on two days.
    """
    moments_within: list[datetime] = []
    for moment, time_zones in moments:
        if moments_within:
            moment = max(moment, moments_within[-1] + rules.SAME_DAY)
        moments_within.append(into_business_hours_of_all(moment, time_zones))
    return moments_within


def next_working_morning(at: datetime, time_zone: str) -> datetime:
    """Return when business hours begin on the first working day after that of `at` there."""
    local = at.astimezone(ZoneInfo(time_zone))
    return _morning(local.date() + timedelta(days=1), time_zone)


def morning_of(day: date, time_zone: str) -> datetime:
    """Return when business hours begin on a day there."""
    return datetime.combine(day, rules.MORNING, ZoneInfo(time_zone))


def evening_of(day: date, time_zone: str) -> datetime:
    """Return when business hours end on a day there."""
    return datetime.combine(day, rules.EVENING, ZoneInfo(time_zone))


def _morning(day: date, time_zone: str) -> datetime:
    while not _is_working_day(day):
        day += timedelta(days=1)
    return morning_of(day, time_zone)


def _is_working_day(day: date) -> bool:
    return day.weekday() in rules.WORKING_DAYS
