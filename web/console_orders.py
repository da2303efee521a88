"""The orders of the console: what each is called, what it asks for, when it is offered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from commands.orders import Orders
from contracts.go_live import GoLiveStage, Progress, Wait


@dataclass(frozen=True)
class Given:
    """What the person filled in."""

    reason: str = ""
    until: datetime | None = None
    """With time zone."""
    plan_hash: str = ""


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
    asks_until: bool = False
    asks_plan: bool = False
    undoes: bool = False
    """It takes something away from people, so it is asked for twice."""


def _open(progress: Progress | None) -> bool:
    return progress is not None and progress.outcome is None


def _not_open(progress: Progress | None) -> bool:
    return progress is None or progress.outcome is not None


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
        lambda orders, slug, _: orders.start(slug),
        _not_open,
        "The go-live is started.",
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
}
