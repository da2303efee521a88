"""Arguments and results of the record activities."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.go_live import GoLiveOutcome, Progress
from contracts.notices import Audience


@dataclass(frozen=True)
class Prerequisites:
    """What the database already knows when a go-live begins."""

    entitled: bool
    """The agreement includes SSO at the time asked about."""
    tenant_proven: str | None
    """Tenant of an earlier consent that was proven."""
    wants_to_acknowledge: bool
    """The organisation's IT team wants to acknowledge the pack before SSO is switched on."""
    console_url: str = ""
    """The organisation's page in the console."""
    moved_by_plan: str | None = None
    """Hash of the plan by which an earlier run of this go-live moved users; None = nobody has
    moved."""


@dataclass(frozen=True)
class ReminderTime:
    """When a reminder would go out, and to whom."""

    at: datetime
    audience: Audience


@dataclass(frozen=True)
class OrderCarriedOut:
    """An order that the run has carried out, by whatever client sent it."""

    order_id: str
    """The id of its update in Temporal; of an order of ours, also the id of its audit entry."""
    name: str
    """As in `contracts.orders.Order`."""
    at: datetime


@dataclass(frozen=True)
class Position:
    """Where a run stands, to be written into the record that people read."""

    go_live_id: str
    progress: Progress
    at: datetime
    reminders: list[ReminderTime] = field(default_factory=list)
    """Reminders to move into their readers' business hours; the first one comes next."""
    events: int = 0
    """Events in the run's history by now."""
    orders: int = 0
    """Orders that the run has accepted by now."""
    executed: list[OrderCarriedOut] = field(default_factory=list)
    """Those of them that the record does not have yet."""
    takes_over: bool = False
    """It overwrites another run's record: this run begins or ends, or a person ordered a retry."""


@dataclass(frozen=True)
class Recorded:
    """The result of recording a position."""

    reminders: list[datetime] = field(default_factory=list)
    """For each reminder in the position, its time within its readers' business hours."""


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
    """Workflow time of the call."""
    chosen: datetime | None = None
    """The date that customer IT or customer success chose, if any."""
    shifted: bool = False
    """A pause moved the date to this hour, which nobody chose, so it goes into business hours."""
    announced: datetime | None = None
    """In the result: the date that an earlier run of this go-live announced."""
