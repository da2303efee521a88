"""No order takes away a way in by accident."""

import asyncio

import pytest

from commands import domains
from commands.errors import CommandError
from contracts.problems import Problem
from tests.attacks.conftest import Target
from tests.cluster import Organisation
from wording import shell


async def test_a_domain_stays_while_somebody_signs_in_by_it(moved: Organisation) -> None:
    cluster, slug = moved.cluster, moved.slug
    cluster.rows(
        "INSERT INTO pulse.organisation_domain (organisation_id, domain) "
        "SELECT id, :domain FROM pulse.organisation WHERE slug = :slug",
        domain=f"sold.{moved.domain}",
        slug=slug,
    )

    def take_off(domain: str) -> None:
        domains.remove(cluster.engine, slug, domain, "dana", "Sold last week.")

    with pytest.raises(CommandError, match=Problem.DOMAIN_IN_USE) as refused:
        await asyncio.to_thread(take_off, moved.domain)
    assert "deactivated" in refused.value.words(shell.said_of)
    assert "domain_removed" not in {action for _, action, _ in moved.audit()}
    await moved.sign_in("anna")
    await asyncio.to_thread(take_off, f"sold.{moved.domain}")
    assert ("dana", "domain_removed", "Sold last week.") in moved.audit()


async def test_a_domain_stays_while_its_people_are_about_to_move(target: Target) -> None:
    organisation = target.organisation
    organisation.cluster.rows(
        "INSERT INTO pulse.organisation_domain (organisation_id, domain) "
        "SELECT id, :domain FROM pulse.organisation WHERE slug = :slug",
        domain=f"kept.{organisation.domain}",
        slug=organisation.slug,
    )
    engine, slug = organisation.cluster.engine, organisation.slug
    with pytest.raises(CommandError, match=Problem.DOMAIN_IN_USE):
        await asyncio.to_thread(
            domains.remove, engine, slug, organisation.domain, "dana", "A mistake."
        )
    await asyncio.to_thread(
        domains.remove, engine, slug, f"kept.{organisation.domain}", "dana", "A mistake."
    )
