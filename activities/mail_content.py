"""What each mail says about a go-live: facts of the database, in its reader's words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from contracts.directory import ExceptionReason
from contracts.go_live import GoLiveOutcome, Refusal, Wait
from contracts.links import LinkPurpose, LinkSigner
from contracts.notices import Message, RecipientKind
from database.mail import mail_facts
from database.mail.ledger import OF_ACCOUNTS, QueuedMail
from database.mail.mail_facts import GoLiveFacts
from graph.permissions import APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS
from mail.calendar import CalendarEvent, Method, Person, calendar_attachment
from mail.outgoing import Attachment
from mail.rendering import RenderedMail, render
from wording import mails, sentences
from wording.permissions import WHY
from wording.refusals import REFUSALS
from wording.situations import OUTCOMES, WAITS

Values = dict[str, object]

_PERMISSIONS = [
    {"name": permission.name, "why": WHY[permission.name]}
    for permission in (*DELEGATED_PERMISSIONS, *APPLICATION_PERMISSIONS)
]
_ENDINGS = {Message.CLOSING_NOTICE, Message.ROLL_BACK_NOTICE}
_TAKES_THE_DATE_BACK = {*_ENDINGS, Message.CONTACT_REMOVED}
_ENDED_BY = {
    GoLiveOutcome.NOT_ENTITLED: "decline_entitlement",
    GoLiveOutcome.CONSENT_DECLINED: "close_declined",
    GoLiveOutcome.ROLLED_BACK: "roll_back",
}
"""The order that leads to an outcome, where a person's order does."""
PACK_FILE = "microsoft-sso-go-live.pdf"


@dataclass(frozen=True)
class Branding:
    """What every mail says about us, the same for every organisation."""

    public_url: str
    support_address: str
    client_id: str
    sender_address: str
    signer: LinkSigner
    product_name: str = "Clientshare Pulse"

    def link_url(self, purpose: LinkPurpose, link_id: UUID, version: int) -> str:
        """Return the address of a personal link."""
        return f"{self.public_url}/{purpose}/{self.signer.token(purpose, link_id, version)}"


class GoLiveMail:
    """The values of every mail of one go-live; it reads the facts once, not once per mail."""

    def __init__(self, session: Session, go_live_id: UUID, branding: Branding) -> None:
        """Read the facts."""
        self._session = session
        self._branding = branding
        self.facts: GoLiveFacts = mail_facts.facts(session, go_live_id)
        self._of_message: dict[Message, Values] = {}

    def values(self, mail: QueuedMail) -> Values:
        """Return everything the mail's templates need."""
        if mail.message not in self._of_message:
            self._of_message[mail.message] = self._common() | _OF_MESSAGE.get(
                mail.message, _nothing
            )(self)
        link_id, purpose, version = mail.link_id, mail.link_purpose, mail.link_version
        values = self._of_message[mail.message] | {
            "recipient_name": mail.name,
            "recipient_address": mail.address,
            "password_until": self._day(mail.password_until),
        }
        if link_id and purpose and version:
            values["link"] = self._branding.link_url(purpose, link_id, version)
            values["link_expires"] = self._day(mail.link_expires_at)
        elif mail.recipient_kind == RecipientKind.STAFF:
            values["link"] = f"{self._branding.public_url}/console/{self.facts.slug}"
        if mail.message in _ENDINGS:
            values |= self._ending(mail)
        if mail.message in OF_ACCOUNTS:
            values |= self._replaced_account(mail)
        if mail.message is Message.IT_PACK:
            values["consent_link"] = self._consent_link(mail.recipient_id)
        return values

    def _common(self) -> Values:
        facts, branding = self.facts, self._branding
        return {
            "organisation_name": facts.organisation_name,
            "organisation_slug": facts.slug,
            "owner_name": facts.owner_name,
            "owner_address": facts.owner_address,
            "support_address": branding.support_address,
            "product_name": branding.product_name,
            "login_url": f"{branding.public_url}/login",
            "link": "",
            "link_expires": "",
            "deadline": self._day(facts.progress.due_at),
            "waiting_since": self._day(facts.progress.since),
        }

    def _consent_link(self, contact_id: UUID) -> str:
        link = mail_facts.link_of_contact(
            self._session, self.facts.go_live_id, LinkPurpose.CONSENT, contact_id
        )
        return self._branding.link_url(LinkPurpose.CONSENT, link.id, link.version) if link else ""

    # --- per message -------------------------------------------------------------------------

    def it_pack(self) -> Values:
        """Return who we are, what we ask, and which mail comes from us."""
        address = self._branding.sender_address
        return {
            "permissions": _PERMISSIONS,
            "go_live_at": self._moment(self.facts.moves_at(self.facts.progress.since)),
            "sender_address": address,
            "sender_domain": address.rpartition("@")[2],
        }

    def consent_request(self) -> Values:
        """Return what we ask the administrator for."""
        return {"permissions": _PERMISSIONS}

    def entitlement(self) -> Values:
        """Return why we ask."""
        return {"reason": WAITS[Wait.ENTITLEMENT][0]}

    def consent_escalation(self) -> Values:
        """Return whom to call."""
        contacts = mail_facts.contacts_of(self._session, self.facts.organisation_id)
        return {
            "reminders_sent": mail_facts.reminders_sent(
                self._session, self.facts.go_live_id, Message.CONSENT_REMINDER
            ),
            "contacts": [
                {"name": contact.name, "address": contact.address} for contact in contacts
            ],
        }

    def consent_declined(self) -> Values:
        """Return what the person did on Microsoft's form."""
        refusal = self.facts.progress.refusal or Refusal.DECLINED
        return {
            "reason": REFUSALS[refusal].happened,
            "declined_at": self._moment(self.facts.progress.since),
        }

    def consent_trouble(self) -> Values:
        """Return why the consent was not accepted, and who must do what."""
        progress = self.facts.progress
        advice = REFUSALS.get(progress.refusal) if progress.refusal else None
        if advice is None or progress.attention is not None:
            return {"happened": sentences.happened(progress), "to_do": sentences.to_do(progress)}
        return {"happened": advice.happened, "to_do": advice.to_do}

    def move_announcement(self) -> Values:
        """Return when users move."""
        return {
            "move_at": self._moment(self.facts.move_at),
            "users_total": mail_facts.user_count(self._session, self.facts.organisation_id),
        }

    def pilot_waiting(self) -> Values:
        """Return how many users have moved."""
        return {
            "users_moved": self.facts.progress.users_done,
            "users_total": self.facts.progress.users_total,
            "moved_at": self._moment(self.facts.move_at),
        }

    def approval_needed(self) -> Values:
        """Return what the plan decides."""
        counts = mail_facts.class_counts(self._session, self.facts.go_live_id)
        return {
            "users_to_link": counts.get("link", 0),
            "users_to_invite": counts.get("invite", 0),
            "exception_threshold": mail_facts.exception_threshold(
                self._session, self.facts.organisation_id
            ),
            "plan_hash": (self.facts.progress.plan_hash or "")[:12],
            **self._exceptions(),
        }

    def needs_attention(self) -> Values:
        """Return what failed, and the choices."""
        progress = self.facts.progress
        return {
            "stage": sentences.STAGES[progress.stage],
            "reason": f"{sentences.happened(progress)} {sentences.to_do(progress)}",
            "since": self._moment(self.facts.progress.since),
            "choices": [
                {"what": what, "command": command}
                for what, command in mails.choices(self.facts.slug, may_skip=progress.may_skip)
            ],
        }

    def roll_back_notice(self) -> Values:
        """Return what was undone, and what stays with the customer."""
        counts = mail_facts.class_counts(self._session, self.facts.go_live_id)
        return {
            "rolled_back_at": self._moment(self.facts.progress.since),
            "users_undone": counts["undone"],
            "users_notified": mail_facts.count_undo_mails(self._session, self.facts.go_live_id),
            "invitations_undone": counts["invitations_undone"],
            "login_page": mail_facts.login_page_after_undo(self._session, self.facts.go_live_id),
            "application_id": self._branding.client_id,
        }

    def result(self) -> Values:
        """Return what happened to all users."""
        counts = mail_facts.class_counts(self._session, self.facts.go_live_id)
        return {
            "finished_at": self._moment(self.facts.progress.since),
            "users_linked": counts.get("link", 0) + counts.get("already_linked", 0),
            "users_invited": counts.get("invite", 0),
            "application_id": self._branding.client_id,
            **self._exceptions(),
        }

    def _ending(self, mail: QueuedMail) -> Values:
        """Return how it ended, by the idempotency key: the record is closed only after this mail.

        The reason of an order was written for colleagues, so the customer does not read it.
        """
        outcome = GoLiveOutcome(mail.idempotency_key)
        for_staff = mail.recipient_kind == RecipientKind.STAFF
        order = _ENDED_BY.get(outcome) if for_staff else None
        return {
            "what_happened": OUTCOMES[outcome],
            "for_staff": for_staff,
            "reason": mail_facts.last_reason(self._session, self.facts.go_live_id, order)
            if order
            else "",
        }

    def _replaced_account(self, mail: QueuedMail) -> Values:
        """Return whose account was replaced, and when; who ordered it is said to our own people."""
        entry = int(mail.idempotency_key)
        found = mail_facts.replaced_account(self._session, entry)
        for_staff = mail.recipient_kind == RecipientKind.STAFF
        return {
            "user_name": found.name,
            "user_address": found.address,
            "replaced_at": self._moment(found.at),
            "for_staff": for_staff,
            "ordered_by": found.ordered_by if for_staff else "",
        }

    def _exceptions(self) -> Values:
        counts = mail_facts.class_counts(self._session, self.facts.go_live_id)
        reasons = mail_facts.exception_counts(self._session, self.facts.go_live_id)
        return {
            "users_total": sum(
                counts.get(kind, 0) for kind in ("link", "invite", "already_linked", "exception")
            ),
            "exceptions_total": counts.get("exception", 0),
            "exceptions": [
                {
                    "reason": sentences.EXCEPTIONS[ExceptionReason(reason)].why,
                    "count": users,
                    "next_step": sentences.EXCEPTIONS[ExceptionReason(reason)].next_step,
                }
                for reason, users in reasons
            ],
        }

    def pack(self, mail: QueuedMail) -> RenderedMail:
        """Return the words of the IT pack, for `as_pdf`.

        Raises:
            mail.errors.MissingValueError: one of its links is dead and has no successor yet.
        """
        return render(Message.IT_PACK, self.values(mail))

    def attachments(self, mail: QueuedMail) -> tuple[Attachment, ...]:
        """Return the IT pack's PDF, or the calendar entry of a move; else nothing.

        An announced date is written into a calendar, or moved there; an ending, and the removal of
        a contact, takes it out again.
        """
        if mail.message is Message.IT_PACK:
            return (as_pdf(self.pack(mail), mail.due_at),)
        if mail.message is Message.MOVE_ANNOUNCEMENT and self.facts.move_at is not None:
            key = mail.due_at, mail.idempotency_key
            sequence = mail_facts.announcements(self._session, self.facts.go_live_id, before=key)
            return (self._calendar_entry(mail, self.facts.move_at, sequence, Method.PUBLISH),)
        written = self.facts.announced_move_at or self.facts.move_at
        if mail.message in _TAKES_THE_DATE_BACK and written is not None and self._has_date(mail):
            sequence = mail_facts.announcements(self._session, self.facts.go_live_id)
            return (self._calendar_entry(mail, written, sequence, Method.CANCEL),)
        return ()

    def _has_date(self, mail: QueuedMail) -> bool:
        return mail_facts.was_date_sent(self._session, self.facts.go_live_id, mail.recipient_id)

    def _calendar_entry(
        self, mail: QueuedMail, move_at: datetime, sequence: int, method: Method
    ) -> Attachment:
        """Return the one entry of this go-live; `sequence` rises with each change of it."""
        facts = self.facts
        entry = CalendarEvent(
            uid=f"go-live-{facts.go_live_id}@{self._branding.sender_address.partition('@')[2]}",
            starts_at=move_at,
            ends_at=move_at + timedelta(hours=1),
            written_at=mail.due_at,
            summary=mails.move_in_calendar(facts.organisation_name),
            description=mails.move_described(self._branding.product_name),
            organiser=Person(facts.owner_address, facts.owner_name),
            url=f"{self._branding.public_url}/login",
            sequence=sequence,
        )
        return calendar_attachment(entry, method)

    # --- small things ------------------------------------------------------------------------

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.facts.time_zone))

    def _moment(self, at: datetime | None) -> str:
        return sentences.instant(self._local(at)) if at else ""

    def _day(self, at: datetime | None) -> str:
        return sentences.day(self._local(at)) if at else ""


def as_pdf(pack: RenderedMail, written_at: datetime) -> Attachment:
    """Return the IT pack as a PDF of the same words; it takes a processor for a while."""
    # Imported here: its library takes 0.13 s, which every command would wait for.
    from mail.pdf import pdf_of

    return Attachment(PACK_FILE, "application/pdf", pdf_of(pack, written_at))


def _nothing(_mail: GoLiveMail) -> Values:
    return {}


_OF_MESSAGE: dict[Message, Callable[[GoLiveMail], Values]] = {
    Message.IT_PACK: GoLiveMail.it_pack,
    Message.CONSENT_REQUEST: GoLiveMail.consent_request,
    Message.ENTITLEMENT_QUESTION: GoLiveMail.entitlement,
    Message.ENTITLEMENT_REMINDER: GoLiveMail.entitlement,
    Message.CONSENT_ESCALATION: GoLiveMail.consent_escalation,
    Message.CONSENT_DECLINED: GoLiveMail.consent_declined,
    Message.CONSENT_TROUBLE: GoLiveMail.consent_trouble,
    Message.MOVE_ANNOUNCEMENT: GoLiveMail.move_announcement,
    Message.PILOT_WAITING: GoLiveMail.pilot_waiting,
    Message.APPROVAL_NEEDED: GoLiveMail.approval_needed,
    Message.NEEDS_ATTENTION: GoLiveMail.needs_attention,
    Message.ROLL_BACK_NOTICE: GoLiveMail.roll_back_notice,
    Message.RESULT: GoLiveMail.result,
}
