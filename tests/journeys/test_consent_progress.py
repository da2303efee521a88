"""The progress page of a consent says only what this very browser has proven."""

import asyncio

from contracts.go_live import Wait
from local import loopback, people
from tests.cluster import Cluster


async def test_a_link_nobody_has_used_claims_no_check(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    link = await asyncio.to_thread(cluster.endpoints.consent_link, organisation.contact)
    page = await asyncio.to_thread(loopback.get, f"{link}/progress")
    assert page.status_code == 200
    assert 'class="done"' not in page.text
    await asyncio.to_thread(
        people.consent, cluster.endpoints, organisation.contact, organisation.administrator
    )
    await organisation.until(Wait.MOVE_DATE)
    page = await asyncio.to_thread(loopback.get, f"{link}/progress")
    assert page.text.count('class="done"') == 4
