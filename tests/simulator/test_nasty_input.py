"""Whatever is sent, the simulator answers calmly: never with an error of its own."""

from typing import Any

import pytest

from tests.simulator.pretend import CLIENT, CONTOSO, SECRET, Pretend

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
STEP = {"id": "1", "method": "GET", "url": "/users"}


@pytest.mark.parametrize(
    "query",
    [
        "$filter=" + "(" * 5_000,
        "$filter=" + "not%20" * 3_000 + "mail%20eq%20'a'",
        "$filter=%00",
        "$filter=%ff%fe",
        "$filter=mail%20eq%20'",
        "$filter=startswith(mail,null)",
        "$filter=mail%20in%20('" + "x" * 10_000 + "')",
        "$select=,,",
        "$skiptoken=%F0%9F%98%80",
        "$skiptoken=c2ltdWxhdG9yOsKy",
        "$skiptoken=" + "9" * 5_000,
        "$deltatoken=x",
        "$top=%C2%B2",
        "$top=" + "9" * 5_000,
        "a" * 10_000,
        "%",
    ],
)
@pytest.mark.parametrize("path", ["users", "users/delta", "organization", "users/%00%ff%2f.."])
def test_strange_queries_of_graph(pretend: Pretend, path: str, query: str) -> None:
    headers = pretend.grant("User.Read.All", "Organization.Read.All")
    answer = pretend.http.get(f"{pretend.base}/graph/v1.0/{path}?{query}", headers=headers)
    assert answer.status_code in (200, 400, 404)


@pytest.mark.parametrize(
    "changed",
    [
        {"id": 1},
        {"id": [1]},
        {"method": None},
        {"url": None},
        {"headers": [1]},
        {"dependsOn": "1"},
        {"dependsOn": [["x"]]},
        {"dependsOn": 5},
    ],
)
def test_strange_steps_of_a_batch(pretend: Pretend, changed: dict[str, Any]) -> None:
    body = {"requests": [STEP | changed]}
    answer = pretend.graph("/$batch", pretend.grant("User.Read.All"), "POST", body)
    assert answer.status_code == 400


@pytest.mark.parametrize("body", [[], "x", 5, None, {"requests": 5}])
def test_strange_bodies_of_a_batch(pretend: Pretend, body: Any) -> None:
    answer = pretend.graph("/$batch", pretend.grant("User.Read.All"), "POST", body)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/x",
        "/%00/v2.0/adminconsent",
        "/x" * 3_000,
        f"/{CONTOSO}/v2.0/adminconsent?client_id={CLIENT}&redirect_uri=http://[bad&scope=x",
        f"/{CONTOSO}/oauth2/v2.0/authorize?client_id={CLIENT}&redirect_uri=http://127.0.0.1:99999/",
        f"/{CONTOSO}/oauth2/v2.0/authorize?client_id=" + "x" * 10_000,
        f"/{CONTOSO}/oauth2/v2.0/authorize?client_id=%ff&client_id=%00",
    ],
)
def test_strange_addresses(pretend: Pretend, path: str) -> None:
    assert pretend.http.get(pretend.base + path).status_code in (400, 404)


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "authorization_code", "client_secret": "é", "code": "x"},
        {"grant_type": "authorization_code", "client_secret": SECRET, "code": "\x00" * 9_000},
        {"client_assertion": "a.b.c", "client_assertion_type": ASSERTION_TYPE},
        {"client_assertion": "eyJhbGciOiJub25lIn0.e30.", "client_assertion_type": ASSERTION_TYPE},
        {"client_assertion": "eyJ4NXQiOjV9.e30.", "client_assertion_type": ASSERTION_TYPE},
        {"client_assertion": "eyJ4NXQiOjV9.e30.", "client_assertion_type": "other"},
    ],
)
def test_strange_token_requests(pretend: Pretend, form: dict[str, str]) -> None:
    url = f"{pretend.base}/{CONTOSO}/oauth2/v2.0/token"
    answer = pretend.http.post(url, data={"client_id": CLIENT, **form})
    assert answer.status_code in (400, 401)
    assert answer.json()["error_codes"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"kind": "slow", "seconds": "x"}),
        ("/faults", {"kind": "slow", "match": "x"}),
        ("/faults", {"kind": 5}),
        ("/faults", {"kind": "slow", "match": {"method": 5}}),
        ("/faults", {"kind": "slow", "times": "many"}),
        ("/clock", {"advance_seconds": 1e30}),
        ("/clock", {"advance_seconds": "x"}),
        ("/propagation", {"tenant": 5}),
        ("/consent_endings", {"tenant": 5}),
        ("/consent_endings", {"omit": 5}),
    ],
)
def test_strange_orders(pretend: Pretend, path: str, body: Any) -> None:
    answer = pretend.http.post(f"{pretend.base}/_control{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b"5"])
@pytest.mark.parametrize("path", ["/faults", "/clock", "/propagation", "/consent_endings"])
def test_orders_that_are_no_json_object(pretend: Pretend, path: str, content: bytes) -> None:
    answer = pretend.http.post(f"{pretend.base}/_control{path}", content=content)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body", [{"domains": [5]}, {"generated": {"x": 5}}, {"users": [{}]}, {"grants": [{}]}]
)
def test_strange_tenants(pretend: Pretend, body: Any) -> None:
    answer = pretend.http.put(f"{pretend.base}/_control/tenants/{CONTOSO}", json=body)
    assert answer.status_code == 400
    assert pretend.control("GET", f"/tenants/{CONTOSO}")["users"] == 6
