"""The control interface: tenants, users, grants and time by request, and back to the seeds."""

from datetime import datetime
from typing import Any

import pytest

from tests.simulator.pretend import ADMIN, BIG, CLIENT, CONTOSO, USER, Pretend

NEW = "20000000-0000-4000-8000-0000000000aa"


def addresses(pretend: Pretend, tenant: str = CONTOSO) -> list[str]:
    headers = pretend.grant("User.Read.All", tenant=tenant)
    body = pretend.graph("/users?$select=userPrincipalName&$top=999", headers).json()
    return [user["userPrincipalName"] for user in body["value"]]


def test_it_is_healthy(pretend: Pretend) -> None:
    assert pretend.control("GET", "/health") == {"ok": True}


def test_a_reset_undoes_everything(pretend: Pretend) -> None:
    before = addresses(pretend)
    pretend.consent()
    pretend.control("DELETE", f"/tenants/{CONTOSO}/users/{USER}")
    pretend.control("PUT", f"/tenants/{NEW}", {"domains": [{"name": "new.example"}]})
    pretend.control("POST", "/clock", {"advance_seconds": 500})
    pretend.fault("server_error")
    pretend.control("PUT", "/quota", {"units_per_window": 1})
    pretend.control("POST", "/reset")
    assert pretend.control("GET", f"/tenants/{CONTOSO}/grants") == {"grants": []}
    assert pretend.control("GET", "/faults") == {"faults": []}
    assert pretend.control("GET", "/requests") == {"requests": []}
    assert pretend.control("GET", "/clock")["seconds_ahead"] == 0
    assert pretend.control("GET", "/quota") == {"units_per_window": None}
    assert pretend.http.get(f"{pretend.base}/_control/tenants/{NEW}").status_code == 404
    assert addresses(pretend) == before


def test_a_tenant_can_be_made_replaced_and_removed(pretend: Pretend) -> None:
    body: dict[str, Any] = {
        "display_name": "New",
        "domains": [{"name": "NEW.example"}],
        "generated": {"count": 3, "domain": "new.example", "seed": 1},
        "users": [{"userPrincipalName": "ann@new.example"}],
    }
    assert pretend.control("PUT", f"/tenants/{NEW}", body) == {"id": NEW, "users": 4}
    assert addresses(pretend, NEW) == [
        "user0@new.example",
        "user1@new.example",
        "user2@new.example",
        "ann@new.example",
    ]
    discovery = f"{pretend.base}/new.example/v2.0/.well-known/openid-configuration"
    assert pretend.http.get(discovery).status_code == 200
    pretend.control("PUT", f"/tenants/{NEW}", {"domains": [{"name": "newer.example"}]})
    assert pretend.http.get(discovery).status_code == 400
    pretend.control("DELETE", f"/tenants/{NEW}")
    assert pretend.token(NEW).json()["error_codes"] == [90002]


def test_users_can_be_added_changed_and_deleted(pretend: Pretend) -> None:
    added = pretend.control(
        "POST", f"/tenants/{CONTOSO}/users", {"userPrincipalName": "new@contoso.example"}
    )
    headers = pretend.grant("User.Read.All")
    assert pretend.graph(f"/users/{added['id']}", headers).status_code == 200
    pretend.control(
        "PATCH", f"/tenants/{CONTOSO}/users/{added['id']}", {"mail": "later@contoso.example"}
    )
    path = "/users?$select=id&$filter=mail eq '{}'"
    found = pretend.graph(path.format("later@contoso.example"), headers).json()["value"]
    assert found == [{"id": added["id"]}]
    pretend.control("DELETE", f"/tenants/{CONTOSO}/users/{added['id']}")
    assert pretend.graph(f"/users/{added['id']}", headers).status_code == 404
    assert pretend.graph(path.format("later@contoso.example"), headers).json()["value"] == []


def test_generated_users_can_be_changed_and_deleted_like_others(pretend: Pretend) -> None:
    name = f"/tenants/{BIG}/users/user1@big.example"
    changed = pretend.control("PATCH", name, {"accountEnabled": False, "mail": "x@big.example"})
    pretend.control("DELETE", f"/tenants/{BIG}/users/user2@big.example")
    headers = pretend.bearer(BIG)
    page = pretend.graph("/users?$top=3&$select=userPrincipalName,accountEnabled", headers)
    assert page.json()["value"] == [
        {"userPrincipalName": "user0@big.example", "accountEnabled": True},
        {"userPrincipalName": "user1@big.example", "accountEnabled": False},
        {"userPrincipalName": "user3@big.example", "accountEnabled": True},
    ]
    by_mail = "/users?$select=id&$filter=mail eq 'x@big.example'"
    assert pretend.graph(by_mail, headers).json()["value"] == [{"id": changed["id"]}]
    old = "/users?$select=id&$filter=mail eq 'user1@big.example'"
    assert pretend.graph(old, headers).json()["value"] == []
    assert pretend.control("GET", f"/tenants/{BIG}")["users"] == 2_499


def test_a_user_deleted_while_pages_are_read_shifts_nobody(pretend: Pretend) -> None:
    headers = pretend.grant("User.Read.All")
    first = pretend.graph("/users?$top=2&$select=userPrincipalName", headers).json()
    pretend.control("DELETE", f"/tenants/{CONTOSO}/users/{ADMIN}")
    second = pretend.graph(first["@odata.nextLink"], headers).json()
    names = [user["userPrincipalName"] for user in first["value"] + second["value"]]
    assert len(names) == len(set(names)) == 4
    assert names[2].startswith("gus_")


def test_grants_can_be_set_and_revoked(pretend: Pretend) -> None:
    pretend.control(
        "PUT",
        f"/tenants/{CONTOSO}/grants/{CLIENT}",
        {"application": ["User.Read.All"], "delegated": [], "all_principals": False},
    )
    assert pretend.graph("/users", pretend.bearer()).status_code == 200
    pretend.control("DELETE", f"/tenants/{CONTOSO}/grants/{CLIENT}")
    assert pretend.token().status_code == 400


def test_the_clock_moves_forward_only(pretend: Pretend) -> None:
    begin = datetime.fromisoformat(pretend.control("GET", "/clock")["now"])
    later = pretend.control("POST", "/clock", {"advance_seconds": 86_400})
    assert later["seconds_ahead"] == 86_400
    assert (datetime.fromisoformat(later["now"]) - begin).total_seconds() >= 86_400
    back = pretend.http.post(f"{pretend.base}/_control/clock", json={"advance_seconds": -1})
    assert back.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/tenants/none/grants", None, 404),
        ("DELETE", f"/tenants/{CONTOSO}/grants/none", None, 404),
        ("PATCH", f"/tenants/{CONTOSO}/users/none", {}, 404),
        ("DELETE", f"/tenants/{CONTOSO}/users/none", None, 404),
        ("POST", f"/tenants/{CONTOSO}/users", {}, 400),
        ("PUT", f"/tenants/{NEW}", {"domains": "x"}, 400),
        ("PUT", f"/tenants/{NEW}", {"users_csv": "missing.csv"}, 400),
        ("POST", "/propagation", {"tenant": CONTOSO}, 400),
        ("POST", "/propagation", {"tenant": CONTOSO, "client_id": "x", "mode": "y"}, 400),
        ("POST", "/consent_endings", {"colour": "red"}, 400),
        ("POST", "/faults", [1], 400),
        ("GET", "/nothing", None, 404),
    ],
)
def test_a_wrong_order_is_refused_with_a_reason(
    pretend: Pretend, method: str, path: str, body: Any, status: int
) -> None:
    answer = pretend.http.request(method, f"{pretend.base}/_control{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_the_log_shows_requests_and_what_they_cost(pretend: Pretend) -> None:
    headers = pretend.bearer(BIG)
    pretend.graph("/users?$select=id&$top=999", headers)
    entry = pretend.control("GET", "/requests")["requests"][-1]
    assert entry == {
        "method": "GET",
        "path": "/graph/v1.0/users",
        "query": "$select=id&$top=999",
        "tenant": BIG,
        "status": 200,
        "units": 1,
        "fault": None,
    }
    pretend.control("DELETE", "/requests")
    assert pretend.control("GET", "/requests") == {"requests": []}
