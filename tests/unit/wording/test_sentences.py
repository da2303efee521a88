"""What happens by itself is said as it will happen, in every state."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Refusal, Wait
from wording import sentences, status

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
LATER = datetime(2026, 12, 1, 9, tzinfo=UTC)
CONSENT = GoLiveStage.ADMIN_CONSENT_AWAITED
MOVED = GoLiveStage.USERS_MIGRATED
AFTER_A_PLAN = {"stage": MOVED, "wait": Wait.NOTHING, "plan_hash": "1a2b"}


def progress(**given: Any) -> Progress:
    return Progress(
        **{"slug": "acme", "number": 1, "stage": CONSENT, "wait": Wait.ADMIN_CONSENT, "since": AT}
        | given
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"due_at": LATER, "reminder_at": AT},
            "A reminder goes out on Tue 24 Nov 2026, 09:00 UTC; without a consent it ends on "
            "Tue 1 Dec 2026, 09:00 UTC.",
        ),
        # Whatever the last try was refused for, reminders that stopped are not promised.
        (
            {"due_at": LATER, "refusal": Refusal.NOT_AN_ADMINISTRATOR},
            "No reminder goes out; without a consent it ends on Tue 1 Dec 2026, 09:00 UTC.",
        ),
        (
            {"wait": Wait.ENTITLEMENT, "due_at": LATER},
            "Without an answer it ends as not entitled on Tue 1 Dec 2026, 09:00 UTC.",
        ),
        (
            {"wait": Wait.MICROSOFT, "due_at": LATER},
            "Without a proven consent it ends on Tue 1 Dec 2026, 09:00 UTC.",
        ),
        ({"wait": Wait.APPROVAL}, "Nobody moves until then."),
        (
            {"wait": Wait.APPROVAL, "reminder_at": LATER},
            "Nobody moves until then. A reminder goes out on Tue 1 Dec 2026, 09:00 UTC.",
        ),
        ({"wait": Wait.NOTHING}, "It goes on by itself."),
        # A proof that gave up does not stop the wait for another consent.
        (
            {"attention": Attention.SELF_ONLY, "due_at": LATER, "reminder_at": AT},
            "A reminder goes out on Tue 24 Nov 2026, 09:00 UTC; without a retry or another consent "
            "it ends on Tue 1 Dec 2026, 09:00 UTC.",
        ),
        (
            {"attention": Attention.MAIL_UNAVAILABLE, "due_at": LATER, "reminder_at": AT},
            "Nothing happens until someone retries, or rolls back.",
        ),
        (
            {"attention": Attention.MAIL_REFUSED, "wait": Wait.NOTHING, "may_skip": True},
            "Nothing happens until someone retries or skips it, or rolls back.",
        ),
        # Who rolls back already is not offered to.
        (
            {
                "attention": Attention.UNEXPECTED,
                "wait": Wait.NOTHING,
                "ending": GoLiveOutcome.ROLLED_BACK,
            },
            "Nothing happens until someone retries.",
        ),
        (
            {"wait": Wait.NOTHING, "ending": GoLiveOutcome.ROLLED_BACK},
            "Once that is done, it ends by itself.",
        ),
        (
            {"ending": GoLiveOutcome.ROLLED_BACK, "outcome": GoLiveOutcome.ROLLED_BACK},
            "Nothing more happens.",
        ),
        (
            {"paused": True, "due_at": LATER, "reminder_at": AT},
            "Paused: no reminder goes out and nothing moves until it is resumed. Dates from before "
            "the pause move by it; the date now is Tue 1 Dec 2026, 09:00 UTC.",
        ),
        (
            {"paused": True, "wait": Wait.APPROVAL},
            "Paused: no reminder goes out and nothing moves until it is resumed.",
        ),
        (
            {"attention": Attention.NO_ONE_SIGNED_IN, "wait": Wait.FIRST_SIGN_IN},
            "It goes on as soon as one of them signs in, or someone retries or rolls back.",
        ),
    ],
)
def test_what_happens_by_itself(given: dict[str, Any], said: str) -> None:
    assert sentences.by_itself(progress(**given)) == said


def test_whoever_pauses_it_between_two_waits_is_whom_it_waits_on() -> None:
    held_up = progress(paused=True, wait=Wait.NOTHING)
    assert sentences.sentences(held_up) == (
        "The next step waits. Customer success resumes it. "
        "Paused: no reminder goes out and nothing moves until it is resumed."
    )
    assert sentences.beside_stage(held_up, held_up.stage) == "paused"
    assert status.whom(held_up) == "customer success (paused)"
    # A wait goes on: what people say counts in a pause, too.
    asked = progress(paused=True)
    assert sentences.to_do(asked) == sentences.to_do(progress())
    assert status.whom(asked) == "administrator (paused)"
    assert status.whom(progress()) == "administrator"


@pytest.mark.parametrize("ending", GoLiveOutcome)
def test_an_ending_that_is_under_way_is_told(ending: GoLiveOutcome) -> None:
    under_way = progress(wait=Wait.NOTHING, ending=ending)
    assert "is being" in sentences.happened(under_way) or "cancelled" in sentences.happened(
        under_way
    )
    assert sentences.to_do(under_way) == "Nobody has to do anything."
    assert sentences.whom(under_way) == "nobody"


@pytest.mark.parametrize(
    ("given", "states"),
    [
        (
            {**AFTER_A_PLAN, "ending": GoLiveOutcome.ROLLED_BACK},
            ["done", "done", "being put back", "done", "being put back"],
        ),
        (
            {**AFTER_A_PLAN, "outcome": GoLiveOutcome.ROLLED_BACK},
            ["done", "done", "as before", "done", "ended here, as before"],
        ),
        # Without a plan nobody has moved.
        (
            {**AFTER_A_PLAN, "plan_hash": None, "ending": GoLiveOutcome.ROLLED_BACK},
            ["done", "done", "being put back", "done", "ending here"],
        ),
        (
            {**AFTER_A_PLAN, "plan_hash": None, "outcome": GoLiveOutcome.ROLLED_BACK},
            ["done", "done", "as before", "done", "ended here"],
        ),
        (
            {"wait": Wait.NOTHING, "outcome": GoLiveOutcome.CONSENT_EXPIRED},
            ["done", "done", "as before", "ended here", "not reached"],
        ),
        (
            {"wait": Wait.NOTHING, "ending": GoLiveOutcome.CONSENT_EXPIRED},
            ["done", "done", "being put back", "ending here", "next"],
        ),
        ({"stage": MOVED, "outcome": GoLiveOutcome.LIVE}, ["done"] * 5),
    ],
)
def test_what_is_taken_back_is_not_said_to_be_done(
    given: dict[str, Any], states: list[str]
) -> None:
    said = progress(**given)
    assert [sentences.beside_stage(said, stage) for stage in GoLiveStage] == states
    assert all(state in sentences.details(said) for state in states)
