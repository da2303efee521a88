"""What people say is heard at once: neither a mail on its way nor a pause hides it."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from commands import standings
from contracts.go_live import Attention, ConsentNotGiven, GoLiveOutcome, Refusal, Wait
from graph.permissions import APPLICATION_PERMISSIONS
from tests.cluster import Cluster, Organisation
from tests.workflows.driver import never_applied, until_attention
from tests.workflows.schedule import ledger
from wording import sentences
from workflows.go_live import SsoGoLive

OWNER = "dana@clientshare.example"
NO = ConsentNotGiven("declined")
NOT_ALLOWED = ConsentNotGiven("not_an_administrator", said_no=False)


@pytest.fixture
def trouble(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster whose mail and Microsoft behave again afterwards."""
    yield cluster
    cluster.mail_faults()
    cluster.control("DELETE", "/propagation")


async def _asked(cluster: Cluster, **columns: str) -> Organisation:
    organisation = cluster.create_organisation(**columns)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    return organisation


async def test_a_no_during_a_pause_is_seen_and_can_be_acted_upon(cluster: Cluster) -> None:
    organisation = await _asked(cluster)
    orders, slug = cluster.orders(), organisation.slug
    await orders.pause(slug)
    await organisation.handle.signal(SsoGoLive.consent_not_given, NO)
    seen = await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    assert (seen.wait, sentences.whom(seen)) == (Wait.ADMIN_CONSENT, "customer success")
    assert "declined" in dict(standings.five_lines(organisation.standing()))["Why"]
    extended = await orders.extend(slug, days=7)
    assert extended.due_at is not None
    assert sentences.instant(extended.due_at) in sentences.by_itself(extended)
    assert (await organisation.until(lambda now: now.due_at == extended.due_at)).paused
    assert organisation.mails("consent_declined") == []
    await orders.close_declined(slug, "They do not want SSO.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.CONSENT_DECLINED
    assert organisation.mails("consent_declined") == [], "the ending says it"


async def test_a_consent_is_proven_although_nobody_of_ours_can_be_written_to(
    trouble: Cluster,
) -> None:
    organisation = await _asked(trouble)
    trouble.mail_faults(defer=OWNER, code=451)
    await organisation.handle.signal(SsoGoLive.consent_not_given, NO)
    await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    trouble.mail_faults()
    await _roll_back(organisation)


async def test_who_tries_again_after_a_no_is_reminded_again(cluster: Cluster) -> None:
    organisation = await _asked(cluster)
    await organisation.handle.signal(SsoGoLive.consent_not_given, NO)
    declined = await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    assert declined.reminder_at is None
    await organisation.handle.signal(SsoGoLive.consent_not_given, NOT_ALLOWED)
    again = await organisation.until(lambda now: now.refusal is Refusal.NOT_AN_ADMINISTRATOR)
    assert again.reminder_at is not None
    assert sentences.whom(again) == "administrator"
    await organisation.skip(again.reminder_at - await organisation.now() + timedelta(seconds=2))
    await organisation.until(
        lambda now: now.reminder_at is not None and now.reminder_at != again.reminder_at
    )
    assert len(ledger(organisation, "consent_reminder")) == 1
    await _roll_back(organisation)


async def test_trouble_during_a_pause_is_shown_at_once_and_told_after_it(trouble: Cluster) -> None:
    organisation = await _asked(trouble)
    await trouble.orders().pause(organisation.slug)
    never_applied(organisation)
    await organisation.consent()
    await organisation.until(Wait.MICROSOFT)
    grant = f"/tenants/{organisation.tenant_id}/grants/{trouble.settings.client_id}"
    permissions = [one.name for one in APPLICATION_PERMISSIONS]
    trouble.control("PUT", grant, application=permissions, enabled=False)
    trouble.control("DELETE", "/propagation")
    await organisation.skip(timedelta(minutes=1))
    await until_attention(organisation, Attention.APPLICATION_DISABLED)
    await organisation.skip(timedelta(hours=1))
    assert organisation.mails("needs_attention") == organisation.mails("consent_trouble") == []
    await trouble.orders().resume(organisation.slug)
    for message in ("needs_attention", "consent_trouble"):
        await organisation.until(
            lambda _, message=message: "sent" in {one[2] for one in organisation.mails(message)}  # type: ignore[misc]
        )
    await _roll_back(organisation)


async def test_a_day_chosen_during_a_pause_can_be_chosen_again(cluster: Cluster) -> None:
    organisation = await _asked(cluster)
    orders, slug = cluster.orders(), organisation.slug
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await orders.pause(slug)
    for days in (9, 12):
        chosen = (await organisation.now() + timedelta(days=days)).replace(microsecond=0)
        answer = await orders.acknowledge(slug, chosen)
        assert (answer.wait, answer.due_at) == (Wait.MOVE_DATE, chosen)
        assert (await organisation.until(lambda now: now.paused)).due_at == chosen
    announced = len(organisation.mails("move_announcement"))
    await orders.resume(slug)
    moves = await organisation.until(lambda now: now.wait is Wait.MOVE_DATE and not now.paused)
    assert moves.due_at == chosen
    assert len(organisation.mails("move_announcement")) == announced
    await organisation.skip(timedelta(hours=1, minutes=1))
    await organisation.until(lambda _: len(organisation.mails("move_announcement")) > announced)
    await _roll_back(organisation)


async def test_a_roll_back_takes_back_what_was_not_told_yet(trouble: Cluster) -> None:
    organisation = await _asked(trouble)
    trouble.mail_faults(defer=OWNER, code=451)
    await organisation.handle.signal(SsoGoLive.consent_not_given, NO)
    await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    await organisation.until(lambda _: bool(organisation.mails("consent_declined")))
    await trouble.orders().roll_back(organisation.slug, "A change of mind.")
    await organisation.until(lambda now: now.ending is GoLiveOutcome.ROLLED_BACK)
    trouble.mail_faults()
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    assert [state for *_, state in organisation.mails("consent_declined")] == ["withdrawn"]
    assert "roll_back_notice" in {message for message, *_ in organisation.mails()}


async def test_a_roll_back_is_not_lost_whatever_is_being_done_at_that_moment(
    cluster: Cluster,
) -> None:
    """What is awaited may be done in the same moment, and then forgets that it was cancelled."""
    for _ in range(12):
        organisation = cluster.create_organisation()
        await organisation.start()
        # The last mail is noted, and in the next moment the activity is done.
        while "sent" not in {state for *_, state in organisation.mails("it_pack")[-1:]}:
            await asyncio.sleep(0.002)
        await _roll_back(organisation)


async def _roll_back(organisation: Organisation) -> None:
    await organisation.cluster.orders().roll_back(organisation.slug, "The test is over.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
