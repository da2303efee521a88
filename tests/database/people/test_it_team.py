"""What the IT team is on record with: that it is ready, and when its users may move."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from contracts import rules
from contracts.go_live import GoLiveStage, Progress, Refusal, Wait
from contracts.records import Position
from database.go_live import positions, records
from database.links import renewal
from database.mail import digests
from database.models import (
    Contact,
    GoLive,
    Mail,
    Organisation,
    OutboxEntry,
    PersonalLink,
    Preference,
    Staff,
)
from database.people import it_team
from wording import sentences

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
    )
    session.add(found)
    session.flush()
    return found


def test_an_acknowledgement_that_was_refused_counts_nowhere(
    session: Session, go_live: GoLive
) -> None:
    tried = records.write_audit(session, AT, "dana", "acknowledge_it", go_live=go_live)
    assert records.acknowledged_at(session, go_live.id) == AT
    records.write_audit(
        session, AT, "dana", "order_refused", go_live=go_live, subject=f"order:{tried}"
    )
    assert records.acknowledged_at(session, go_live.id) is None
    assert digests.news_of(session, [go_live.id], AT - timedelta(days=1), AT) == {}


def test_a_chosen_date_is_kept_in_utc_and_none_keeps_what_there_is(
    session: Session, go_live: GoLive
) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    it_team.record_move_date(session, go_live.id, datetime(2026, 12, 31, 9, 0, tzinfo=east))
    it_team.record_acknowledgement(session, go_live.id, "contact:1", None, AT)
    assert go_live.move_at == datetime(2026, 12, 31, 3, 30, tzinfo=UTC)
    assert go_live.move_at.utcoffset() == timedelta()


HOUR = timedelta(hours=1)
MOST = 3


def facts_of(session: Session) -> list[tuple[str, str | None]]:
    session.flush()
    entries = session.exec(select(OutboxEntry).order_by(col(OutboxEntry.id)))
    return [(entry.argument["by"], entry.argument["move_at"]) for entry in entries]


def test_only_what_changes_something_is_written_and_the_newest_pending_fact_stands_alone(
    session: Session, go_live: GoLive
) -> None:
    ira, otto = uuid4(), uuid4()

    def say(who: UUID, date: datetime | None) -> bool:
        heard = it_team.acknowledge(session, go_live.id, who, date, AT, most_a_day=99)
        return heard is not None

    first, other = AT + timedelta(days=9), AT + timedelta(days=12)
    assert say(ira, None)
    assert not say(ira, None)
    assert not say(otto, None), "the team has said it"
    assert facts_of(session) == [(f"contact:{ira}", None)]
    assert say(otto, first)
    assert not say(ira, first)
    assert not say(ira, first + timedelta(seconds=59)), "the form knows no seconds"
    assert not say(ira, first.astimezone(timezone(timedelta(hours=9))))
    assert say(ira, other)
    assert facts_of(session) == [(f"contact:{ira}", f"{other:%Y-%m-%dT%H:%M:%S}Z")]
    # Customer success changes it, and the team changes it back.
    it_team.record_move_date(session, go_live.id, first)
    assert not say(ira, first)
    assert say(ira, other)
    assert go_live.move_at == other


def test_a_date_can_be_changed_so_often_within_any_day(session: Session, go_live: GoLive) -> None:
    ira = uuid4()

    def say(hours: int, date: datetime) -> None:
        it_team.acknowledge(session, go_live.id, ira, date, AT + hours * HOUR, most_a_day=MOST)

    dates = [AT + timedelta(days=number) for number in range(10, 20)]
    for hours in (0, 5, 10):
        say(hours, dates[hours // 5 + 4])
    with pytest.raises(it_team.TooManyDatesError) as refused:
        say(23, dates[8])
    assert refused.value.again_at == AT + 24 * HOUR
    say(23, dates[6])  # It is the one that stands.
    say(24, dates[8])
    with pytest.raises(it_team.TooManyDatesError) as refused:
        say(25, dates[9])
    assert refused.value.again_at == AT + 29 * HOUR
    assert go_live.move_at == dates[8]


def test_the_people_of_a_go_live_ask_for_so_many_links_within_a_day(
    session: Session, go_live: GoLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_MAILS_REQUESTED_A_DAY", 4)
    theirs = [_link(session, go_live, name) for name in ("ann", "bob", "cid")]

    def ask(link: PersonalLink, at: datetime, by: str = "") -> bool:
        renewed = renewal.renew(session, link, go_live, at, by=by)
        session.flush()
        session.execute(text("UPDATE golive.mail SET state = 'sent'"))
        session.expire_all()
        return renewed is not None

    asked = [ask(link, AT) for link in (*theirs, *theirs)]
    assert asked == [True] * 4 + [False] * 2
    assert ask(theirs[2], AT, by="dana"), "customer success sends it again"
    assert ask(theirs[2], AT + 25 * HOUR)


def test_a_run_hears_of_so_many_consents_within_a_day(
    session: Session, go_live: GoLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MOST_REPORTS_OF_ACCOUNT", 2)
    monkeypatch.setattr(records, "MOST_REPORTS", 5)

    def tell(who: str, at: datetime) -> bool:
        may = records.may_report_consent(session, go_live.id, who, at)
        if may:
            action = records.CONSENT_REPORTED
            records.write_audit(session, at, "system", action, go_live=go_live, subject=who)
        return may

    assert [tell("evidence:1", AT) for _ in range(3)] == [True, True, False]
    assert [tell(f"evidence:{number}", AT) for number in range(2, 7)] == [True] * 3 + [False] * 2
    assert tell("evidence:6", AT + 25 * HOUR)


def test_a_link_that_waits_to_be_sent_is_asked_for_once_a_day(
    session: Session, go_live: GoLive
) -> None:
    link = _link(session, go_live, "ann")
    told = [
        renewed.entry is not None
        for hours in (0, 1, 23, 25, 26)
        if (renewed := renewal.renew(session, link, go_live, AT + hours * HOUR))
    ]
    assert told == [True, False, False, True, False]
    session.flush()
    states = session.exec(select(Mail.state).order_by(col(Mail.due_at))).all()
    assert states == ["withdrawn", "queued"]


def _link(session: Session, go_live: GoLive, name: str, purpose: str = "setup") -> PersonalLink:
    contact = Contact(
        organisation_id=go_live.organisation_id,
        position=1,
        name=name,
        address=f"{name}@acme.test",
        address_key=f"{name}@acme.test",
    )
    session.add(contact)
    session.flush()
    link = PersonalLink(
        go_live_id=go_live.id, purpose=purpose, contact_id=contact.id, expires_at=AT
    )
    session.add(link)
    session.flush()
    return link


@pytest.mark.parametrize("wait", [Wait.IT_ACKNOWLEDGEMENT, Wait.ADMIN_CONSENT])
@pytest.mark.parametrize("purpose", ["setup", "consent"])
def test_a_deadline_that_moves_takes_the_links_with_it(
    session: Session, go_live: GoLive, wait: Wait, purpose: str
) -> None:
    link = _link(session, go_live, "tom", purpose)
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
    assert sentences.whom(declined) == "customer success"
    assert sentences.by_itself(declined).startswith(
        "No reminder goes out; without a consent it ends"
    )
    assert "Reminders" not in sentences.sentences(declined)
