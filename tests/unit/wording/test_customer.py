"""What the customer's own people read about their go-live."""

from datetime import UTC, datetime
from itertools import product

import pytest

from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Refusal, Wait
from wording.customer import customer_status

AT = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
OURS = (
    "customer's",
    "The customer ",
    "Customer success ",
    "Customer IT",
    "operator",
    "Temporal",
    "threshold",
)


def progress(**more: object) -> Progress:
    values: dict[str, object] = {
        "slug": "acme",
        "number": 1,
        "stage": GoLiveStage.ADMIN_CONSENT_AWAITED,
        "wait": Wait.ADMIN_CONSENT,
        "since": AT,
        "due_at": AT,
        **more,
    }
    return Progress(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("wait", "attention"), list(product(Wait, [None, *Attention])))
def test_nobody_outside_reads_what_is_meant_for_our_own_people(
    wait: Wait, attention: Attention | None
) -> None:
    for refusal in (None, *Refusal):
        words = customer_status(
            progress(wait=wait, attention=attention, refusal=refusal), "Europe/Vienna"
        )
        text = " ".join((words.happened, words.to_do, words.by_itself))
        assert not [one for one in OURS if one in text], text


def test_dates_are_in_the_organisations_own_time() -> None:
    assert customer_status(progress(), "Europe/Vienna").by_itself.endswith(
        "on Tue 1 Dec 2026, 09:00 CET."
    )


@pytest.mark.parametrize("outcome", GoLiveOutcome)
def test_an_ending_leaves_nothing_to_do(outcome: GoLiveOutcome) -> None:
    assert customer_status(progress(outcome=outcome), "UTC").to_do == "Nobody has to do anything."


def test_a_pause_is_said() -> None:
    assert "paused" in customer_status(progress(paused=True), "UTC").by_itself
    held_up = customer_status(progress(paused=True, wait=Wait.NOTHING), "UTC")
    assert held_up.happened == "The next step waits."
    assert held_up.to_do == "Your customer success manager lets it go on."
