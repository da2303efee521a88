"""Deliveries side by side, with fewer connections to the database than they could use."""

import asyncio
from datetime import timedelta
from uuid import UUID

from temporalio.testing import ActivityEnvironment

from activities.mail_sending import Sending
from activities.notices import NoticeActivities
from activities.throttle import Slots
from contracts.go_live import Wait
from contracts.notices import Audience, Delivered, Delivery, Message
from database.engine import open_engine, open_sessions
from database.mail import ledger
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster


async def test_deliveries_do_not_wait_for_one_another_s_connections(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    at = (await organisation.until(Wait.ADMIN_CONSENT)).since + timedelta(minutes=1)
    go_live_id = organisation.standing().go_live_id
    # Two connections, and as many deliveries, each of which reads and sends.
    engine = open_engine(cluster.environment["GOLIVE_DATABASE_URL"], pool_size=1)
    sessions = open_sessions(engine)
    notices = NoticeActivities(
        sessions,
        Sending(sessions, cluster.dependencies.mailer, cluster.settings.mail_from),
        cluster.dependencies.branding,
        slots=Slots(2),
    )
    for idempotency_key in ("one", "two"):
        with sessions.begin() as session:
            to = ledger.recipients(session, UUID(str(go_live_id)), Audience.EVERY_CONTACT)
            ledger.queue_mail(
                session, UUID(str(go_live_id)), Message.RESULT, idempotency_key, to, at=at
            )

    def deliver(idempotency_key: str) -> Delivered:
        order = Delivery(str(go_live_id), at, Message.RESULT, idempotency_key)
        return ActivityEnvironment().run(notices.deliver_mail, order)

    done = await asyncio.wait_for(
        asyncio.gather(
            *(asyncio.to_thread(deliver, idempotency_key) for idempotency_key in ("one", "two"))
        ),
        LONGEST_WAIT,
    )
    engine.dispose()
    assert [one.sent for one in done] == [2, 2]
    await organisation.handle.cancel()
