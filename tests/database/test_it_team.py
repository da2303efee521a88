"""What the IT team is on record with: that it is ready, and when its users may move."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlmodel import Session

from contracts import wording
from contracts.go_live import GoLiveStage, Progress, Refusal, Wait
from contracts.records import Position
from database import digests, it_team, positions, records
from database.models import Contact, GoLive, Organisation, PersonalLink, Preference, Staff

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
WAITING = Progress("acme", 1, GoLiveStage.IT_NOTIFIED, Wait.IT_ACKNOWLEDGEMENT, AT)


@pytest.fixture
def go_live(session: Session) -> GoLive:
    owner = Staff(handle="dana", address="dana@us.example", address_key="dana@us.example")
    one = Organisation(slug="acme", name="Acme")
    session.add_all([owner, one])
    session.flush()
    session.add(Preference(organisation_id=one.id, owner_id=owner.id))
    found = GoLive(
        organisation_id=one.id,
        owner_id=owner.id,
        number=1,
        stage=WAITING.stage,
        wait=WAITING.wait,
        since=AT,
        started_at=AT,
        started_by="dana",
    )
    session.add(found)
    session.flush()
    return found


def test_an_acknowledgement_that_was_refused_counts_nowhere(
    session: Session, go_live: GoLive
) -> None:
    tried = records.write_audit(session, AT, "dana", "acknowledge_it", go_live=go_live)
    assert it_team.acknowledged_at(session, go_live.id) == AT
    records.write_audit(
        session, AT, "dana", "order_refused", go_live=go_live, subject=f"order:{tried}"
    )
    assert it_team.acknowledged_at(session, go_live.id) is None
    assert digests.news_of(session, [go_live.id], AT - timedelta(days=1), AT) == {}


def test_a_chosen_date_is_kept_in_utc_and_none_keeps_what_there_is(
    session: Session, go_live: GoLive
) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    it_team.keep_move_date(session, go_live.id, datetime(2026, 12, 31, 9, 0, tzinfo=east))
    it_team.note_acknowledgement(session, go_live.id, "contact:1", None, AT)
    assert go_live.move_at == datetime(2026, 12, 31, 3, 30, tzinfo=UTC)
    assert go_live.move_at.utcoffset() == timedelta()


@pytest.mark.parametrize("wait", [Wait.IT_ACKNOWLEDGEMENT, Wait.ADMIN_CONSENT])
@pytest.mark.parametrize("purpose", ["setup", "consent"])
def test_a_deadline_that_moves_takes_the_links_with_it(
    session: Session, go_live: GoLive, wait: Wait, purpose: str
) -> None:
    tom = Contact(
        organisation_id=go_live.organisation_id,
        position=1,
        name="Tom",
        address="tom@acme.test",
        address_key="tom@acme.test",
    )
    session.add(tom)
    session.flush()
    link = PersonalLink(go_live_id=go_live.id, purpose=purpose, contact_id=tom.id, expires_at=AT)
    session.add(link)
    session.flush()
    later = AT + timedelta(days=30)
    now = Progress("acme", 1, WAITING.stage, wait, AT, due_at=later)
    positions.record_position(session, go_live.id, Position(str(go_live.id), now, AT))
    session.refresh(link)
    assert link.expires_at == later


def test_a_declined_consent_waits_on_customer_success_and_nobody_is_reminded() -> None:
    declined = Progress(
        "acme",
        1,
        GoLiveStage.ADMIN_CONSENT_AWAITED,
        Wait.ADMIN_CONSENT,
        AT,
        due_at=AT,
        refusal=Refusal.DECLINED,
    )
    assert wording.whom(declined) == "customer success"
    assert wording.by_itself(declined).startswith("No reminder goes out; without a consent it ends")
    assert "Reminders" not in wording.sentences(declined)
