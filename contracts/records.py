"""What the record activities take and return."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.go_live import GoLiveOutcome, Progress
from contracts.notices import Audience


@dataclass(frozen=True)
class Prerequisites:
    """What the database already knows when a go-live begins."""

    entitled: bool
    """The agreement includes SSO at the instant asked for."""
    tenant_proven: str | None
    """Tenant of an earlier, proven consent."""
    wants_to_acknowledge: bool
    """The organisation's IT team acknowledges the pack before anything is switched on."""
    console_url: str = ""
    """Where customer success looks at this organisation."""
    moved_by_plan: str | None = None
    """Hash of the plan by which a run of this go-live before this one moved users; None = nobody
    has moved."""


@dataclass(frozen=True)
class ReminderTime:
    """When a reminder would go out, and to whom."""

    at: datetime
    audience: Audience


@dataclass(frozen=True)
class Position:
    """Where a run stands, for the record that people read."""

    go_live_id: str
    progress: Progress
    at: datetime
    reminders: list[ReminderTime] = field(default_factory=list)
    """Those that are to be brought into their readers' working hours; the first one comes next."""
    events: int = 0
    """How long the run's history is by now."""
    orders: int = 0
    """How many orders the run has taken by now."""
    takes_over: bool = False
    """It counts although another run wrote the record: this run begins, ends, or a person has said
    that it goes on."""


@dataclass(frozen=True)
class Recorded:
    """What came of recording a position."""

    reminders: list[datetime] = field(default_factory=list)
    """Of each reminder that was asked about, the moment in its readers' working hours."""


@dataclass(frozen=True)
class Closing:
    """The end of a run."""

    go_live_id: str
    outcome: GoLiveOutcome
    at: datetime


@dataclass(frozen=True)
class MoveDate:
    """When users start to move."""

    go_live_id: str
    at: datetime
    """Workflow time of the question."""
    chosen: datetime | None = None
    """What customer IT or customer success chose, if they did."""
    shifted: bool = False
    """Nobody chose this hour: a pause moved it there, so it goes into working hours."""
    announced: datetime | None = None
    """Answer: the date that a run of this go-live before this one has announced."""
