"""Whether the record knows of more than the run that is about to write it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from contracts.go_live import GoLiveOutcome, GoLiveStage, Progress, Wait
from database.go_live.positions import is_ahead
from database.models import GoLive

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
HERE = Progress("acme", 1, GoLiveStage.ADMIN_CONSENT_AWAITED, Wait.ADMIN_CONSENT, AT)
ENDING = GoLiveOutcome.ROLLED_BACK


def record(**given: Any) -> GoLive:
    return GoLive(
        organisation_id=uuid4(),
        number=1,
        owner_id=uuid4(),
        started_at=AT,
        since=AT,
        **({"stage": HERE.stage} | given),
    )


@pytest.mark.parametrize(
    ("found", "run", "ahead"),
    [
        ({}, HERE, False),
        ({"wait": "microsoft", "due_at": AT}, HERE, False),
        ({"stage": GoLiveStage.SSO_ACTIVATED}, HERE, False),
        ({"stage": GoLiveStage.USERS_MIGRATED}, HERE, True),
        ({"users_done": 5}, HERE, True),
        ({"users_done": 5}, replace(HERE, users_done=5), False),
        ({"ending": ENDING}, HERE, True),
        ({"ending": ENDING}, replace(HERE, ending=ENDING), False),
        ({"closed_at": AT, "outcome": ENDING}, HERE, True),
    ],
)
def test_the_record_is_ahead(found: dict[str, Any], run: Progress, ahead: bool) -> None:
    assert is_ahead(record(**found), run) is ahead
