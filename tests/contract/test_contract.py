"""The simulator's answers, and the requests we send, follow Microsoft's description of Graph."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import httpx2
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.response.exceptions import InvalidData

from simulator.graph_paths import PATHS
from tests.simulator.pretend import ADMIN, BIG, CLIENT, USER, Pretend

OURS = Path(__file__).with_name("graph.yaml")
FULL = Path(__file__).parents[3] / "shared" / "contracts" / "graph-v1.0-slice.yaml"
GUEST = quote("gus_fabrikam.example#EXT#@contoso.example")
SELECT = "$select=id,userPrincipalName,mail,proxyAddresses,userType,accountEnabled"
NOWHERE = "00000000-0000-4000-8000-000000000000"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"

Request = tuple[str, str, Any, dict[str, str], int]
"""Method, path, body, headers, status."""


def get(path: str, status: int = 200, **headers: str) -> Request:
    return "GET", path, None, headers, status


def post(path: str, body: Any, status: int) -> Request:
    return "POST", path, body, {}, status


def batch(*paths: str) -> Request:
    requests = [{"id": str(k), "method": "GET", "url": path} for k, path in enumerate(paths)]
    return post("/$batch", {"requests": requests}, 200)


needs_the_full_description = pytest.mark.skipif(
    not FULL.exists(),
    reason="../shared/contracts/graph-v1.0-slice.yaml is not beside this project",
)
OUR_REQUESTS = [
    get("/organization"),
    get("/organization?$select=id,verifiedDomains"),
    get("/users"),
    get(f"/users?$top=999&{SELECT}"),
    get(f"/users?$top=2&{SELECT}&$count=true", ConsistencyLevel="eventual"),
    get("/users?$filter=" + quote(f"mail in ('{USER}','{ADMIN}')") + f"&{SELECT}"),
    get("/users?$filter=" + quote(f"proxyAddresses/any(p:p eq 'smtp:{USER}')")),
    get("/users?$select=shoeSize", 400),
    get("/users?$skiptoken=made-up", 400),
    get(f"/users/{USER}"),
    get(f"/users/{GUEST}?{SELECT}"),
    get(f"/users/{NOWHERE}", 404),
    batch(f"/users/{USER}?{SELECT}", f"/users/{NOWHERE}", "/organization?$select=id"),
    post("/$batch", {"requests": [{"id": "1", "method": "POST", "url": "/$batch"}]}, 200),
]
OTHER_REQUESTS = [
    get("/domains"),
    get("/users/delta?$select=id,mail"),
    get("/users/delta()?$select=id,mail"),
    get("/servicePrincipals"),
    get("/servicePrincipals?$filter=" + quote(f"appId eq '{CLIENT}'")),
    get(f"/servicePrincipals(appId='{CLIENT}')"),
    get(f"/servicePrincipals(appId='{NOWHERE}')", 404),
    get("/servicePrincipals/PRINCIPAL"),
    get("/servicePrincipals/PRINCIPAL/appRoleAssignments"),
    get("/servicePrincipals/PRINCIPAL/oauth2PermissionGrants"),
    get("/oauth2PermissionGrants"),
    get(f"/directoryRoles(roleTemplateId='{GLOBAL_ADMINISTRATOR}')/members"),
    get("/subscribedSkus"),
    post(f"/users/{USER}/revokeSignInSessions", None, 200),
    post(f"/users/{USER}/sendMail", {"message": {"subject": "Hello"}}, 202),
    post(
        "/invitations",
        {"invitedUserEmailAddress": "x@y.example", "inviteRedirectUrl": "https://pulse.example"},
        201,
    ),
    post("/users/nobody/sendMail", {"message": {}}, 404),
]


@lru_cache
def description(path: Path, base: str) -> OpenAPI:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return OpenAPI.from_dict({**content, "servers": [{"url": f"{base}/graph/v1.0"}]})


def check(api: OpenAPI, answer: httpx2.Response) -> None:
    """Hold a request that was sent, and its answer, to a description."""
    sent = answer.request
    parts = urlsplit(str(sent.url))
    request = MockRequest(
        f"{parts.scheme}://{parts.netloc}",
        sent.method,
        unquote(parts.path),
        args=dict(parse_qsl(parts.query)),
        headers=dict(sent.headers),
        data=sent.content,
        content_type="application/json",
    )
    received = MockResponse(
        answer.content,
        status_code=answer.status_code,
        headers=dict(answer.headers),
        content_type=answer.headers.get("content-type", ""),
    )
    api.validate_request(request)
    api.validate_response(request, received)


def send(pretend: Pretend, request: Request) -> httpx2.Response:
    method, path, body, headers, status = request
    token = pretend.bearer()
    if "PRINCIPAL" in path:
        principal = pretend.graph(f"/servicePrincipals(appId='{CLIENT}')", token).json()["id"]
        path = path.replace("PRINCIPAL", principal)
    answer = pretend.graph(path, token | headers, method, body)
    assert answer.status_code == status, answer.text
    return answer


@pytest.mark.parametrize("request_", OUR_REQUESTS, ids=lambda one: f"{one[0]} {one[1][:60]}")
def test_what_we_use_follows_our_own_description(pretend: Pretend, request_: Request) -> None:
    check(description(OURS, pretend.base), send(pretend, request_))


@needs_the_full_description
@pytest.mark.parametrize(
    "request_", OUR_REQUESTS + OTHER_REQUESTS, ids=lambda one: f"{one[0]} {one[1][:60]}"
)
def test_every_path_follows_the_full_description(pretend: Pretend, request_: Request) -> None:
    check(description(FULL, pretend.base), send(pretend, request_))


def test_refusals_follow_the_description_too(pretend: Pretend) -> None:
    api = description(OURS, pretend.base)
    for headers, status in (({}, 401), (pretend.grant("Mail.Send"), 403)):
        answer = pretend.graph("/users", headers)
        assert answer.status_code == status
        received = MockResponse(
            answer.content,
            status_code=status,
            headers=dict(answer.headers),
            content_type=answer.headers["content-type"],
        )
        api.validate_response(MockRequest(pretend.base, "get", "/graph/v1.0/users"), received)
    for kind, status in (("throttle", 429), ("server_error", 503)):
        pretend.fault(kind, "/graph/v1.0/users", times=1)
        answer = pretend.graph("/users", pretend.bearer(BIG))
        assert answer.status_code == status
        check(api, answer)


def test_pages_of_generated_users_follow_the_description(pretend: Pretend) -> None:
    api, headers = description(OURS, pretend.base), pretend.bearer(BIG)
    url = f"/users?$top=999&{SELECT}"
    while url:
        answer = pretend.graph(url, headers)
        check(api, answer)
        url = answer.json().get("@odata.nextLink", "")


def test_an_answer_that_differs_from_the_description_is_noticed(pretend: Pretend) -> None:
    api = description(OURS, pretend.base)
    request = MockRequest(pretend.base, "get", "/graph/v1.0/users")
    for body in ({"value": [{"id": 7}]}, {"value": {}}, {}, {"value": [{"mail": ["a"]}]}):
        received = MockResponse(json.dumps(body).encode(), content_type="application/json")
        with pytest.raises(InvalidData):
            api.validate_response(request, received)


@needs_the_full_description
def test_the_simulator_has_the_paths_of_the_full_description_and_no_other() -> None:
    full = yaml.safe_load(FULL.read_text(encoding="utf-8"))["paths"]
    described = {
        (method.upper(), re.sub(r"\{[^}]*\}", NOWHERE, path))
        for path, methods in full.items()
        for method in methods
        if method != "parameters"
    }
    described.remove(("POST", "/$batch"))
    answered = {
        path: [
            (method, sample)
            for method, sample in described
            if method == path.method and path.pattern.fullmatch(sample)
        ]
        for path in PATHS
    }
    assert all(answered.values())
    assert described == {one for found in answered.values() for one in found}


@needs_the_full_description
def test_our_description_says_nothing_that_the_full_one_does_not() -> None:
    ours, full = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (OURS, FULL))
    _within(ours["paths"], full["paths"], "paths")
    _within(ours["components"], full["components"], "components")


def _within(part: Any, whole: Any, where: str) -> None:
    if isinstance(part, dict):
        for name, value in part.items():
            assert name in whole, f"{where}/{name}"
            _within(value, whole[name], f"{where}/{name}")
    elif isinstance(part, list) and all(isinstance(one, dict) for one in part):
        names = {json.dumps(one.get("$ref") or one.get("name")): one for one in whole}
        for one in part:
            key = json.dumps(one.get("$ref") or one.get("name"))
            _within(one, names.get(key, one if one in whole else {}), where)
    else:
        assert part == whole, where
