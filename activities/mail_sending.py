"""Takes one ledger row to the relay: held, sent, and its outcome written afterwards.

SMTP has no way to ask whether a mail was taken. So a row is marked as in doubt before the relay
gets it: a worker that is killed between the relay's answer and our record leaves that mark.
"""

from datetime import datetime
from functools import partial
from threading import Semaphore

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import stop_if_cancelled
from contracts.errors import ErrorType
from contracts.notices import DeliveryResult
from database.engine import Sessions
from database.mail import ledger
from database.mail.ledger import HeldMail, QueuedMail
from mail import errors as mail_errors
from mail.mailer import Mailer, OutgoingMail, message_id_for
from mail.outgoing import Attachment, parse_address
from mail.rendering import RenderedMail
from telemetry.metrics import MAILS

AT_ONCE = 4
"""Mails on their way to the relay, for all deliveries of a process together."""

MOST_CUT_OFF = 20
"""A relay that ends the connection at so many mails in a row takes nothing now; at a few, it takes
the others."""

MOST_ATTEMPTS = 20
"""A relay that defers one address so often is taken to refuse it."""


class Sending:
    """Sends ledger rows, each once, even when several deliveries hold the same row."""

    def __init__(
        self, sessions: Sessions, mailer: Mailer, sender: str, *, pooled: bool = False
    ) -> None:
        """Use this database and this relay; `sender` is what the From header says.

        `pooled`: connections to the database are pooled by transactions.
        """
        self._sessions = sessions
        self._pooled = pooled
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
            with ledger.held_mail(self._sessions, row.id, pooled=self._pooled) as held:
                if held is None:
                    return DeliveryResult.ELSEWHERE
                if held.in_doubt:
                    # It goes out once more all the same, as otherwise it might never.
                    MAILS.labels("perhaps_twice").inc()
                said = self._try(held, outgoing)
                if said is None:
                    return DeliveryResult.CUT_OFF
                return self._record(held, row, outgoing.message_id, said)

    def _try(
        self, held: HeldMail, outgoing: OutgoingMail
    ) -> str | mail_errors.AnsweredError | None:
        """Return what the relay said: that it took the mail, or why not; None if it hung up."""
        try:
            return self._mailer.send(outgoing)
        except mail_errors.AnsweredError as error:
            if isinstance(error, mail_errors.MailNotTakenError | mail_errors.RefusalUnclearError):
                activity.logger.warning(str(error))
            return error
        except mail_errors.MailError as error:
            if not isinstance(error, mail_errors.DeliveryUncertainError):
                ledger.end_attempt(held)
            # These texts name nobody, and say what an operator has to mend.
            activity.logger.warning(str(error))
            if isinstance(error, mail_errors.RelayHungUpError):
                return None
            raise ApplicationError(
                f"Mail could not be sent ({type(error).__name__}).",
                type=ErrorType.MAIL_UNAVAILABLE,
            ) from None

    def _record(
        self,
        held: HeldMail,
        row: QueuedMail,
        message_id: str,
        said: str | mail_errors.AnsweredError,
    ) -> DeliveryResult:
        """Write what the relay said, and return what became of the mail."""
        if isinstance(said, str):
            mark = partial(
                ledger.mark_sent, mail_id=row.id, message_id=message_id, reply=said, at=row.due_at
            )
            try:
                mark(held.session)
            except SQLAlchemyError:
                # The relay has it, and only our connection is gone: another one records it.
                with self._sessions.begin() as session:
                    mark(session)
            return DeliveryResult.SENT
        reply = f"{said.code} {said.reply}"
        for_now = said.code < 500
        match said:
            case mail_errors.RefusalUnclearError():
                most = MOST_ATTEMPTS if for_now else None
                refused = ledger.mark_unclear(held, reply=reply, at=_now(), most=most)
            case mail_errors.MailNotTakenError():
                refused = ledger.mark_tried(held, reply=reply, most=None)
            case _:
                most = MOST_ATTEMPTS if for_now else 1
                refused = ledger.mark_tried(held, reply=reply, most=most)
        return DeliveryResult.REFUSED if refused else DeliveryResult.DEFERRED


def _now() -> datetime:
    """Return Temporal's time of this attempt, which may run ahead of this machine's in a test."""
    return activity.info().current_attempt_scheduled_time


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
