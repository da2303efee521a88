"""Every order that names an address refuses one that nobody could type, before it looks it up."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from sqlmodel import Session
from temporalio.client import Client

from commands import erasure, user_decisions
from commands.errors import UsageError
from commands.people_in_charge import PeopleInCharge
from contracts.addresses import address_problem
from contracts.problems import Problem
from database.engine import open_engine
from database.models import Organisation
from wording import setup_page, shell

NOBODY_THERE = open_engine("postgresql+psycopg://nobody@127.0.0.1:9/none")
UNSEEN = "ir\u200ba@acme.example"
PEOPLE = PeopleInCharge(NOBODY_THERE, cast("Client", None), "dana")
ORDERS: dict[str, Callable[[], Any]] = {
    "contact": lambda: asyncio.run(PEOPLE.name_contact("acme", f"Ira Tee <{UNSEEN}>")),
    "contact instead of": lambda: asyncio.run(
        PEOPLE.name_contact("acme", "ira@acme.example", instead_of=UNSEEN)
    ),
    "remove-contact": lambda: asyncio.run(PEOPLE.remove_contact("acme", UNSEEN)),
    "forget": lambda: erasure.erase_people(NOBODY_THERE, "acme", UNSEEN, "dana", "asked"),
    "link, exclude and relink": lambda: user_decisions._user(Session(), Organisation(), UNSEEN),
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_letter_that_nobody_sees_is_named(order: str) -> None:
    with pytest.raises(UsageError) as refused:
        ORDERS[order]()
    assert refused.value.problem is Problem.ADDRESS_AT_FAULT
    said = refused.value.words(shell.said_of)
    assert "cannot be seen (U+200B ZERO WIDTH SPACE) as letter 3" in said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (UNSEEN, "cannot be seen (U+200B ZERO WIDTH SPACE) as letter 3"),
        ("ira@acme_foods.example", "has '_' as letter 9"),
        ("ira", "This is not a complete e-mail address."),
    ],
)
def test_the_set_up_page_says_it_too(address: str, said: str) -> None:
    problem = address_problem(address)
    assert problem is not None
    assert said in setup_page.address_at_fault(problem)
