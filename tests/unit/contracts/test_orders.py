"""Every order at every position, as a table: taken, or refused with its code."""

from datetime import datetime, timedelta, timezone

import pytest
import temporalio.workflow

from contracts import rules
from contracts.orders import (
    ORDER_RULES,
    Order,
    OrderRefusal,
    Role,
    refusal_of,
)
from tests.unit.contracts.positions import HASH, NOW, POSITIONS
from tests.workflows.driver import PLACES
from wording.orders import REFUSED
from workflows.go_live import SsoGoLive

CELLS = {
    ".": None,
    "over": OrderRefusal.ENDED,
    "conf": OrderRefusal.ENTITLEMENT_ALREADY_CONFIRMED,
    "else": OrderRefusal.ENTITLEMENT_ANSWERED_OTHERWISE,
    "move": OrderRefusal.MOVING_ALREADY,
    "plan": OrderRefusal.NO_PLAN_WAITS,
    "runs": OrderRefusal.NOT_PAUSED,
    "well": OrderRefusal.NOTHING_NEEDS_ATTENTION,
    "skip": OrderRefusal.CANNOT_BE_SKIPPED,
    "due": OrderRefusal.NO_DEADLINE,
    "new": OrderRefusal.NO_NEW_PLAN_NOW,
    "ask": OrderRefusal.NO_CONSENT_AWAITED,
    "said": OrderRefusal.NOBODY_DECLINED,
}
"""What the table calls each refusal of a position; a dot = the order is taken."""

COLUMNS = {
    "conf": Order.CONFIRM_ENTITLEMENT,
    "decl": Order.DECLINE_ENTITLEMENT,
    "ackn": Order.ACKNOWLEDGE_IT,
    "appr": Order.APPROVE_MIGRATION,
    "paus": Order.PAUSE,
    "resu": Order.RESUME,
    "retr": Order.RETRY,
    "skip": Order.SKIP,
    "exte": Order.EXTEND_DEADLINE,
    "repl": Order.REPLAN,
    "gran": Order.CONFIRM_CONSENT,
    "clos": Order.CLOSE_DECLINED,
    "roll": Order.ROLL_BACK,
}

TABLE = """
                         conf decl ackn appr paus resu retr skip exte repl gran clos roll
wait: entitlement        .    .    .    plan .    runs well well .    new  ask  said .
wait: it_acknowledgement conf conf .    plan .    runs well .    .    new  ask  said .
wait: admin_consent      conf conf .    plan .    runs well well .    new  .    said .
wait: microsoft          conf conf .    plan .    runs well well .    new  .    said .
wait: move_date          conf conf .    plan .    runs well well .    new  ask  said .
wait: approval           conf conf move .    .    runs well well due  .    ask  said .
wait: first_sign_in      conf conf move plan .    runs well well .    new  ask  said .
wait: aftercare          conf conf move plan .    runs well well .    .    ask  said .
working: entitlement     .    .    .    plan .    runs well well due  new  ask  said .
working: it notified     conf conf .    plan .    runs well well due  new  ask  said .
working: sso activated   conf conf .    plan .    runs well well due  new  ask  said .
working: consent         conf conf .    plan .    runs well well due  new  .    said .
working: users migrated  conf conf move plan .    runs well well due  new  ask  said .
just confirmed           .    else .    plan .    runs well well .    new  ask  said .
just not entitled        else .    .    plan .    runs well well .    new  ask  said .
stuck, skippable         conf conf .    plan .    runs .    .    due  new  ask  said .
stuck, not skippable     conf conf .    plan .    runs .    skip due  new  ask  said .
stuck at consent wait    conf conf .    plan .    runs .    skip .    new  .    said .
paused at consent wait   conf conf .    plan .    .    well well .    new  .    said .
paused at approval       conf conf move .    .    .    well well due  .    ask  said .
declined, still asked    conf conf .    plan .    runs well well .    new  .    .    .
declined, proof looks    conf conf .    plan .    runs well well .    new  .    .    .
declined, proof goes on  conf conf .    plan .    runs well well due  new  .    .    .
declined, then proven    conf conf .    plan .    runs well well .    new  ask  said .
wrong tenant only        conf conf .    plan .    runs well well .    new  .    said .
ending                   over over over over over over well well over over over over over
ending, stuck            over over over over over over .    skip over over over over over
ending, stuck, skippable over over over over over over .    .    over over over over over
ended                    over over over over over over well well over over over over over
"""


def expected() -> dict[str, dict[Order, OrderRefusal | None]]:
    heading, *lines = TABLE.strip("\n").splitlines()
    orders = [COLUMNS[name] for name in heading.split()]
    width = len(heading) - len(heading.lstrip())
    return {
        line[:width].rstrip(): {
            order: CELLS[cell] for order, cell in zip(orders, line[width:].split(), strict=True)
        }
        for line in lines
    }


def test_the_table_of_this_test_has_every_order_every_wait_and_every_position() -> None:
    table = expected()
    assert list(table) == list(POSITIONS)
    assert all(list(row) == list(Order) for row in table.values())
    assert list(ORDER_RULES) == list(Order)
    waits = [one.progress.wait for name, one in POSITIONS.items() if name.startswith("wait: ")]
    assert waits == list(PLACES)


@pytest.mark.parametrize("name", POSITIONS)
def test_each_order_is_taken_or_refused_as_the_table_says(name: str) -> None:
    found = {order: refusal_of(order, POSITIONS[name]) for order in Order}
    assert found == expected()[name]
    assert found == {order: rule.allowed(POSITIONS[name]) for order, rule in ORDER_RULES.items()}


TAKEN_AT = {
    Order.ACKNOWLEDGE_IT: POSITIONS["wait: move_date"],
    Order.APPROVE_MIGRATION: POSITIONS["wait: approval"],
    Order.SKIP: POSITIONS["stuck, skippable"],
    Order.CONFIRM_CONSENT: POSITIONS["wait: admin_consent"],
    Order.CLOSE_DECLINED: POSITIONS["declined, still asked"],
}
"""Where an order is taken; those that are not named are at the wait for the entitlement."""


@pytest.mark.parametrize("order", Order)
def test_a_date_is_held_against_now_by_the_orders_that_take_one(order: Order) -> None:
    place = TAKEN_AT.get(order, POSITIONS["wait: entitlement"])
    late, naive = NOW, datetime(2027, 1, 1)  # noqa: DTZ001  (a date without a zone is the point)
    for moment, refusal in (
        (naive, OrderRefusal.NO_TIME_ZONE),
        (late, OrderRefusal.DATE_IN_THE_PAST),
        (late - timedelta(days=900), OrderRefusal.DATE_IN_THE_PAST),
        (NOW + timedelta(microseconds=1), None),
        (NOW + rules.FURTHEST_DATE, None),
        ((NOW + rules.FURTHEST_DATE).astimezone(timezone(timedelta(hours=9))), None),
        (NOW + rules.FURTHEST_DATE + timedelta(microseconds=1), OrderRefusal.DATE_TOO_FAR),
    ):
        taken = refusal_of(order, place, moment=moment, now=NOW)
        plain = refusal_of(order, place)
        assert taken is (refusal if ORDER_RULES[order].takes_date else plain)


def test_only_a_moment_without_a_time_zone_needs_no_now() -> None:
    place = POSITIONS["wait: aftercare"]
    with pytest.raises(ValueError, match="held against the present moment"):
        refusal_of(Order.EXTEND_DEADLINE, place, moment=NOW)


def test_where_it_stands_is_said_before_what_the_order_comes_with() -> None:
    past = {"moment": NOW - timedelta(days=1), "now": NOW}
    say = lambda order, name, **given: refusal_of(order, POSITIONS[name], **given)  # noqa: E731
    acknowledge, extend = Order.ACKNOWLEDGE_IT, Order.EXTEND_DEADLINE
    assert say(acknowledge, "wait: aftercare", **past) is OrderRefusal.MOVING_ALREADY
    assert say(acknowledge, "ending", **past) is OrderRefusal.ENDED
    assert say(extend, "wait: approval", **past) is OrderRefusal.NO_DEADLINE
    assert say(extend, "ended", **past) is OrderRefusal.ENDED
    without = {"reason_given": False}
    assert say(Order.SKIP, "ended", **without) is OrderRefusal.NOTHING_NEEDS_ATTENTION
    assert say(Order.SKIP, "stuck, not skippable", **without) is OrderRefusal.CANNOT_BE_SKIPPED
    assert say(Order.ROLL_BACK, "ended", **without) is OrderRefusal.ENDED
    wrong = {"plan_hash": "0" * 64}
    assert say(Order.APPROVE_MIGRATION, "wait: aftercare", **wrong) is OrderRefusal.NO_PLAN_WAITS


@pytest.mark.parametrize("plan_hash", ["", "0" * 64, HASH[:12], HASH.upper()])
def test_a_plan_is_approved_by_its_whole_hash_only(plan_hash: str) -> None:
    place = POSITIONS["wait: approval"]
    approve = Order.APPROVE_MIGRATION
    assert refusal_of(approve, place, plan_hash=HASH) is None
    assert refusal_of(approve, place, plan_hash=plan_hash) is OrderRefusal.PLAN_HAS_CHANGED


def test_what_takes_something_away_needs_a_reason() -> None:
    needing = {order for order, rule in ORDER_RULES.items() if rule.needs_reason}
    assert needing == {Order.SKIP, Order.CONFIRM_CONSENT, Order.CLOSE_DECLINED, Order.ROLL_BACK}
    for order in Order:
        place = TAKEN_AT.get(order, POSITIONS["paused at consent wait"])
        refused = refusal_of(order, place, reason_given=False)
        if order in needing:
            assert refused is OrderRefusal.REASON_MISSING
        else:
            assert refused is refusal_of(order, place)


def test_every_order_is_a_managers_and_none_waits_for_a_second_person() -> None:
    assert {rule.least_role for rule in ORDER_RULES.values()} == {Role.MANAGER}
    assert not any(rule.second_person for rule in ORDER_RULES.values())
    takes = {
        "date": {order for order, rule in ORDER_RULES.items() if rule.takes_date},
        "plan": {order for order, rule in ORDER_RULES.items() if rule.takes_plan},
    }
    assert takes == {
        "date": {Order.ACKNOWLEDGE_IT, Order.EXTEND_DEADLINE},
        "plan": {Order.APPROVE_MIGRATION},
    }


def test_roles_have_an_order_of_their_own() -> None:
    assert Role.READER < Role.MANAGER < Role.LEAD
    assert Role.LEAD > Role.MANAGER >= Role.MANAGER > Role.READER
    assert Role.MANAGER <= Role.MANAGER
    assert not Role.LEAD <= Role.MANAGER
    assert sorted(Role) == list(Role)
    assert max(Role) is Role.LEAD


def test_every_refusal_has_words_of_its_own() -> None:
    assert list(REFUSED) == list(OrderRefusal)
    assert len(set(REFUSED.values())) == len(OrderRefusal)
    assert all(one.endswith(".") for one in REFUSED.values())


def test_orders_are_the_updates_of_the_go_live() -> None:
    definition = temporalio.workflow._Definition.must_from_class(SsoGoLive)
    assert {*definition.updates} == {order.value for order in Order}
