"""Which tenant the login page leads to, when a later go-live proves another one."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from database.consent import sso_connections
from database.models import ConsentEvidence, DirectoryLink, GoLive, OrganisationDomain
from database.people import sign_in
from tests.database.customers import AT, Customer, customer

LATER = AT + timedelta(days=100)
CONNECTION = "SELECT * FROM golive.sso_connection WHERE organisation_id = :o"
VERIFIED = "SELECT domain FROM golive.verified_domain WHERE organisation_id = :o ORDER BY domain"


@pytest.fixture
def made(session: Session) -> Customer:
    """An organisation whose first go-live has ended and whose second one is open."""
    made = customer(session, "acme.example", "acme.onmicrosoft.example")
    session.add(
        OrganisationDomain(
            domain=f"{made.go_live_id}.example", organisation_id=made.organisation_id
        )
    )
    first = session.get_one(GoLive, made.go_live_id)
    first.outcome, first.closed_at = "live", AT
    session.add(first)
    session.flush()
    second = GoLive(
        organisation_id=made.organisation_id,
        number=2,
        owner_id=first.owner_id,
        started_at=LATER,
        since=LATER,
    )
    session.add(second)
    session.flush()
    return made


def second_go_live(made: Customer) -> UUID:
    ((go_live_id,),) = made.rows(
        "SELECT id FROM golive.go_live WHERE organisation_id = :o AND number = 2"
    )
    return UUID(str(go_live_id))


def connect(made: Customer, tenant_id: UUID) -> None:
    evidence = ConsentEvidence(
        go_live_id=second_go_live(made),
        tenant_id=tenant_id,
        administrator_object_id=uuid4(),
        checked_at=LATER,
        grant_was_absent=True,
    )
    made.session.add(evidence)
    made.session.flush()
    sso_connections.connect_tenant(
        made.session, evidence.go_live_id, tenant_id, ("other.example",), LATER
    )
    made.session.flush()


def picture(made: Customer) -> list[Any]:
    made.session.flush()
    way = sign_in.way_in(made.session, f"kim@{made.go_live_id}.example")
    return [made.rows(CONNECTION), made.rows(VERIFIED), way]


@pytest.mark.parametrize("same", [False, True], ids=["another tenant", "the same tenant"])
def test_rolling_back_gives_the_connection_of_an_earlier_go_live_back(
    session: Session, made: Customer, *, same: bool
) -> None:
    before = picture(made)
    sso_connections.offer_sso(session, second_go_live(made), LATER)
    tenant_id = made.tenant_id if same else uuid4()
    connect(made, tenant_id)
    connect_again = picture(made)
    assert connect_again[2].tenant_id == tenant_id
    assert connect_again[1] == [("other.example",)]
    for _ in range(2):
        sso_connections.withdraw_sso(session, second_go_live(made), LATER)
        session.expire_all()
        assert picture(made) == before


def test_a_first_go_live_leaves_no_connection_behind(session: Session, made: Customer) -> None:
    made.rows(CONNECTION.replace("SELECT *", "DELETE") + " RETURNING tenant_id")
    made.rows(VERIFIED.replace("SELECT domain", "DELETE").split(" ORDER")[0] + " RETURNING domain")
    session.expire_all()
    before = picture(made)
    connect(made, uuid4())
    sso_connections.withdraw_sso(session, second_go_live(made), LATER)
    assert picture(made) == before
    assert before[2].tenant_id is None


@pytest.mark.parametrize(
    ("status", "method", "refused"),
    [
        ("active", "sso", True),
        ("invited", "sso", True),
        ("deactivated", "sso", False),
        ("active", "password", False),
    ],
)
def test_another_tenant_is_refused_while_somebody_signs_in_with_the_first(
    session: Session, made: Customer, *, status: str, method: str, refused: bool
) -> None:
    kim = made.user("kim@acme.example", status=status, sign_in_method=method)
    session.flush()
    session.add(
        DirectoryLink(
            user_id=kim.id,
            tenant_id=made.tenant_id,
            object_id=uuid4(),
            go_live_id=made.go_live_id,
        )
    )
    before = picture(made)
    if refused:
        with pytest.raises(sso_connections.PeopleElsewhereError):
            connect(made, uuid4())
        assert picture(made) == before
        connect(made, made.tenant_id)
    else:
        connect(made, uuid4())
        assert picture(made) != before
