"""Customer success closes a go-live as declined: at once, whatever the consent is just doing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from commands.errors import CommandError
from contracts.go_live import GoLiveOutcome, Refusal, Wait
from contracts.orders import OrderRefusal
from local.browser import Browser
from tests.administrators import RETURN, Consenting
from tests.cluster import Cluster, Organisation, Person
from tests.workflows.driver import beside_reminders, go_on, proof_gives_up


async def _refused(cluster: Cluster, account: str, button: str, refusal: Refusal) -> Organisation:
    """An organisation whose consent somebody did not give, and whose run has heard of it."""
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def refuse() -> None:
        with Browser() as browser:
            who = Consenting(organisation, browser).to_microsoft()
            who.sign_in(organisation.address(account)).press(button)

    await asyncio.to_thread(refuse)
    await organisation.until(lambda now: now.refusal is refusal and now.wait is Wait.ADMIN_CONSENT)
    return organisation


async def _assert_closed(organisation: Organisation) -> None:
    await organisation.cluster.orders().close_declined(organisation.slug, "They do not want SSO.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.CONSENT_DECLINED
    assert organisation.progress.outcome is GoLiveOutcome.CONSENT_DECLINED
    assert organisation.progress.attention is None
    assert ("dana", "close_declined", "They do not want SSO.") in organisation.audit()
    assert "consent_proven" not in {action for _, action, _ in organisation.audit()}
    assert {one[0] for one in organisation.mails() if one[2] == "sent"} >= {"closing_notice"}
    rows = organisation.cluster.rows(
        "SELECT o.sso_offered, c.tenant_id FROM pulse.organisation o "
        "LEFT JOIN golive.sso_connection c ON c.organisation_id = o.id WHERE o.slug = :slug",
        slug=organisation.slug,
    )
    assert [tuple(row) for row in rows] == [(False, None)]


@pytest.mark.parametrize("then", [None, beside_reminders, proof_gives_up])
async def test_closing_ends_a_proof(
    cluster: Cluster, then: Callable[[Organisation], Awaitable[None]] | None
) -> None:
    organisation = await _refused(cluster, "admin", "Cancel", Refusal.DECLINED)
    await go_on(organisation, Wait.ADMIN_CONSENT)
    if then is not None:
        await then(organisation)
    await _assert_closed(organisation)


async def test_closing_says_declined_also_when_somebody_only_could_not_consent(
    cluster: Cluster,
) -> None:
    organisation = await _refused(cluster, "anna", RETURN, Refusal.NOT_AN_ADMINISTRATOR)
    await _assert_closed(organisation)


async def test_a_proof_of_a_consent_that_nobody_declined_is_not_closed(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    with pytest.raises(CommandError, match=OrderRefusal.NOBODY_DECLINED):
        await cluster.orders().close_declined(organisation.slug, "Too early.")
