"""Whoever may be the administrator is no proof that others can sign in."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlmodel import Session

from database.consent import authorization_requests, sso_connections
from database.go_live import records
from database.models import ConsentEvidence, SsoConnection, UserMove
from database.moves import waves
from database.people import sign_in
from tests.database.customers import AT, Customer, customer


def _evidence(made: Customer, minutes: int, *, absent: bool = True) -> ConsentEvidence:
    evidence = ConsentEvidence(
        go_live_id=made.go_live_id,
        tenant_id=made.tenant_id,
        administrator_object_id=uuid4(),
        checked_at=AT + timedelta(minutes=minutes),
        grant_was_absent=absent,
        by_valid_link=not absent,
    )
    made.session.add(evidence)
    made.session.flush()
    return evidence


def _signed_in(made: Customer, object_id: UUID, address: str) -> None:
    user = made.user(address, first_sso_sign_in_at=AT)
    made.session.flush()
    made.session.add(
        UserMove(
            go_live_id=made.go_live_id,
            user_id=user.id,
            position=made.rows("SELECT count(*) FROM golive.user_move")[0][0],
            move_class="link",
            wave="first",
            object_id=object_id,
            prior_sign_in_method="password",
            prior_status="active",
            moved_at=AT,
        )
    )
    made.session.flush()


def test_the_administrator_is_who_came_last_before_the_grant_was_there(session: Session) -> None:
    made = customer(session, "acme.example")
    made.rows("DELETE FROM golive.sso_connection WHERE go_live_id = :g RETURNING 1")
    session.expire_all()
    _, later, by_link = (
        _evidence(made, 1),
        _evidence(made, 5),
        _evidence(made, 9, absent=False),
    )
    _connect(made)
    connection = session.get_one(SsoConnection, made.organisation_id)
    assert connection.administrator_object_id == later.administrator_object_id
    assert connection.administrator_object_id != by_link.administrator_object_id


def test_nobody_is_the_administrator_of_a_grant_that_stood_before(session: Session) -> None:
    made = customer(session, "acme.example")
    made.rows("DELETE FROM golive.sso_connection WHERE go_live_id = :g RETURNING 1")
    session.expire_all()
    _evidence(made, 1, absent=False)
    _connect(made)
    assert session.get_one(SsoConnection, made.organisation_id).administrator_object_id is None


def _connect(made: Customer) -> None:
    sso_connections.connect_tenant(
        made.session, made.go_live_id, made.tenant_id, ("acme.example",), AT + timedelta(minutes=9)
    )
    made.session.flush()


def test_everybody_who_reported_a_consent_counts_as_a_possible_administrator(
    session: Session,
) -> None:
    made = customer(session, "acme.example")
    reported = _evidence(made, 1).administrator_object_id
    _signed_in(made, reported, "anna@acme.example")
    _signed_in(made, made.administrator, "grace@acme.example")
    # What they proved is forgotten after a week, but not while users move.
    authorization_requests.purge_expired(session, AT + timedelta(days=9))
    counted = waves.sign_ins(session, made.go_live_id, made.organisation_id)
    assert (counted.signed_in, counted.by_non_administrator) == (2, 0)
    _signed_in(made, uuid4(), "ben@acme.example")
    counted = waves.sign_ins(session, made.go_live_id, made.organisation_id)
    assert (counted.signed_in, counted.by_non_administrator) == (3, 1)


def test_whose_token_names_a_directory_role_does_not_count(session: Session) -> None:
    made = customer(session, "acme.example")
    account = uuid4()
    _signed_in(made, account, "anna@acme.example")
    (user_id,) = (row[0] for row in made.rows("SELECT user_id FROM golive.user_move"))
    made.rows(
        "INSERT INTO golive.directory_link (user_id, tenant_id, object_id, go_live_id) "
        f"VALUES ('{user_id}', '{made.tenant_id}', '{account}', :g) RETURNING 1"
    )
    for is_administrator in (True, False):
        sign_in.record_sso_sign_in(session, user_id, AT, is_administrator=is_administrator)
        counted = waves.sign_ins(session, made.go_live_id, made.organisation_id)
        assert counted.by_non_administrator == int(not is_administrator)


def test_who_consented_in_an_earlier_go_live_does_not_count(session: Session) -> None:
    made = customer(session, "acme.example")
    before = customer(session, "other.example")
    _signed_in(made, _evidence(before, 1).administrator_object_id, "anna@acme.example")
    counted = waves.sign_ins(session, made.go_live_id, made.organisation_id)
    assert (counted.signed_in, counted.by_non_administrator) == (1, 0)


def test_a_run_hears_of_one_account_ten_times_a_day(session: Session) -> None:
    made = customer(session, "acme.example")
    go_live = records.go_live_by_id(session, made.go_live_id)

    def told(subject: str, hours: int) -> bool:
        at = AT + timedelta(hours=hours)
        if not records.may_report_consent(session, made.go_live_id, subject, at):
            return False
        records.write_audit(
            session, at, "system", records.CONSENT_REPORTED, go_live=go_live, subject=subject
        )
        session.flush()
        return True

    assert [told("one", 0) for _ in range(12)] == [True] * 10 + [False] * 2
    assert told("another", 0)
    assert told("one", 25)
