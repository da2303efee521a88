"""The wall clock, for what people do now; only web and commands use it.

A workflow's decisions use the workflow's clock, which may be days ahead.
"""

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)
