"""Mail holds only so many slots, and gives its own up for others."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.mail_sending import Sending
from activities.notices import NoticeActivities
from activities.throttle import FIRST_RETRY_DELAY, RateLimiter, Slots, try_later
from contracts.errors import ErrorType
from contracts.go_live import Wait
from contracts.notices import Delivered, Delivery, Message, RecipientKind
from database.engine import open_sessions
from database.mail import ledger
from database.mail.ledger import Recipient
from tests.cluster import Cluster, Organisation


def _is_no_trouble(error: ApplicationError) -> bool:
    """Whether it is tried again soon, and counts as no failure where failures are watched."""
    return (
        error.type == ErrorType.MAIL_UNAVAILABLE
        and not error.non_retryable
        and error.next_retry_delay == FIRST_RETRY_DELAY
        and error.category is ApplicationErrorCategory.BENIGN
    )


def _take(slots: Slots) -> None:
    with slots.one():
        raise AssertionError("every slot is taken")


def test_a_delivery_without_a_slot_is_retried_and_a_slot_is_given_back() -> None:
    slots = Slots(2)
    with slots.one():
        with slots.one(), pytest.raises(ApplicationError) as none_free:
            ActivityEnvironment().run(_take, slots)
        with pytest.raises(ValueError, match="mail"), slots.one():
            raise ValueError("mail")
        with slots.one():
            pass
    assert _is_no_trouble(none_free.value)


def test_retries_become_rarer() -> None:
    delays = [try_later("Full.", times).next_retry_delay for times in (1, 2, 3, 100)]
    assert delays == [timedelta(seconds=seconds) for seconds in (2, 4, 8, 30)]


async def _with_mail_to_users(cluster: Cluster, organisation: Organisation) -> Delivery:
    await organisation.start()
    at = (await organisation.until(Wait.ADMIN_CONSENT)).since + timedelta(minutes=1)
    go_live_id = organisation.standing().go_live_id
    assert go_live_id is not None
    users = cluster.rows(
        "SELECT u.id FROM pulse.app_user u JOIN pulse.organisation o ON o.id = u.organisation_id "
        "WHERE o.slug = :slug",
        slug=organisation.slug,
    )
    with open_sessions(cluster.engine).begin() as session:
        to = [Recipient(RecipientKind.USER, user.id) for user in users]
        ledger.queue_mail(session, go_live_id, Message.SIGN_IN_WITH_SSO, "first", to, at=at)
    return Delivery(str(go_live_id), at)


async def test_a_long_delivery_lets_others_go_first_and_goes_on_where_it_was(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    delivery = await _with_mail_to_users(cluster, organisation)
    sessions = open_sessions(cluster.engine)
    notices = NoticeActivities(
        sessions,
        Sending(sessions, cluster.dependencies.mailer, cluster.settings.mail_from),
        cluster.dependencies.branding,
        slots=Slots(1),
        to_all_users=RateLimiter(1, longest_turn_seconds=0),
    )

    def deliver() -> Delivered:
        return ActivityEnvironment().run(notices.deliver_mail, delivery)

    def states() -> list[str]:
        return sorted(state for *_, state in organisation.mails("sign_in_with_sso"))

    # Three users, and so many are read together as go out within two seconds.
    with pytest.raises(ApplicationError, match="has its turn") as others:
        await asyncio.to_thread(deliver)
    assert _is_no_trouble(others.value)
    assert states() == ["queued", "sent", "sent"]
    assert (await asyncio.to_thread(deliver)).sent == 1
    assert states() == ["sent"] * 3
    await organisation.handle.cancel()
