"""docs/matching.md is the promise; every row of its table is made and asked."""

import random
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from contracts.directory import ExceptionReason
from tests.database.customers import MOVE_CLASSES, customer
from tests.database.kinds import KINDS, UNLISTED, VERIFIED, Case
from wording import sentences

DOCUMENT = Path(__file__).parents[3] / "docs" / "matching.md"


def promised() -> dict[str, str]:
    """Kind -> class or reason, as the table says."""
    rows = [
        [cell.strip() for cell in line.strip("|\n ").split("|")]
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    return {row[0]: row[1].strip("`") for row in rows if len(row) == 2 and row[1].startswith("`")}


def test_the_table_names_every_kind_and_only_known_results() -> None:
    table = promised()
    assert set(table) == set(KINDS)
    assert len(table) >= 40
    known = MOVE_CLASSES | {*ExceptionReason}
    assert set(table.values()) == known, "every class and every reason is shown"
    assert set(sentences.EXCEPTIONS) == set(ExceptionReason)


@pytest.mark.parametrize("seed", [1, 2026])
def test_every_kind_of_user_is_classified_as_the_table_says(session: Session, seed: int) -> None:
    here = customer(session, *VERIFIED, unlisted=[UNLISTED])
    elsewhere = customer(session, *VERIFIED, tenant_id=here.tenant_id, unlisted=VERIFIED)
    accounts: list[dict[str, Any]] = []
    kinds = list(KINDS.items()) * 3
    random.Random(seed).shuffle(kinds)
    users = [
        (name, make(Case(here, elsewhere, accounts, f"{seed} {number}")))
        for number, (name, make) in enumerate(kinds)
    ]
    random.Random(seed).shuffle(accounts)
    accounts.sort(key=lambda one: not one["accountEnabled"])
    here.stage(accounts)
    here.plan()
    found = here.classes()
    table = promised()
    wrong = {
        name: f"{found[user.id]} instead of {table[name]}"
        for name, user in users
        if found[user.id] != table[name]
    }
    assert not wrong


@pytest.mark.parametrize(
    ("is_rule", "result"), [(False, ExceptionReason.EXTERNAL_MEMBER), (True, "link")]
)
def test_an_organisation_can_have_its_external_members_linked(
    session: Session, is_rule: bool, result: str
) -> None:
    here = customer(session, *VERIFIED, link_external_members=is_rule)
    accounts: list[dict[str, Any]] = []
    member = KINDS["an external member, #EXT# of type Member"](Case(here, here, accounts, "1"))
    guest = KINDS["a guest by its name, #EXT#"](Case(here, here, accounts, "2"))
    here.stage(accounts)
    here.plan()
    assert here.classes()[member.id] == result
    assert here.classes()[guest.id] == ExceptionReason.GUEST
    # Microsoft's page knows the name of their home only, which no directory here tells.
    (name,) = here.rows("SELECT sign_in_name FROM golive.user_move WHERE user_id = :u", u=member.id)
    assert name == (("",) if is_rule else (None,))


def test_the_name_of_an_external_members_sign_in_stays(session: Session) -> None:
    here = customer(session, *VERIFIED)
    accounts: list[dict[str, Any]] = []
    case = Case(here, here, accounts, "1")
    member = KINDS["an external member, #EXT# of type Member"](case)
    member.sign_in_method = "sso"
    here.session.flush()
    here.rows(
        "INSERT INTO golive.directory_link (user_id, tenant_id, object_id, go_live_id, "
        "sign_in_name) VALUES (:u, :t, :object_id, :g, 'kim@group.example') RETURNING 1",
        u=member.id,
        t=here.tenant_id,
        object_id=accounts[0]["id"],
    )
    here.stage(accounts)
    here.plan()
    assert here.classes()[member.id] == "already_linked"
    assert here.rows("SELECT sign_in_name FROM golive.directory_link WHERE go_live_id = :g") == [
        ("kim@group.example",)
    ]
