"""What the ledger knows of a mail whose worker was killed just after the relay had taken it."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.mail_sending import Sending
from contracts.notices import Audience, Message
from database.engine import Sessions, open_sessions
from database.go_live import console_views, records
from database.mail import ledger
from mail.errors import DeliveryUncertainError, RelayUnavailableError
from mail.mailer import OutgoingMail
from mail.preview import preview
from tests.cluster import STAFF, Cluster

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)


class Killed(BaseException):
    """The worker's process ends here."""


class Relay:
    """The real relay, and what happens once it has answered."""

    def __init__(self, send: Callable[[OutgoingMail], str], then: BaseException | None) -> None:
        self._send = send
        self._then = then

    def send(self, mail: OutgoingMail) -> str:
        reply = "" if isinstance(self._then, RelayUnavailableError) else self._send(mail)
        if self._then is not None:
            raise self._then
        return reply


def a_queued_mail(cluster: Cluster, sessions: Sessions) -> UUID:
    organisation = cluster.create_organisation()
    with sessions.begin() as session:
        row = records.organisation_by_slug(session, organisation.slug)
        go_live, _ = records.begin_go_live(session, row, by=STAFF, at=AT, aftercare_days=0)
        to = ledger.recipients(session, go_live.id, Audience.FIRST_CONTACT)
        ledger.queue_mail(session, go_live.id, Message.RESULT, "first", to, at=AT)
        return go_live.id


async def test_a_mail_that_the_relay_may_have_taken_is_withdrawn_as_perhaps_delivered(
    cluster: Cluster,
) -> None:
    sessions = open_sessions(cluster.engine)
    go_live_id = a_queued_mail(cluster, sessions)

    def send(then: BaseException | None) -> None:
        relay = Relay(cluster.dependencies.mailer.send, then)
        sending = Sending(sessions, relay, cluster.settings.mail_from)
        with sessions() as session:
            ((row,),) = ledger.due_mail(
                session, go_live_id, AT, only=(Message.RESULT, "first"), chunk=9
            )
        rendered = preview(Message.RESULT)
        ActivityEnvironment().run(sending.send, row, rendered, "dana@clientshare.example")

    def seen() -> tuple[str, bool]:
        with sessions() as session:
            (mail,) = console_views.mails(session, go_live_id, 9)
        return mail.state, mail.in_doubt

    assert seen() == ("queued", False)
    # Where nobody answers, nothing was handed over.
    with pytest.raises(ApplicationError):
        send(RelayUnavailableError("No answer."))
    assert seen() == ("queued", False)
    for doubtful, raised in (
        (DeliveryUncertainError(), ApplicationError),
        (Killed(), Killed),
    ):
        with pytest.raises(raised):
            send(doubtful)
        assert seen() == ("queued", True)
        # An attempt that comes to nothing later takes no doubt away.
        with pytest.raises(ApplicationError):
            send(RelayUnavailableError("No answer."))
        assert seen() == ("queued", True)
        cluster.rows("UPDATE golive.mail SET in_doubt = false WHERE go_live_id = :g", g=go_live_id)
    with pytest.raises(Killed):
        send(Killed())
    with sessions.begin() as session:
        assert ledger.withdraw_batch(session, go_live_id, size=9) == 1
    assert seen() == ("withdrawn", True)
    # Sent once more, with an answer, it is certain.
    cluster.rows("UPDATE golive.mail SET state = 'queued' WHERE go_live_id = :g", g=go_live_id)
    send(None)
    assert seen() == ("sent", False)
