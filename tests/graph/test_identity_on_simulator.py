"""Tenants, grants and people, against the real simulator process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from graph.client import GraphClient
from graph.credentials import ClientCertificate, ClientSecret
from graph.discovery import DomainsOutcome, discover_tenant, discover_tenants
from graph.errors import (
    ApplicationDisabledError,
    ConsentNotVisibleError,
    ConsentNotVisibleKind,
    CredentialRefusedError,
    DomainNotOnEntraError,
    IdTokenRefusal,
    IdTokenRefusedError,
    PermissionMissingError,
    SignInRefusedError,
    TenantUnknownError,
)
from graph.tokens import EntraClient
from tests.graph.scripted import SteppedClock
from tests.graph.simulated import (
    ADA,
    CALLBACK,
    CLIENT_ID,
    CONTOSO,
    FABRIKAM,
    FABRIKAM_ADMINISTRATOR,
    SECRET,
    Browser,
    Simulator,
    entra_with,
    listed,
)


@pytest.fixture
def entra(simulator: Simulator, http: httpx2.Client) -> EntraClient:
    return entra_with(simulator, http, ClientSecret(SECRET))


@pytest.fixture
def client(
    simulator: Simulator, http: httpx2.Client, entra: EntraClient, clock: SteppedClock
) -> GraphClient:
    return GraphClient(http, simulator.graph_url, entra, pause=clock.pause, clock=clock)


@pytest.fixture
def browser() -> Iterator[Browser]:
    opened = Browser()
    yield opened
    opened.close()


def test_a_domain_leads_to_its_tenant(simulator: Simulator, http: httpx2.Client) -> None:
    assert discover_tenant(http, simulator.url, "Contoso.example") == CONTOSO
    with pytest.raises(DomainNotOnEntraError):
        discover_tenant(http, simulator.url, "nobody.example")
    both = discover_tenants(http, simulator.url, ["contoso.example", "fabrikam.example"])
    assert both.outcome is DomainsOutcome.DIFFERENT_TENANTS


def test_the_organisation_tells_its_verified_domains(client: GraphClient) -> None:
    organization = client.organization(CONTOSO)

    assert organization.tenant_id == CONTOSO
    assert organization.verified_domains == ("contoso.example",)


def test_a_full_grant_is_proven(client: GraphClient) -> None:
    client.prove_grant(CONTOSO)


def test_a_tenant_without_a_grant_is_not_visible(client: GraphClient) -> None:
    with pytest.raises(ConsentNotVisibleError) as caught:
        client.prove_grant(FABRIKAM)

    assert caught.value.kind is ConsentNotVisibleKind.TOKEN_REFUSED


@pytest.mark.parametrize("kept", ["User.Read.All", "Organization.Read.All"])
def test_a_grant_that_lacks_one_permission_names_it(
    client: GraphClient, simulator: Simulator, kept: str
) -> None:
    simulator.grant(CONTOSO, application=[kept])

    with pytest.raises(PermissionMissingError) as caught:
        client.prove_grant(CONTOSO)

    assert {kept, caught.value.permission} == {"User.Read.All", "Organization.Read.All"}


def test_consent_for_sign_in_alone_is_no_grant(client: GraphClient, simulator: Simulator) -> None:
    simulator.grant(CONTOSO, application=[])

    with pytest.raises(ConsentNotVisibleError) as caught:
        client.prove_grant(CONTOSO)

    assert caught.value.kind is ConsentNotVisibleKind.TOKEN_WITHOUT_ROLES


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("token_refused_400", ConsentNotVisibleKind.TOKEN_REFUSED),
        ("token_refused_401", ConsentNotVisibleKind.TOKEN_REFUSED),
        ("token_without_roles", ConsentNotVisibleKind.TOKEN_WITHOUT_ROLES),
    ],
)
def test_a_consent_that_propagates_is_seen_as_soon_as_it_is_there(
    client: GraphClient,
    entra: EntraClient,
    simulator: Simulator,
    browser: Browser,
    mode: str,
    kind: ConsentNotVisibleKind,
) -> None:
    simulator.order(
        "POST",
        "propagation",
        {"tenant": FABRIKAM, "client_id": CLIENT_ID, "mode": mode, "seconds": 90},
    )
    answer = browser.until_callback(
        entra.admin_consent_url(FABRIKAM, CALLBACK, "our-state"),
        login="root@fabrikam.example",
        action="accept",
    )
    assert (answer["admin_consent"], answer["tenant"], answer["state"]) == (
        "True",
        FABRIKAM,
        "our-state",
    )

    for _ in range(3):
        with pytest.raises(ConsentNotVisibleError) as caught:
            client.prove_grant(FABRIKAM)
        assert caught.value.kind is kind

    simulator.order("POST", "clock", {"advance_seconds": 91})
    client.prove_grant(FABRIKAM)
    assert [u.object_id for u in listed(client, FABRIKAM)] == [FABRIKAM_ADMINISTRATOR]


def test_a_consent_taken_back_is_seen_although_a_token_is_kept(
    client: GraphClient, simulator: Simulator
) -> None:
    client.prove_grant(CONTOSO)
    simulator.order("DELETE", f"tenants/{CONTOSO}/grants/{CLIENT_ID}")

    with pytest.raises(ConsentNotVisibleError):
        client.prove_grant(CONTOSO)


def test_a_disabled_application_is_named_as_such(client: GraphClient, simulator: Simulator) -> None:
    simulator.grant(CONTOSO, enabled=False)

    with pytest.raises(ApplicationDisabledError):
        client.prove_grant(CONTOSO)


def test_an_unknown_tenant_is_named_as_such(entra: EntraClient) -> None:
    with pytest.raises(TenantUnknownError):
        entra.app_token("cccccccc-0000-4000-8000-000000000000")


def test_a_wrong_secret_is_our_own_trouble(simulator: Simulator, http: httpx2.Client) -> None:
    with pytest.raises(CredentialRefusedError):
        entra_with(simulator, http, ClientSecret("wrong")).app_token(CONTOSO)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def test_a_registered_certificate_is_accepted(
    simulator: Simulator,
    http: httpx2.Client,
    tmp_path: Path,
    signing_key: rsa.RSAPrivateKey,
    certificate: str,
) -> None:
    path = tmp_path / "client.pem"
    path.write_text(private_pem(signing_key) + certificate)

    assert entra_with(simulator, http, ClientCertificate.read(path)).app_token(CONTOSO)


def test_a_certificate_signed_by_another_key_is_refused(
    simulator: Simulator,
    http: httpx2.Client,
    foreign_key: rsa.RSAPrivateKey,
    certificate: str,
) -> None:
    forged = ClientCertificate(private_key=private_pem(foreign_key), certificate=certificate)

    with pytest.raises(CredentialRefusedError):
        entra_with(simulator, http, forged).app_token(CONTOSO)


def test_a_person_signs_in(entra: EntraClient, simulator: Simulator, browser: Browser) -> None:
    request = entra.begin_sign_in(CONTOSO, CALLBACK, login_hint="ada@contoso.example")
    answer = browser.until_callback(request.url, login="ada@contoso.example", action="accept")

    person = entra.complete_sign_in(request.flow, answer)

    assert (person.tenant_id, person.object_id) == (CONTOSO, ADA)
    assert person.preferred_username == "ada@contoso.example"
    assert person.hinted_guest is False


def test_a_code_works_once_and_only_with_its_own_flow(entra: EntraClient, browser: Browser) -> None:
    one, other = (entra.begin_sign_in(CONTOSO, CALLBACK) for _ in range(2))
    answer = browser.until_callback(one.url, login="ada@contoso.example", action="accept")

    with pytest.raises(SignInRefusedError):
        entra.complete_sign_in(other.flow, answer)
    with pytest.raises(SignInRefusedError) as foreign:
        entra.complete_sign_in(other.flow, {**answer, "state": other.state})
    assert foreign.value.error == "invalid_grant"
    with pytest.raises(SignInRefusedError) as used:
        entra.complete_sign_in(one.flow, answer)
    assert used.value.error == "invalid_grant"


def test_a_sign_in_before_consent_comes_back_with_its_reason(
    entra: EntraClient, browser: Browser
) -> None:
    request = entra.begin_sign_in(FABRIKAM, CALLBACK)
    answer = browser.until_callback(request.url, login="root@fabrikam.example", action="cancel")

    with pytest.raises(SignInRefusedError) as caught:
        entra.complete_sign_in(request.flow, answer)

    assert caught.value.error == "access_denied"


@pytest.mark.parametrize(
    ("attack", "kind"),
    [
        ({"signature": "none"}, IdTokenRefusal.SIGNATURE),
        ({"signature": "foreign_key"}, IdTokenRefusal.SIGNATURE),
        ({"claims": {"iss": "https://evil.example/v2.0"}}, IdTokenRefusal.ISSUER),
        ({"claims": {"aud": "another-application"}}, IdTokenRefusal.AUDIENCE),
        ({"claims": {"exp": 1_000_000_000}}, IdTokenRefusal.EXPIRED),
        ({"claims": {"nonce": "of-an-older-sign-in"}}, IdTokenRefusal.NONCE),
        ({"claims": {"nonce": None}}, IdTokenRefusal.NONCE),
        ({"claims": {"tid": FABRIKAM}}, IdTokenRefusal.TENANT),
        ({"claims": {"oid": None}}, IdTokenRefusal.MALFORMED),
    ],
)
def test_a_forged_id_token_signs_nobody_in(
    entra: EntraClient,
    simulator: Simulator,
    browser: Browser,
    attack: dict[str, Any],
    kind: IdTokenRefusal,
) -> None:
    request = entra.begin_sign_in(CONTOSO, CALLBACK)
    answer = browser.until_callback(request.url, login="ada@contoso.example", action="accept")
    simulator.fault("id_token", f"/{CONTOSO}/oauth2/v2.0/token", **attack)

    with pytest.raises(IdTokenRefusedError) as caught:
        entra.complete_sign_in(request.flow, answer)

    assert caught.value.kind is kind
