"""What the ledger makes of a relay's answers: whose address is blamed, and until when."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from contracts import rules
from contracts.notices import Message
from database.engine import Sessions, open_sessions
from database.mail import ledger, mail_facts
from database.mail.ledger import HeldMail
from database.models import Contact, Mail
from tests.database.customers import AT, Customer, customer

MINUTE = timedelta(minutes=1)


class Ledger:
    """A go-live with contacts that are written to."""

    def __init__(self, session: Session) -> None:
        self.session, self.customer = session, customer(session, "acme.example")

    def mail(self, name: str, contact: UUID | None = None) -> Mail:
        if contact is None:
            person = Contact(
                organisation_id=self.customer.organisation_id,
                position=1,
                name="",
                address=f"{name}@acme.example",
                address_key=f"{name}@acme.example",
            )
            self.session.add(person)
            contact = person.id
        row = Mail(
            go_live_id=self.customer.go_live_id,
            message=Message.IT_PACK,
            idempotency_key=uuid4().hex,
            recipient_kind="contact",
            recipient_id=contact,
            due_at=AT,
        )
        self.session.add(row)
        self.session.flush()
        return row

    def taken(self, row: Mail) -> None:
        ledger.mark_sent(self.session, row.id, message_id="<x@y.example>", reply="250", at=AT)

    def held(self, row: Mail) -> HeldMail:
        return HeldMail(row.id, self.session, in_doubt=False)

    def unclear(self, row: Mail, after: timedelta, most: int | None = None) -> bool:
        return ledger.mark_unclear(self.held(row), reply="550 no", at=AT + after, most=most)

    def blamed(self) -> dict[str, bool]:
        """Addresses that refuse our mail -> whether that is unclear."""
        found = mail_facts.refused_addresses(self.session, self.customer.go_live_id, 10)
        return {one.address.partition("@")[0]: one.unclear for one in found}


@pytest.fixture
def kept(session: Session) -> Ledger:
    return Ledger(session)


class TestARefusalThatDoesNotSayWhose:
    def test_is_the_addresses_once_another_was_taken_since(self, kept: Ledger) -> None:
        gone, good = kept.mail("gone"), kept.mail("good")
        assert not kept.unclear(gone, 0 * MINUTE)
        kept.taken(good)
        assert kept.unclear(gone, 1 * MINUTE)
        assert kept.blamed() == {"gone": False}

    def test_is_not_the_addresses_for_what_was_taken_before(self, kept: Ledger) -> None:
        kept.taken(kept.mail("good"))
        late = kept.mail("late")
        assert not kept.unclear(late, 0 * MINUTE)
        assert not kept.unclear(late, 59 * MINUTE)
        kept.taken(late)
        assert kept.blamed() == {}

    def test_ends_after_an_hour_and_leaves_both_open(self, kept: Ledger) -> None:
        alone = kept.mail("alone")
        assert not kept.unclear(alone, 0 * MINUTE)
        assert not kept.unclear(alone, rules.UNCLEAR_REFUSAL - MINUTE)
        assert kept.unclear(alone, rules.UNCLEAR_REFUSAL)
        assert kept.blamed() == {"alone": True}

    def test_that_may_pass_counts_the_attempts_and_never_the_hour(self, kept: Ledger) -> None:
        busy = kept.mail("busy")
        for number in range(30):
            assert not kept.unclear(busy, number * 10 * MINUTE, most=20)
        kept.taken(kept.mail("good"))
        assert kept.unclear(busy, 300 * MINUTE, most=20)

    def test_leaves_a_withdrawn_mail_withdrawn(self, kept: Ledger) -> None:
        row = kept.mail("left")
        kept.session.connection().exec_driver_sql("UPDATE golive.mail SET state = 'withdrawn'")
        assert not kept.unclear(row, 2 * rules.UNCLEAR_REFUSAL)
        assert kept.customer.rows("SELECT state FROM golive.mail WHERE go_live_id = :g") == [
            ("withdrawn",)
        ]


class TestAnAddressThatRefuses:
    def test_is_named_until_a_mail_was_taken_whenever_that_was_due(self, kept: Ledger) -> None:
        first = kept.mail("ira")
        second = kept.mail("ira", first.recipient_id)
        second.due_at = AT - timedelta(days=3)
        kept.session.flush()
        assert ledger.mark_tried(kept.held(first), reply="550 5.1.1 no", most=1)
        assert kept.blamed() == {"ira": False}
        kept.taken(second)
        assert kept.blamed() == {}

    def test_is_not_one_that_was_never_spoken_of(self, kept: Ledger) -> None:
        row = kept.mail("ira")
        for _ in range(100):
            assert not ledger.mark_tried(kept.held(row), reply="554 5.7.1 no", most=None)
        assert ledger.mark_tried(kept.held(row), reply="452 4.2.2 full", most=20) is False
        assert kept.blamed() == {}

    def test_that_is_tried_again_has_all_its_attempts(self, kept: Ledger) -> None:
        row = kept.mail("ira")
        for _ in range(20):
            ledger.mark_tried(kept.held(row), reply="452 4.2.2 full", most=20)
        ledger.requeue_refused(
            kept.session, kept.customer.go_live_id, Message.IT_PACK, row.idempotency_key
        )
        assert not ledger.mark_tried(kept.held(row), reply="452 4.2.2 full", most=20)


def queued(sessions: Sessions) -> Mail:
    with sessions.begin() as session:
        made: Customer = customer(session, "acme.example")
        row = Mail(
            go_live_id=made.go_live_id,
            message=Message.IT_PACK,
            idempotency_key="one",
            recipient_kind="contact",
            recipient_id=uuid4(),
            due_at=AT,
        )
        session.add(row)
    return row


def test_where_connections_are_pooled_a_mail_is_held_all_the_same(engine: Engine) -> None:
    sessions = open_sessions(engine)
    row = queued(sessions)
    with (
        ledger.held_mail(sessions, row.id, pooled=True) as first,
        ledger.held_mail(sessions, row.id, pooled=True) as second,
    ):
        assert first is not None
        assert second is None
        # What is recorded does not wait for the end of the transaction that has the lock.
        with engine.connect() as other:
            marked = text("SELECT in_doubt FROM golive.mail WHERE id = :id")
            assert other.execute(marked, {"id": row.id}).scalar() is True
        ledger.end_attempt(first)
    with ledger.held_mail(sessions, row.id, pooled=True) as again:
        assert again is not None
        assert again.in_doubt is False
        ledger.mark_sent(again.session, row.id, message_id="<x@y.example>", reply="250", at=AT)


def test_a_mail_is_held_by_one_sender_and_by_no_transaction(engine: Engine) -> None:
    sessions = open_sessions(engine)
    row = queued(sessions)
    with ledger.held_mail(sessions, row.id) as first, ledger.held_mail(sessions, row.id) as second:
        assert first is not None
        assert second is None
        with engine.connect() as other:
            open_ones = other.exec_driver_sql(
                "SELECT query FROM pg_stat_activity WHERE state = 'idle in transaction' "
                "AND pid <> pg_backend_pid() AND query LIKE '%%golive.mail%%'"
            ).all()
        assert open_ones == []
        ledger.mark_sent(first.session, row.id, message_id="<x@y.example>", reply="250", at=AT)
    with ledger.held_mail(sessions, row.id) as again:
        assert again is None
