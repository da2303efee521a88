"""What the record activities take and return."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.go_live import GoLiveOutcome, Progress
from contracts.notices import Audience


@dataclass(frozen=True)
class Standing:
    """What the database already knows when a go-live begins."""

    entitled: bool
    """The agreement includes SSO at the instant asked for."""
    tenant_proven: str | None
    """Tenant of an earlier, proven consent."""
    wants_to_acknowledge: bool
    """The organisation's IT team acknowledges the pack before anything is switched on."""
    console_url: str = ""
    """Where customer success looks at this organisation."""


@dataclass(frozen=True)
class Position:
    """Where a run stands, for the record that people read."""

    go_live_id: str
    progress: Progress
    at: datetime


@dataclass(frozen=True)
class Reminders:
    """Instants at which something would be sent, and to whom."""

    go_live_id: str
    moments: list[datetime]
    audiences: list[Audience] = field(default_factory=list)
    """One for each moment; the answer has none."""


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
