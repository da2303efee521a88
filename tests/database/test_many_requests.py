"""However many browsers were sent to Microsoft, one of them is found by an index."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlmodel import Session

from database.consent import authorization_requests
from tests.database.customers import AT
from tests.database.query_plans import nodes

REQUESTS = 20_000


@pytest.fixture
def many(session: Session) -> Session:
    session.execute(
        text(
            """
            INSERT INTO golive.authorization_request
                (state_sha256, purpose, browser_sha256, flow, expires_at, used_at,
                 grant_was_absent)
            SELECT 'state' || n, 'sign_in', 'browser' || n, '{}', :at, :at, false
            FROM generate_series(1, :requests) n
            """
        ),
        {"at": AT, "requests": REQUESTS},
    )
    session.execute(text("ANALYZE golive.authorization_request"))
    return session


def test_no_question_about_a_browser_reads_the_whole_table(
    many: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = many.connection().engine.dialect  # compiled as PostgreSQL sees it

    def explain(statement, *_, **__):  # type: ignore[no-untyped-def]
        words = str(statement.compile(dialect=ask, compile_kwargs={"literal_binds": True}))
        (plan,) = many.execute(text(f"EXPLAIN (FORMAT JSON) {words}".replace(":", r"\:"))).scalars()
        for node in nodes(plan[0]["Plan"]):
            if node.get("Relation Name") == "authorization_request":
                asked.append(node["Node Type"])
        return many.execute(statement).scalars()

    monkeypatch.setattr(many, "exec", explain)
    for question in (
        authorization_requests.newest_consent,
        authorization_requests.newest_sign_in,
        authorization_requests.organisation_of_consent,
    ):
        question(many, "somebody")
    authorization_requests.open_consent(many, "somebody", AT)
    authorization_requests.left_without_grant(many, "somebody", uuid4())
    assert len(asked) >= 5
    assert "Seq Scan" not in asked


def test_those_that_are_over_are_deleted(many: Session) -> None:
    authorization_requests.purge_expired(many, AT + timedelta(days=2))
    left = many.execute(text("SELECT count(*) FROM golive.authorization_request")).scalar_one()
    assert left == 0
