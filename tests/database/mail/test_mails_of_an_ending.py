"""The mail that ends a go-live: what became of it, to customer success and to the customer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar
from sqlmodel import Session

from activities.mail_content import Branding, GoLiveMail
from contracts.go_live import GoLiveOutcome, Wait
from contracts.links import LinkSigner
from contracts.notices import Audience, Message
from database.consent import sso_connections
from database.go_live import outbox, records
from database.mail import ledger
from database.models import Contact, GoLive, Organisation, Preference, Staff, UserMove
from database.people import contacts
from mail.rendering import RenderedMail, render
from wording.situations import OUTCOMES, WAITS

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
REASON = "They are behind on invoices."
ENDINGS = {
    GoLiveOutcome.NOT_ENTITLED: (Message.CLOSING_NOTICE, "decline_entitlement"),
    GoLiveOutcome.CONSENT_DECLINED: (Message.CLOSING_NOTICE, "close_declined"),
    GoLiveOutcome.CONSENT_EXPIRED: (Message.CLOSING_NOTICE, ""),
    GoLiveOutcome.ROLLED_BACK: (Message.ROLL_BACK_NOTICE, "roll_back"),
    GoLiveOutcome.CANCELLED: (Message.ROLL_BACK_NOTICE, ""),
}
SURROUNDINGS = Branding(
    public_url="https://pulse.example",
    support_address="support@pulse.example",
    client_id="11111111-2222-3333-4444-555555555555",
    sender_address="go-live@pulse.example",
    signer=LinkSigner((b"a key of the test, long enough for a signature",)),
)


@pytest.fixture
def go_live(session: Session) -> GoLive:
    """One that still waits for the consent: a record is closed only after its last mail."""
    owner = Staff(handle="dana", name="Dana", address="dana@us.example", address_key="dana@us")
    one = Organisation(slug="acme", name="Acme")
    session.add_all([owner, one])
    session.flush()
    session.add(Preference(organisation_id=one.id, owner_id=owner.id))
    session.add(
        Contact(
            organisation_id=one.id,
            position=1,
            name="Tom",
            address="tom@acme.test",
            address_key="tom@acme.test",
        )
    )
    found = GoLive(
        organisation_id=one.id,
        owner_id=owner.id,
        number=1,
        stage="admin_consent_awaited",
        wait=Wait.ADMIN_CONSENT,
        due_at=AT,
        since=AT,
        started_at=AT,
    )
    session.add(found)
    session.flush()
    return found


def mails(session: Session, go_live_id: UUID, outcome: GoLiveOutcome) -> dict[str, RenderedMail]:
    """Return what each reader is told of an ending."""
    message = ENDINGS[outcome][0]
    to = ledger.recipients(session, go_live_id, Audience.CUSTOMER_SUCCESS_AND_CONTACTS)
    ledger.queue_mail(session, go_live_id, message, outcome.value, to, at=AT)
    mail = GoLiveMail(session, go_live_id, SURROUNDINGS)
    (due,) = ledger.due_mail(session, go_live_id, AT, only=(message, outcome.value), chunk=2)
    return {one.name: render(one.message, mail.values(one)) for one in due}


@pytest.mark.parametrize("outcome", ENDINGS)
def test_an_ending_is_told_as_it_is_and_its_reason_to_customer_success_only(
    session: Session, go_live: GoLive, outcome: GoLiveOutcome
) -> None:
    order = ENDINGS[outcome][1]
    if order:
        records.write_audit(session, AT, "dana", order, go_live=go_live, reason=REASON)
    told = mails(session, go_live.id, outcome)
    assert told.keys() == {"Dana", "Tom"}
    ours, theirs = told["Dana"], told["Tom"]
    for words in (ours.text, ours.html):
        assert OUTCOMES[outcome] in words
        assert (REASON in words) == bool(order)
        assert "python starter.py start acme" in words
        assert "https://pulse.example/console/acme" in words
        assert "Links in earlier mails" not in words
        assert "looks after this" not in words
    for words in (theirs.text, theirs.html):
        assert (OUTCOMES[outcome] in words) == (ENDINGS[outcome][0] is Message.CLOSING_NOTICE)
        assert REASON not in words
        assert "reason given" not in words
        assert "starter.py" not in words
        assert WAITS[Wait.ADMIN_CONSENT][0] not in words


def entry(mail: GoLiveMail, session: Session, message: Message, key: str, name: str) -> Any:
    """The calendar entry that this person gets with a mail, None without one."""
    (due,) = ledger.due_mail(
        session, mail.facts.go_live_id, AT + timedelta(days=9), only=(message, key), chunk=9
    )
    attachments = next(mail.attachments(one) for one in due if one.name == name)
    return next((Calendar.from_ical(one.content) for one in attachments), None)


def announced(session: Session, go_live: GoLive, key: str, at: datetime) -> tuple[str, int]:
    """Announce a date to the contacts; return its method and number."""
    go_live.move_at = go_live.announced_move_at = at + timedelta(days=7)
    session.add(go_live)
    session.flush()
    to = ledger.recipients(session, go_live.id, Audience.EVERY_CONTACT)
    ledger.queue_mail(session, go_live.id, Message.MOVE_ANNOUNCEMENT, key, to, at=at)
    mail = GoLiveMail(session, go_live.id, SURROUNDINGS)
    found = entry(mail, session, Message.MOVE_ANNOUNCEMENT, key, "Tom")
    (due,) = ledger.due_mail(
        session, go_live.id, at, only=(Message.MOVE_ANNOUNCEMENT, key), chunk=9
    )
    for one in due:
        ledger.mark_sent(session, one.id, message_id="<x@y.example>", reply="250", at=at)
    return found["method"], found.walk("VEVENT")[0]["sequence"]


def test_two_dates_within_a_minute_have_two_numbers(session: Session, go_live: GoLive) -> None:
    assert announced(session, go_live, "first", AT) == ("PUBLISH", 0)
    assert announced(session, go_live, "2", AT + timedelta(seconds=1)) == ("PUBLISH", 1)
    assert announced(session, go_live, "3", AT + timedelta(seconds=2)) == ("PUBLISH", 2)


@pytest.mark.parametrize("outcome", ENDINGS)
def test_an_ending_takes_the_date_out_of_the_calendars_that_have_it(
    session: Session, go_live: GoLive, outcome: GoLiveOutcome
) -> None:
    announced(session, go_live, "first", AT)
    announced(session, go_live, "again", AT + timedelta(seconds=9))
    mails(session, go_live.id, outcome)
    mail = GoLiveMail(session, go_live.id, SURROUNDINGS)
    found = entry(mail, session, ENDINGS[outcome][0], outcome.value, "Tom")
    event = found.walk("VEVENT")[0]
    assert (found["method"], event["sequence"], event["status"]) == ("CANCEL", 2, "CANCELLED")
    assert event["uid"] == f"go-live-{go_live.id}@pulse.example"
    assert entry(mail, session, ENDINGS[outcome][0], outcome.value, "Dana") is None


def test_an_ending_cancels_nothing_that_was_never_announced(
    session: Session, go_live: GoLive
) -> None:
    outcome = GoLiveOutcome.ROLLED_BACK
    mails(session, go_live.id, outcome)
    mail = GoLiveMail(session, go_live.id, SURROUNDINGS)
    assert entry(mail, session, ENDINGS[outcome][0], outcome.value, "Tom") is None


@pytest.mark.parametrize("had_date", [True, False])
def test_a_contact_who_leaves_loses_the_date_if_they_had_it(
    session: Session, go_live: GoLive, had_date: bool
) -> None:
    organisation = session.get_one(Organisation, go_live.organisation_id)
    if had_date:
        announced(session, go_live, "first", AT)
    contacts.name_contact(
        session,
        organisation,
        name="Ira",
        address="ira@acme.test",
        instead_of="tom@acme.test",
        first=False,
        by="dana",
        at=AT,
    )
    pending = [one for one in outbox.pending(session, before=AT) if one.slug == "acme"]
    keys = [
        one.argument["idempotency_key"]
        for one in pending
        if one.argument["message"] == Message.CONTACT_REMOVED
    ]
    assert bool(keys) is had_date
    for key in keys:
        mail = GoLiveMail(session, go_live.id, SURROUNDINGS)
        found = entry(mail, session, Message.CONTACT_REMOVED, key, "Tom")
        assert (found["method"], found.walk("VEVENT")[0]["sequence"]) == ("CANCEL", 1)


NO_LONGER = "The login page no longer offers"
AS_BEFORE = "as it did before this go-live"
NOT_YET = "The login page had not offered"


def told_to_it(session: Session, go_live: GoLive) -> tuple[RenderedMail, str]:
    """Roll back, and return the mail to the IT team and all its words."""
    sso_connections.withdraw_sso(session, go_live.id, AT)
    mail = mails(session, go_live.id, GoLiveOutcome.ROLLED_BACK)["Tom"]
    return mail, f"{mail.subject} {' '.join(mail.text.split())} {mail.html}"


def test_a_roll_back_before_anything_was_done_says_so(session: Session, go_live: GoLive) -> None:
    mail, words = told_to_it(session, go_live)
    assert mail.subject == "Acme: the move to single sign-on was stopped"
    assert words.count("had moved no user") == words.count(NOT_YET) == 2
    assert NO_LONGER not in words
    assert "undone" not in words


def test_a_roll_back_of_what_the_login_page_began_to_offer_says_so(
    session: Session, go_live: GoLive
) -> None:
    sso_connections.offer_sso(session, go_live.id, AT)
    _, words = told_to_it(session, go_live)
    assert words.count(NO_LONGER) == 2
    assert AS_BEFORE not in words


def test_where_people_sign_in_by_an_earlier_go_live_it_is_told_to_leave_the_application(
    session: Session, go_live: GoLive
) -> None:
    session.get_one(Organisation, go_live.organisation_id).sso_offered = True
    sso_connections.offer_sso(session, go_live.id, AT)
    _, words = told_to_it(session, go_live)
    assert words.count(AS_BEFORE) == words.count("leave our application") == 2
    assert NO_LONGER not in words
    assert "choose Delete" not in words


def test_what_was_moved_is_undone_and_only_an_invitation_is_called_one(
    session: Session, go_live: GoLive
) -> None:
    sso_connections.offer_sso(session, go_live.id, AT)
    for number, kind in enumerate(("invite", "already_linked")):
        session.add(
            UserMove(
                go_live_id=go_live.id,
                user_id=uuid4(),
                position=number,
                move_class=kind,
                wave="rest",
                prior_sign_in_method="sso",
                prior_status="active",
                moved_at=AT,
                undone_at=AT,
            )
        )
    session.flush()
    mail, words = told_to_it(session, go_live)
    assert mail.subject == "Acme: the move to single sign-on was undone"
    assert words.count("1 invitation no longer works") == 2
    assert "had moved no user" not in words
