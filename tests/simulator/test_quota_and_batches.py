"""What requests cost, when Graph has had enough, and many requests in one."""

from typing import Any

import pytest

from tests.simulator.pretend import BIG, USER, Pretend


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/users", 2),
        ("/users?$select=id", 1),
        ("/users?$top=10", 1),
        ("/users?$top=10&$select=id", 1),
        ("/users?$top=20", 2),
        (f"/users/{USER}", 2),
        (f"/users/{USER}?$select=id", 1),
        ("/organization", 1),
    ],
)
def test_graph_says_what_a_request_cost(pretend: Pretend, path: str, units: int) -> None:
    headers = pretend.grant("User.Read.All", "Organization.Read.All")
    answer = pretend.graph(path, headers)
    assert answer.headers["x-ms-resource-unit"] == str(units)
    assert "x-ms-throttle-limit-percentage" not in answer.headers
    assert pretend.control("GET", "/requests")["requests"][-1]["units"] == units


def test_too_many_units_in_ten_seconds_are_refused_until_the_window_ends(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.control("PUT", "/quota", {"units_per_window": 5})
    shares = [pretend.graph("/users?$select=id&$top=1", headers).headers for _ in range(5)]
    assert [one.get("x-ms-throttle-limit-percentage") for one in shares] == [
        None,
        None,
        None,
        "0.80",
        "1.00",
    ]
    refused = pretend.graph("/users?$select=id", headers)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "TooManyRequests"
    assert 0 < float(refused.headers["Retry-After"]) <= 10
    assert refused.headers["x-ms-throttle-scope"].endswith(BIG)
    pretend.control("POST", "/clock", {"advance_seconds": 10})
    assert pretend.graph("/users?$select=id", headers).status_code == 200


def batch(pretend: Pretend, headers: dict[str, str], *requests: dict[str, Any]) -> Any:
    return pretend.graph("/$batch", headers, "POST", {"requests": list(requests)})


def get(name: str, url: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "method": "GET", "url": url, **fields}


def test_a_batch_answers_each_request_by_itself_and_in_no_order(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    answer = batch(
        pretend,
        headers,
        get("1", f"/users/{USER}?$select=mail"),
        get("2", "/users/nobody@contoso.example"),
        get("3", "/organization"),
        get("4", "users?$filter=mail%20in%20('bob@contoso.example')&$select=id,mail"),
        get("5", "/groups"),
    )
    assert answer.status_code == 200
    inner = answer.json()["responses"]
    assert [one["id"] for one in inner] == ["5", "4", "3", "2", "1"]
    found = {one["id"]: one for one in inner}
    assert {name: one["status"] for name, one in found.items()} == {
        "1": 200,
        "2": 404,
        "3": 403,
        "4": 200,
        "5": 400,
    }
    assert found["1"]["body"]["mail"] == USER
    assert found["1"]["headers"]["x-ms-resource-unit"] == "1"
    assert [user["mail"] for user in found["4"]["body"]["value"]] == [USER]
    assert found["3"]["body"]["error"]["code"] == "Authorization_RequestDenied"
    assert pretend.control("GET", "/requests")["requests"][-1]["units"] == 2


def test_requests_inside_a_batch_are_throttled_singly(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    pretend.fault(
        "throttle", "/graph/v1.0/users*", inner=True, retry_after="2.128", times=1, after=1
    )
    requests = [get(str(k), f"/users/{USER}?$select=id") for k in range(3)]
    found = {one["id"]: one for one in batch(pretend, headers, *requests).json()["responses"]}
    assert [found[name]["status"] for name in "012"] == [200, 429, 200]
    assert found["1"]["headers"]["Retry-After"] == "2.128"
    assert found["1"]["body"]["error"]["code"] == "TooManyRequests"


def test_the_quota_holds_inside_a_batch(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    pretend.control("PUT", "/quota", {"units_per_window": 2})
    requests = [get(str(k), f"/users/{USER}?$select=id") for k in range(3)]
    statuses = [one["status"] for one in batch(pretend, headers, *requests).json()["responses"]]
    assert sorted(statuses) == [200, 200, 429]


def test_what_depends_on_a_failure_fails(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    answer = batch(
        pretend,
        headers,
        get("a", "/users/nobody"),
        get("b", f"/users/{USER}", dependsOn=["a"]),
        get("c", f"/users/{USER}"),
        get("d", f"/users/{USER}", dependsOn=["c"]),
    )
    statuses = {one["id"]: one["status"] for one in answer.json()["responses"]}
    assert statuses == {"a": 404, "b": 424, "c": 200, "d": 200}


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"requests": []},
        {"requests": [get(str(k), "/users") for k in range(21)]},
        {"requests": [get("1", "/users"), get("1", "/users")]},
        {"requests": [{"method": "GET", "url": "/users"}]},
        {"requests": ["x"]},
    ],
)
def test_a_batch_that_is_none_is_refused_whole(pretend: Pretend, body: Any) -> None:
    answer = pretend.graph("/$batch", pretend.grant("User.Read.All"), "POST", body)
    assert answer.status_code == 400


def test_a_batch_inside_a_batch_and_a_broken_body_are_refused(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    inner = {"id": "1", "method": "POST", "url": "/$batch", "body": {"requests": []}}
    assert batch(pretend, headers, inner).json()["responses"][0]["status"] == 400
    url = f"{pretend.base}/graph/v1.0/$batch"
    broken = pretend.http.post(url, content=b"{", headers=headers)
    assert broken.status_code == 400
    assert pretend.graph(f"/users/{USER}", headers).json()["id"]
