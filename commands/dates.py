"""Reads a date or an instant as people type it, in the organisation's time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from commands.errors import UsageError
from contracts.business_hours import evening_of, morning_of
from contracts.problems import Problem


def deadline(text: str, time_zone: str) -> datetime:
    """Return a deadline: a day ends with its working hours there.

    Raises:
        UsageError: it is no date.
    """
    day = _day(text)
    return evening_of(day, time_zone) if day else _instant(text, time_zone)


def move_date(text: str, time_zone: str) -> datetime:
    """Return when users start to move: a day begins with its working hours there.

    Raises:
        UsageError: it is no date.
    """
    day = _day(text)
    return morning_of(day, time_zone) if day else _instant(text, time_zone)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _instant(text: str, time_zone: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(Problem.NOT_A_DATE, text=text) from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(time_zone))
