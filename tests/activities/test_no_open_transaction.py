"""While the relay answers, which may take minutes, no transaction of ours is open."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text
from temporalio.testing import ActivityEnvironment

from activities.digests import DigestActivities
from activities.mail_sending import Sending
from activities.notices import NoticeActivities
from activities.throttle import Slots
from commands.staff_addresses import change
from contracts.business_hours import next_working_morning
from contracts.digests import DigestRound
from contracts.go_live import Wait
from contracts.notices import Audience, Delivery, Message, Notice, RecipientKind
from database.engine import open_engine, open_sessions
from database.mail import digests, ledger
from mail.mailer import OutgoingMail
from tests.cluster import STAFF, Cluster


class Watching:
    """Takes every mail, and looks what is open in the database of those who send it."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self.mails = 0
        self.open: list[str] = []

    def send(self, mail: OutgoingMail) -> str:
        self.mails += 1
        with self._engine.connect() as watch:
            found = watch.execute(
                text(
                    "SELECT query FROM pg_stat_activity WHERE application_name = :name "
                    "AND xact_start IS NOT NULL"
                ),
                {"name": self._name},
            )
            self.open += found.scalars()
        return "250 Ok"


async def test_none_is_open_on_any_way_on_which_mail_goes_out(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = f"m{uuid4().hex[:8]}"
    address = f"{handle}@clientshare.example"
    cluster.create_organisation()  # Dana's, who gives the orders.
    organisation = cluster.create_organisation(
        sso_included="no", customer_success_handle=handle, customer_success_email=address
    )
    await organisation.start()
    at = (await organisation.until(Wait.ENTITLEMENT)).since + timedelta(minutes=1)
    go_live_id = UUID(str(organisation.standing().go_live_id))
    name = f"sends-{handle}"
    url = cluster.environment["GOLIVE_DATABASE_URL"]
    engine = open_engine(f"{url}{'&' if '?' in url else '?'}application_name={name}")
    sessions = open_sessions(engine)
    watching = Watching(cluster.engine, name)
    branding = cluster.dependencies.branding
    sending = Sending(sessions, watching, cluster.settings.mail_from)
    notices = NoticeActivities(sessions, sending, branding, slots=Slots(2))
    with sessions.begin() as session:
        contacts = ledger.recipients(session, go_live_id, Audience.EVERY_CONTACT)
        ledger.queue_mail(session, go_live_id, Message.RESULT, "one", contacts, at=at)
        users = session.execute(
            text(
                "SELECT u.id FROM pulse.app_user u JOIN pulse.organisation o "
                "ON o.id = u.organisation_id WHERE o.slug = :slug"
            ),
            {"slug": organisation.slug},
        ).scalars()
        to = [ledger.Recipient(RecipientKind.USER, one) for one in users]
        ledger.queue_mail(session, go_live_id, Message.ROLL_BACK_USER, "one", to, at=at)
    # One after another: what is open is of the mail at hand, not of another that was just taken.
    monkeypatch.setattr("activities.notices.AT_ONCE", 1)
    every_manager = digests.managers
    monkeypatch.setattr(
        digests,
        "managers",
        lambda session, at: [one for one in every_manager(session, at) if one.handle == handle],
    )

    def seen_by(call: object, *arguments: object) -> int:
        before = watching.mails
        ActivityEnvironment().run(call, *arguments)
        return watching.mails - before

    def all_ways() -> dict[str, int]:
        id_ = str(go_live_id)
        working: datetime = next_working_morning(at, "Europe/London") + timedelta(minutes=1)
        notice = Notice(id_, Message.NEEDS_ATTENTION, Audience.CUSTOMER_SUCCESS, "two", at)
        digests_of = DigestActivities(sessions, sending, branding)
        found = {
            "of one message": seen_by(
                notices.deliver_mail, Delivery(id_, at, Message.RESULT, "one")
            ),
            "to all users": seen_by(notices.deliver_mail, Delivery(id_, at)),
            "of a notice": seen_by(notices.send_notice, notice),
            "of a digest": seen_by(digests_of.send_digests, DigestRound(working)),
        }
        before = watching.mails
        change(
            engine, watching, branding, cluster.settings.mail_from,
            by=STAFF, handle=handle, address=f"{handle}@new.example", reason="x",
        )  # fmt: skip
        return found | {"about a staff address": watching.mails - before}

    ways = await asyncio.to_thread(all_ways)
    assert watching.open == []
    # Where connections are pooled by transactions, one holds the mail: the watch sees it.
    pooled = Sending(sessions, watching, cluster.settings.mail_from, pooled=True)
    notices = NoticeActivities(sessions, pooled, branding, slots=Slots(2))
    last = Notice(str(go_live_id), Message.NEEDS_ATTENTION, Audience.CUSTOMER_SUCCESS, "3", at)
    await asyncio.to_thread(seen_by, notices.send_notice, last)
    assert "pg_try_advisory_xact_lock" in "".join(watching.open)
    engine.dispose()
    assert ways == {
        "of one message": 2,
        "to all users": 3,
        "of a notice": 1,
        "of a digest": 1,
        "about a staff address": 1,
    }
    await organisation.handle.cancel()
    await organisation.ended()
