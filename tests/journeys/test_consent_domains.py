"""E-mail domains and tenants: found before anyone clicks, shown with what they mean, corrected."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from commands import domains
from commands import standings as shell
from commands.errors import CommandError, UsageError
from contracts.directory import DomainsFinding
from contracts.go_live import Attention, Refusal, Wait
from contracts.problems import Problem
from database.engine import open_sessions
from database.people import sign_in
from tests.cluster import Cluster, Organisation, Person, directory_domain
from wording import sentences
from wording.refusals import DOMAINS, REFUSALS, SIGN_IN_UNCONFIRMED


def _lines(cluster: Cluster, organisation: Organisation) -> str:
    return " ".join(words for _, words in domains.lines(cluster.engine, organisation.slug))


def _with_second_domain(cluster: Cluster, **columns: str) -> tuple[Organisation, str]:
    slug = f"t{uuid4().hex[:10]}"
    second = f"second-{slug}.example"
    organisation = cluster.create_organisation(
        Person("anna"), slug=slug, domains=f"{slug}.example;{second}", **columns
    )
    return organisation, second


def _other_tenant(cluster: Cluster, domain: str, authority: str | None = None) -> str:
    tenant_id = str(uuid4())
    cluster.control(
        "PUT",
        f"/tenants/{tenant_id}",
        id=tenant_id,
        display_name="Another",
        domains=[directory_domain(domain)],
        users=[],
        authority=authority,
    )
    return tenant_id


async def test_one_tenant_is_found_and_kept(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    data = domains.as_data(cluster.engine, organisation.slug)
    assert data["domains"] == {organisation.domain: organisation.tenant_id}
    assert data["domains_finding"] is DomainsFinding.ONE_TENANT
    assert domains.lines(cluster.engine, organisation.slug) == []
    assert ("workflow", "tenant_discovered", "one_tenant") in organisation.audit()


async def test_a_domain_that_is_not_on_entra_is_shown_with_what_it_means(cluster: Cluster) -> None:
    organisation, second = _with_second_domain(cluster)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    said = _lines(cluster, organisation)
    assert DOMAINS[DomainsFinding.PARTLY_ON_ENTRA] in said
    assert f"{second}: not on Entra ID" in said
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    # One verified domain is enough; people under the other one are never linked.
    verified = cluster.rows(
        "SELECT v.domain FROM golive.verified_domain v JOIN pulse.organisation o "
        "ON o.id = v.organisation_id WHERE o.slug = :slug",
        slug=organisation.slug,
    )
    assert [row.domain for row in verified] == [organisation.domain]
    assert SIGN_IN_UNCONFIRMED in _lines(cluster, organisation)


async def test_a_domain_in_another_cloud_is_named_and_stops_no_other(cluster: Cluster) -> None:
    organisation, second = _with_second_domain(cluster)
    other = _other_tenant(cluster, second, authority="https://login.microsoftonline.us")
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    said = _lines(cluster, organisation)
    assert f"{second}: in Microsoft's US Government cloud, which is not served here" in said
    assert other not in said


async def test_different_tenants_need_attention_until_the_list_is_corrected(
    cluster: Cluster,
) -> None:
    organisation, second = _with_second_domain(cluster)
    other = _other_tenant(cluster, second)
    await organisation.start()
    now = await organisation.until(lambda now: now.attention is Attention.DIFFERENT_TENANTS)
    happened = sentences.happened(now)
    assert shell.as_data(organisation.standing())["words"]["why"] == happened
    assert happened in await organisation.temporal_details()
    await organisation.received_by("dana@clientshare.example", happened)
    assert DOMAINS[DomainsFinding.DIFFERENT_TENANTS] in _lines(cluster, organisation)
    assert other in _lines(cluster, organisation)
    assert organisation.mails("it_pack") == []

    def correct(domain: str = second, reason: str = "A company they sold.") -> None:
        domains.remove(cluster.engine, organisation.slug, domain, "dana", reason)

    with pytest.raises(UsageError, match=Problem.REASON_MISSING):
        correct(reason=" ")
    with pytest.raises(CommandError, match=Problem.UNKNOWN_DOMAIN):
        correct("elsewhere.example")
    correct()
    with pytest.raises(CommandError, match=Problem.ONLY_DOMAIN):
        correct(organisation.domain)
    assert ("dana", "domain_removed", "A company they sold.") in organisation.audit()
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.ADMIN_CONSENT)
    assert _lines(cluster, organisation) == ""


async def test_no_domain_on_entra_needs_attention_until_there_is_one(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    organisation.change_tenant(domains=[directory_domain("elsewhere." + organisation.domain)])
    await organisation.start()
    now = await organisation.until(lambda now: now.attention is Attention.TENANT_UNKNOWN)
    assert sentences.happened(now) == REFUSALS[Refusal.TENANT_UNKNOWN].happened
    assert DOMAINS[DomainsFinding.NOT_ON_ENTRA] in _lines(cluster, organisation)
    await organisation.received_by("dana@clientshare.example", sentences.happened(now))
    organisation.change_tenant(domains=[directory_domain(organisation.domain)])
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.ADMIN_CONSENT)


async def test_a_domain_that_moved_meanwhile_is_noticed_at_the_proof(cluster: Cluster) -> None:
    organisation, second = _with_second_domain(cluster)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    _other_tenant(cluster, second)
    await organisation.consent()
    await organisation.until(lambda now: now.attention is Attention.DIFFERENT_TENANTS)
    await asyncio.to_thread(
        domains.remove, cluster.engine, organisation.slug, second, "dana", "Sold last week."
    )
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.MOVE_DATE)


async def test_the_sign_in_counts_as_confirmed_once_somebody_else_has_signed_in(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"), Person("ben"))
    assert domains.as_data(cluster.engine, organisation.slug)["consent"] is None
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(lambda now: now.wait in {Wait.FIRST_SIGN_IN, Wait.AFTERCARE})
    assert SIGN_IN_UNCONFIRMED in _lines(cluster, organisation)
    await organisation.sign_in(organisation.first_moved())
    data: dict[str, Any] = domains.as_data(cluster.engine, organisation.slug)
    assert data["consent"]["sign_in_confirmed"] is True
    assert domains.lines(cluster.engine, organisation.slug) == []


async def test_people_who_sign_in_with_one_tenant_are_never_led_to_another(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"), Person("ben"))
    await organisation.go_live()
    before = _ways_in(organisation)
    organisation.change_tenant(domains=[directory_domain("elsewhere." + organisation.domain)])
    other = _other_tenant(cluster, organisation.domain)
    await organisation.start()
    now = await organisation.until(lambda now: now.attention is Attention.PEOPLE_IN_ANOTHER_TENANT)
    await organisation.received_by("dana@clientshare.example", sentences.happened(now))
    assert other in str(domains.as_data(cluster.engine, organisation.slug)["domains"])
    assert _ways_in(organisation) == before
    await cluster.orders().roll_back(organisation.slug, "They moved to another tenant.")
    await organisation.ended()
    assert _ways_in(organisation) == before


def _ways_in(organisation: Organisation) -> list[Any]:
    with open_sessions(organisation.cluster.engine).begin() as session:
        way = sign_in.way_in(session, organisation.address("anna"))
    users = [organisation.user(name) for name in ("anna", "ben")]
    return [way, *users]
