"""The orders of the console: what each is called, what it asks for, when it is offered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine

from commands import migration
from commands.orders import Orders
from contracts import rules
from contracts.go_live import Progress
from contracts.orders import ORDERS as RULES
from contracts.orders import Order, OrderPosition, OrderRule
from wording import sentences


@dataclass(frozen=True)
class Given:
    """What the person filled in."""

    engine: Engine
    reason: str = ""
    until: str = ""
    """A day and hour as typed, in the organisation's time zone; empty = none."""
    plan_hash: str = ""
    aftercare_days: int = rules.AFTERCARE_DAYS
    order_id: UUID | None = None
    """Made when the form was shown; None = by whoever gives it."""

    def as_fields(self) -> dict[str, object]:
        """Return the fields of a form that gives the very same order."""
        return {
            "order_id": self.order_id,
            "reason": self.reason,
            "until": self.until,
            "plan_hash": self.plan_hash,
            "aftercare_days": self.aftercare_days,
        }


@dataclass(frozen=True)
class ConsoleOrder:
    """One order as the console offers it."""

    button: str
    does: str
    """What happens, in one sentence."""
    give: Callable[[Orders, str, Given], Awaitable[object]]
    order: Order | None
    """Whose rule it follows; None = it starts a go-live."""
    done: str
    """What the console says afterwards."""
    asks_reason: bool = False
    asks_until: str = ""
    """Label of the date, which may be left open; empty = no date is asked for."""
    asks_aftercare: bool = False
    asks_plan: bool = False
    undoes: bool = False
    """It takes something away from people, and its button looks like it."""

    def fits(self, progress: Progress | None) -> bool:
        """Tell whether it is offered now; the go-live itself still decides."""
        if self.rule is None:
            return progress is None or progress.outcome is not None
        if progress is None:
            return False
        # It would be taken, and change nothing.
        twice = self.order is Order.PAUSE and progress.paused
        return not twice and self.rule.allowed(OrderPosition(progress)) is None

    @property
    def needs_reason(self) -> bool:
        """Whether it is given with a reason only."""
        return self.rule is not None and self.rule.needs_reason

    @property
    def rule(self) -> OrderRule | None:
        """When it is taken, and what it comes with; None = it starts a go-live."""
        return None if self.order is None else RULES[self.order]


ORDERS: dict[str, ConsoleOrder] = {
    "start": ConsoleOrder(
        "Start the go-live",
        "It begins at once; what an earlier go-live finished is passed over.",
        lambda orders, slug, given: orders.start(
            slug, aftercare_days=given.aftercare_days, order_id=given.order_id
        ),
        None,
        "The go-live is started.",
        asks_aftercare=True,
    ),
    "confirm-entitlement": ConsoleOrder(
        "Confirm the entitlement",
        "SSO is in the subscription agreement; the go-live goes on.",
        lambda orders, slug, given: orders.confirm_entitlement(
            slug, given.reason, order_id=given.order_id
        ),
        Order.CONFIRM_ENTITLEMENT,
        "The entitlement is confirmed; the go-live goes on.",
        asks_reason=True,
    ),
    "decline-entitlement": ConsoleOrder(
        "Decline the entitlement",
        "SSO is not in the subscription agreement; the go-live ends and nothing was changed.",
        lambda orders, slug, given: orders.decline_entitlement(
            slug, given.reason, order_id=given.order_id
        ),
        Order.DECLINE_ENTITLEMENT,
        "The entitlement is declined; the go-live ends.",
        asks_reason=True,
        undoes=True,
    ),
    "retry": ConsoleOrder(
        "Try again",
        "What stopped is tried once more.",
        lambda orders, slug, given: orders.retry(slug, given.reason, order_id=given.order_id),
        Order.RETRY,
        "It is being tried again.",
        asks_reason=True,
    ),
    "skip": ConsoleOrder(
        "Go on without it",
        "Only a mail, the IT team's acknowledgement or one user can be left out.",
        lambda orders, slug, given: orders.skip(slug, given.reason, order_id=given.order_id),
        Order.SKIP,
        "It is left out; the go-live goes on.",
    ),
    "approve": ConsoleOrder(
        "Approve the plan",
        "Users are moved by exactly the plan shown here; the exceptions stay as they are.",
        lambda orders, slug, given: migration.approve(
            orders, given.engine, slug, given.plan_hash, given.reason, order_id=given.order_id
        ),
        Order.APPROVE_MIGRATION,
        "The plan is approved; users are being moved.",
        asks_reason=True,
        asks_plan=True,
    ),
    "replan": ConsoleOrder(
        "Plan again",
        "The directory is read again, and whoever became possible is moved.",
        lambda orders, slug, given: orders.replan(slug, given.reason, order_id=given.order_id),
        Order.REPLAN,
        "The directory is being read again.",
        asks_reason=True,
    ),
    "acknowledge": ConsoleOrder(
        "Acknowledge for customer IT",
        "The IT team told you that it is ready; it may have chosen when users move.",
        lambda orders, slug, given: orders.acknowledge(
            slug, given.until or None, given.reason, order_id=given.order_id
        ),
        Order.ACKNOWLEDGE_IT,
        "It is noted that the IT team is ready.",
        asks_reason=True,
        asks_until="Users move at",
    ),
    "extend": ConsoleOrder(
        "Move the deadline",
        "Reminders and the end of this wait move with it. Without a date it is "
        f"{sentences.counted(rules.EXTENSION_DAYS, 'day')} later.",
        lambda orders, slug, given: orders.extend(
            slug, given.until or None, reason=given.reason, order_id=given.order_id
        ),
        Order.EXTEND_DEADLINE,
        "The deadline is moved.",
        asks_reason=True,
        asks_until="New deadline",
    ),
    "pause": ConsoleOrder(
        "Pause",
        "No reminder goes out and nobody is moved until you resume; a consent still counts.",
        lambda orders, slug, given: orders.pause(slug, given.reason, order_id=given.order_id),
        Order.PAUSE,
        "The go-live is paused.",
        asks_reason=True,
    ),
    "resume": ConsoleOrder(
        "Resume",
        "It goes on; dates from before the pause move by it, those chosen during it stay.",
        lambda orders, slug, given: orders.resume(slug, given.reason, order_id=given.order_id),
        Order.RESUME,
        "The go-live goes on.",
        asks_reason=True,
    ),
    "close-declined": ConsoleOrder(
        "Close as declined",
        "The customer declined the consent for good; people log in as before.",
        lambda orders, slug, given: orders.close_declined(
            slug, given.reason, order_id=given.order_id
        ),
        Order.CLOSE_DECLINED,
        "The go-live is closed as declined.",
        undoes=True,
    ),
    "roll-back": ConsoleOrder(
        "Roll back",
        "Every stage is undone and the go-live ends; people log in with their password as before.",
        lambda orders, slug, given: orders.roll_back(slug, given.reason, order_id=given.order_id),
        Order.ROLL_BACK,
        "The go-live is being rolled back.",
        undoes=True,
    ),
}
