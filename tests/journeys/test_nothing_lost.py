"""What people did while a part of us was away is neither lost nor asked for again."""

import asyncio
from pathlib import Path

from contracts.go_live import GoLiveOutcome, Wait
from local import people
from local.ports import Ports
from tests.town import Organisation, Town, web


async def proven_by_a_web_without_temporal(
    town: Town, organisation: Organisation, log: Path
) -> str:
    """Consent by the link in the mail, at a web process that does not reach Temporal."""
    ports = Ports.free()
    public = f"http://127.0.0.1:{ports.web}"
    environment = {
        **town.environment,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{ports.temporal}",
        "GOLIVE_PUBLIC_URL": public,
    }
    link = await asyncio.to_thread(town.places.consent_link, organisation.contact)

    class There(people.Town):
        def consent_link(self, address: str) -> str:
            return link.replace(town.places.web, public)

    def consent() -> str:
        with web(environment, ports.web, log):
            try:
                people.consent(
                    There(public, town.places.mailbox),
                    organisation.contact,
                    organisation.administrator,
                )
            except people.SceneFailedError as page:
                return str(page)
        raise AssertionError("Temporal was reached")

    return await asyncio.to_thread(consent)


async def test_a_consent_given_while_temporal_is_away_is_told_later_by_itself(
    town: Town, tmp_path: Path
) -> None:
    organisation = town.found_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    page = await proven_by_a_web_without_temporal(town, organisation, tmp_path / "web.log")
    assert "Your consent is noted." in page
    assert "There is nothing more for you to do." in page
    await organisation.until(Wait.MOVE_DATE, within=60)
    assert await organisation.signals() == ["admin_consented"]
    assert (
        town.rows(
            "SELECT f.id FROM golive.fact f JOIN golive.go_live g ON g.id = f.go_live_id "
            "JOIN pulse.organisation o ON o.id = g.organisation_id WHERE o.slug = :slug",
            slug=organisation.slug,
        )
        == []
    )
    await organisation.handle.cancel()


async def test_a_mail_that_has_lost_its_point_is_withdrawn_with_the_ending(town: Town) -> None:
    organisation = town.found_organisation(
        sso_included="no",
        customer_success_handle="zoe",
        customer_success_email="zoe@clientshare.example",
    )
    town.mail_faults(defer="zoe@clientshare.example", times=2)
    await organisation.start()
    await organisation.until(lambda now: now.wait is Wait.ENTITLEMENT)
    await town.orders().decline_entitlement(organisation.slug, "Not sold.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.NOT_ENTITLED
    assert "queued" not in {state for _, _, state in organisation.mails()}
