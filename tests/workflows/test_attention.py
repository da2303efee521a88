"""What gives up for good needs attention; a person retries, skips or rolls back."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from commands import standings
from commands.errors import CommandError
from contracts.business_hours import next_working_morning
from contracts.go_live import (
    Attention,
    ConsentReported,
    GoLiveOutcome,
    GoLiveStage,
    Progress,
    Wait,
)
from contracts.notices import RecipientKind
from contracts.orders import OrderRefusal
from graph.permissions import APPLICATION_PERMISSIONS
from tests.cluster import Cluster, Organisation, Person
from tests.workflows.driver import never_applied, until_attention, with_a_stuck_reminder
from tests.workflows.schedule import A_MOMENT, ledger
from wording import sentences
from workflows.go_live import SsoGoLive

OWNER = "dana@clientshare.example"
LONDON = "Europe/London"


@pytest.fixture
def trouble(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster whose mail and Microsoft behave again afterwards."""
    yield cluster
    cluster.mail_faults()
    cluster.control("DELETE", "/faults")
    cluster.control("DELETE", "/propagation")


async def test_a_pack_that_every_contact_refuses_is_retried(trouble: Cluster) -> None:
    organisation = trouble.create_organisation()
    _refuse_contacts(organisation)
    await organisation.start()
    await until_attention(organisation, Attention.MAIL_REFUSED)
    progress = await organisation.until(lambda now: now.may_skip)
    assert progress.stage is GoLiveStage.IT_NOTIFIED
    assert "skips it" in sentences.by_itself(progress)
    await _told(organisation, "needs_attention")
    trouble.mail_faults()
    await trouble.orders().retry(organisation.slug)
    progress = await organisation.until(Wait.ADMIN_CONSENT)
    assert progress.attention is None
    assert {state for *_, state in organisation.mails("it_pack")} == {"sent"}
    await _roll_back(organisation)


async def test_a_pack_that_cannot_be_delivered_is_skipped_with_a_reason(trouble: Cluster) -> None:
    organisation = trouble.create_organisation()
    _refuse_contacts(organisation)
    await organisation.start()
    await until_attention(organisation, Attention.MAIL_REFUSED)
    await trouble.orders().skip(organisation.slug, "We handed it over by phone.")
    # The consent request has no other way to them, and consent is never skipped.
    progress = await organisation.until(
        lambda now: (
            now.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
            and now.attention is Attention.MAIL_REFUSED
        )
    )
    assert not progress.may_skip
    with pytest.raises(CommandError, match=OrderRefusal.CANNOT_BE_SKIPPED):
        await trouble.orders().skip(organisation.slug, "We would rather not.")
    await _roll_back(organisation)


async def test_one_contact_who_refuses_mail_does_not_hold_anybody_up(trouble: Cluster) -> None:
    organisation = trouble.create_organisation()
    trouble.mail_faults(reject=organisation.second_contact, code=550)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    states = {address: state for _, address, state in organisation.mails("it_pack")}
    assert states == {organisation.contact: "sent", organisation.second_contact: "refused"}
    (refused,) = standings.refused_mail(trouble.engine, organisation.standing())
    assert (refused.address, refused.whose) == (
        organisation.second_contact,
        RecipientKind.CONTACT,
    )
    assert refused.ask == f"Ira Tee <{organisation.contact}>"
    assert refused.reply.startswith("550")
    # A name of the right address puts it in order.
    right = f"Otto Tee <{organisation.address('otto')}>"
    await trouble.people().name_contact(
        organisation.slug, right, instead_of=organisation.second_contact
    )
    await organisation.received_by(organisation.address("otto"), "moving to Microsoft")
    assert standings.refused_mail(trouble.engine, organisation.standing()) == []
    await _roll_back(organisation)


async def test_a_consent_is_not_held_up_by_a_reminder_that_cannot_be_sent(trouble: Cluster) -> None:
    organisation = await with_a_stuck_reminder(trouble)
    await organisation.consent()
    progress = await organisation.until(Wait.MOVE_DATE)
    assert progress.attention is None
    # The reminder that was stuck is not sent after the fact either.
    assert {one.state for one in ledger(organisation, "consent_reminder")} == {"refused"}
    await _roll_back(organisation)


async def test_a_proof_is_looked_for_before_anybody_is_reminded_and_then_the_hour_counts(
    trouble: Cluster,
) -> None:
    organisation = await with_a_stuck_reminder(trouble)
    # Half a minute before a working day ends.
    morning = next_working_morning(await organisation.now(), LONDON)
    evening = morning.astimezone(ZoneInfo(LONDON)).replace(hour=16, minute=59, second=30)
    await organisation.skip(evening - await organisation.now())
    never_applied(organisation)
    await organisation.consent()
    looking = await organisation.until(Wait.MICROSOFT)
    assert looking.reminder_at is None, "no date that has passed is named"
    await organisation.skip(timedelta(minutes=1))
    put_off = await organisation.until(lambda now: now.reminder_at is not None)
    assert put_off.reminder_at == next_working_morning(evening, LONDON)
    assert put_off.wait is Wait.MICROSOFT
    await organisation.skip(timedelta(days=4))
    assert "sent" in {one.state for one in ledger(organisation, "consent_reminder")}
    await _roll_back(organisation)


async def test_a_report_in_a_pause_puts_no_reminder_off(trouble: Cluster) -> None:
    organisation = trouble.create_organisation()
    await organisation.start()
    asked = await organisation.until(Wait.ADMIN_CONSENT)
    assert asked.reminder_at is not None
    await trouble.orders().pause(organisation.slug)
    await organisation.skip(timedelta(days=10))
    forged = ConsentReported(str(uuid4()), str(uuid4()))
    await organisation.handle.signal(SsoGoLive.consent_reported, forged)
    await organisation.until(lambda now: now.refusal is not None)
    await trouble.orders().resume(organisation.slug)
    now = await organisation.until(
        lambda now: now.reminder_at is not None and now.reminder_at > now.since
    )
    assert now.reminder_at is not None
    # As long after the end of the pause as it was after its beginning, and until working hours.
    left = now.reminder_at - await organisation.now()
    assert left < asked.reminder_at - asked.since + timedelta(days=3)
    await _roll_back(organisation)


async def test_domains_without_a_tenant_need_attention_until_they_have_one(
    trouble: Cluster,
) -> None:
    organisation = trouble.create_organisation()
    trouble.control("DELETE", f"/tenants/{organisation.tenant_id}")
    await organisation.start()
    await until_attention(organisation, Attention.TENANT_UNKNOWN)
    assert "skips" not in sentences.by_itself(_progress(organisation))
    trouble.put_tenant(organisation)
    await trouble.orders().retry(organisation.slug, "The domain is verified now.")
    await organisation.until(Wait.ADMIN_CONSENT)
    await _roll_back(organisation)


async def test_an_application_that_is_switched_off_needs_attention_until_it_is_on(
    trouble: Cluster,
) -> None:
    organisation = trouble.create_organisation()
    grant = f"/tenants/{organisation.tenant_id}/grants/{trouble.settings.client_id}"
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    trouble.control(
        "POST",
        "/propagation",
        tenant=organisation.tenant_id,
        client_id=trouble.settings.client_id,
        mode="token_refused_400",
    )
    await organisation.consent()
    await organisation.until(Wait.MICROSOFT)
    permissions = [one.name for one in APPLICATION_PERMISSIONS]
    trouble.control("PUT", grant, application=permissions, enabled=False)
    trouble.control("DELETE", "/propagation")
    await organisation.skip(timedelta(minutes=1))
    await until_attention(organisation, Attention.APPLICATION_DISABLED)
    trouble.control("PUT", grant, application=permissions, enabled=True)
    await trouble.orders().retry(organisation.slug, "They switched it on again.")
    progress = await organisation.until(Wait.MOVE_DATE)
    assert progress.attention is None
    await _roll_back(organisation)


async def test_what_needs_attention_can_be_rolled_back(trouble: Cluster) -> None:
    organisation = trouble.create_organisation()
    _refuse_contacts(organisation)
    await organisation.start()
    await until_attention(organisation, Attention.MAIL_REFUSED)
    trouble.mail_faults()
    await _roll_back(organisation)
    assert _progress(organisation).attention is None


async def test_first_users_who_never_sign_in_need_attention_until_one_does(
    trouble: Cluster,
) -> None:
    organisation = trouble.create_organisation(
        *(Person(name) for name in ("anna", "ben", "cleo", "dora", "emil", "fay", "gus")),
        exception_threshold="10",
    )
    await organisation.come_to_the_move()
    opened = await organisation.until(Wait.FIRST_SIGN_IN)
    assert opened.due_at is not None
    assert abs(opened.due_at - opened.since - timedelta(days=5)) < A_MOMENT
    assert organisation.mails("pilot_waiting") == []
    await organisation.skip(timedelta(days=6))
    await until_attention(organisation, Attention.NO_ONE_SIGNED_IN)
    assert len(organisation.mails("pilot_waiting")) == 1
    await organisation.sign_in(organisation.first_moved())
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE


def _progress(organisation: Organisation) -> Progress:
    progress = organisation.standing().progress
    assert progress is not None
    return progress


def _refuse_contacts(organisation: Organisation) -> None:
    for address in (organisation.contact, organisation.second_contact):
        organisation.cluster.mail_faults(reject=address, code=550)


async def _told(organisation: Organisation, message: str) -> None:
    await organisation.until(
        lambda _: [to for _, to, state in organisation.mails(message) if state == "sent"] == [OWNER]
    )


async def _roll_back(organisation: Organisation) -> None:
    organisation.cluster.mail_faults()
    await organisation.cluster.orders().roll_back(organisation.slug, "The test is over.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
