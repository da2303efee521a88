"""However many users there are, no step reads a table once for each of them."""

import pytest
from sqlalchemy import text
from sqlmodel import Session

from contracts.directory import Wave
from database.mail import ledger
from database.moves import plans, staging, waves
from tests.database.customers import AT, account, customer, move_once
from tests.database.query_plans import explained, full_reads, most_rows_read


def test_no_step_of_plan_or_move_scans_a_table_for_each_user(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = customer(session, "acme.example")
    session.execute(
        text(
            "INSERT INTO pulse.app_user (id, organisation_id, address, address_key, display_name, "
            "status, sign_in_method, group_name) SELECT gen_random_uuid(), :o, a, a, '', 'active', "
            "'password', '' FROM (SELECT 'user' || k || '@acme.example' AS a "
            "FROM generate_series(1, 6000) k) named"
        ),
        {"o": made.organisation_id},
    )
    session.execute(
        text(
            "INSERT INTO pulse.app_session (token_sha256, user_id, method, started_at, expires_at) "
            "SELECT id::text, id, 'password', :at, :at FROM pulse.app_user"
        ),
        {"at": AT},
    )
    made.stage([account(f"user{number}@acme.example") for number in range(6_001)], page=999)
    staging.finish_staging(session)
    session.execute(text("ANALYZE pulse.app_user, pulse.app_session"))
    seen = explained(session, monkeypatch)

    def often() -> dict[str, list[tuple[str, int]]]:
        return {
            words: again
            for words, plan in seen.items()
            if (again := [read for read in full_reads(plan) if read[1] > 3])
        }

    made.plan()
    plans.decisions_changed(session, made.go_live_id, made.organisation_id, made.tenant_id)
    assert not often(), "no step of planning reads a table once for each user"
    seen.clear()
    assert move_once(session, made, Wave.FIRST, 500) == 5
    assert move_once(session, made, Wave.REST, 500) == 500
    waves.begin_undo(session, made.go_live_id, AT)
    assert ledger.withdraw_batch(session, made.go_live_id, size=500) == 500
    assert waves.undo_batch(session, made.go_live_id, at=AT, size=500)
    assert len(seen) > 15
    assert not often()
    read = {
        words.split(")\n")[-1].strip()[:70]: most_rows_read(plan) for words, plan in seen.items()
    }
    too_much = {words: rows for words, rows in read.items() if rows > 1_100}
    assert not too_much, "a batch reads its own rows, not the whole table once more"


def test_the_next_mails_are_read_alone_however_many_wait(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = customer(session, "acme.example")
    session.execute(
        text(
            "INSERT INTO golive.mail (id, go_live_id, message, idempotency_key, recipient_kind, "
            "recipient_id, due_at, state, attempts) SELECT gen_random_uuid(), :g, "
            "'sign_in_with_sso', 'first', 'user', gen_random_uuid(), :at, 'queued', 0 "
            "FROM generate_series(1, 6000)"
        ),
        {"g": made.go_live_id, "at": AT},
    )
    session.execute(text("ANALYZE golive.mail"))
    seen = explained(session, monkeypatch)
    chunks = ledger.due_mail(session, made.go_live_id, AT, chunk=100)
    ids = {mail.id for _ in range(3) for mail in next(chunks)}
    assert len(ids) == 300
    assert len(seen) == 2, "the first and the following, each by its own words"
    assert max(most_rows_read(plan) for plan in seen.values()) <= 100
