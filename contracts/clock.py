"""The wall clock, for what people do here and now: web and commands only.

Whatever a workflow decides takes its instant from the workflow, whose clock may be days ahead.
"""

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)
