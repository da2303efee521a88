"""A moved user's password counts for so long, and for as long as the go-live was paused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from contracts.go_live import GoLiveOutcome, GoLiveStage, Progress, Wait
from contracts.records import Position
from database.go_live import records
from database.go_live.positions import record_position
from database.models import AppUser
from database.people import sign_in
from tests.database.customers import AT, Customer, with_users

GRACE = 14
"""Days of `customers.move_once`."""


def pause(made: Customer, *days: float) -> None:
    """Pause and resume in turn, so many days after the move; each is recorded twice."""
    running = Progress("acme", 1, GoLiveStage.USERS_MIGRATED, Wait.AFTERCARE, AT)
    for number, day in enumerate(days):
        for _ in range(2):
            progress, at = replace(running, paused=number % 2 == 0), AT + timedelta(days=day)
            position = Position(str(made.go_live_id), progress, at)
            record_position(made.session, made.go_live_id, position)


@pytest.mark.parametrize(
    ("pauses", "ends"),
    [
        ((), GRACE),
        ((3, 5), GRACE + 2),
        ((3, 5, 15, 18), GRACE + 5),
        ((-2, -1), GRACE),
        ((-2, 1), GRACE + 1),
        ((13, 53), GRACE + 40),
        # Whose grace was over before the pause began does not come back by it.
        ((20, 30), GRACE),
        ((3, 5, 17, 30), GRACE + 2),
        # Paused still.
        ((13,), 400),
        ((20,), GRACE),
    ],
)
def test_only_days_without_a_pause_count(
    session: Session, pauses: tuple[float, ...], ends: float
) -> None:
    made = with_users(session, ("anna", {}))
    made.plan()
    made.move()
    pause(made, *pauses)
    user = session.exec(
        select(AppUser).where(AppUser.organisation_id == made.organisation_id)
    ).one()
    days = [*(day + 0.5 for day in range(60)), 399.5]
    counted = [day for day in days if sign_in.password_counts(session, user, AT + timedelta(day))]
    assert counted == [day for day in days if day < ends]


def test_a_go_live_that_ends_while_it_is_paused_is_paused_no_longer(session: Session) -> None:
    made = with_users(session, ("anna", {}))
    made.plan()
    made.move()
    pause(made, 3)
    for _ in range(2):
        ended = AT + timedelta(days=7)
        records.close_go_live(session, made.go_live_id, GoLiveOutcome.CANCELLED, ended)
    pauses = made.rows("SELECT began_at, ended_at FROM golive.pause_time WHERE go_live_id = :g")
    assert pauses == [(AT + timedelta(days=3), ended)]
