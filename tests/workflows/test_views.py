"""The saved views of docs/customer-success.md find what they say."""

import asyncio
import re
from datetime import timedelta

from contracts.go_live import Attention, ConsentNotGiven, Refusal, Wait, go_live_id
from contracts.waiting_on import waiting_on
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, Cluster, Organisation
from tests.workflows.driver import go_on, new_organisation, until_attention
from workflows.go_live import SsoGoLive

_ROW = re.compile(r"^\| (?P<name>[^|]+) \| `(?P<filter>ExecutionStatus[^`]+)` \|$", re.M)


def views() -> dict[str, str]:
    page = (ROOT / "docs" / "customer-success.md").read_text(encoding="utf-8")
    return {row["name"]: row["filter"] for row in _ROW.finditer(page)}


async def test_each_saved_view_lists_the_go_lives_it_is_for(cluster: Cluster) -> None:
    ours, it, administrator, stuck, declined = (
        cluster.create_organisation(sso_included="no"),
        cluster.create_organisation(it_acknowledgement="yes"),
        cluster.create_organisation(),
        cluster.create_organisation(),
        cluster.create_organisation(),
    )
    for address in (stuck.contact, stuck.second_contact):
        cluster.mail_faults(reject=address, code=550)
    for organisation in (ours, it, administrator, stuck, declined):
        await organisation.start()
    await ours.until(Wait.ENTITLEMENT)
    await it.until(Wait.IT_ACKNOWLEDGEMENT)
    due_at = (await administrator.until(Wait.ADMIN_CONSENT)).due_at
    await declined.until(Wait.ADMIN_CONSENT)
    await declined.handle.signal(SsoGoLive.consent_not_given, ConsentNotGiven(Refusal.DECLINED))
    await declined.until(lambda now: now.refusal is Refusal.DECLINED)
    await until_attention(stuck, Attention.MAIL_REFUSED)
    cluster.mail_faults()
    assert due_at is not None
    found = views()
    soon = f"{due_at + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    overdue = re.sub(r'"\d{4}[^"]*Z"', f'"{soon}"', found["Consent overdue"])
    everyone = {one.slug for one in (ours, it, administrator, stuck, declined)}
    for query, wanted in (
        (found["Waiting on customer success"], {ours.slug, stuck.slug, declined.slug}),
        (found["Waiting on IT"], {it.slug, administrator.slug}),
        (found["Needs attention"], {stuck.slug}),
        (overdue, {administrator.slug}),
    ):
        async with asyncio.timeout(LONGEST_WAIT):
            # Lists follow what runs say within a moment.
            while await _listed(cluster, query) & everyone != wanted:
                await asyncio.sleep(0.1)
    for organisation in (ours, it, administrator, stuck, declined):
        await _end(organisation)


async def test_whoever_waits_is_listed_by_what_the_record_says(cluster: Cluster) -> None:
    organisation = new_organisation(cluster)
    here = Wait.NOTHING
    while here is not Wait.AFTERCARE:
        here = await go_on(organisation, here)
        stands = await organisation.until(here)
        if here is Wait.MICROSOFT:
            # A first check of a minute at most comes first.
            await organisation.skip(timedelta(minutes=1))
        async with asyncio.timeout(LONGEST_WAIT):
            while await organisation.shown("WaitingOn") != waiting_on(stands):
                await asyncio.sleep(0.05)
        assert await organisation.shown("GoLiveStage") == stands.stage.value
        consent = here in {Wait.ADMIN_CONSENT, Wait.MICROSOFT}
        assert await organisation.shown("ConsentDeadline") == (stands.due_at if consent else None)
    await _end(organisation)


async def _listed(cluster: Cluster, query: str) -> set[str]:
    prefix = go_live_id("")
    return {one.id.removeprefix(prefix) async for one in cluster.client.list_workflows(query)}


async def _end(organisation: Organisation) -> None:
    await organisation.cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()
