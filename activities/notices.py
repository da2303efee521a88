"""Activities that put mail into the ledger and take it to the relay."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from contextvars import copy_context
from threading import Lock
from time import monotonic
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import heartbeating, stop_if_cancelled
from activities.mail_content import Branding, GoLiveMail, Values
from activities.mail_sending import AT_ONCE, MOST_CUT_OFF, Sending
from activities.throttle import UNBOUNDED, RateLimiter, Slots, try_later
from contracts.errors import ErrorType
from contracts.links import LinkPurpose
from contracts.notices import (
    AccountNotices,
    Audience,
    Delivered,
    Delivery,
    DeliveryResult,
    MailState,
    Message,
    Notice,
)
from database.engine import Sessions
from database.go_live import records
from database.mail import ledger
from database.mail.ledger import QueuedMail
from database.people import it_team
from mail.outgoing import Attachment
from mail.rendering import render
from telemetry.metrics import MAILS

HEARTBEAT_SECONDS = 3

BETWEEN_PAUSE_CHECKS = 2
"""Seconds between two checks whether the go-live is paused, for mail to all users."""

_ONE_AT_A_TIME = Lock()
"""Held while a mail is rendered, which only computes: several threads of one process would gain
nothing, and every other activity would wait for each of them."""

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
    """Idempotent: a ledger row is sent once, whatever runs twice, because its state is checked.

    A cancelled delivery starts no further mail; those on their way are finished and recorded.
    """

    def __init__(
        self,
        sessions: Sessions,
        sending: Sending,
        branding: Branding,
        *,
        slots: Slots,
        to_all_users: RateLimiter = UNBOUNDED,
    ) -> None:
        """Use this database, this way to the relay and these slots among other activities.

        `to_all_users` limits the rate of mail to all users.
        """
        self._sessions = sessions
        self._sending = sending
        self._branding = branding
        self._slots = slots
        self._to_all_users = to_all_users

    @activity.defn(no_thread_cancel_exception=True)
    def send_notice(self, notice: Notice) -> Delivered:
        """Put one message into the ledger for its audience, and deliver it.

        Mail to users, who may be very many, stops when the go-live is paused.

        Raises:
            ApplicationError: `MAIL_REFUSED` when the relay refuses every recipient for good,
                `MAIL_UNAVAILABLE` when it takes nothing now.
        """
        go_live_id = UUID(notice.go_live_id)
        # All users may be very many.
        with heartbeating(), self._sessions.begin() as session:
            move_at = records.go_live_by_id(session, go_live_id).move_at
            if notice.audience is Audience.USERS:
                ledger.queue_reminder_to_sign_in(
                    session, go_live_id, notice.idempotency_key, notice.at
                )
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
                    notice.idempotency_key,
                    to,
                    at=notice.at,
                    link=link,
                )
                if activity.info().attempt == 1:
                    ledger.requeue_refused(
                        session, go_live_id, notice.message, notice.idempotency_key
                    )
        done = self._deliver(
            Delivery(notice.go_live_id, notice.at),
            only=(notice.message, notice.idempotency_key),
            to_all_users=notice.audience is Audience.USERS,
        )
        if done.paused:
            return done
        with self._sessions.begin() as session:
            states = ledger.state_counts(
                session, go_live_id, notice.message, notice.idempotency_key
            )
            if notice.message is Message.MOVE_ANNOUNCEMENT and states.get(MailState.SENT):
                it_team.record_announced_date(session, go_live_id, move_at)
        if states.get(MailState.REFUSED) and not states.get(MailState.SENT):
            raise ApplicationError(
                "The relay refuses every recipient of this message.",
                type=ErrorType.MAIL_REFUSED,
                non_retryable=True,
            )
        return done

    @activity.defn(no_thread_cancel_exception=True)
    def deliver_mail(self, delivery: Delivery) -> Delivered:
        """Deliver what is due in the ledger of a go-live; mail to all users is rate limited."""
        only = (delivery.message, delivery.idempotency_key) if delivery.message else None
        return self._deliver(delivery, only, to_all_users=only is None)

    @activity.defn(no_thread_cancel_exception=True)
    def send_account_notices(self, asked: AccountNotices) -> Delivered:
        """Deliver the mails about accounts that staff replaced, whether or not a go-live runs.

        Raises:
            ApplicationError: `MAIL_UNAVAILABLE` when the relay takes nothing now, or not all of it.
        """
        with self._sessions.begin() as session:
            waiting = ledger.queued_of_accounts(session, asked.at)
        sent = refused = 0
        failed: ApplicationError | None = None
        with heartbeating():
            for go_live_id, message, key in waiting:
                delivery = Delivery(str(go_live_id), asked.at, message, key)
                try:
                    done = self._deliver(delivery, (message, key), to_all_users=False)
                except ApplicationError as error:
                    failed = error
                    continue
                sent, refused = sent + done.sent, refused + done.refused
        if failed is not None:
            raise failed
        return Delivered(sent, refused)

    def _deliver(
        self, delivery: Delivery, only: tuple[Message, str] | None, *, to_all_users: bool
    ) -> Delivered:
        go_live_id = UUID(delivery.go_live_id)
        rate_limiter = self._to_all_users if to_all_users else UNBOUNDED
        over_at = monotonic() + rate_limiter.longest_turn_seconds
        sent = refused = deferred = cut_off = 0
        with (
            self._slots.one(),
            self._sessions() as reading,
            ThreadPoolExecutor(AT_ONCE) as senders,
        ):
            mail = GoLiveMail(reading, go_live_id, self._branding)
            for chunk in ledger.due_mail(
                reading,
                go_live_id,
                delivery.at,
                only=only,
                chunk=rate_limiter.turns_in(BETWEEN_PAUSE_CHECKS),
            ):
                stop_if_cancelled()
                if to_all_users and self._is_paused(go_live_id):
                    return Delivered(sent, refused, paused=True)
                # A relay that defers mail is asked about all of it before it is asked again.
                if monotonic() > over_at and sent + refused and not deferred:
                    raise try_later("Mail of other organisations has its turn.")
                tries: list[Future[DeliveryResult]] = [
                    senders.submit(
                        # So that a sender too knows when the activity was cancelled.
                        copy_context().run,
                        self._write_and_send,
                        rate_limiter,
                        row,
                        mail.values(row),
                        mail.facts.owner_address,
                        mail.attachments(row),
                    )
                    for row in chunk
                ]
                # Nothing is read until the next chunk, and the senders need connections.
                reading.commit()
                try:
                    for attempt in tries:
                        outcome = _awaited(attempt)
                        MAILS.labels(outcome).inc()
                        sent += outcome is DeliveryResult.SENT
                        refused += outcome is DeliveryResult.REFUSED
                        is_cut_off = outcome is DeliveryResult.CUT_OFF
                        deferred += is_cut_off or outcome is DeliveryResult.DEFERRED
                        cut_off = cut_off + 1 if is_cut_off else 0
                        if cut_off >= MOST_CUT_OFF:
                            raise ApplicationError(
                                "The relay ends the connection at each mail.",
                                type=ErrorType.MAIL_UNAVAILABLE,
                            )
                finally:
                    _come_to_an_end(tries)
        if deferred:
            raise ApplicationError(
                f"The relay asks to try {deferred} mails again later.",
                type=ErrorType.MAIL_UNAVAILABLE,
            )
        return Delivered(sent, refused)

    def _write_and_send(
        self,
        rate_limiter: RateLimiter,
        row: QueuedMail,
        values: Values,
        reply_to: str,
        attachments: tuple[Attachment, ...],
    ) -> DeliveryResult:
        rate_limiter.wait_for_turn()
        with _ONE_AT_A_TIME:
            rendered = render(row.message, values)
        return self._sending.send(row, rendered, reply_to, attachments)

    def _is_paused(self, go_live_id: UUID) -> bool:
        with self._sessions.begin() as session:
            return records.go_live_by_id(session, go_live_id).paused


def _awaited(attempt: Future[DeliveryResult]) -> DeliveryResult:
    """Wait for one mail and heartbeat meanwhile: a relay may take its time."""
    while True:
        activity.heartbeat()
        stop_if_cancelled()
        with suppress(FutureTimeoutError):
            return attempt.result(timeout=HEARTBEAT_SECONDS)


def _come_to_an_end(tries: list[Future[DeliveryResult]]) -> None:
    """Start none of these any more; heartbeat and wait for those that are being sent."""
    for attempt in tries:
        attempt.cancel()
    while on_their_way := [attempt for attempt in tries if not attempt.done()]:
        activity.heartbeat()
        wait(on_their_way, timeout=HEARTBEAT_SECONDS)
