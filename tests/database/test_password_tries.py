"""Wrong passwords: counted before they are checked, and nobody shuts somebody else out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from contracts import rules
from database.engine import Sessions, open_sessions
from database.people import sign_in
from tests.database.customers import AT
from web.visit import networks_of

ANNA = "anna@acme.example"
HOME = "198.51.100.9"
SECOND = timedelta(seconds=1)


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return open_sessions(engine)


def wrong(session: Session, host: str, times: int, browser: str = "") -> int:
    """Try wrong passwords from an address, and return how many would be checked."""
    tries = sign_in.password_tries(ANNA, networks_of(host), browser)
    return sum(sign_in.begin_try(session, tries, AT) is not None for _ in range(times))


def test_of_twenty_at_once_as_many_are_checked_as_of_twenty_one_after_another(
    sessions: Sessions,
) -> None:
    def one(_: int) -> bool:
        with sessions.begin() as session:
            tries = sign_in.password_tries(ANNA, networks_of(HOME))
            return sign_in.begin_try(session, tries, AT) is not None

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(one, range(20))) == sign_in.MOST_FAILURES


def test_a_right_password_is_no_try(session: Session) -> None:
    tries = sign_in.password_tries(ANNA, networks_of(HOME))
    for _ in range(3 * sign_in.MOST_FAILURES):
        counted = sign_in.begin_try(session, tries, AT)
        assert counted is not None
        sign_in.take_back(session, counted)


def test_whoever_has_a_whole_48_shuts_the_address_out_of_it_alone(session: Session) -> None:
    checked = [wrong(session, f"2001:db8:7:{number * 256:x}::1", 10) for number in range(40)]
    assert sum(checked) == 4 * sign_in.MOST_FAILURES
    assert wrong(session, HOME, 1) == 1
    assert wrong(session, "2001:db8:8::1", 1) == 1


def test_whoever_has_a_whole_32_does_no_more(session: Session) -> None:
    for number in range(60):
        wrong(session, f"2001:db8:{number:x}::1", 10)
    assert wrong(session, HOME, 1) == 1


def test_neighbours_of_an_ipv4_address_are_stopped_together(session: Session) -> None:
    checked = [wrong(session, f"203.0.113.{number}", 10) for number in range(20)]
    assert sum(checked) == 2 * sign_in.MOST_FAILURES
    assert wrong(session, HOME, 1) == 1


def test_a_browser_that_has_been_signed_in_gets_through_what_others_did(session: Session) -> None:
    for number in range(60):
        wrong(session, f"203.{number}.113.1", 10)
    assert wrong(session, HOME, 1) == 0
    assert wrong(session, HOME, 50, browser="its number") == sign_in.MOST_FAILURES
    assert wrong(session, HOME, 1, browser="another number") == 1


def test_right_passwords_make_no_sessions_without_end(session: Session) -> None:
    made = [not sign_in.too_many_log_ins(session, ANNA, AT) for _ in range(150)]
    assert sum(made) == sign_in.MOST_LOG_INS
    assert not sign_in.too_many_log_ins(session, "ben@acme.example", AT)
    later = AT + timedelta(minutes=rules.FAILURE_MINUTES)
    assert not sign_in.too_many_log_ins(session, ANNA, later)


def test_what_is_over_is_deleted(session: Session) -> None:
    old = AT - timedelta(minutes=rules.FAILURE_MINUTES)
    sign_in.record_failure(session, ["old"], old - SECOND)
    sign_in.record_failure(session, ["new"], old)
    user = _user(session)
    ended = AT - timedelta(days=rules.SESSION_KEPT_DAYS, hours=rules.SESSION_HOURS)
    sign_in.open_session(session, user, "old", "password", ended - SECOND)
    sign_in.open_session(session, user, "new", "password", ended)
    session.flush()
    sign_in.purge(session, AT)
    left = text(
        "SELECT count(*) FROM pulse.failed_login UNION ALL SELECT count(*) FROM pulse.app_session"
    )
    assert session.execute(left).scalars().all() == [1, 1]
    assert sign_in.session_of(session, "old", AT) == (None, None)


def _user(session: Session):  # type: ignore[no-untyped-def]
    from tests.database import customers

    user = customers.customer(session).user(f"{uuid4().hex}@acme.example")
    session.flush()
    return user.id
