"""Which buttons the console offers at each position: those whose orders the go-live takes."""

import inspect

import pytest

import starter
from commands.errors import UsageError
from commands.orders import Orders
from contracts.orders import ORDER_RULES, Order
from tests.unit.contracts.positions import POSITIONS
from web.console.orders import CONSOLE_ORDERS
from wording import shell

BEFORE_THE_MOVE = "acknowledge pause roll-back"
BUTTONS = {
    "wait: entitlement": f"confirm-entitlement decline-entitlement extend {BEFORE_THE_MOVE}",
    "wait: it_acknowledgement": f"skip extend {BEFORE_THE_MOVE}",
    "wait: admin_consent": f"confirm-consent extend {BEFORE_THE_MOVE}",
    "wait: microsoft": f"confirm-consent extend {BEFORE_THE_MOVE}",
    "wait: move_date": f"extend {BEFORE_THE_MOVE}",
    "wait: approval": "approve replan pause roll-back",
    "wait: first_sign_in": "extend pause roll-back",
    "wait: aftercare": "replan extend pause roll-back",
    "working: entitlement": f"confirm-entitlement decline-entitlement {BEFORE_THE_MOVE}",
    "working: it notified": BEFORE_THE_MOVE,
    "working: sso activated": BEFORE_THE_MOVE,
    "working: consent": f"confirm-consent {BEFORE_THE_MOVE}",
    "working: users migrated": "pause roll-back",
    # The console sees what was recorded: an answer of this moment is not in it yet.
    "just confirmed": f"confirm-entitlement decline-entitlement extend {BEFORE_THE_MOVE}",
    "just not entitled": f"confirm-entitlement decline-entitlement extend {BEFORE_THE_MOVE}",
    "stuck, skippable": f"retry skip {BEFORE_THE_MOVE}",
    "stuck, not skippable": f"retry {BEFORE_THE_MOVE}",
    "stuck at consent wait": f"confirm-consent retry extend {BEFORE_THE_MOVE}",
    "paused at consent wait": "confirm-consent acknowledge extend resume roll-back",
    "paused at approval": "approve replan resume roll-back",
    "declined, still asked": f"confirm-consent extend close-declined {BEFORE_THE_MOVE}",
    "declined, proof looks": f"confirm-consent extend close-declined {BEFORE_THE_MOVE}",
    "declined, proof goes on": f"confirm-consent close-declined {BEFORE_THE_MOVE}",
    "declined, then proven": f"extend {BEFORE_THE_MOVE}",
    "wrong tenant only": f"confirm-consent extend {BEFORE_THE_MOVE}",
    "ending": "",
    "ending, stuck": "retry",
    "ending, stuck, skippable": "retry skip",
    "ended": "start",
}


def test_every_position_has_its_buttons() -> None:
    assert list(BUTTONS) == list(POSITIONS)
    assert {order.order for order in CONSOLE_ORDERS.values()} == {None, *Order}


@pytest.mark.parametrize("name", POSITIONS)
def test_the_console_offers_what_the_go_live_takes(name: str) -> None:
    progress = POSITIONS[name].progress
    offered = {button for button, order in CONSOLE_ORDERS.items() if order.fits(progress)}
    assert offered == set(BUTTONS[name].split())


@pytest.mark.parametrize("name", POSITIONS)
def test_a_button_is_missing_or_refused_only_where_the_record_does_not_say_why(name: str) -> None:
    position = POSITIONS[name]
    differs = {
        order.order
        for order in CONSOLE_ORDERS.values()
        if order.order is not None
        and order.fits(position.progress) != (ORDER_RULES[order.order].allowed(position) is None)
    }
    assert differs == {
        "just confirmed": {Order.DECLINE_ENTITLEMENT},
        "just not entitled": {Order.CONFIRM_ENTITLEMENT},
        "paused at consent wait": {Order.PAUSE},
        "paused at approval": {Order.PAUSE},
    }.get(name, set())


def test_a_go_live_that_was_never_started_can_be_started_only() -> None:
    assert [name for name, order in CONSOLE_ORDERS.items() if order.fits(None)] == ["start"]


def test_console_and_shell_ask_for_a_reason_where_the_rule_needs_one() -> None:
    commands = {command.callback.__name__: command for command in starter.app.registered_commands}  # type: ignore[union-attr]
    for name, order in CONSOLE_ORDERS.items():
        if order.rule is None:
            continue
        assert order.needs_reason == order.rule.needs_reason
        assert order.needs_reason != order.asks_reason
        written = inspect.signature(commands[name.replace("-", "_")].callback).parameters  # type: ignore[arg-type]
        (option,) = written["reason"].annotation.__metadata__
        assert ("needed" in option.help) == order.rule.needs_reason


async def test_the_shell_says_what_it_wants_a_reason_for() -> None:
    # Neither database nor Temporal is asked.
    orders = Orders(None, None, "dana")  # type: ignore[arg-type]
    for give in (orders.skip, orders.confirm_consent, orders.close_declined, orders.roll_back):
        with pytest.raises(UsageError) as caught:
            await give("acme", "  ")
        assert caught.value.words(shell.said_of).startswith("Say why, with --reason")
