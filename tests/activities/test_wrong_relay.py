"""A relay that is wrong for a while: at the end everybody has one mail, and nobody is blamed."""

# ruff: noqa: N802 (aiosmtpd calls handlers by these names)

import asyncio
import email
import os
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.mail_sending import Sending
from activities.notices import NoticeActivities
from activities.throttle import Slots
from contracts.errors import ErrorType
from contracts.go_live import Wait
from contracts.notices import Delivered, Delivery, Message
from database.engine import open_sessions
from database.mail import mail_facts
from mail.mailer import SmtpMailer
from tests.cluster import Cluster, Person
from tests.mail.relays import Relay

PEOPLE = int(os.environ.get("PEOPLE", "60"))
"""2,000 by hand: `make test ARGS=tests/activities/test_wrong_relay.py PEOPLE=2000`."""
AT_MAIL, AT_RCPT, AT_THE_END = "MAIL", "RCPT", "end"
WAYS = {
    "our name": (AT_RCPT, "504 5.5.2 Helo command rejected: need fully-qualified hostname"),
    "our network": (AT_RCPT, "554 5.7.1 Service unavailable; Client host blocked"),
    "our sender": (AT_RCPT, "554 5.7.1 Sender address rejected: Access denied"),
    "our sender, at MAIL": (AT_MAIL, "550 5.1.8 Sender address rejected"),
    "a log-in": (AT_RCPT, "530 5.7.0 Authentication required"),
    "greylisting": (AT_RCPT, "451 4.7.1 Greylisting in action"),
    "its disk": (AT_RCPT, "452 4.3.1 Insufficient system storage"),
    "it goes away": (AT_RCPT, "421 4.3.2 Shutting down"),
    "it does not say": (AT_RCPT, "550 No"),
    "unverified": (AT_THE_END, "554 Message rejected: Email address is not verified."),
    "size": (AT_THE_END, "552 5.3.4 Message too big"),
}


class WrongRelay(Relay):
    """Wrong in one of these ways, or right."""

    way = ""
    hangs_up_at = ""
    """The beginning of one recipient's address."""

    def said_at(self, step: str) -> str:
        where, reply = WAYS.get(self.way, ("", ""))
        return reply if where == step else ""

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if reply := self.said_at(AT_MAIL):
            return reply
        envelope.mail_from = address
        return "250 Ok"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.hangs_up_at and address.startswith(self.hangs_up_at):
            return "421 4.2.2 Mailbox full, closing the connection"
        if reply := self.said_at(AT_RCPT):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return self.said_at(AT_THE_END) or await super().handle_DATA(server, session, envelope)


def _said_of_this_delivery(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged by the activity that the test itself runs; the workers log, too."""
    ours = ActivityEnvironment.default_info().workflow_id
    about = [(getattr(one, "temporal_activity", {}), one.getMessage()) for one in caplog.records]
    return "\n".join(said for activity, said in about if activity.get("workflow_id") == ours)


async def test_everybody_has_one_mail_and_no_address_is_blamed(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    organisation = cluster.create_organisation(*(Person(f"p{n}") for n in range(PEOPLE)))
    await organisation.start()
    at = (await organisation.until(Wait.ADMIN_CONSENT)).since + timedelta(minutes=1)
    go_live_id = UUID(str(organisation.standing().go_live_id))
    sessions = open_sessions(cluster.engine)
    cluster.rows(
        "INSERT INTO golive.mail (id, go_live_id, message, idempotency_key, recipient_kind, "
        "recipient_id, due_at, state, attempts) SELECT gen_random_uuid(), :g, :message, 'x', "
        "'user', u.id, :at, 'queued', 0 FROM pulse.app_user u JOIN pulse.organisation o "
        "ON o.id = u.organisation_id WHERE o.slug = :slug",
        g=go_live_id,
        message=Message.ROLL_BACK_USER,
        at=at,
        slug=organisation.slug,
    )

    def deliver(relay: Relay) -> Delivered:
        with SmtpMailer(f"smtp://127.0.0.1:{relay.port}") as mailer:
            notices = NoticeActivities(
                sessions,
                Sending(sessions, mailer, cluster.settings.mail_from),
                cluster.dependencies.branding,
                slots=Slots(2),
            )
            return ActivityEnvironment().run(notices.deliver_mail, Delivery(str(go_live_id), at))

    with WrongRelay() as relay:
        for way in WAYS:
            relay.way = way
            # More often than an address that is said to be full is tried.
            for _ in range(21 if way == "greylisting" else 2):
                with pytest.raises(ApplicationError) as waits:
                    await asyncio.to_thread(deliver, relay)
                assert waits.value.type == ErrorType.MAIL_UNAVAILABLE, way
            said = _said_of_this_delivery(caplog)
            assert WAYS[way][1][:3] in said, way
            assert "@" not in said
            caplog.clear()
        relay.way, relay.hangs_up_at = "", "p1@"
        with pytest.raises(ApplicationError, match="try 1 mails again"):
            await asyncio.to_thread(deliver, relay)
        assert len(relay.received) == PEOPLE - 1, "one at whom it hangs up holds up nobody else"
        relay.hangs_up_at, relay.drop_next = "", True
        with pytest.raises(ApplicationError):
            await asyncio.to_thread(deliver, relay)
        assert (await asyncio.to_thread(deliver, relay)).refused == 0
        received = list(relay.received)

    copies = Counter(email.message_from_bytes(one.content)["Message-ID"] for one in received)
    assert len(copies) == PEOPLE
    assert sorted(copies.values())[-2:] == [1, 2], "only the line that was cut after DATA repeats"
    with sessions.begin() as session:
        assert mail_facts.refused_addresses(session, go_live_id, 10) == []
    await organisation.handle.cancel()
    await organisation.ended()
