"""The page for a customer's security reviewer says what the code asks for."""

import re
from pathlib import Path

from sqlmodel import SQLModel

import database.models  # noqa: F401  (the tables)
from contracts import rules
from graph.permissions import APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS
from wording import erasure
from wording.permissions import WHY
from workflows.policies import PROPAGATION_CALL

PAGE = Path(__file__).parents[2] / "docs" / "consent.md"


def test_the_page_lists_exactly_the_permissions_we_ask_for_each_with_its_reason() -> None:
    row = r"^\| `([^`]+)` \| (application|delegated) \| (.+) \|$"
    rows = re.findall(row, PAGE.read_text(), re.M)
    assert rows == [
        *((one.name, "application", WHY[one.name]) for one in APPLICATION_PERMISSIONS),
        *((one.name, "delegated", WHY[one.name]) for one in DELEGATED_PERMISSIONS),
    ]


def test_no_reason_is_kept_for_what_we_do_not_ask() -> None:
    asked = {one.name for one in (*APPLICATION_PERMISSIONS, *DELEGATED_PERMISSIONS)}
    assert WHY.keys() == asked


def test_the_page_says_the_times_that_the_code_keeps() -> None:
    text = " ".join(PAGE.read_text().split())
    waited = PROPAGATION_CALL["schedule_to_close_timeout"]
    assert waited is not None
    assert f"for {waited.seconds // 60} minutes, then a person" in text
    assert f"at most {rules.AUTHORIZATION_REQUEST_MINUTES} minutes ago" in text


def test_page_and_command_say_what_is_not_erased_at_once() -> None:
    for words in (PAGE.read_text(), "\n".join(erasure.REMAINS)):
        said = " ".join(words.split())
        assert "until" in said
        assert re.search(r"number of (the Microsoft account that|whoever) consented", said)
        assert "histories" in said


def test_page_and_command_say_that_an_administrator_erased_alone_leaves_a_number() -> None:
    assert "erased alone stays with the connection" in " ".join(PAGE.read_text().split())
    alone = erasure.forgotten("acme", users=1, contacts=0, texts=0, one_person=True)
    assert "number of their Microsoft account stays with the connection" in " ".join(alone)


def test_no_token_of_anybodys_is_kept_but_what_the_page_names() -> None:
    kept = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if re.search(r"token|secret|code_", column.name) and not column.name.endswith("_sha256")
    }
    assert kept == {"staff_session.sealed_refresh_token"}
    said = " ".join(PAGE.read_text().split())
    assert (
        "of your people: tokens live in memory only (kept is, sealed, what our own staff's" in said
    )


def test_it_is_one_page() -> None:
    assert len(PAGE.read_text().splitlines()) < 100
