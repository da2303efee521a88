"""What no page states, the database keeps all the same: rules read at the moment they count."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from contracts import rules
from contracts.links import LinkPurpose
from contracts.orders import Role
from contracts.problems import SecondContactRefusal
from database.consent import authorization_requests
from database.links import renewal
from database.mail import digests
from database.models import (
    AppSession,
    AuthorizationRequest,
    ConsentEvidence,
    Contact,
    GoLive,
    Mail,
    OrganisationDomain,
    PersonalLink,
    StaffSession,
)
from database.people import it_team, sign_in, staff
from tests.database import customers
from tests.database.customers import AT, Customer

SECOND = timedelta(seconds=1)


@pytest.fixture
def customer(session: Session) -> Customer:
    return customers.customer(session)


def contact(customer: Customer, number: int) -> Contact:
    address = f"person{number}@acme.example"
    made = Contact(
        organisation_id=customer.organisation_id,
        position=number,
        name="Somebody",
        address=address,
        address_key=address,
    )
    customer.session.add(made)
    customer.session.flush()
    return made


def test_a_session_lives_as_long_as_the_rule_says(
    session: Session, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "SESSION_HOURS", 3)
    monkeypatch.setattr(rules, "STAFF_SESSION_HOURS", 2)
    user = customer.user("anna@acme.example")
    session.flush()
    sign_in.open_session(session, user.id, "token", "password", AT)
    manager_id = session.get_one(GoLive, customer.go_live_id).owner_id
    staff.open_session(
        session, manager_id, "staff", Role.MANAGER, AT, sealed_refresh_token="sealed"
    )
    session.flush()
    theirs = session.exec(select(AppSession).where(AppSession.user_id == user.id)).one()
    ours = session.exec(select(StaffSession).where(StaffSession.staff_id == manager_id)).one()
    assert theirs.expires_at == AT + timedelta(hours=3)
    assert ours.expires_at == AT + timedelta(hours=2)


def test_a_role_is_asked_for_again_as_often_as_the_rules_say(
    session: Session, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "ROLE_CHECK_MINUTES", 4)
    monkeypatch.setattr(rules, "ROLE_CHECK_RETRY_MINUTES", 2)
    monkeypatch.setattr(rules, "UNCHECKED_STAFF_SESSION_MINUTES", 5)
    manager_id = session.get_one(GoLive, customer.go_live_id).owner_id
    staff.open_session(session, manager_id, "t", Role.LEAD, AT, sealed_refresh_token="sealed")
    staff.open_session(session, manager_id, "unchecked", Role.LEAD, AT)
    session.flush()

    def is_due(minutes: int) -> bool:
        found = staff.of_session(session, "t", AT + timedelta(minutes=minutes))
        assert found is not None
        return found.is_check_due

    assert (is_due(3), is_due(4)) == (False, True)
    assert staff.begin_check(session, "t", AT + timedelta(minutes=3)) is None
    assert staff.begin_check(session, "t", AT + timedelta(minutes=4)) == ("sealed", None)
    # Another request goes on meanwhile; without an answer it is asked again.
    assert staff.begin_check(session, "t", AT + timedelta(minutes=4)) is None
    assert (is_due(5), is_due(6)) == (False, True)
    staff.record_role(session, "t", Role.READER, "newer", AT + timedelta(minutes=6))
    session.flush()
    session.expire_all()
    assert (is_due(9), is_due(10)) == (False, True)
    assert staff.begin_check(session, "t", AT + timedelta(minutes=10)) == ("newer", None)
    assert staff.of_session(session, "unchecked", AT + timedelta(minutes=4)) is not None
    assert staff.of_session(session, "unchecked", AT + timedelta(minutes=5)) is None


def test_nobody_works_with_a_lost_role_for_more_than_fifteen_minutes() -> None:
    assert rules.ROLE_CHECK_MINUTES + rules.ROLE_CHECK_RETRY_MINUTES < 15
    assert rules.UNCHECKED_STAFF_SESSION_MINUTES <= 15


def test_an_authorization_request_is_waited_for_and_kept_as_long_as_the_rules_say(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "AUTHORIZATION_REQUEST_MINUTES", 4)
    monkeypatch.setattr(rules, "AUTHORIZATION_REQUEST_KEPT_DAYS", 3)
    authorization_requests.begin(
        session, state="state", browser="browser", purpose="sign_in", at=AT
    )
    session.flush()
    over = AT + timedelta(minutes=4)
    assert session.exec(select(AuthorizationRequest)).one().expires_at == over
    for at, left in ((over + timedelta(days=3), 1), (over + timedelta(days=3) + SECOND, 0)):
        authorization_requests.purge_expired(session, at)
        assert len(session.exec(select(AuthorizationRequest)).all()) == left


def test_what_a_sign_in_proved_counts_as_long_as_the_rule_says(
    session: Session, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "EVIDENCE_DAYS", 2)
    proved = ConsentEvidence(
        go_live_id=customer.go_live_id,
        tenant_id=customer.tenant_id,
        administrator_object_id=uuid4(),
        checked_at=AT,
    )
    session.add(proved)
    session.flush()
    asked = AuthorizationRequest(
        state_sha256="s",
        browser_sha256="b",
        purpose="consent_sign_in",
        expires_at=AT,
        evidence_id=proved.id,
    )
    end = AT + timedelta(days=2)
    assert authorization_requests.evidence_of(session, asked, end - SECOND) is not None
    assert authorization_requests.evidence_of(session, asked, end) is None


def test_a_new_link_lives_and_is_given_as_often_as_the_rules_say(
    session: Session, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LINK_DAYS", 5)
    monkeypatch.setattr(rules, "NEW_LINKS_A_DAY", 1)
    link = PersonalLink(
        go_live_id=customer.go_live_id,
        purpose=LinkPurpose.SETUP,
        contact_id=contact(customer, 1).id,
        expires_at=AT,
    )
    session.add(link)
    session.flush()
    go_live = session.get_one(GoLive, customer.go_live_id)
    go_live.due_at = None
    assert renewal.renew(session, link, go_live, AT) is not None
    assert link.expires_at == AT + timedelta(days=5)
    for mail in session.exec(select(Mail)):
        mail.state = "sent"
        session.add(mail)
    assert renewal.renew(session, link, go_live, AT + timedelta(hours=23)) is None


def test_a_team_names_as_many_contacts_as_the_rule_says(
    session: Session, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_CONTACTS", 2)
    session.add(OrganisationDomain(domain="own.example", organisation_id=customer.organisation_id))
    first = contact(customer, 1)

    def name(address: str) -> SecondContactRefusal | None:
        refused = it_team.name_second_contact(
            session, customer.go_live_id, by=first, name="Ira", address=address, at=AT
        )
        session.expire_all()
        return refused

    assert name("ira@own.example") is None
    assert name("tom@own.example") is SecondContactRefusal.TOO_MANY


def test_a_team_names_contacts_as_often_as_the_rule_says_and_repeats_write_nothing(
    session: Session, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_CONTACT_CHANGES_A_DAY", 3)
    session.add(OrganisationDomain(domain="own.example", organisation_id=customer.organisation_id))
    first = contact(customer, 1)
    named = (
        "SELECT count(*) FROM golive.audit_entry "
        "WHERE go_live_id = :g AND action = 'second_contact_named'"
    )

    def name(person: str, at: datetime = AT) -> SecondContactRefusal | None:
        refused = it_team.name_second_contact(
            session, customer.go_live_id, by=first, name=person, address="ira@own.example", at=at
        )
        session.expire_all()
        return refused

    assert [name("Ira") for _ in range(20)] == [None] * 20
    assert session.execute(text(named), {"g": customer.go_live_id}).scalar_one() == 1
    assert [name(f"Ira {number}") for number in range(2)] == [None] * 2
    too_often = [name(f"Ira {number}") for number in range(2, 20)]
    assert set(too_often) == {SecondContactRefusal.TOO_OFTEN}
    assert session.execute(text(named), {"g": customer.go_live_id}).scalar_one() == 3
    assert name("Ira Tee", AT + timedelta(days=1)) is None


def test_a_failure_counts_as_long_as_the_rule_says(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "FAILURE_MINUTES", 2)
    sign_in.record_failure(session, ["somebody"], AT)
    session.flush()
    end = AT + timedelta(minutes=2)
    assert sign_in.too_many_failures(session, {"somebody": 1}, end - SECOND)
    assert not sign_in.too_many_failures(session, {"somebody": 1}, end)


def test_a_first_digest_looks_back_as_far_as_the_rule_says(
    session: Session, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "DIGEST_LOOKS_BACK", timedelta(days=9))
    owner_id = session.get_one(GoLive, customer.go_live_id).owner_id
    manager = next(one for one in digests.managers(session, AT) if one.id == owner_id)
    assert digests.last_digest(session, manager, AT.date(), AT) == AT - timedelta(days=9)


def test_as_many_go_first_as_the_rule_says(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "FIRST_WAVE_SIZE", 2)
    made = customers.with_users(session, *((f"user{number}", {}) for number in range(4)))
    assert made.plan().first_wave == 2
