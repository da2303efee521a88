"""Microsoft Graph: who may call what, and what users, the organisation and the rest look like."""

from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import pytest

from tests.simulator.pretend import (
    ADMIN,
    BIG,
    BIG_COUNT,
    CLIENT,
    CONTOSO,
    DELEGATED,
    GUEST,
    USER,
    Pretend,
)

ID = "20000000-0000-4000-8000-00000000abcd"
EVENTUAL = {"ConsistencyLevel": "eventual"}
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PATHS = [
    # method, path, the least permission, status with it
    ("GET", "/organization", "Organization.Read.All", 200),
    ("GET", "/domains", "Domain.Read.All", 200),
    ("GET", "/users", "User.Read.All", 200),
    ("GET", f"/users/{ID}", "User.Read.All", 404),
    ("GET", f"/users/{USER}", "User.Read.All", 200),
    ("GET", "/users/delta", "User.Read.All", 200),
    ("GET", "/users/delta()", "User.Read.All", 200),
    ("POST", f"/users/{USER}/revokeSignInSessions", "User.RevokeSessions.All", 200),
    ("POST", f"/users/{USER}/sendMail", "Mail.Send", 400),
    ("GET", "/servicePrincipals", "Application.Read.All", 200),
    ("GET", f"/servicePrincipals(appId='{CLIENT}')", "Application.Read.All", 200),
    ("GET", f"/servicePrincipals/{ID}", "Application.Read.All", 404),
    ("GET", f"/servicePrincipals/{ID}/appRoleAssignments", "Application.Read.All", 404),
    (
        "GET",
        f"/servicePrincipals/{ID}/oauth2PermissionGrants",
        "DelegatedPermissionGrant.Read.All",
        404,
    ),
    ("GET", "/oauth2PermissionGrants", "DelegatedPermissionGrant.Read.All", 200),
    ("POST", "/invitations", "User.Invite.All", 400),
    (
        "GET",
        f"/directoryRoles(roleTemplateId='{GLOBAL_ADMINISTRATOR}')/members",
        "RoleManagement.Read.Directory",
        200,
    ),
    ("GET", "/subscribedSkus", "LicenseAssignment.Read.All", 200),
]


@pytest.mark.parametrize(("method", "path", "permission", "status"), PATHS)
def test_every_path_asks_for_its_permission(
    pretend: Pretend, method: str, path: str, permission: str, status: int
) -> None:
    nobody = pretend.graph(path, {}, method)
    assert nobody.status_code == 401
    assert nobody.json()["error"]["code"] == "InvalidAuthenticationToken"
    others = {name for _, _, name, _ in PATHS} - {permission}
    if path == "/subscribedSkus":
        others -= {"Organization.Read.All"}
    refused = pretend.graph(path, pretend.grant(*sorted(others)), method)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "Authorization_RequestDenied"
    assert refused.json()["error"]["innerError"].keys() >= {"date", "request-id"}
    assert pretend.graph(path, pretend.grant(permission), method).status_code == status


def test_paths_outside_the_description_do_not_exist(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All", "Directory.Read.All")
    for path in ("/groups", "/me", f"/users/{USER}/manager", "/", "/users/a/b/c"):
        answer = pretend.graph(path, headers)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "BadRequest"
    assert pretend.graph("/users", headers, "DELETE").status_code == 405


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x.y.z", "Basic abc", "Bearer a"])
def test_something_else_is_no_token(pretend: Pretend, value: str) -> None:
    answer = pretend.graph("/organization", {"Authorization": value})
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_an_id_token_is_no_access_token_and_a_persons_token_has_no_roles(pretend: Pretend) -> None:
    pretend.consent()
    path, query = pretend.authorize()
    code = pretend.browser().open(path, **query).submit(login=ADMIN).back["code"]
    body = pretend.token(
        grant_type="authorization_code", code=code, redirect_uri=query["redirect_uri"]
    ).json()
    for token, status in ((body["id_token"], 401), (body["access_token"], 403)):
        headers = {"Authorization": f"Bearer {token}"}
        assert pretend.graph("/organization", headers).status_code == status


def test_the_organisation_names_its_verified_domains_only(pretend: Pretend) -> None:
    headers = pretend.grant("Organization.Read.All", "Domain.Read.All")
    body = pretend.graph("/organization?$select=id,verifiedDomains", headers).json()
    (organization,) = body["value"]
    assert organization.keys() == {"id", "verifiedDomains"}
    assert organization["id"] == CONTOSO
    assert [domain["name"] for domain in organization["verifiedDomains"]] == ["contoso.example"]
    domains = pretend.graph("/domains", headers).json()["value"]
    assert [(one["id"], one["isVerified"]) for one in domains] == [
        ("contoso.example", True),
        ("unproven.example", False),
    ]


def test_without_select_users_have_microsofts_default_properties(pretend: Pretend) -> None:
    body = pretend.graph("/users", pretend.grant("User.Read.All")).json()
    assert len(body["value"]) == 6
    assert all(
        "accountEnabled" not in user and "proxyAddresses" not in user for user in body["value"]
    )
    assert body["value"][0]["businessPhones"] == []
    assert body["@odata.context"].endswith("/graph/v1.0/$metadata#users")


def test_select_gives_what_was_asked_and_refuses_what_is_not_there(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    body = pretend.graph("/users?$select=ID,userType,proxyAddresses", headers).json()
    assert all(user.keys() == {"id", "userType", "proxyAddresses"} for user in body["value"])
    guests = [user for user in body["value"] if user["userType"] == "Guest"]
    assert len(guests) == 1
    refused = pretend.graph("/users?$select=shoeSize", headers)
    assert refused.status_code == 400
    assert "'shoeSize'" in refused.json()["error"]["message"]


def pages(pretend: Pretend, path: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    found, url = [], path
    while url:
        body = pretend.graph(url, headers).json()
        found.append(body)
        url = body.get("@odata.nextLink", "")
        assert url == "" or url.startswith(f"{pretend.base}/graph/v1.0/users?")
    return found


def test_a_large_directory_comes_in_pages_each_user_once(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    path = "/users?$top=999&$select=id,userPrincipalName&$count=true"
    found = pages(pretend, path, headers | EVENTUAL)
    assert [len(page["value"]) for page in found] == [999, 999, 502]
    assert [page.get("@odata.count") for page in found] == [BIG_COUNT, None, None]
    users = [user for page in found for user in page["value"]]
    assert {user["userPrincipalName"] for user in users} == {
        f"user{number}@big.example" for number in range(BIG_COUNT)
    }
    assert users[7]["id"] == str(uuid5(NAMESPACE_URL, f"{BIG}/7/7"))
    assert len(pretend.graph("/users?$select=id", headers).json()["value"]) == 100


def test_a_page_made_by_rule_says_what_a_single_user_says(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    select = (
        "$select=id,userPrincipalName,mail,displayName,proxyAddresses,userType,accountEnabled,"
        "jobTitle,assignedLicenses"
    )
    page = pretend.graph(f"/users?$top=3&{select}", headers).json()["value"]
    for listed in page:
        single = pretend.graph(f"/users/{listed['id']}?{select}", headers).json()
        assert {k: v for k, v in single.items() if not k.startswith("@")} == listed


@pytest.mark.parametrize("top", ["0", "1000", "-1", "many"])
def test_a_page_has_between_1_and_999_users(pretend: Pretend, top: str) -> None:
    answer = pretend.graph(f"/users?$top={top}", pretend.bearer(BIG))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "Request_UnsupportedQuery"


def test_a_made_up_skip_token_is_refused(pretend: Pretend) -> None:
    answer = pretend.graph("/users?$skiptoken=abc", pretend.bearer(BIG))
    assert answer.json()["error"]["code"] == "Directory_ExpiredPageToken"


@pytest.mark.parametrize("name", ["BOB@contoso.example", "o'neil@contoso.example"])
def test_a_user_is_found_by_principal_name_in_any_case(pretend: Pretend, name: str) -> None:
    headers = pretend.grant("User.Read.All")
    answer = pretend.graph(f"/users/{quote(name)}", headers)
    assert answer.json()["userPrincipalName"] == name.lower()


def test_a_guest_is_found_when_the_hash_is_encoded(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    name = "gus_fabrikam.example#EXT#@contoso.example"
    assert pretend.graph(f"/users/{quote(name)}", headers).json()["mail"] == GUEST
    assert pretend.graph(f"/users/{name}", headers).status_code == 404


FILTERS = [
    (f"mail in ('{USER}','{ADMIN}','nobody@contoso.example')", {USER, ADMIN}),
    (f"userPrincipalName in ('{USER.upper()}')", {USER}),
    (f"mail eq '{ADMIN}'", {ADMIN}),
    ("mail eq 'shay.o''neil@contoso.example'", {"o'neil@contoso.example"}),
    ("proxyAddresses/any(x:x eq 'smtp:shay@contoso.example')", {"o'neil@contoso.example"}),
    ("proxyAddresses/any(p:p eq 'shay@contoso.example')", set()),
    (f"proxyAddresses/any(p:p eq 'smtp:{USER}') or mail eq '{ADMIN}'", {USER, ADMIN}),
    ("mail eq null", {"dora@contoso.example"}),
    ("accountEnabled eq false", {"dora@contoso.example"}),
    (f"accountEnabled eq true and mail in ('{USER}')", {USER}),
    ("startswith(userPrincipalName,'bo')", {USER}),
    ("userType eq 'Guest'", {"gus_fabrikam.example#ext#@contoso.example"}),
]


@pytest.mark.parametrize(("text", "names"), FILTERS)
def test_filters_find_whom_they_name(pretend: Pretend, text: str, names: set[str]) -> None:
    headers = pretend.grant("User.Read.All")
    answer = pretend.graph(f"/users?$filter={quote(text)}&$select=userPrincipalName", headers)
    assert answer.status_code == 200, answer.text
    assert {user["userPrincipalName"].lower() for user in answer.json()["value"]} == names


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mail in ()", "BadRequest"),
        ("mail eq bob", "BadRequest"),
        ("mail eq 'a' extra", "BadRequest"),
        ("shoeSize eq '4'", "BadRequest"),
        ("mail gt 'a'", "Request_UnsupportedQuery"),
        ("proxyAddresses in ('smtp:a@b.example')", "Request_UnsupportedQuery"),
        ("endswith(mail,'@contoso.example')", "Request_UnsupportedQuery"),
        ("mail ne 'a'", "Request_UnsupportedQuery"),
        ("mail in (" + ",".join(f"'{k}'" for k in range(16)) + ")", "Request_UnsupportedQuery"),
        (" or ".join(f"mail eq '{k}'" for k in range(16)), "Request_UnsupportedQuery"),
    ],
)
def test_filters_that_graph_does_not_offer_are_refused(
    pretend: Pretend, text: str, code: str
) -> None:
    answer = pretend.graph(f"/users?$filter={quote(text)}", pretend.grant("User.Read.All"))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_advanced_queries_need_header_and_count_and_a_short_address(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    text = quote("endswith(mail,'@contoso.example')")
    answer = pretend.graph(f"/users?$filter={text}&$count=true", headers | EVENTUAL)
    assert answer.json()["@odata.count"] == 4
    many = quote("mail in (" + ",".join(f"'{k}@contoso.example'" for k in range(20)) + ")")
    path = f"/users?$filter={many}&$count=true&$select=id"
    assert pretend.graph(path, headers).status_code == 400
    assert pretend.graph(path, headers | EVENTUAL).status_code == 200
    long = quote("mail in (" + ",".join(f"'{k:0100}'" for k in range(20)) + ")")
    path = f"/users?$filter={long}&$count=true&$select=id"
    assert pretend.graph(path, headers | EVENTUAL).status_code == 400


def test_filtered_users_come_in_pages_too(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    text = quote("userType eq 'Member'")
    path = f"/users?$filter={text}&$top=2&$select=id"
    found = pages(pretend, path, headers)
    assert [len(page["value"]) for page in found] == [2, 2, 1]
    assert len({user["id"] for page in found for user in page["value"]}) == 5


def test_fifteen_addresses_are_found_among_generated_users(pretend: Pretend) -> None:
    values = ",".join(f"'USER{number}@big.example'" for number in range(2_490, 2_505))
    path = f"/users?$filter={quote(f'mail in ({values})')}&$select=id,mail"
    assert len(pretend.graph(path, pretend.bearer(BIG)).json()["value"]) == 10


def test_delta_tells_everyone_and_then_only_what_changed(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    url, seen = "/users/delta?$select=id,mail", 0
    while "$deltatoken" not in url:
        body = pretend.graph(url, headers).json()
        seen += len(body["value"])
        url = body.get("@odata.nextLink") or body["@odata.deltaLink"]
    assert seen == BIG_COUNT
    changed, removed = (str(uuid5(NAMESPACE_URL, f"{BIG}/7/{k}")) for k in (3, 4))
    pretend.control("PATCH", f"/tenants/{BIG}/users/{changed}", {"mail": "new@big.example"})
    pretend.control("DELETE", f"/tenants/{BIG}/users/{removed}")
    body = pretend.graph(url, headers).json()
    assert body["value"] == [
        {"id": changed, "mail": "new@big.example"},
        {"id": removed, "@removed": {"reason": "changed"}},
    ]
    assert pretend.graph(body["@odata.deltaLink"], headers).json()["value"] == []
    pretend.control("POST", "/clock", {"advance_seconds": 8 * 24 * 3600})
    assert pretend.graph(url, pretend.bearer(BIG)).status_code == 410


def test_grants_can_be_read_back_with_the_permission_for_it(pretend: Pretend) -> None:
    headers = pretend.grant("Application.Read.All", "DelegatedPermissionGrant.Read.All")
    principal = pretend.graph(f"/servicePrincipals(appId='{CLIENT}')", headers).json()
    assert principal["displayName"] == "Pulse"
    path = "/servicePrincipals?$filter=" + quote(f"appId eq '{CLIENT}'")
    assert pretend.graph(path, headers).json()["value"][0]["id"] == principal["id"]
    path = f"/servicePrincipals/{principal['id']}"
    roles = pretend.graph(f"{path}/appRoleAssignments", headers).json()["value"]
    graph = pretend.graph(f"/servicePrincipals/{roles[0]['resourceId']}", headers).json()
    assert graph["displayName"] == "Microsoft Graph"
    assert len(roles) == 2
    (grant,) = pretend.graph(f"{path}/oauth2PermissionGrants", headers).json()["value"]
    assert grant["consentType"] == "AllPrincipals"
    assert grant["scope"].split() == DELEGATED


def test_role_members_and_actions_answer(pretend: Pretend) -> None:
    headers = pretend.grant(
        "RoleManagement.Read.Directory", "User.Invite.All", "Mail.Send", "Organization.Read.All"
    )
    path = f"/directoryRoles(roleTemplateId='{GLOBAL_ADMINISTRATOR}')/members"
    assert [one["mail"] for one in pretend.graph(path, headers).json()["value"]] == [ADMIN]
    assert pretend.graph(path.replace("62e", "000"), headers).status_code == 404
    body = {"invitedUserEmailAddress": "x@y.example", "inviteRedirectUrl": "https://pulse.example"}
    assert pretend.graph("/invitations", headers, "POST", body).status_code == 201
    mail = {"message": {"subject": "Hello"}}
    assert pretend.graph(f"/users/{USER}/sendMail", headers, "POST", mail).status_code == 202
    assert pretend.graph("/users/nobody/sendMail", headers, "POST", mail).status_code == 404


def test_requests_are_named_by_the_client_and_by_graph(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG) | {"client-request-id": "ours"}
    answer = pretend.graph("/users?$top=1", headers)
    assert answer.headers["client-request-id"] == "ours"
    assert answer.headers["request-id"]
    error = pretend.graph("/groups", headers).json()["error"]
    assert error["innerError"]["client-request-id"] == "ours"
