"""A report of a consent stops nothing for more than a minute: anybody can report one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from contracts.go_live import Attention, ConsentReported, GoLiveOutcome, Wait
from tests.cluster import Cluster, Organisation, Person
from tests.workflows.driver import never_applied, proof_gives_up
from tests.workflows.schedule import TO_FIRST_CONTACT, TO_SECOND_CONTACT, ledger
from wording import situations
from workflows.go_live import SsoGoLive


@asynccontextmanager
async def _reported(cluster: Cluster) -> AsyncIterator[Organisation]:
    """An organisation whose consent was reported, and never given."""
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    never_applied(organisation)
    await organisation.consent()
    await organisation.until(Wait.MICROSOFT)
    yield organisation
    cluster.control("DELETE", "/propagation")


async def test_a_report_stops_neither_reminders_nor_the_deadline(cluster: Cluster) -> None:
    async with _reported(cluster) as organisation:
        proving = organisation.progress
        assert proving.due_at is not None, "the deadline is named while it is proven"
        await proof_gives_up(organisation)
        now = organisation.progress
        assert (now.wait, now.due_at) == (Wait.ADMIN_CONSENT, proving.due_at)
        await organisation.skip(timedelta(days=29))
        assert (await organisation.ended()).outcome is GoLiveOutcome.CONSENT_EXPIRED
    sent = [one.message for one in ledger(organisation)]
    assert sent.count("consent_escalation") == 1
    reminders = len(ledger(organisation, "consent_reminder"))
    assert reminders == TO_FIRST_CONTACT + TO_SECOND_CONTACT
    assert sent.count("needs_attention") == 1


async def test_reports_during_a_proof_do_not_silence_the_alarm(cluster: Cluster) -> None:
    async with _reported(cluster) as organisation:
        await organisation.skip(timedelta(minutes=3))
        rows = cluster.rows(
            "SELECT e.tenant_id, e.administrator_object_id FROM golive.consent_evidence e "
            "JOIN golive.go_live g ON g.id = e.go_live_id JOIN pulse.organisation o "
            "ON o.id = g.organisation_id WHERE o.slug = :slug",
            slug=organisation.slug,
        )
        ((tenant, administrator),) = rows
        for who in (administrator, uuid4()):
            fact = ConsentReported(str(tenant), str(who))
            await organisation.handle.signal(SsoGoLive.consent_reported, fact)
        await proof_gives_up(organisation)
        happened = situations.ATTENTION[Attention.MICROSOFT_NOT_CAUGHT_UP][0]
        await organisation.received_by("dana@clientshare.example", happened)
        assert organisation.progress.wait is Wait.ADMIN_CONSENT
        # What is reported from now on is tried, as a retry is.
        cluster.control("DELETE", "/propagation")
        fact = ConsentReported(str(tenant), str(administrator))
        await organisation.handle.signal(SsoGoLive.consent_reported, fact)
        done = await organisation.until(Wait.MOVE_DATE)
        assert done.attention is None
        await cluster.orders().roll_back(organisation.slug, "The test is over.")
        await organisation.ended()


async def test_a_proof_that_gave_up_can_be_retried(cluster: Cluster) -> None:
    async with _reported(cluster) as organisation:
        await proof_gives_up(organisation)
        await organisation.skip_to_reminder()
        await organisation.until(lambda _: bool(ledger(organisation, "consent_reminder")))
        cluster.control("DELETE", "/propagation")
        await cluster.orders().retry(organisation.slug)
        await organisation.until(Wait.MOVE_DATE)
        await cluster.orders().roll_back(organisation.slug, "The test is over.")
        await organisation.ended()
