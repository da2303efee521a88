"""Faults on request: each kind, how often, after how many, for whom."""

import time
from typing import Any

import httpx2
import jwt
import pytest

from tests.simulator.pretend import BIG, CLIENT, CONTOSO, USER, Pretend

USERS = "/graph/v1.0/users"
PAGE = "/users?$top=5&$select=id"


def test_a_throttled_request_says_how_long_to_wait(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("throttle", USERS, retry_after="2.128", times=2)
    for _ in range(2):
        answer = pretend.graph(PAGE, headers)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "2.128"
        assert answer.json()["error"]["code"] == "TooManyRequests"
    assert pretend.graph(PAGE, headers).status_code == 200


def test_a_throttled_request_may_not_say_how_long_to_wait(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("throttle", USERS, retry_after=None)
    assert "Retry-After" not in pretend.graph(PAGE, headers).headers


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_servers_fail(pretend: Pretend, status: int) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("server_error", USERS, status=status, times=1)
    answer = pretend.graph(PAGE, headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert pretend.graph(PAGE, headers).status_code == 200


def test_an_answer_can_be_slow(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("slow", USERS, seconds=0.2, times=1)
    begin = time.monotonic()
    assert pretend.graph(PAGE, headers).status_code == 200
    assert time.monotonic() - begin >= 0.2


def test_a_connection_can_be_cut_in_the_middle_of_the_body(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("cut", USERS, times=1)
    with pytest.raises(httpx2.RemoteProtocolError):
        pretend.graph(PAGE, headers)
    assert pretend.graph(PAGE, headers).status_code == 200


def test_an_answer_can_be_malformed(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("malformed", USERS, times=1)
    answer = pretend.graph(PAGE, headers)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Unterminated"):
        answer.json()


def test_an_empty_page_still_leads_to_the_rest(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    first = pretend.graph(PAGE, headers).json()
    pretend.fault("empty_page", USERS, times=1)
    empty = pretend.graph(first["@odata.nextLink"], headers).json()
    assert empty["value"] == []
    following = pretend.graph(empty["@odata.nextLink"], headers).json()
    assert following == pretend.graph(first["@odata.nextLink"], headers).json()


def test_a_next_link_can_lead_elsewhere(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("foreign_next_link", USERS, url="http://10.0.0.1/users", times=1)
    assert pretend.graph(PAGE, headers).json()["@odata.nextLink"] == "http://10.0.0.1/users"


def test_a_page_can_repeat_users(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("duplicate_users", USERS, times=1)
    names = [user["id"] for user in pretend.graph(PAGE, headers).json()["value"]]
    assert names[5:] == names[:3]


def test_an_object_can_be_gone(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("not_found", "/graph/v1.0/organization", times=1)
    answer = pretend.graph("/organization", headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "Request_ResourceNotFound"


def test_the_token_endpoint_fails_in_its_own_shape(pretend: Pretend) -> None:
    pretend.fault("throttle", f"/{BIG}/oauth2/v2.0/token", retry_after="3", times=1)
    answer = pretend.token(BIG)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3"
    assert answer.json()["error"] == "temporarily_unavailable"
    pretend.fault("server_error", f"/{BIG}/*", status=503, times=1)
    assert pretend.token(BIG).status_code == 503
    pretend.fault("malformed", f"/{BIG}/*", times=1)
    assert pretend.token(BIG).status_code == 200
    assert pretend.token(BIG).json()["access_token"]


def test_faults_strike_after_so_many_and_only_one_tenant(pretend: Pretend) -> None:
    other, headers = pretend.grant("User.Read.All"), pretend.bearer(BIG)
    match = {"path": USERS, "method": "GET", "tenant": BIG}
    order = {"match": match, "kind": "server_error", "status": 500, "times": 1, "after": 2}
    pretend.control("POST", "/faults", order)
    assert pretend.graph("/users", other).status_code == 200
    statuses = [pretend.graph(PAGE, headers).status_code for _ in range(4)]
    assert statuses == [200, 200, 500, 200]
    (fault,) = pretend.control("GET", "/faults")["faults"]
    assert (fault["met"], fault["times"], fault["after"]) == (1, 0, 0)


def test_a_fault_without_an_end_lasts_until_it_is_cleared(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.fault("server_error")
    assert {pretend.graph(PAGE, headers).status_code for _ in range(5)} == {503}
    assert pretend.control("GET", "/requests")["requests"][-1]["fault"] == "server_error"
    pretend.control("DELETE", "/faults")
    assert pretend.graph(PAGE, headers).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "earthquake"},
        {},
        {"kind": "slow", "wait": 3},
        {"kind": "cut", "match": {"host": 1}},
    ],
)
def test_an_unknown_fault_is_refused(pretend: Pretend, body: dict[str, Any]) -> None:
    answer = pretend.http.post(f"{pretend.base}/_control/faults", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def id_token(pretend: Pretend) -> str:
    body = {"application": ["User.Read.All"], "delegated": ["openid", "profile", "email"]}
    pretend.control("PUT", f"/tenants/{CONTOSO}/grants/{CLIENT}", body)
    path, query = pretend.authorize()
    code = pretend.browser().open(path, **query).submit(login=USER).back["code"]
    fields = {"grant_type": "authorization_code", "redirect_uri": query["redirect_uri"]}
    return str(pretend.token(code=code, **fields).json()["id_token"])


def test_an_id_token_can_lie(pretend: Pretend) -> None:
    pretend.fault("id_token", claims={"tid": BIG, "nonce": None}, times=1)
    claims = jwt.decode(id_token(pretend), options={"verify_signature": False})
    assert claims["tid"] == BIG
    assert "nonce" not in claims
    assert "nonce" in jwt.decode(id_token(pretend), options={"verify_signature": False})


@pytest.mark.parametrize(("signature", "algorithm"), [("none", "none"), ("foreign_key", "RS256")])
def test_an_id_token_can_be_signed_badly(pretend: Pretend, signature: str, algorithm: str) -> None:
    pretend.fault("id_token", signature=signature, times=1)
    token = id_token(pretend)
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    url = f"{pretend.base}/{CONTOSO}/discovery/v2.0/keys"
    key = jwt.PyJWKSet.from_dict(pretend.http.get(url).json()).keys[0]
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token, key.key, algorithms=["RS256"], audience=CLIENT)
