"""What is over is deleted, and a process that lacks the key that signs says so."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from contracts import rules
from contracts.links import LinkSigner
from contracts.orders import Role
from database.consent import authorization_requests
from database.engine import Sessions, open_sessions
from database.go_live import repeated_events
from database.links import signing_keys
from database.models import FileImport
from database.people import file_imports, sign_in, staff
from tests.database.customers import AT
from web.outbox_relay import keep_house

LATER = AT + timedelta(days=rules.SESSION_KEPT_DAYS + 2)
TABLES = (
    "pulse.failed_login",
    "golive.authorization_request",
    "golive.staff_session",
    "golive.repeated_event",
    "golive.file_import",
    "golive.signing_key",
)


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return open_sessions(engine)


def dependencies(sessions: Sessions, *keys: bytes) -> Any:
    return SimpleNamespace(sessions=sessions, signer=LinkSigner(keys or (b"k" * 32,)))


def rows(sessions: Sessions, table: str) -> int:
    with sessions.begin() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_one_round_deletes_all_that_is_over(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO golive.staff (id, handle, address, address_key, name) "
                "VALUES (:id, 'omar', 'omar@us.example', 'omar@us.example', 'Omar')"
            ),
            {"id": (omar := uuid4())},
        )
        sign_in.record_failure(session, ["somebody"], AT)
        staff.open_session(session, omar, "token", Role.MANAGER, AT)
        authorization_requests.begin(
            session, state="state", browser="browser", purpose="console", at=AT
        )
        repeated_events.write_repeated(session, AT, "console_refused", network="203.0.113.7")
        file_imports.record(session, uploaded(0))
    for table in TABLES[:-1]:
        assert rows(sessions, table) == 1, table
    keep_house(dependencies(sessions), LATER)
    for table in TABLES[:-1]:
        assert rows(sessions, table) == 0, table


def test_of_uploads_that_wait_the_newest_stay(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for minute in range(rules.MOST_WAITING_UPLOADS + 3):
            file_imports.record(session, uploaded(minute))
    keep_house(dependencies(sessions), AT + timedelta(hours=1))
    with sessions.begin() as session:
        oldest = session.execute(text("SELECT min(uploaded_at) FROM golive.file_import")).scalar()
    assert rows(sessions, "golive.file_import") == rules.MOST_WAITING_UPLOADS
    assert oldest == AT + timedelta(minutes=3)


def uploaded(minute: int) -> FileImport:
    return FileImport(
        organisations_name="organisations.csv",
        users_name="users.csv",
        uploaded_by="omar",
        uploaded_at=AT + timedelta(minutes=minute),
        organisations=b"",
        users=b"",
    )


def test_a_process_that_lacks_the_key_that_signs_says_so(
    sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    with sessions.begin() as session:
        signing_keys.record(session, LinkSigner((b"n" * 32,)), AT)
    keep_house(dependencies(sessions, b"n" * 32, b"o" * 32), LATER)
    assert _logged(caplog) == []
    keep_house(dependencies(sessions, b"o" * 32), LATER)
    (line,) = _logged(caplog)
    assert "lacks the key that signs" in line


def _logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What housekeeping has logged; threads of earlier tests may still log, too."""
    return [one.getMessage() for one in caplog.records if one.name == "web.outbox_relay"]
