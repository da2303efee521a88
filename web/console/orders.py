"""The orders of the console: what each is called, what it asks for, when it is offered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine

from commands import migration
from commands.orders import Orders
from contracts import rules
from contracts.go_live import Progress
from contracts.orders import ORDER_RULES, Order, OrderPosition, OrderRule, Role
from wording.console import ORDER_WORDS, OrderWords


@dataclass(frozen=True)
class OrderForm:
    """What a person filled in to give an order."""

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

    words: OrderWords
    give: Callable[[Orders, str, OrderForm], Awaitable[object]]
    order: Order | None
    """Whose rule it follows; None = it starts a go-live."""
    asks_reason: bool = False
    asks_until: bool = False
    """It asks for a date, which may be left open."""
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
        """Whether it is given only with a reason."""
        return self.rule is not None and self.rule.needs_reason

    @property
    def least_role(self) -> Role:
        """The lowest role to which it is offered."""
        return Role.MANAGER if self.rule is None else self.rule.least_role

    @property
    def rule(self) -> OrderRule | None:
        """When it is taken, and what it comes with; None = it starts a go-live."""
        return None if self.order is None else ORDER_RULES[self.order]


CONSOLE_ORDERS: dict[str, ConsoleOrder] = {
    "start": ConsoleOrder(
        ORDER_WORDS["start"],
        lambda orders, slug, form: orders.start(
            slug, aftercare_days=form.aftercare_days, order_id=form.order_id
        ),
        None,
        asks_aftercare=True,
    ),
    "confirm-entitlement": ConsoleOrder(
        ORDER_WORDS["confirm-entitlement"],
        lambda orders, slug, form: orders.confirm_entitlement(
            slug, form.reason, order_id=form.order_id
        ),
        Order.CONFIRM_ENTITLEMENT,
        asks_reason=True,
    ),
    "decline-entitlement": ConsoleOrder(
        ORDER_WORDS["decline-entitlement"],
        lambda orders, slug, form: orders.decline_entitlement(
            slug, form.reason, order_id=form.order_id
        ),
        Order.DECLINE_ENTITLEMENT,
        asks_reason=True,
        undoes=True,
    ),
    "retry": ConsoleOrder(
        ORDER_WORDS["retry"],
        lambda orders, slug, form: orders.retry(slug, form.reason, order_id=form.order_id),
        Order.RETRY,
        asks_reason=True,
    ),
    "skip": ConsoleOrder(
        ORDER_WORDS["skip"],
        lambda orders, slug, form: orders.skip(slug, form.reason, order_id=form.order_id),
        Order.SKIP,
    ),
    "approve": ConsoleOrder(
        ORDER_WORDS["approve"],
        lambda orders, slug, form: migration.approve(
            orders, form.engine, slug, form.plan_hash, form.reason, order_id=form.order_id
        ),
        Order.APPROVE_MIGRATION,
        asks_reason=True,
        asks_plan=True,
    ),
    "replan": ConsoleOrder(
        ORDER_WORDS["replan"],
        lambda orders, slug, form: orders.replan(slug, form.reason, order_id=form.order_id),
        Order.REPLAN,
        asks_reason=True,
    ),
    "acknowledge": ConsoleOrder(
        ORDER_WORDS["acknowledge"],
        lambda orders, slug, form: orders.acknowledge(
            slug, form.until or None, form.reason, order_id=form.order_id
        ),
        Order.ACKNOWLEDGE_IT,
        asks_reason=True,
        asks_until=True,
    ),
    "extend": ConsoleOrder(
        ORDER_WORDS["extend"],
        lambda orders, slug, form: orders.extend(
            slug, form.until or None, reason=form.reason, order_id=form.order_id
        ),
        Order.EXTEND_DEADLINE,
        asks_reason=True,
        asks_until=True,
    ),
    "pause": ConsoleOrder(
        ORDER_WORDS["pause"],
        lambda orders, slug, form: orders.pause(slug, form.reason, order_id=form.order_id),
        Order.PAUSE,
        asks_reason=True,
    ),
    "resume": ConsoleOrder(
        ORDER_WORDS["resume"],
        lambda orders, slug, form: orders.resume(slug, form.reason, order_id=form.order_id),
        Order.RESUME,
        asks_reason=True,
    ),
    "confirm-consent": ConsoleOrder(
        ORDER_WORDS["confirm-consent"],
        lambda orders, slug, given: orders.confirm_consent(
            slug, given.reason, order_id=given.order_id
        ),
        Order.CONFIRM_CONSENT,
    ),
    "close-declined": ConsoleOrder(
        ORDER_WORDS["close-declined"],
        lambda orders, slug, form: orders.close_declined(slug, form.reason, order_id=form.order_id),
        Order.CLOSE_DECLINED,
        undoes=True,
    ),
    "roll-back": ConsoleOrder(
        ORDER_WORDS["roll-back"],
        lambda orders, slug, form: orders.roll_back(slug, form.reason, order_id=form.order_id),
        Order.ROLL_BACK,
        undoes=True,
    ),
}
