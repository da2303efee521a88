"""What pages of one message say: whole sentences, for every code."""

from collections.abc import Iterator

import pytest

from contracts.directory import DecisionEffect
from contracts.go_live import GoLiveOutcome, GoLiveStage, Refusal
from contracts.problems import SecondContactRefusal
from contracts.sign_in import SignInAnswer
from wording import checklist, console, pages, setup_page, shell
from wording.pages import AwayAt, PageMessage, RateLimit, StaffRefusal


def messages() -> Iterator[PageMessage]:
    yield from (one for one in vars(pages).values() if isinstance(one, PageMessage))
    yield from pages.AWAY.values()
    yield from map(pages.too_many, RateLimit)
    yield from map(pages.not_signed_in, SignInAnswer)
    yield from map(pages.refused, Refusal)
    yield from map(pages.not_admitted, StaffRefusal)
    yield from map(pages.has_ended, (None, *GoLiveOutcome))


@pytest.mark.parametrize("message", list(messages()), ids=lambda one: one.happened)
def test_a_page_says_what_happened_who_does_what_and_the_way_on(message: PageMessage) -> None:
    for sentence in (message.happened, message.to_do):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "starter.py" not in sentence
        assert "  " not in sentence
    for label in (message.title, message.button):
        assert label
        assert not label.endswith(".")


def test_every_code_has_its_words() -> None:
    assert set(pages.AWAY) == set(AwayAt)
    assert set(pages.SIGN_IN) == set(SignInAnswer)
    assert set(setup_page.SECOND_CONTACT) == set(SecondContactRefusal)
    assert set(checklist.WHO) == set(checklist.WHAT) == set(GoLiveStage)
    assert len(checklist.CHECKS) == 4


def test_the_shell_says_when_a_decision_counts() -> None:
    said = {effect: shell.decided("acme", effect) for effect in DecisionEffect}
    assert len(set(said.values())) == len(DecisionEffect)
    assert said[DecisionEffect.WITH_A_NEW_PLAN].endswith("python starter.py replan acme")
    at_once = shell.linked("acme", "anna@acme.example", DecisionEffect.AT_ONCE)
    assert at_once.startswith("anna@acme.example is linked to the account you named from now on.")


def test_the_console_says_of_each_order_what_it_does_and_what_was_done() -> None:
    for words in console.ORDER_WORDS.values():
        assert not words.button.endswith(".")
        assert words.does.endswith(".")
        assert words.done.endswith(".")
