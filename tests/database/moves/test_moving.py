"""Moving on sets: one class each, one identity each, each step idempotent, all the way back."""

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session

from contracts.addresses import address_key
from contracts.directory import ExceptionReason, Wave
from database.engine import open_sessions
from database.models import DirectoryLink, ExceptionDecision
from database.moves import plans, waves
from tests.bounds import LONGEST_WAIT
from tests.database.customers import (
    AT,
    MOVE_CLASSES,
    Customer,
    account,
    customer,
    move_once,
    with_users,
)

MOST_EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "12"))
DOMAINS = ("acme.example", "other.example")
_addresses = st.builds(
    lambda name, domain: f"{name}@{domain}",
    st.sampled_from(["a", "b", "c", "A", "ß", "ss", "d+e", "info", "é", "e\u0301"]),
    st.sampled_from(DOMAINS),
)
_objects = st.sampled_from([UUID(int=number) for number in range(1, 7)])
_accounts = st.lists(
    st.fixed_dictionaries(
        {
            "id": _objects.map(str),
            "userPrincipalName": _addresses,
            "mail": st.none() | _addresses,
            "proxyAddresses": st.lists(
                st.builds(str.__add__, st.sampled_from(["smtp:", "SMTP:", "x500:"]), _addresses),
                max_size=2,
            ),
            "userType": st.sampled_from(["Member", "Member", "Guest"]),
            "accountEnabled": st.sampled_from([True, True, False]),
        }
    ),
    max_size=8,
)
_users = st.lists(
    st.fixed_dictionaries(
        {
            "address": _addresses,
            "status": st.sampled_from(["active", "active", "invited", "deactivated"]),
            "sign_in_method": st.sampled_from(["password", "sso"]),
            "group_name": st.sampled_from(["", "", "pilot"]),
            "password_until": st.sampled_from([None, AT]),
            "first_sso_sign_in_at": st.sampled_from([None, AT - timedelta(days=9)]),
            "link": st.none() | _objects,
            "decision": st.none() | st.tuples(st.sampled_from(["link", "exclude"]), _objects),
        }
    ),
    max_size=10,
    unique_by=lambda user: address_key(user["address"]),
)

TABLES = {
    "users": "SELECT * FROM pulse.app_user WHERE organisation_id = :o ORDER BY id",
    "links": "SELECT l.* FROM golive.directory_link l JOIN pulse.app_user u ON u.id = l.user_id "
    "WHERE u.organisation_id = :o ORDER BY 1",
}
LEDGER = {
    **TABLES,
    # Planning again gives exceptions other positions, which nobody asks for.
    "moves": "SELECT to_jsonb(m) - 'position' FROM golive.user_move m WHERE go_live_id = :g "
    "ORDER BY user_id",
    "mail": "SELECT message, recipient_id, state FROM golive.mail WHERE go_live_id = :g "
    "ORDER BY 1, 2",
    "sessions": "SELECT s.* FROM pulse.app_session s JOIN pulse.app_user u ON u.id = s.user_id "
    "WHERE u.organisation_id = :o ORDER BY 1",
    "invitations": "SELECT user_id, version, revoked_at FROM golive.personal_link "
    "WHERE go_live_id = :g ORDER BY 1",
}


def picture(customer: Customer, tables: dict[str, str]) -> dict[str, list[Any]]:
    customer.session.flush()
    return {name: customer.rows(statement) for name, statement in tables.items()}


def add_rivals(made: Customer) -> list[dict[str, Any]]:
    """Add two users of one account, one of them decided by a person; return the account."""
    one, other = (made.user(f"rival{number}@{DOMAINS[0]}") for number in (1, 2))
    theirs = account(one.address, proxyAddresses=[f"smtp:{other.address}"])
    made.session.flush()
    made.session.add(
        ExceptionDecision(
            user_id=one.id,
            decision="link",
            object_id=UUID(theirs["id"]),
            decided_by="dana",
            decided_at=AT,
            reason_id=1,
        )
    )
    return [theirs]


def changed(made: Customer) -> int:
    return plans.decisions_changed(
        made.session, made.go_live_id, made.organisation_id, made.tenant_id
    )


def populate(made: Customer, users: list[dict[str, Any]]) -> None:
    """Add users with the links and decisions drawn for them; one identity each."""
    taken: set[UUID] = set()
    for drawn in users:
        values = dict(drawn)
        link, decision = values.pop("link"), values.pop("decision")
        user = made.user(values.pop("address"), **values)
        made.signed_in(user)
        made.session.flush()
        if link is not None and link not in taken:
            taken.add(link)
            made.session.add(
                DirectoryLink(
                    user_id=user.id,
                    tenant_id=made.tenant_id,
                    object_id=link,
                    go_live_id=uuid4(),
                )
            )
        if decision is not None:
            made.session.add(
                ExceptionDecision(
                    user_id=user.id,
                    decision=decision[0],
                    object_id=decision[1] if decision[0] == "link" else None,
                    decided_by="dana",
                    decided_at=AT,
                    reason_id=1,
                )
            )


@settings(
    max_examples=MOST_EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(accounts=_accounts, users=_users, size=st.integers(2, 5))
def test_any_directory_and_any_users_move_once_and_all_the_way_back(
    engine: Engine, accounts: list[dict[str, Any]], users: list[dict[str, Any]], size: int
) -> None:
    with open_sessions(engine)() as session:
        made = customer(session, DOMAINS[0])
        populate(made, users)
        made.stage(accounts + add_rivals(made), page=3)
        plan = made.plan()
        classes = made.classes()
        assert len(classes) == len(users) + 2 == plan.total
        assert set(classes.values()) <= MOVE_CLASSES | {*ExceptionReason}
        assert made.plan().plan_hash == plan.plan_hash, "planning again decides the same"
        before = picture(made, TABLES)

        first = made.move(size, [Wave.FIRST])
        assert first == plan.first_wave
        assert changed(made) == 0, "a wave changes no decision about the others"
        assert first + made.move(size, [Wave.REST]) == plan.movable
        identities = made.rows(
            "SELECT l.tenant_id, l.object_id FROM golive.directory_link l "
            "JOIN pulse.app_user u ON u.id = l.user_id WHERE u.organisation_id = :o"
        )
        assert len(set(identities)) == len(identities)
        after = picture(made, LEDGER)
        assert len(after["mail"]) == plan.movable
        made.move(size)
        assert picture(made, LEDGER) == after, "moving again changes nothing"
        again = made.plan()
        assert (again.movable, again.plan_hash) == (plan.movable, plan.plan_hash)
        made.move(size)
        assert picture(made, LEDGER) == after, "planning again moves nobody twice"

        made.undo(size)
        assert picture(made, TABLES) == before, "undo gives back exactly what was"
        undone = picture(made, LEDGER)
        made.undo(size)
        made.move(size)
        assert picture(made, LEDGER) == undone, (
            "a second undo changes nothing, and nobody moves after it"
        )
        assert made.rows("SELECT users_done FROM golive.go_live WHERE id = :g") == [(0,)]
        session.rollback()


@pytest.fixture
def moved_by_many(engine: Engine) -> Iterator[Customer]:
    """Two thousand users, committed, so that several connections can move them."""
    with open_sessions(engine)() as session:
        made = customer(session, "many.example")
        accounts = []
        for number in range(2_000):
            address = f"user{number}@many.example"
            made.signed_in(made.user(address, status="invited" if number % 5 == 0 else "active"))
            accounts.append(account(address))
        made.stage(accounts, page=999)
        made.plan()
        session.commit()
        yield made


def test_workers_that_move_the_same_organisation_at_once_do_no_harm(
    engine: Engine, moved_by_many: Customer
) -> None:
    made, start, faults, counts = moved_by_many, threading.Barrier(4), [], []

    def work() -> None:
        try:
            start.wait(LONGEST_WAIT)
            for wave in Wave:
                while True:
                    with open_sessions(engine).begin() as session:
                        named = move_once(session, made, wave, 97)
                    if not named:
                        break
                    counts.append(named)
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_WAIT)
    assert not faults
    assert sum(counts) == 2_000
    for table in ("golive.mail", "golive.directory_link"):
        assert made.rows(f"SELECT count(*) FROM {table} WHERE go_live_id = :g") == [(2_000,)]
    assert made.rows(
        "SELECT count(*), count(DISTINCT subject) FROM golive.audit_entry "
        "WHERE go_live_id = :g AND action = 'user_moved'"
    ) == [(2_000, 2_000)]
    assert made.rows("SELECT users_done FROM golive.go_live WHERE id = :g") == [(2_000,)]
    assert made.rows("SELECT count(*) FROM golive.personal_link WHERE go_live_id = :g") == [(400,)]


def test_an_identity_linked_elsewhere_meanwhile_becomes_an_exception(session: Session) -> None:
    made = customer(session, DOMAINS[0])
    other = customer(session, DOMAINS[0], tenant_id=made.tenant_id, unlisted=DOMAINS[:1])
    anna, ben = made.user(f"anna@{DOMAINS[0]}"), made.user(f"ben@{DOMAINS[0]}")
    accounts = [account(anna.address), account(ben.address)]
    made.stage(accounts)
    made.plan()
    rival = other.user(f"annette@{DOMAINS[0]}")
    session.flush()
    session.add(
        DirectoryLink(
            user_id=rival.id,
            tenant_id=made.tenant_id,
            object_id=UUID(accounts[0]["id"]),
            go_live_id=other.go_live_id,
        )
    )
    session.flush()
    assert changed(made)
    made.move()
    assert made.classes() == {anna.id: "linked_to_another", ben.id: "link"}
    so_far = waves.moved_so_far(session, made.go_live_id)
    assert (so_far.moved, so_far.total, so_far.exceptions) == (1, 1, 1)
    assert made.rows(
        "SELECT users_done, users_total, exceptions FROM golive.go_live WHERE id = :g"
    ) == [(1, 1, 1)]


def test_the_other_of_two_rivals_is_decided_alike_before_and_after_the_first_moved(
    session: Session,
) -> None:
    made = customer(session, DOMAINS[0])
    made.stage(add_rivals(made))
    plan = made.plan()
    assert sorted(made.classes().values()) == ["link", "same_person_twice"]
    assert made.move() == 1
    assert changed(made) == 0
    assert made.plan().plan_hash == plan.plan_hash


def test_a_rival_decided_for_an_account_that_has_moved_already_does_not_get_it(
    session: Session,
) -> None:
    made = customer(session, DOMAINS[0])
    anna = made.user(f"anna@{DOMAINS[0]}")
    theirs = account(anna.address)
    made.stage([theirs])
    made.plan()
    assert made.move() == 1
    ben = made.user(f"ben@{DOMAINS[0]}")
    session.flush()
    session.add(
        ExceptionDecision(
            user_id=ben.id,
            decision="link",
            object_id=UUID(theirs["id"]),
            decided_by="dana",
            decided_at=AT,
            reason_id=1,
        )
    )
    session.flush()
    made.plan()
    assert made.classes() == {anna.id: "link", ben.id: "linked_to_another"}


# --- who moves first ------------------------------------------------------------------------------


def test_somebody_deactivated_after_the_move_stays_out_when_it_is_undone(session: Session) -> None:
    made = with_users(session, ("anna", {}))
    made.plan()
    made.move()
    made.rows(
        "UPDATE pulse.app_user SET status = 'deactivated' WHERE organisation_id = :o RETURNING id"
    )
    made.undo()
    assert made.rows(
        "SELECT status, sign_in_method FROM pulse.app_user WHERE organisation_id = :o"
    ) == [("deactivated", "password")]


def test_excluded_and_deactivated_users_do_not_count_towards_the_threshold(
    session: Session,
) -> None:
    made = with_users(session, ("anna", {"status": "deactivated"}), ("ben", {}))
    made.user(f"ghost@{DOMAINS[0]}")
    plan = made.plan()
    assert (plan.exceptions, plan.unsettled) == (2, 1)
