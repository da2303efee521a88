"""The table of orders against the validators of the go-live, at every position there can be.

It goes when the validators read the table themselves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
import temporalio.workflow
from temporalio.exceptions import ApplicationError

from contracts.go_live import (
    AcknowledgeIt,
    AdminDeclined,
    ApproveMigration,
    Attention,
    CloseDeclined,
    ConfirmEntitlement,
    DeclineEntitlement,
    ExtendDeadline,
    GoLiveOutcome,
    GoLiveStage,
    Pause,
    Replan,
    Resend,
    Resume,
    Retry,
    RollBack,
    Skip,
    StartGoLive,
    Wait,
)
from contracts.order_words import REFUSED
from contracts.orders import FURTHEST_DATE, Order, OrderPosition, OrderRefusal, refusal_of
from workflows import policies
from workflows.go_live import SsoGoLive
from workflows.reminders import ReminderSchedule

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HASH = "1a2b" * 16


@dataclass(frozen=True)
class Variant:
    """One order as somebody gives it, and what of it the table is told."""

    message: Any
    given: dict[str, Any]


def variants(order: Order) -> list[Variant]:
    moments = (
        NOW.replace(tzinfo=None),
        NOW - timedelta(days=1),
        NOW,
        NOW + timedelta(seconds=1),
        NOW + FURTHEST_DATE,
        NOW + FURTHEST_DATE + timedelta(seconds=1),
    )
    plain: dict[Order, Callable[[], Any]] = {
        Order.CONFIRM_ENTITLEMENT: lambda: ConfirmEntitlement("dana"),
        Order.PAUSE: lambda: Pause("dana"),
        Order.RESUME: lambda: Resume("dana"),
        Order.RETRY: lambda: Retry("dana"),
        Order.REPLAN: lambda: Replan("dana"),
    }
    match order:
        case Order.ACKNOWLEDGE_IT:
            return [
                Variant(AcknowledgeIt("dana", moment), {"moment": moment, "now": NOW})
                for moment in (None, *moments)
            ]
        case Order.EXTEND_DEADLINE:
            return [
                Variant(ExtendDeadline("dana", moment), {"moment": moment, "now": NOW})
                for moment in moments
            ]
        case Order.APPROVE_MIGRATION:
            return [
                Variant(ApproveMigration(plan_hash, "dana"), {"plan_hash": plan_hash})
                for plan_hash in ("", HASH, "0" * 64)
            ]
        case Order.RESEND:
            return [
                Variant(Resend("dana", message, "first"), {"message": message})
                for message in ("it_pack", "no_such_message")
            ]
        case Order.SKIP | Order.ROLL_BACK | Order.CLOSE_DECLINED | Order.DECLINE_ENTITLEMENT:
            kind = {
                Order.SKIP: Skip,
                Order.ROLL_BACK: RollBack,
                Order.CLOSE_DECLINED: CloseDeclined,
                Order.DECLINE_ENTITLEMENT: DeclineEntitlement,
            }[order]
            return [
                Variant(kind("dana", reason_id), {"reason_given": reason_id > 0})
                for reason_id in (-1, 0, 1)
            ]
        case _:
            return [Variant(plain[order](), {})]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> SsoGoLive:
    """The object of a run, without a server."""
    monkeypatch.setattr(temporalio.workflow, "now", lambda: NOW)
    monkeypatch.setattr(
        temporalio.workflow, "info", lambda: SimpleNamespace(typed_search_attributes=[])
    )
    return SsoGoLive(StartGoLive("id", "organisation", "acme", 1, "dana"))


def positions(run: SsoGoLive) -> Iterator[OrderPosition]:
    """Bring the run to each position that it can have, and describe it to the table."""
    answers = {
        None: None,
        True: ConfirmEntitlement("dana"),
        False: DeclineEntitlement("dana"),
    }
    ladders = (None, ReminderSchedule(None), ReminderSchedule(NOW + timedelta(days=7)))
    over = (None, GoLiveOutcome.LIVE, GoLiveOutcome.ROLLED_BACK)
    flags = (False, True)
    for (
        stage,
        wait,
        attention,
        may_skip,
        paused,
        ladder,
        plan_hash,
        (ending, outcome),
        answer,
        declined,
    ) in product(
        GoLiveStage,
        Wait,
        (None, Attention.MAIL_REFUSED),
        flags,
        (None, NOW - timedelta(days=1)),
        ladders,
        (None, HASH),
        ((None, None), *((one, None) for one in over[1:]), *((one, one) for one in over[1:])),
        answers,
        (None, AdminDeclined("declined", said_no=True), AdminDeclined("wrong_tenant", False)),
    ):
        if outcome is not None and (wait is not Wait.NOTHING or attention is not None):
            continue  # When it has ended, nothing is waited for and nothing needs attention.
        if ending is not None and (ladder is not None or paused is not None):
            continue  # Both are over when it begins to end.
        state: Any = run._state
        state.stage, state.wait, state.paused_at = stage, wait, paused
        state.ending, state.outcome = ending, outcome
        run._attention.why, run._attention.may_skip = attention, may_skip
        run._waits.schedule = ladder
        run._migration.plan = SimpleNamespace(plan_hash=plan_hash) if plan_hash else None  # type: ignore[assignment]
        run._answers.entitlement = answers[answer]
        run._consent.reports.declined = declined
        yield OrderPosition(run.progress(), answer, declined is not None)


def said_by(validate: Callable[..., None], run: SsoGoLive, message: object) -> str | None:
    try:
        validate(run, message)
    except ApplicationError as refused:
        return refused.message
    return None


@pytest.mark.parametrize("order", Order)
def test_the_table_says_what_the_go_live_says(run: SsoGoLive, order: Order) -> None:
    definitions = temporalio.workflow._Definition.must_from_class(SsoGoLive).updates
    validate = definitions[order.value].validator
    assert validate is not None
    seen: set[OrderRefusal | None] = set()
    for position in positions(run):
        for variant in variants(order):
            found = refusal_of(order, position, **variant.given)
            seen.add(found)
            said = said_by(validate, run, variant.message)
            assert (found and REFUSED[found]) == said, (position, variant)
    assert None in seen
    assert len(seen) > 1


def test_orders_are_the_updates_of_the_go_live() -> None:
    definitions = temporalio.workflow._Definition.must_from_class(SsoGoLive)
    assert {*definitions.updates} == {order.value for order in Order}


def test_dates_reach_as_far_as_those_of_the_go_live() -> None:
    assert policies.FURTHEST_DATE == FURTHEST_DATE
