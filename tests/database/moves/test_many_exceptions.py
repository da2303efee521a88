"""Fifty thousand exceptions: a short screen, a long file, and no cell is a formula."""

import csv
import io
from collections.abc import Iterator
from itertools import islice

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from commands import migration
from database.engine import open_sessions
from database.models import Organisation
from tests.database.customers import Customer, account, customer

MANY = 50_000


@pytest.fixture
def with_many(engine: Engine) -> Iterator[Customer]:
    with open_sessions(engine)() as session:
        yield _made(session)


def _made(session: Session) -> Customer:
    made = customer(session, "crowd.example")
    session.execute(
        text(
            "INSERT INTO pulse.app_user (id, organisation_id, address, address_key, display_name, "
            "status, sign_in_method, group_name) SELECT gen_random_uuid(), :o, a, a, '=1+1', "
            "'active', 'password', '' FROM (SELECT 'ghost' || k || '@crowd.example' AS a "
            "FROM generate_series(1, :many) k) named"
        ),
        {"o": made.organisation_id, "many": MANY},
    )
    made.user("anna@crowd.example")
    made.stage([account("anna@crowd.example")])
    plan = made.plan()
    assert (plan.link, plan.exceptions, plan.unsettled) == (1, MANY, MANY)
    session.execute(
        text("UPDATE golive.go_live SET plan_hash = :hash WHERE id = :g"),
        {"hash": plan.plan_hash, "g": made.go_live_id},
    )
    session.commit()
    return made


def test_fifty_thousand_exceptions_are_a_short_screen_and_a_long_file(
    engine: Engine, with_many: Customer
) -> None:
    slug = with_many.session.get_one(Organisation, with_many.organisation_id).slug
    with migration.exceptions(engine, slug) as (counts, users):
        assert counts == {"no_match": MANY}
        lines = migration.exception_lines("exceptions", "ORG", counts, users)
    assert len(lines) < 30
    assert "49,980 more" in lines[-1]
    file = io.StringIO()
    with migration.exceptions(engine, slug) as (_, users):
        assert migration.write_csv(users, file) == MANY
    file.seek(0)
    assert {row["name"] for row in islice(csv.DictReader(file), 100)} == {"'=1+1"}
    assert with_many.move() == 1, "the others keep their way in, and one still moves"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t=", "\r\n=", " =", "  @"])
def test_no_cell_is_a_formula(first: str) -> None:
    assert migration.safe_cell(f"{first}cmd|' /C calc'!A0").startswith("'")


@pytest.mark.parametrize(
    "plain", ["", "anna+pulse@acme.example", "O'Hara", "a=b", "Müller-Lüdenscheidt"]
)
def test_other_cells_stay_as_they_are(plain: str) -> None:
    assert migration.safe_cell(plain) == plain
