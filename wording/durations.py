"""Says a length of time as people do."""

from datetime import timedelta

_UNITS = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}


def in_words(length: timedelta) -> str:
    """Return a length in the largest unit that says it whole, such as `28 days` or `1 hour`."""
    unit, one = next(
        (unit, one) for unit, one in _UNITS.items() if one == _UNITS["second"] or not length % one
    )
    number = length // one
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
