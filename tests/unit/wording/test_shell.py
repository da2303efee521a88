"""What the shell prints: `starter.py` has no sentence of its own about what a command did."""

import re
from pathlib import Path

from contracts.orders import Order
from wording import shell

STARTER = (Path(__file__).parents[3] / "starter.py").read_text(encoding="utf-8")


def test_every_order_that_is_answered_in_one_line_has_that_line() -> None:
    answered = re.findall(r"shell\.ordered\(\w+, Order\.(\w+)\)", STARTER)
    assert {Order[name] for name in answered} == set(shell._ORDERED)
    for name in answered:
        assert shell.ordered("acme", Order[name]).startswith("acme: ")


def test_no_command_words_its_own_answer() -> None:
    assert re.findall(r"print\(\s*f?[\"'](?!\\n)", STARTER) == []


def test_a_changed_address_says_whether_the_old_one_was_told() -> None:
    said = shell.address_changed("dana", "new@us.example", "old@us.example", old_was_told=True)
    assert said == "dana: mails go to new@us.example from now on. old@us.example was told."
    silent = shell.address_changed("dana", "new@us.example", "old@us.example", old_was_told=False)
    assert silent.endswith("old@us.example takes no mail any more, so nobody was told.")
