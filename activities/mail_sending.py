"""Takes one ledger row to the relay: claimed, sent, and its outcome written in one transaction.

Before that the row is marked as in doubt, in a transaction of its own: a worker that is killed
between the relay's answer and our record leaves that mark.
"""

from threading import Semaphore

from temporalio.exceptions import ApplicationError

from activities.heartbeats import stop_if_cancelled
from contracts.errors import ErrorType
from contracts.notices import DeliveryResult
from database.engine import Sessions
from database.mail import ledger
from database.mail.ledger import QueuedMail
from mail import errors as mail_errors
from mail.mailer import Mailer, OutgoingMail, message_id_for
from mail.outgoing import Attachment, parse_address
from mail.rendering import RenderedMail

AT_ONCE = 4
"""Mails on their way to the relay, for all deliveries of a process together."""

MOST_ATTEMPTS = 20
"""A relay that defers one address so often is taken to refuse it."""


class Sending:
    """Sends ledger rows, each once, even when several deliveries hold the same row."""

    def __init__(self, sessions: Sessions, mailer: Mailer, sender: str) -> None:
        """Use this database and this relay; `sender` is what the From header says."""
        self._sessions = sessions
        self._mailer = mailer
        self._sender = sender
        self._domain = parse_address(sender).domain
        self._turns = Semaphore(AT_ONCE)

    def send(
        self,
        row: QueuedMail,
        rendered: RenderedMail,
        reply_to: str,
        attachments: tuple[Attachment, ...] = (),
    ) -> DeliveryResult:
        """Send a row, and return what came of it.

        Raises:
            ApplicationError: `MAIL_UNAVAILABLE` when the relay takes nothing now.
            CancelledError: the activity was cancelled before its turn came.
        """
        message_id = message_id_for(row.id, self._domain)
        outgoing = _outgoing(row, rendered, message_id, self._sender, reply_to, attachments)
        # First the turn, then a connection to the database: a relay that takes its time must not
        # leave the other activities of the process without one.
        with self._turns:
            stop_if_cancelled()
            with self._sessions.begin() as session:
                in_doubt = ledger.begin_attempt(session, row.id)
            if in_doubt is None:
                return DeliveryResult.ELSEWHERE
            try:
                return self._hand_over(row, outgoing, in_doubt=in_doubt)
            except mail_errors.MailError as error:
                if not isinstance(error, mail_errors.DeliveryUncertainError):
                    with self._sessions.begin() as session:
                        ledger.end_attempt(session, row.id, in_doubt=in_doubt)
                raise ApplicationError(
                    f"Mail could not be sent ({type(error).__name__}).",
                    type=ErrorType.MAIL_UNAVAILABLE,
                ) from None

    def _hand_over(
        self, row: QueuedMail, outgoing: OutgoingMail, *, in_doubt: bool
    ) -> DeliveryResult:
        """Give the relay a mail and record its answer, in the transaction that claims the row."""
        with self._sessions.begin() as session:
            if not ledger.claim_mail(session, row.id):
                return DeliveryResult.ELSEWHERE
            try:
                reply = self._mailer.send(outgoing)
            except (
                mail_errors.AddressRefusedError,
                mail_errors.AddressRefusedForNowError,
            ) as error:
                for_good = isinstance(error, mail_errors.AddressRefusedError)
                refused = ledger.mark_tried(
                    session,
                    row.id,
                    reply=f"{error.code} {error.reply}",
                    most=1 if for_good else MOST_ATTEMPTS,
                    in_doubt=in_doubt,
                )
                return DeliveryResult.REFUSED if refused else DeliveryResult.DEFERRED
            at, message_id = row.due_at, outgoing.message_id
            ledger.mark_sent(session, row.id, message_id=message_id, reply=reply, at=at)
            return DeliveryResult.SENT


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
