"""The orders that people give a go-live, and when each is allowed, in one table.

The go-live's validators, the console's buttons and the shell read the same table. Nothing here has
an effect; `wording.orders` has the sentence for each refusal.

CONTRIBUTING.md lists what belongs to a new order, file by file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts import rules
from contracts.go_live import GoLiveStage, Progress, Wait


class Order(StrEnum):
    """Every order; each value is the name of the update that carries it."""

    CONFIRM_ENTITLEMENT = "confirm_entitlement"
    DECLINE_ENTITLEMENT = "decline_entitlement"
    ACKNOWLEDGE_IT = "acknowledge_it"
    APPROVE_MIGRATION = "approve_migration"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    SKIP = "skip"
    EXTEND_DEADLINE = "extend_deadline"
    REPLAN = "replan"
    CONFIRM_CONSENT = "confirm_consent"
    CLOSE_DECLINED = "close_declined"
    ROLL_BACK = "roll_back"


RELINK_USER = "relink_user"
"""An order about one user, which is none of a go-live's: another account takes the place of the one
that the user has signed in with. A second person confirms it (`commands.user_decisions`)."""


class Role(StrEnum):
    """What a member of staff may do; each role may also do what lower roles may."""

    READER = "reader"
    MANAGER = "manager"
    LEAD = "lead"

    # As texts they would sort by the alphabet: the lead lowest of all.
    def __lt__(self, other: str) -> bool:
        return self._rank < Role(other)._rank

    def __le__(self, other: str) -> bool:
        return self._rank <= Role(other)._rank

    def __gt__(self, other: str) -> bool:
        return self._rank > Role(other)._rank

    def __ge__(self, other: str) -> bool:
        return self._rank >= Role(other)._rank

    @property
    def _rank(self) -> int:
        return list(Role).index(self)


APP_ROLES = {
    "CustomerSuccess.Lead": Role.LEAD,
    "CustomerSuccess.Manager": Role.MANAGER,
    "CustomerSuccess": Role.MANAGER,
    "CustomerSuccess.Reader": Role.READER,
}
"""What each app role of our application in our own tenant lets a member of staff do."""


class OrderRefusal(StrEnum):
    """Why an order is refused. Codes are stable; the sentences in `wording.orders` may change."""

    ENDED = "ended"
    ENTITLEMENT_ALREADY_CONFIRMED = "entitlement_already_confirmed"
    ENTITLEMENT_ANSWERED_OTHERWISE = "entitlement_answered_otherwise"
    MOVING_ALREADY = "moving_already"
    NO_PLAN_WAITS = "no_plan_waits"
    PLAN_HAS_CHANGED = "plan_has_changed"
    NOT_PAUSED = "not_paused"
    NOTHING_NEEDS_ATTENTION = "nothing_needs_attention"
    CANNOT_BE_SKIPPED = "cannot_be_skipped"
    NO_DEADLINE = "no_deadline"
    NO_NEW_PLAN_NOW = "no_new_plan_now"
    NO_CONSENT_AWAITED = "no_consent_awaited"
    NOBODY_DECLINED = "nobody_declined"
    NO_TIME_ZONE = "no_time_zone"
    DATE_IN_THE_PAST = "date_in_the_past"
    DATE_TOO_FAR = "date_too_far"
    REASON_MISSING = "reason_missing"


@dataclass(frozen=True)
class OrderPosition:
    """All that decides whether an order is allowed now."""

    progress: Progress
    entitlement_answer: bool | None = None
    """The answer about the entitlement, given before the stage moves on; None = no answer yet."""


@dataclass(frozen=True)
class OrderRule:
    """When an order is allowed, what it comes with, and who may give it."""

    allowed: Callable[[OrderPosition], OrderRefusal | None]
    """Returns why the order is refused at a position, None if it is allowed."""
    needs_reason: bool = False
    """It is refused without a reason; for other orders a reason is optional."""
    takes_date: bool = False
    takes_plan: bool = False
    least_role: Role = Role.MANAGER
    """The lowest role that may give it. In the shell, which has no token, everybody is lead."""
    second_person: bool = False
    """Another member of staff has to confirm it first."""


# --- positions --------------------------------------------------------------------------------


def _goes_on(position: OrderPosition) -> OrderRefusal | None:
    return None if position.progress.goes_on else OrderRefusal.ENDED


def _entitlement_is_open(position: OrderPosition, *, answer: bool) -> OrderRefusal | None:
    confirmed = position.progress.stage is not GoLiveStage.ENTITLEMENT_CONFIRMED
    otherwise = position.entitlement_answer is (not answer)
    return (
        _goes_on(position)
        or (OrderRefusal.ENTITLEMENT_ALREADY_CONFIRMED if confirmed else None)
        or (OrderRefusal.ENTITLEMENT_ANSWERED_OTHERWISE if otherwise else None)
    )


def _may_confirm(position: OrderPosition) -> OrderRefusal | None:
    return _entitlement_is_open(position, answer=True)


def _may_decline(position: OrderPosition) -> OrderRefusal | None:
    return _entitlement_is_open(position, answer=False)


def _moves_nobody_yet(position: OrderPosition) -> OrderRefusal | None:
    progress = position.progress
    moving = progress.stage is GoLiveStage.USERS_MIGRATED and progress.wait is not Wait.MOVE_DATE
    return _goes_on(position) or (OrderRefusal.MOVING_ALREADY if moving else None)


def _plan_waits(position: OrderPosition) -> OrderRefusal | None:
    waits = position.progress.wait is Wait.APPROVAL
    return _goes_on(position) or (None if waits else OrderRefusal.NO_PLAN_WAITS)


def _is_paused(position: OrderPosition) -> OrderRefusal | None:
    return _goes_on(position) or (None if position.progress.paused else OrderRefusal.NOT_PAUSED)


def _needs_attention(position: OrderPosition) -> OrderRefusal | None:
    # Allowed also while the go-live ends: an undo may need a person, too.
    stopped = position.progress.attention is not None
    return None if stopped else OrderRefusal.NOTHING_NEEDS_ATTENTION


def _may_be_skipped(position: OrderPosition) -> OrderRefusal | None:
    progress = position.progress
    if progress.attention is None and progress.wait is not Wait.IT_ACKNOWLEDGEMENT:
        return OrderRefusal.NOTHING_NEEDS_ATTENTION
    return None if progress.may_skip else OrderRefusal.CANNOT_BE_SKIPPED


def _has_a_deadline(position: OrderPosition) -> OrderRefusal | None:
    without = position.progress.due_at is None
    return _goes_on(position) or (OrderRefusal.NO_DEADLINE if without else None)


def _may_plan_again(position: OrderPosition) -> OrderRefusal | None:
    may = position.progress.wait in {Wait.APPROVAL, Wait.AFTERCARE}
    return _goes_on(position) or (None if may else OrderRefusal.NO_NEW_PLAN_NOW)


def _awaits_consent(position: OrderPosition) -> OrderRefusal | None:
    awaited = position.progress.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    return _goes_on(position) or (None if awaited else OrderRefusal.NO_CONSENT_AWAITED)


def _consent_was_not_given(position: OrderPosition) -> OrderRefusal | None:
    asked = position.progress.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    not_given = asked and position.progress.consent_not_given
    return _goes_on(position) or (None if not_given else OrderRefusal.NOBODY_DECLINED)


# --- the table --------------------------------------------------------------------------------

ORDER_RULES: dict[Order, OrderRule] = {
    Order.CONFIRM_ENTITLEMENT: OrderRule(_may_confirm),
    Order.DECLINE_ENTITLEMENT: OrderRule(_may_decline),
    Order.ACKNOWLEDGE_IT: OrderRule(_moves_nobody_yet, takes_date=True),
    Order.APPROVE_MIGRATION: OrderRule(_plan_waits, takes_plan=True),
    Order.PAUSE: OrderRule(_goes_on),
    Order.RESUME: OrderRule(_is_paused),
    Order.RETRY: OrderRule(_needs_attention),
    Order.SKIP: OrderRule(_may_be_skipped, needs_reason=True),
    Order.EXTEND_DEADLINE: OrderRule(_has_a_deadline, takes_date=True),
    Order.REPLAN: OrderRule(_may_plan_again),
    Order.CONFIRM_CONSENT: OrderRule(_awaits_consent, needs_reason=True),
    Order.CLOSE_DECLINED: OrderRule(_consent_was_not_given, needs_reason=True),
    Order.ROLL_BACK: OrderRule(_goes_on, needs_reason=True),
}


def refusal_of(
    order: Order,
    position: OrderPosition,
    *,
    reason_given: bool = True,
    plan_hash: str | None = None,
    moment: datetime | None = None,
    now: datetime | None = None,
) -> OrderRefusal | None:
    """Return why the go-live refuses this order, None if it accepts it.

    `plan_hash` and `moment` are what the order comes with; None is not checked. A moment is
    compared with `now`.
    """
    rule = ORDER_RULES[order]
    place = rule.allowed(position)
    if place is not None:
        return place
    if rule.takes_plan and plan_hash is not None and plan_hash != position.progress.plan_hash:
        return OrderRefusal.PLAN_HAS_CHANGED
    date = date_refusal(moment, now) if rule.takes_date and moment is not None else None
    if date is not None:
        return date
    return OrderRefusal.REASON_MISSING if rule.needs_reason and not reason_given else None


def date_refusal(moment: datetime, now: datetime | None) -> OrderRefusal | None:
    """Return why a date that a person chose is refused, None if it is allowed."""
    if moment.tzinfo is None:
        return OrderRefusal.NO_TIME_ZONE
    if now is None:
        raise ValueError("A date is held against the present moment; say which.")
    if moment <= now:
        return OrderRefusal.DATE_IN_THE_PAST
    if moment > now + rules.FURTHEST_DATE:
        return OrderRefusal.DATE_TOO_FAR
    return None
