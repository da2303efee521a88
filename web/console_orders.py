"""The orders of the console: what each is called, what it asks for, when it is offered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from commands import migration
from commands.orders import Orders
from contracts.go_live import GoLiveStage, Progress, Wait

AFTERCARE_DAYS = 14
"""Days a go-live stays open after the move, unless whoever starts it says otherwise."""


@dataclass(frozen=True)
class Given:
    """What the person filled in."""

    engine: Engine
    reason: str = ""
    until: str = ""
    """A day and hour as typed, in the organisation's time zone; empty = none."""
    plan_hash: str = ""
    aftercare_days: int = AFTERCARE_DAYS


@dataclass(frozen=True)
class ConsoleOrder:
    """One order as the console offers it."""

    button: str
    does: str
    """What happens, in one sentence."""
    give: Callable[[Orders, str, Given], Awaitable[object]]
    fits: Callable[[Progress | None], bool]
    """Whether it is offered now; the go-live itself still decides."""
    done: str
    """What the console says afterwards."""
    needs_reason: bool = False
    asks_reason: bool = False
    asks_until: str = ""
    """Label of the date, which may be left open; empty = no date is asked for."""
    asks_aftercare: bool = False
    asks_plan: bool = False
    undoes: bool = False
    """It takes something away from people, and its button looks like it."""


def _open(progress: Progress | None) -> bool:
    return progress is not None and progress.goes_on


def _not_open(progress: Progress | None) -> bool:
    return progress is None or progress.outcome is not None


def _running(*waits: Wait) -> Callable[[Progress | None], bool]:
    return lambda progress: (
        progress is not None and progress.outcome is None and progress.wait in waits
    )


def _stopped(progress: Progress | None) -> bool:
    # Also while it ends: undoing may need a person, too.
    return progress is not None and progress.outcome is None and progress.attention is not None


def _paused(progress: Progress | None) -> bool:
    return _open(progress) and progress is not None and progress.paused


def _has_a_deadline(progress: Progress | None) -> bool:
    return _open(progress) and progress is not None and progress.due_at is not None


def _was_declined(progress: Progress | None) -> bool:
    return _running(Wait.ADMIN_CONSENT)(progress) and bool(progress and progress.refusal)


def _not_moving_yet(progress: Progress | None) -> bool:
    return (
        _open(progress)
        and progress is not None
        and progress.stage is not GoLiveStage.USERS_MIGRATED
    )


def _unanswered(progress: Progress | None) -> bool:
    return (
        progress is not None
        and progress.outcome is None
        and progress.stage is GoLiveStage.ENTITLEMENT_CONFIRMED
        and progress.wait is Wait.ENTITLEMENT
    )


ORDERS: dict[str, ConsoleOrder] = {
    "start": ConsoleOrder(
        "Start the go-live",
        "It begins at once; what an earlier go-live finished is passed over.",
        lambda orders, slug, given: orders.start(slug, aftercare_days=given.aftercare_days),
        _not_open,
        "The go-live is started.",
        asks_aftercare=True,
    ),
    "confirm-entitlement": ConsoleOrder(
        "Confirm the entitlement",
        "SSO is in the subscription agreement; the go-live goes on.",
        lambda orders, slug, given: orders.confirm_entitlement(slug, given.reason),
        _unanswered,
        "The entitlement is confirmed; the go-live goes on.",
        asks_reason=True,
    ),
    "decline-entitlement": ConsoleOrder(
        "Decline the entitlement",
        "SSO is not in the subscription agreement; the go-live ends and nothing was changed.",
        lambda orders, slug, given: orders.decline_entitlement(slug, given.reason),
        _unanswered,
        "The entitlement is declined; the go-live ends.",
        asks_reason=True,
        undoes=True,
    ),
    "retry": ConsoleOrder(
        "Try again",
        "What stopped is tried once more.",
        lambda orders, slug, given: orders.retry(slug, given.reason),
        _stopped,
        "It is being tried again.",
        asks_reason=True,
    ),
    "skip": ConsoleOrder(
        "Go on without it",
        "Only a mail, the IT team's acknowledgement or one user can be left out.",
        lambda orders, slug, given: orders.skip(slug, given.reason),
        lambda progress: progress is not None and progress.outcome is None and progress.may_skip,
        "It is left out; the go-live goes on.",
        needs_reason=True,
    ),
    "approve": ConsoleOrder(
        "Approve the plan",
        "Users are moved by exactly the plan shown here; the exceptions stay as they are.",
        lambda orders, slug, given: migration.approve(
            orders, given.engine, slug, given.plan_hash, given.reason
        ),
        _running(Wait.APPROVAL),
        "The plan is approved; users are being moved.",
        asks_reason=True,
        asks_plan=True,
    ),
    "replan": ConsoleOrder(
        "Plan again",
        "The directory is read again, and whoever became possible is moved.",
        lambda orders, slug, given: orders.replan(slug, given.reason),
        _running(Wait.APPROVAL, Wait.AFTERCARE),
        "The directory is being read again.",
        asks_reason=True,
    ),
    "acknowledge": ConsoleOrder(
        "Acknowledge for customer IT",
        "The IT team told you that it is ready; it may have chosen when users move.",
        lambda orders, slug, given: orders.acknowledge(slug, given.until or None, given.reason),
        _not_moving_yet,
        "It is noted that the IT team is ready.",
        asks_reason=True,
        asks_until="Users move at",
    ),
    "extend": ConsoleOrder(
        "Move the deadline",
        "Reminders and the end of this wait move with it. Without a date it is a week later.",
        lambda orders, slug, given: orders.extend(slug, given.until or None, reason=given.reason),
        _has_a_deadline,
        "The deadline is moved.",
        asks_reason=True,
        asks_until="New deadline",
    ),
    "pause": ConsoleOrder(
        "Pause",
        "No reminder goes out and nobody is moved until you resume; a consent still counts.",
        lambda orders, slug, given: orders.pause(slug, given.reason),
        lambda progress: _open(progress) and not _paused(progress),
        "The go-live is paused.",
        asks_reason=True,
    ),
    "resume": ConsoleOrder(
        "Resume",
        "It goes on; dates from before the pause move by it, those chosen during it stay.",
        lambda orders, slug, given: orders.resume(slug, given.reason),
        _paused,
        "The go-live goes on.",
        asks_reason=True,
    ),
    "close-declined": ConsoleOrder(
        "Close as declined",
        "The customer declined the consent for good; people log in as before.",
        lambda orders, slug, given: orders.close_declined(slug, given.reason),
        _was_declined,
        "The go-live is closed as declined.",
        needs_reason=True,
        undoes=True,
    ),
    "roll-back": ConsoleOrder(
        "Roll back",
        "Every stage is undone and the go-live ends; people log in with their password as before.",
        lambda orders, slug, given: orders.roll_back(slug, given.reason),
        _open,
        "The go-live is being rolled back.",
        needs_reason=True,
        undoes=True,
    ),
}
