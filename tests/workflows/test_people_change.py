"""Who looks after an organisation changes while it goes live, here and at the customer."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest

from commands import imports
from commands.errors import CommandError, UsageError
from contracts.go_live import Attention, GoLiveOutcome, Wait
from contracts.problems import Problem
from local import loopback
from local.browser import Browser
from tests.administrators import waiting_for_consent
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, write_csv
from tests.workflows.driver import until_attention
from tests.workflows.schedule import ledger

NEW = "New Tee <new@{domain}>"


@pytest.fixture
def lee(cluster: Cluster) -> str:
    """Another customer success manager; handles come with an import."""
    cluster.create_organisation(
        customer_success_handle="lee", customer_success_email="lee@clientshare.example"
    )
    return "lee@clientshare.example"


def links_of(organisation: Organisation, address: str) -> list[str]:
    """The set-up and consent link in someone's newest mail."""
    text = organisation.newest_mail_to(address)
    web = re.escape(organisation.cluster.endpoints.web)
    return re.findall(rf"{web}/(?:setup|consent)/[^\s/]+", text)


async def shown_becomes(organisation: Organisation, name: str, value: object) -> None:
    async with asyncio.timeout(LONGEST_WAIT):
        while await organisation.shown(name) != value:
            await asyncio.sleep(0.02)


async def test_a_new_owner_gets_the_next_mails_and_the_temporal_ui_says_so(
    cluster: Cluster, lee: str
) -> None:
    organisation = await waiting_for_consent(cluster)
    for _ in range(2):
        told = await cluster.people().change_owner(organisation.slug, "lee", "Dana is on leave.")
        assert told.go_live_runs
    assert organisation.standing().owner == "lee"
    await shown_becomes(organisation, "CustomerSuccessOwner", "lee")
    await organisation.skip(timedelta(days=22))
    assert [to for _, to, _ in organisation.mails("consent_escalation")] == [lee]
    assert organisation.audit().count(("dana", "owner_changed", "Dana is on leave.")) == 1
    assert "Lee" in organisation.newest_mail_to(organisation.contact)
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK


async def test_who_comes_instead_gets_the_pack_at_once_and_old_links_are_dead(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster)
    old = await asyncio.to_thread(links_of, organisation, organisation.contact)
    assert len(old) == 2
    new = organisation.address("new")
    told = await cluster.people().name_contact(
        organisation.slug,
        NEW.format(domain=organisation.domain),
        instead_of=organisation.contact.upper(),
        reason="Ira has left.",
    )
    assert told.pack_sent
    await organisation.received_by(new, "moving to Microsoft single sign-on")
    fresh = await asyncio.to_thread(links_of, organisation, new)

    def statuses(links: list[str]) -> list[int]:
        return [loopback.get(link, timeout=LONGEST_WAIT).status_code for link in links]

    assert await asyncio.to_thread(statuses, old) == [410, 410]
    assert await asyncio.to_thread(statuses, fresh) == [200, 200]

    def read_the_old_link() -> str:
        with Browser() as browser:
            browser.open(old[1])
            with pytest.raises(LookupError):
                browser.press("Send me a new link")
            return browser.text

    # A new link would go to whoever is no contact any more, so none is offered.
    assert "no longer works" in await asyncio.to_thread(read_the_old_link)
    assert len(organisation.mails("it_pack")) == 3
    await organisation.skip_to_reminder()
    await organisation.until(lambda _: bool(ledger(organisation, "consent_reminder")))
    assert {one.address for one in ledger(organisation, "consent_reminder")} == {new}
    assert ("dana", "contact_named", "Ira has left.") in organisation.audit()
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()
    assert organisation.contact not in {to for _, to, _ in organisation.mails("roll_back_notice")}


async def test_an_address_that_refuses_is_replaced_and_retried(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    for address in (organisation.contact, organisation.second_contact):
        cluster.mail_faults(reject=address, code=550)
    await organisation.start()
    await until_attention(organisation, Attention.MAIL_REFUSED)
    people, slug = cluster.people(), organisation.slug
    new = organisation.address("new")
    told = await people.name_contact(
        slug, NEW.format(domain=organisation.domain), instead_of=organisation.contact
    )
    assert not told.pack_sent
    await people.remove_contact(slug, organisation.second_contact)
    await cluster.orders().retry(slug)
    await organisation.until(Wait.ADMIN_CONSENT)
    cluster.mail_faults()
    assert {(to, state) for _, to, state in organisation.mails("it_pack")} == {
        (organisation.contact, "withdrawn"),
        (organisation.second_contact, "withdrawn"),
        (new, "sent"),
    }
    with pytest.raises(CommandError, match=Problem.ONLY_CONTACT):
        await people.remove_contact(slug, new)
    await cluster.orders().roll_back(slug, "The test is over.")
    await organisation.ended()


async def test_an_import_that_names_others_hands_over_and_asks_in_its_order(
    cluster: Cluster, lee: str, tmp_path: Path
) -> None:
    organisation = await waiting_for_consent(cluster)
    cluster.import_organisation(
        organisation,
        customer_success_handle="lee",
        customer_success_email=lee,
        it_contacts=f"{NEW.format(domain=organisation.domain)};{organisation.second_contact}",
    )
    assert organisation.standing().owner == "lee"
    order = cluster.rows(
        "SELECT c.address FROM golive.contact c JOIN pulse.organisation o "
        "ON o.id = c.organisation_id WHERE o.slug = :slug ORDER BY c.position",
        slug=organisation.slug,
    )
    assert [one.address for one in order] == [
        organisation.address("new"),
        organisation.second_contact,
        organisation.contact,
    ]
    assert ("system", "owner_changed", "import") in organisation.audit()
    # What the shell's `import` then tells the run, it tells once.
    header = {"organisation": "", "email": "", "display_name": "", "status": ""}
    write_csv(tmp_path / "users.csv", [], columns=list(header))
    again = imports.import_files(
        cluster.engine, cluster.folder / f"{organisation.slug}.csv", tmp_path / "users.csv"
    )
    assert again.handed_over == ()
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()


async def test_a_change_that_makes_no_sense_is_refused_and_changes_nothing(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    people, slug = cluster.people(), organisation.slug
    refused: list[tuple[object, type[Exception], str]] = [
        (people.change_owner(slug, "mallory"), UsageError, Problem.UNKNOWN_SUCCESSOR),
        (people.name_contact(slug, "nonsense"), UsageError, Problem.NOT_A_CONTACT),
        (
            people.name_contact(slug, "A <a@b.example>", instead_of="c@d.example"),
            CommandError,
            Problem.UNKNOWN_CONTACT,
        ),
        (people.remove_contact(slug, "c@d.example"), CommandError, Problem.UNKNOWN_CONTACT),
        (people.change_owner("nowhere", "dana"), CommandError, Problem.UNKNOWN_ORGANISATION),
        (
            cluster.people(by="mallory").change_owner(slug, "dana"),
            UsageError,
            Problem.UNKNOWN_STAFF,
        ),
    ]
    for change, kind, problem in refused:
        with pytest.raises(kind, match=problem):
            await change  # type: ignore[misc]
    assert organisation.audit() == []
    # Without a go-live a change is only recorded.
    told = await people.name_contact(slug, "Ann <ann@customer.example>", first=True)
    assert not told.go_live_runs
