"""Activities that put mail into the ledger and take it to the relay."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager, suppress
from threading import Lock
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.mail_values import GoLiveMail, Surroundings
from contracts.errors import ErrorType
from contracts.links import LinkPurpose
from contracts.notices import Audience, Delivered, Delivery, Message, Notice
from database import ledger, records
from database.engine import Sessions
from database.ledger import QueuedMail
from mail import errors as mail_errors
from mail.mailer import Mailer, OutgoingMail, message_id_for
from mail.outgoing import Attachment
from mail.rendering import RenderedMail, render

SENDERS = 4
"""Connections to the relay in use at once, for one delivery."""

MAX_ATTEMPTS = 20
"""A relay that defers one address so often is taken to refuse it."""

HEARTBEAT_SECONDS = 3

_ONE_AT_A_TIME = Lock()
"""Held while a mail is rendered, which is nothing but computing: several threads of one process
gain nothing by it, and every other activity would wait for each of them at each statement."""

_LINKS = {
    Message.IT_PACK: LinkPurpose.SETUP,
    Message.IT_ACKNOWLEDGEMENT_REMINDER: LinkPurpose.SETUP,
    Message.MOVE_ANNOUNCEMENT: LinkPurpose.SETUP,
    Message.CONSENT_REQUEST: LinkPurpose.CONSENT,
    Message.CONSENT_REMINDER: LinkPurpose.CONSENT,
    Message.CONSENT_TROUBLE: LinkPurpose.CONSENT,
}
"""The personal link a message to a contact carries."""


class NoticeActivities:
    """Whatever runs twice, a ledger row is sent once: its state says so before and after."""

    def __init__(
        self, sessions: Sessions, mailer: Mailer, sender: str, surroundings: Surroundings
    ) -> None:
        """Use this database and this relay."""
        self._sessions = sessions
        self._mailer = mailer
        self._sender = sender
        self._surroundings = surroundings
        self._domain = surroundings.sender_address.rpartition("@")[2]

    @activity.defn
    def notify(self, notice: Notice) -> Delivered:
        """Put one message into the ledger for its audience, and deliver it.

        Raises:
            ApplicationError: `MAIL_REFUSED` when the relay refuses every recipient for good,
                `MAIL_UNAVAILABLE` when it takes nothing now.
        """
        go_live_id = UUID(notice.go_live_id)
        with self._sessions.begin() as session:
            if notice.audience is Audience.USERS:
                ledger.queue_reminder_to_sign_in(session, go_live_id, notice.occasion, notice.at)
            else:
                purpose = _LINKS.get(notice.message)
                expires_at = notice.link_expires_at or notice.at
                to = ledger.recipients(session, go_live_id, notice.audience)
                link = (purpose, expires_at) if purpose else None
                if notice.message is Message.IT_PACK:
                    ledger.ensure_links(session, go_live_id, LinkPurpose.CONSENT, to, expires_at)
                ledger.queue_mail(
                    session,
                    go_live_id,
                    notice.message,
                    notice.occasion,
                    to,
                    at=notice.at,
                    link=link,
                )
                if activity.info().attempt == 1:
                    ledger.requeue_refused(session, go_live_id, notice.message, notice.occasion)
        done = self._deliver(
            Delivery(notice.go_live_id, notice.at), only=(notice.message, notice.occasion)
        )
        with self._sessions.begin() as session:
            states = ledger.state_counts(session, go_live_id, notice.message, notice.occasion)
        if states.get("refused") and not states.get("sent"):
            raise ApplicationError(
                "The relay refuses every recipient of this message.",
                type=ErrorType.MAIL_REFUSED,
                non_retryable=True,
            )
        return done

    @activity.defn
    def deliver(self, delivery: Delivery) -> Delivered:
        """Deliver what is due in the ledger of a go-live, at the relay's pace."""
        only = (delivery.message, delivery.occasion) if delivery.message else None
        return self._deliver(delivery, only)

    def _deliver(self, delivery: Delivery, only: tuple[Message, str] | None = None) -> Delivered:
        go_live_id = UUID(delivery.go_live_id)
        sent = refused = deferred = 0
        with self._sessions() as reading, ThreadPoolExecutor(SENDERS) as senders:
            mail = GoLiveMail(reading, go_live_id, self._surroundings)
            for chunk in ledger.due_mail(reading, go_live_id, delivery.at, only=only):
                if only is None and self._is_paused(go_live_id):
                    return Delivered(sent, refused, paused=True)
                tries: list[Future[str]] = [
                    senders.submit(
                        self._send,
                        row,
                        mail.values(row),
                        mail.facts.owner_address,
                        mail.attachments(row),
                    )
                    for row in chunk
                ]
                try:
                    for attempt in tries:
                        outcome = _awaited(attempt)
                        sent += outcome == "sent"
                        refused += outcome == "refused"
                        deferred += outcome == "deferred"
                finally:
                    for attempt in tries:
                        attempt.cancel()
        if deferred:
            raise ApplicationError(
                f"The relay asks to try {deferred} mails again later.",
                type=ErrorType.MAIL_UNAVAILABLE,
            )
        return Delivered(sent, refused)

    def _is_paused(self, go_live_id: UUID) -> bool:
        with self._sessions.begin() as session:
            return records.go_live_by_id(session, go_live_id).paused

    def _send(
        self,
        row: QueuedMail,
        values: dict[str, object],
        reply_to: str,
        attachments: tuple[Attachment, ...],
    ) -> str:
        with _ONE_AT_A_TIME:
            rendered = render(row.message, values)
        with self._sessions.begin() as session:
            if not ledger.claim_mail(session, row.id):
                return "elsewhere"
            message_id = message_id_for(row.id, self._domain)
            try:
                with _relay_errors():
                    reply = self._mailer.send(
                        _outgoing(row, rendered, message_id, self._sender, reply_to, attachments)
                    )
            except mail_errors.AddressRefused as error:
                ledger.mark_tried(session, row.id, reply=f"{error.code} {error.reply}", final=True)
                return "refused"
            except mail_errors.AddressRefusedForNow as error:
                ledger.mark_tried(session, row.id, reply=f"{error.code} {error.reply}", final=False)
                return "deferred"
            ledger.mark_sent(session, row.id, message_id=message_id, reply=reply, at=row.due_at)
            return "sent"


def _awaited(attempt: Future[str]) -> str:
    """Wait for one mail, and say meanwhile that we are alive: a relay may take its time."""
    while True:
        activity.heartbeat()
        with suppress(FutureTimeoutError):
            return attempt.result(timeout=HEARTBEAT_SECONDS)


def _outgoing(
    row: QueuedMail,
    rendered: RenderedMail,
    message_id: str,
    sender: str,
    reply_to: str,
    attachments: tuple[Attachment, ...],
) -> OutgoingMail:
    return OutgoingMail(
        message_id=message_id,
        sender=sender,
        recipient=row.address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        date=row.due_at,
        attachments=attachments,
        headers={"Reply-To": reply_to} if reply_to.isascii() else {},
    )


@contextmanager
def _relay_errors() -> Iterator[None]:
    try:
        yield
    except (mail_errors.AddressRefused, mail_errors.AddressRefusedForNow):
        raise
    except mail_errors.MailError as error:
        raise ApplicationError(
            f"Mail could not be sent ({type(error).__name__}).", type=ErrorType.MAIL_UNAVAILABLE
        ) from None
