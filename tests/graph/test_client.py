from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from graph.client import GraphClient
from graph.directory import DirectoryUser, Organization
from graph.errors import (
    ConsentNotVisibleError,
    ConsentNotVisibleKind,
    ForeignLinkError,
    ListingExpiredError,
    MicrosoftUnreachableError,
    PermissionMissingError,
    ThrottledError,
    UnexpectedAnswerError,
)
from graph.tokens import EntraClient
from tests.graph.scripted import (
    OTHER_TENANT,
    TENANT,
    Answer,
    Request,
    ScriptedMicrosoft,
    SteppedClock,
)

FORBIDDEN = Answer(403, {"error": {"code": "Authorization_RequestDenied", "message": "words"}})


def person(number: int) -> dict[str, Any]:
    return {"id": f"id-{number}", "userPrincipalName": f"user{number}@contoso.example"}


def once(first: Answer, then: Answer) -> Callable[[Request], Answer]:
    answers = [first]
    return lambda _: answers.pop() if answers else then


def organization_answer(tenant: str = TENANT) -> Answer:
    return Answer(
        200,
        {
            "value": [
                {
                    "id": tenant,
                    "displayName": "Contoso",
                    "verifiedDomains": [{"name": "Contoso.example"}, {"name": "c.example"}],
                }
            ]
        },
    )


def test_the_organisation_is_read_with_its_verified_domains(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/organization"] = lambda _: organization_answer()

    assert client.organization(TENANT) == Organization(
        TENANT, "Contoso", ("contoso.example", "c.example")
    )
    sent = scripted.requests[-1]
    assert sent.headers["Authorization"] == "Bearer app-token"
    assert sent.query == {"$select": "id,displayName,verifiedDomains"}


def test_another_tenants_organisation_is_refused(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/organization"] = lambda _: organization_answer(OTHER_TENANT)

    with pytest.raises(UnexpectedAnswerError):
        client.organization(TENANT)


def test_a_listing_asks_for_the_largest_pages_and_the_fewest_fields(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/users"] = lambda _: Answer(200, {"value": [person(1)]})

    pages = list(client.user_pages(TENANT))

    assert [(page.users, page.next_link) for page in pages] == [
        ([DirectoryUser("id-1", "user1@contoso.example", None, (), False, True)], None)
    ]
    assert scripted.requests[-1].query == {
        "$select": "id,userPrincipalName,mail,proxyAddresses,userType,accountEnabled",
        "$top": "999",
    }


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/graph/v1.0/users?$skiptoken=x",
        "http://127.0.0.1:1/graph/v1.0/users",
        "http://169.254.169.254/latest/meta-data",
        "{origin}/users",
        "{origin}/graph/v1.0",
        "{origin}/graph/v1.0evil/users",
        "{origin}/graph/v1.0/../../control",
        "{origin}/graph/v1.0/%2E%2e/%2e%2e/control",
        "{origin}/graph/v1.0\\..\\control",
        "http://user@{host}/graph/v1.0/users",
        "http://{host}@evil.example/graph/v1.0/users",
        "//evil.example/graph/v1.0/users",
        "/graph/v1.0/users",
        "file:///etc/passwd",
        "http://[::1",
        "",
        7,
        ["a"],
    ],
)
def test_no_link_outside_of_graph_is_ever_followed(
    client: GraphClient, scripted: ScriptedMicrosoft, link: object
) -> None:
    if isinstance(link, str):
        link = link.format(origin=scripted.url, host=scripted.url.removeprefix("http://"))
    scripted.routes["/users"] = lambda _: Answer(200, {"value": [], "@odata.nextLink": link})

    with pytest.raises(ForeignLinkError):
        list(client.user_pages(TENANT))
    assert scripted.count("/users") == 1

    if isinstance(link, str):
        with pytest.raises(ForeignLinkError):
            list(client.user_pages(TENANT, from_link=link))
        assert scripted.count("/users") == 1


@pytest.mark.parametrize("users", [[], [person(1)]])
def test_a_listing_that_goes_round_in_a_circle_ends_with_an_error(
    client: GraphClient, scripted: ScriptedMicrosoft, users: list[dict[str, Any]]
) -> None:
    link = f"{scripted.url}/graph/v1.0/users?$skiptoken=round"
    scripted.routes["/users"] = lambda _: Answer(200, {"value": users, "@odata.nextLink": link})

    with pytest.raises(UnexpectedAnswerError):
        list(client.user_pages(TENANT))

    assert scripted.count("/users") == (2 if users else 101)


@pytest.mark.parametrize("status", [400, 410])
def test_a_link_that_is_too_old_says_start_again(
    client: GraphClient, scripted: ScriptedMicrosoft, status: int
) -> None:
    scripted.routes["/users"] = lambda _: Answer(status, {"error": {"code": "x", "message": ""}})

    with pytest.raises(ListingExpiredError):
        list(client.user_pages(TENANT, from_link=f"{scripted.url}/graph/v1.0/users?$skiptoken=x"))
    with pytest.raises(UnexpectedAnswerError):
        list(client.user_pages(TENANT))


def test_a_token_that_runs_out_is_replaced_once_and_the_listing_goes_on(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    link = f"{scripted.url}/graph/v1.0/users?$skiptoken=2"
    pages = [
        Answer(200, {"value": [person(1)], "@odata.nextLink": link}),
        Answer(401, {"error": {"code": "InvalidAuthenticationToken", "message": ""}}),
        Answer(200, {"value": [person(2)]}),
    ]
    scripted.routes["/users"] = lambda _: pages.pop(0)

    users = [user.object_id for page in client.user_pages(TENANT) for user in page.users]

    assert users == ["id-1", "id-2"]
    assert scripted.count("/token") == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(401, {}), ConsentNotVisibleError),
        (FORBIDDEN, PermissionMissingError),
        (Answer(404, {}), UnexpectedAnswerError),
        (Answer(200, b"<html>"), MicrosoftUnreachableError),
        (Answer(200, {"value": "none"}), MicrosoftUnreachableError),
        (Answer(500, {}), MicrosoftUnreachableError),
        (Answer(200, b"{", {"Content-Length": "10"}), MicrosoftUnreachableError),
    ],
)
def test_each_refusal_of_a_listing_has_its_own_error(
    client: GraphClient, scripted: ScriptedMicrosoft, answer: Answer, error: type[Exception]
) -> None:
    scripted.routes["/users"] = lambda _: answer

    with pytest.raises(error) as caught:
        list(client.user_pages(TENANT))

    assert type(caught.value) is error
    assert "words" not in str(caught.value)


def test_a_short_wait_happens_inside_and_a_long_one_goes_back(
    client: GraphClient, scripted: ScriptedMicrosoft, clock: SteppedClock
) -> None:
    fine = Answer(200, {"value": []})
    scripted.routes["/users"] = once(Answer(429, {}, {"Retry-After": "2.128"}), fine)
    assert len(list(client.user_pages(TENANT))) == 1
    assert clock.pauses == [pytest.approx(2.128)]

    scripted.routes["/users"] = once(Answer(429, {}, {"Retry-After": "120"}), fine)
    with pytest.raises(ThrottledError) as caught:
        list(client.user_pages(TENANT))
    assert caught.value.retry_after_seconds == pytest.approx(120)
    assert len(clock.pauses) == 1


def test_a_tenant_that_is_throttled_is_left_alone_and_others_are_not(
    client: GraphClient, scripted: ScriptedMicrosoft, clock: SteppedClock
) -> None:
    fine = Answer(200, {"value": []})
    scripted.routes["/users"] = once(Answer(429, {}, {"Retry-After": "120"}), fine)
    for _ in range(2):
        with pytest.raises(ThrottledError):
            list(client.user_pages(TENANT))
    assert scripted.count("/users") == 1

    assert len(list(client.user_pages(OTHER_TENANT))) == 1
    clock.now += 121
    assert len(list(client.user_pages(TENANT))) == 1


def test_endless_short_waits_end(
    client: GraphClient, scripted: ScriptedMicrosoft, clock: SteppedClock
) -> None:
    scripted.routes["/users"] = lambda _: Answer(429, {}, {"Retry-After": "0"})

    with pytest.raises(ThrottledError):
        list(client.user_pages(TENANT))

    assert sum(clock.pauses) <= 15.1


def test_a_short_wait_of_the_token_endpoint_happens_inside(
    client: GraphClient, scripted: ScriptedMicrosoft, clock: SteppedClock
) -> None:
    token = Answer(200, {"access_token": "app-token", "expires_in": 3599})
    scripted.routes["/token"] = once(Answer(429, {}, {"Retry-After": "3"}), token)
    scripted.routes["/users"] = lambda _: Answer(200, {"value": []})

    assert len(list(client.user_pages(TENANT))) == 1
    assert clock.pauses == [3.0]


def test_what_graph_says_it_charged_corrects_the_budget(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/users"] = lambda _: Answer(200, {"value": []}, {"x-ms-resource-unit": "50"})

    list(client.user_pages(TENANT))

    assert client.units == 50


def test_a_grant_is_proven_with_one_new_token_and_one_call_per_permission(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/organization"] = lambda _: organization_answer()
    scripted.routes["/users"] = lambda _: Answer(200, {"value": []})

    client.prove_grant(TENANT)
    client.prove_grant(TENANT)

    graph = [r for r in scripted.requests if r.path.startswith("/graph")]
    assert [(r.path, r.query) for r in graph[:2]] == [
        ("/graph/v1.0/organization", {"$select": "id,verifiedDomains"}),
        ("/graph/v1.0/users", {"$top": "1", "$select": "id"}),
    ]
    assert scripted.count("/token") == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_without_roles_is_a_consent_that_is_not_visible_yet(
    client: GraphClient, scripted: ScriptedMicrosoft, status: int
) -> None:
    scripted.routes["/organization"] = lambda _: Answer(status, {})
    scripted.routes["/users"] = lambda _: Answer(status, {})

    with pytest.raises(ConsentNotVisibleError) as caught:
        client.prove_grant(TENANT)

    assert caught.value.kind is ConsentNotVisibleKind.TOKEN_WITHOUT_ROLES
    assert scripted.count("/token") == 1


@pytest.mark.parametrize(
    ("path", "permission"),
    [("/organization", "Organization.Read.All"), ("/users", "User.Read.All")],
)
def test_one_missing_permission_is_named(
    client: GraphClient, scripted: ScriptedMicrosoft, path: str, permission: str
) -> None:
    scripted.routes["/organization"] = lambda _: organization_answer()
    scripted.routes["/users"] = lambda _: Answer(200, {"value": []})
    scripted.routes[path] = lambda _: FORBIDDEN

    with pytest.raises(PermissionMissingError) as caught:
        client.prove_grant(TENANT)

    assert caught.value.permission == permission


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404, {}), UnexpectedAnswerError),
        (Answer(503, {}), MicrosoftUnreachableError),
        (Answer(429, {}, {"Retry-After": "60"}), ThrottledError),
    ],
)
def test_a_proof_is_never_made_of_anything_but_200(
    client: GraphClient, scripted: ScriptedMicrosoft, answer: Answer, error: type[Exception]
) -> None:
    scripted.routes["/organization"] = lambda _: organization_answer()
    scripted.routes["/users"] = lambda _: answer

    with pytest.raises(error):
        client.prove_grant(TENANT)


def test_http_is_refused_off_loopback(http: httpx2.Client, entra: EntraClient) -> None:
    with pytest.raises(ValueError, match="https"):
        GraphClient(http, "http://graph.example/v1.0", entra)
