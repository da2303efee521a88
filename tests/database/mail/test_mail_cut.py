"""The moment between the relay's yes and our note of it: as short as it can be, and counted."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.mail_sending import Sending
from contracts.notices import Message
from database.engine import open_sessions
from database.mail.ledger import QueuedMail
from database.models import Mail
from local.ports import free_port
from mail.mailer import Mailer, OutgoingMail, SmtpMailer
from mail.rendering import RenderedMail
from telemetry.metrics import MAILS
from tests.database.customers import AT
from tests.mail.relays import ScriptedRelay

YES = ["220 hello", "250 relay", "250 ok", "250 ok", "354 go on", "250 taken"]
CUT = [*YES[:-1], None]


@pytest.fixture
def row(engine: Engine) -> QueuedMail:
    """A mail in the ledger, committed."""
    mail = Mail(
        message=Message.RESULT,
        idempotency_key=uuid4().hex,
        recipient_kind="contact",
        recipient_id=uuid4(),
        due_at=AT,
    )
    with open_sessions(engine).begin() as session:
        session.add(mail)
    return QueuedMail(
        id=mail.id,
        message=Message.RESULT,
        idempotency_key=mail.idempotency_key,
        recipient_kind="contact",
        recipient_id=mail.recipient_id,
        address="ira@acme.example",
        name="Ira",
        link_id=None,
        link_purpose=None,
        link_version=None,
        link_expires_at=None,
        password_until=None,
        due_at=AT,
    )


def send(engine: Engine, mailer: Mailer, row: QueuedMail) -> str:
    sending = Sending(open_sessions(engine), mailer, "Us <us@pulse.example>")
    rendered = RenderedMail(subject="Hello", text="Hello", html="<p>Hello</p>")
    return str(ActivityEnvironment().run(sending.send, row, rendered, "help@pulse.example"))


def state(engine: Engine, row: QueuedMail) -> tuple[str, bool]:
    with engine.begin() as connection:
        found = connection.execute(
            text("SELECT state, in_doubt FROM golive.mail WHERE id = :id"),
            {"id": row.id},
        ).one()
    return found[0], found[1]


def counted() -> float:
    return MAILS.labels("perhaps_twice")._value.get()


def test_what_was_cut_is_sent_again_and_counted(engine: Engine, row: QueuedMail) -> None:
    before = counted()
    with ScriptedRelay(CUT, YES) as relay, SmtpMailer(f"smtp://127.0.0.1:{relay.port}") as mailer:
        with pytest.raises(ApplicationError, match="DeliveryUncertainError"):
            send(engine, mailer, row)
        assert state(engine, row) == ("queued", True)
        assert counted() == before
        assert send(engine, mailer, row) == "sent"
    assert state(engine, row) == ("sent", False)
    assert counted() == before + 1


def test_what_never_left_us_is_counted_as_no_repetition(engine: Engine, row: QueuedMail) -> None:
    before = counted()
    with (
        SmtpMailer(f"smtp://127.0.0.1:{free_port()}") as away,
        pytest.raises(ApplicationError, match="RelayUnavailableError"),
    ):
        send(engine, away, row)
    assert state(engine, row) == ("queued", False)
    with ScriptedRelay(YES) as relay, SmtpMailer(f"smtp://127.0.0.1:{relay.port}") as mailer:
        assert send(engine, mailer, row) == "sent"
    assert counted() == before


def test_a_database_connection_that_is_cut_in_that_moment_costs_no_second_mail(
    engine: Engine, row: QueuedMail
) -> None:
    class CutAfterwards:
        """Has the relay take it, and then ends the connection on which the ledger row is held."""

        sent = 0

        def send(self, mail: OutgoingMail) -> str:
            self.sent += 1
            with engine.begin() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks "
                        "WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
                    )
                )
            return "250 taken"

    mailer = CutAfterwards()
    assert send(engine, mailer, row) == "sent"
    assert state(engine, row) == ("sent", False)
    assert send(engine, mailer, row) == "elsewhere"
    assert mailer.sent == 1
