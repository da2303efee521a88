"""What is said beside each stage, and what is offered."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Wait
from web.checklist import consent_checks, stage_states
from web.console.orders import CONSOLE_ORDERS

STAGES = [stage.value for stage in GoLiveStage]


def ended(stage: GoLiveStage, outcome: GoLiveOutcome, plan_hash: str | None = None) -> Progress:
    return Progress(
        slug="acme",
        number=1,
        stage=stage,
        wait=Wait.NOTHING,
        since=datetime(2026, 11, 24, tzinfo=UTC),
        outcome=outcome,
        plan_hash=plan_hash,
    )


@pytest.mark.parametrize(
    ("stage", "plan_hash", "reached", "told"),
    [
        (
            GoLiveStage.USERS_MIGRATED,
            "1a2b",
            STAGES,
            ["done", "done", "undone", "done", "undone"],
        ),
        (
            GoLiveStage.USERS_MIGRATED,
            None,
            STAGES,
            ["done", "done", "undone", "done", "not reached"],
        ),
        (
            GoLiveStage.ADMIN_CONSENT_AWAITED,
            None,
            STAGES[:4],
            ["done", "done", "undone", "not reached", "not reached"],
        ),
        # What an earlier go-live did stays.
        (
            GoLiveStage.USERS_MIGRATED,
            "1a2b",
            [STAGES[0], STAGES[4]],
            ["done", "done", "done", "done", "undone"],
        ),
    ],
)
def test_what_was_taken_back_is_not_said_to_be_done(
    stage: GoLiveStage, plan_hash: str | None, reached: list[str], told: list[str]
) -> None:
    states = stage_states(ended(stage, GoLiveOutcome.ROLLED_BACK, plan_hash), reached)
    assert [one.state for one in states] == told
    undone = [one.what for one in states if one.state == "undone"]
    assert all("again" in what for what in undone)


@pytest.mark.parametrize(
    ("attention", "offered"), [(None, set()), (Attention.MAIL_UNAVAILABLE, {"retry", "skip"})]
)
def test_while_a_go_live_ends_nothing_is_offered_that_would_be_refused(
    attention: Attention | None, offered: set[str]
) -> None:
    ending = replace(
        ended(GoLiveStage.USERS_MIGRATED, GoLiveOutcome.ROLLED_BACK, "1a2b"),
        outcome=None,
        ending=GoLiveOutcome.ROLLED_BACK,
        attention=attention,
        may_skip=attention is not None,
    )
    assert {name for name, order in CONSOLE_ORDERS.items() if order.fits(ending)} == offered


@pytest.mark.parametrize(
    ("attention", "last"),
    [
        (None, "now"),
        (Attention.CREDENTIAL_REFUSED, "now"),
        (Attention.SELF_ONLY, "failed"),
    ],
)
def test_a_check_that_we_ourselves_hold_up_has_not_failed(
    attention: Attention | None, last: str
) -> None:
    checked = replace(
        ended(GoLiveStage.ADMIN_CONSENT_AWAITED, GoLiveOutcome.LIVE),
        outcome=None,
        wait=Wait.MICROSOFT,
        attention=attention,
    )
    assert [state for _, state in consent_checks(checked)] == ["done", "done", "done", last]
