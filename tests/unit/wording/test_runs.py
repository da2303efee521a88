"""Beside each run stands where it is steered; a run that is begun anew is told of in words."""

import re
from datetime import UTC, datetime

import pytest
import typer.main
from temporalio.client import WorkflowExecutionStatus

import starter
from contracts.go_live import GoLiveStage
from wording import runs

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
CONSENT = GoLiveStage.ADMIN_CONSENT_AWAITED
DETAILS = runs.steering("acme", 2, "https://pulse.example/console/acme")
COMMANDS = typer.main.get_command(starter.app).commands  # type: ignore[attr-defined]


def test_what_stands_beside_a_run_says_what_it_is_and_leads_to_the_console() -> None:
    assert DETAILS.startswith("This is go-live 2 of acme: ")
    assert "[the console](https://pulse.example/console/acme)" in DETAILS
    assert "](" not in runs.steering("acme", 2)


def test_what_stands_beside_a_run_names_commands_that_there_are() -> None:
    named = re.findall(r"`python starter\.py ([a-z-]+) acme", DETAILS)
    assert named == ["status", "pause", "resume", "extend", "roll-back", "start"]
    assert set(named) <= set(COMMANDS)


def test_what_stands_beside_a_run_says_what_temporals_own_buttons_would_do() -> None:
    rows = dict(re.findall(r"^\| (pause|reset|terminate|cancel) \| (.+) \|$", DETAILS, re.M))
    assert rows["terminate"].startswith("Nothing is undone and nobody is told.")
    assert rows["reset"].endswith("it needs attention.")
    assert rows["cancel"].startswith("Everything is undone")
    assert "late" in rows["pause"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (WorkflowExecutionStatus.TERMINATED, "was terminated in Temporal on"),
        (WorkflowExecutionStatus.FAILED, "failed in Temporal on"),
        (WorkflowExecutionStatus.TIMED_OUT, "timed out in Temporal on"),
        (WorkflowExecutionStatus.CANCELED, "was cancelled in Temporal without an ending on"),
        (
            WorkflowExecutionStatus.COMPLETED,
            "ended in Temporal, which the database does not know, on",
        ),
    ],
)
def test_why_a_run_is_begun_anew(status: WorkflowExecutionStatus, words: str) -> None:
    assert runs.goes_on(1, status.name, AT, CONSENT) == (
        f"The run of go-live 1 {words} Tue 24 Nov 2026, 09:00 UTC; it goes on from what the "
        "database knows: Admin consent awaited."
    )


def test_a_run_that_temporal_has_lost_has_no_day() -> None:
    assert runs.goes_on(3, None, None, CONSENT) == (
        "The run of go-live 3 is not in Temporal any more; it goes on from what the database "
        "knows: Admin consent awaited."
    )
