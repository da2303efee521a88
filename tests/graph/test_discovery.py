import httpx2
import pytest

from graph.discovery import (
    DomainDiscovery,
    DomainsOutcome,
    TenantOfDomains,
    discover_tenant,
    discover_tenants,
)
from graph.errors import DomainNotOnEntra, MicrosoftUnreachable, Throttled, UnexpectedAnswer
from tests.graph.scripted import OTHER_TENANT, TENANT, Answer, Request, ScriptedMicrosoft

KNOWN = {"contoso.example": TENANT, "fabrikam.example": OTHER_TENANT}


@pytest.fixture(autouse=True)
def _discovery_by_domain(scripted: ScriptedMicrosoft) -> None:
    def document(request: Request) -> Answer:
        tenant = KNOWN.get(request.path.split("/")[1])
        if tenant is None:
            return Answer(400, {"error": "invalid_tenant", "error_codes": [90002]})
        return Answer(200, scripted.document(tenant))

    scripted.routes["/openid-configuration"] = document


def test_a_domain_leads_to_its_tenant(http: httpx2.Client, scripted: ScriptedMicrosoft) -> None:
    assert discover_tenant(http, scripted.url, "contoso.example") == TENANT


def test_case_blanks_and_a_final_dot_do_not_matter(
    http: httpx2.Client, scripted: ScriptedMicrosoft
) -> None:
    assert discover_tenant(http, f"{scripted.url}/", " Contoso.EXAMPLE. ") == TENANT


def test_a_domain_that_nobody_holds_is_not_on_entra(
    http: httpx2.Client, scripted: ScriptedMicrosoft
) -> None:
    with pytest.raises(DomainNotOnEntra):
        discover_tenant(http, scripted.url, "nobody.example")


@pytest.mark.parametrize(
    "domain",
    ["", "example", "a b.example", "../common", "x/y.example", "a..example", "-a.example", "a@b.c",
     "contoso.example?x=1", "contoso.example#", "a" * 64 + ".example", "%2e%2e.example"],
)  # fmt: skip
def test_text_that_is_no_domain_never_reaches_microsoft(
    http: httpx2.Client, scripted: ScriptedMicrosoft, domain: str
) -> None:
    with pytest.raises(DomainNotOnEntra):
        discover_tenant(http, scripted.url, domain)

    assert scripted.requests == []


@pytest.mark.parametrize(
    ("domain", "asked"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        # Python's own codec would ask about fass.de, which is somebody else's.
        ("faß.de", "xn--fa-hia.de"),
        ("STRAßE.example", "xn--strae-oqa.example"),
        ("xn--strae-oqa.example", "xn--strae-oqa.example"),
    ],
)
def test_an_international_domain_is_asked_for_in_its_ascii_form(
    http: httpx2.Client, scripted: ScriptedMicrosoft, domain: str, asked: str
) -> None:
    with pytest.raises(DomainNotOnEntra):
        discover_tenant(http, scripted.url, domain)

    assert scripted.requests[0].path.startswith(f"/{asked}/")


def test_personal_accounts_are_no_organisation(
    http: httpx2.Client, scripted: ScriptedMicrosoft
) -> None:
    personal = scripted.document("9188040d-6c67-4c5b-b112-36a304b66dad")
    scripted.routes["/openid-configuration"] = lambda _: Answer(200, personal)

    with pytest.raises(DomainNotOnEntra):
        discover_tenant(http, scripted.url, "outlook.example")


def test_a_tenant_of_another_cloud_is_not_taken_for_ours(
    http: httpx2.Client, scripted: ScriptedMicrosoft
) -> None:
    foreign = {**scripted.document(TENANT), "issuer": f"https://login.example/{TENANT}/v2.0"}
    scripted.routes["/openid-configuration"] = lambda _: Answer(200, foreign)

    with pytest.raises(UnexpectedAnswer):
        discover_tenant(http, scripted.url, "contoso.example")


@pytest.mark.parametrize("issuer", ["{url}/{{tenantid}}/v2.0", "{url}/common/v2.0", 7, None])
def test_an_issuer_without_a_tenant_is_a_broken_answer(
    http: httpx2.Client, scripted: ScriptedMicrosoft, issuer: object
) -> None:
    named = issuer.format(url=scripted.url) if isinstance(issuer, str) else issuer
    scripted.routes["/openid-configuration"] = lambda _: Answer(200, {"issuer": named})

    with pytest.raises(MicrosoftUnreachable):
        discover_tenant(http, scripted.url, "contoso.example")


def test_a_throttled_discovery_says_when_to_come_back(
    http: httpx2.Client, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/openid-configuration"] = lambda _: Answer(429, {}, {"Retry-After": "9"})

    with pytest.raises(Throttled):
        discover_tenants(http, scripted.url, ["contoso.example"])


@pytest.mark.parametrize(
    ("domains", "outcome", "tenant_id"),
    [
        (["contoso.example", "contoso.example"], DomainsOutcome.ONE_TENANT, TENANT),
        (["contoso.example", "nobody.example"], DomainsOutcome.PARTLY_ON_ENTRA, TENANT),
        (["nobody.example", "no-one.example"], DomainsOutcome.NOT_ON_ENTRA, None),
        (["contoso.example", "fabrikam.example"], DomainsOutcome.DIFFERENT_TENANTS, None),
        ([], DomainsOutcome.NOT_ON_ENTRA, None),
    ],
)
def test_several_domains_are_judged_together(
    http: httpx2.Client,
    scripted: ScriptedMicrosoft,
    domains: list[str],
    outcome: DomainsOutcome,
    tenant_id: str | None,
) -> None:
    found = discover_tenants(http, scripted.url, domains)

    assert found == TenantOfDomains(tuple(DomainDiscovery(d, KNOWN.get(d)) for d in domains))
    assert (found.outcome, found.tenant_id) == (outcome, tenant_id)
