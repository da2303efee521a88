"""A customer whose Microsoft lets administrators in and stops every ordinary user."""

import asyncio
from datetime import timedelta

from contracts.go_live import Attention, GoLiveOutcome, Wait
from local import people
from tests.administrators import somebody
from tests.cluster import Cluster, Person
from wording import sentences
from wording.customer import customer_status


async def test_it_waits_at_the_first_users_says_why_and_goes_on_by_itself(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(
        *(Person(name) for name in ("anna", "ben", "cleo", "dora", "emil", "fay", "gus")),
        exception_threshold="10",
    )
    organisation.change_tenant(sign_in_rules=[{"kind": "assignment_required"}])
    # The administrator is let in, so the consent is proven.
    await organisation.come_to_the_move()
    await organisation.until(Wait.FIRST_SIGN_IN)
    first = organisation.first_moved()

    def stopped() -> None:
        with somebody(organisation) as who:
            who.open("/login").press("Continue", email=organisation.address(first))
            who.press("Login with SSO").sign_in(organisation.address(first))
            assert "AADSTS50105" in who.text
            assert who.browser.url.startswith(cluster.settings.entra_authority)

    await asyncio.to_thread(stopped)
    await organisation.skip(timedelta(days=6))
    now = await organisation.until(lambda now: now.attention is Attention.NO_ONE_SIGNED_IN)
    ours, theirs = sentences.to_do(now), customer_status(now, "Europe/London").to_do
    for words in (ours, theirs):
        assert "“Assignment required?”" in words
        assert "Conditional Access" in words
    moved = cluster.rows(
        "SELECT count(*) FILTER (WHERE m.moved_at IS NOT NULL) AS moved, "
        "count(*) FILTER (WHERE u.sign_in_method = 'password') AS as_before "
        "FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id "
        "WHERE u.address LIKE :of",
        of=f"%@{organisation.domain}",
    )
    assert [tuple(row) for row in moved] == [(5, 2)], "only the first have moved"

    kept = cluster.control("GET", f"/tenants/{organisation.tenant_id}/grants")["grants"]
    organisation.change_tenant(sign_in_rules=[], grants=kept)
    with await asyncio.to_thread(
        people.log_in_with_sso, cluster.endpoints, organisation.address(first)
    ):
        pass
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE
