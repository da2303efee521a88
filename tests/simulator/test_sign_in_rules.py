"""What a tenant demands of a sign-in: who, from which country and device, with a second factor."""

from typing import Any

import pytest

from tests.simulator.pretend import CLIENT, DELEGATED, Browser, Pretend

RULED = "20000000-0000-4000-8000-0000000000aa"
ANNA, BEN, CHIEF = (f"{name}@ruled.example" for name in ("anna", "ben", "chief"))
COUNTRIES = {"kind": "country", "countries": ["GB", "DK"]}
GLOBAL = {"roles": ["Global Administrator"]}


def _ruled(pretend: Pretend, *rules: dict[str, Any]) -> None:
    users = [{"userPrincipalName": ANNA}, {"userPrincipalName": BEN}]
    pretend.control(
        "PUT",
        f"/tenants/{RULED}",
        {
            "domains": [{"name": "ruled.example"}],
            "users": [*users, {"userPrincipalName": CHIEF, **GLOBAL}],
            "sign_in_rules": list(rules),
            "grants": [{"client_id": CLIENT, "delegated": DELEGATED, "all_principals": True}],
        },
    )


def _signs_in(pretend: Pretend, login: str, **where: str) -> Browser:
    path, query = pretend.authorize(RULED)
    return pretend.browser().open(path, **query).submit(login=login, **where)


@pytest.mark.parametrize(
    ("rule", "login", "where", "number"),
    [
        ({"kind": "assignment_required"}, ANNA, {}, 50105),
        ({"kind": "assignment_required"}, CHIEF, {}, None),
        ({"kind": "assignment_required", "users": [ANNA]}, ANNA, {}, None),
        ({"kind": "user", "users": [ANNA]}, ANNA, {"device": "compliant"}, 53003),
        ({"kind": "user", "users": [ANNA]}, BEN, {}, None),
        (COUNTRIES, ANNA, {}, 53003),
        (COUNTRIES, ANNA, {"country": "US"}, 53003),
        (COUNTRIES, ANNA, {"country": "gb"}, None),
        ({**COUNTRIES, "users": [BEN]}, ANNA, {"country": "US"}, None),
        ({"kind": "device"}, ANNA, {}, 53000),
        ({"kind": "device"}, ANNA, {"device": "compliant"}, None),
        ({"kind": "mfa"}, ANNA, {}, 50076),
        ({"kind": "mfa"}, ANNA, {"second_factor": "yes"}, None),
        ({"kind": "tenant_restrictions"}, ANNA, {"device": "compliant"}, 500021),
        ({"kind": "cross_tenant_access", "users": [ANNA]}, ANNA, {}, 500213),
        ({"kind": "cross_tenant_access", "users": [ANNA]}, BEN, {}, None),
        # Being a Global Administrator excuses from nothing but the assignment.
        ({"kind": "device"}, CHIEF, {}, 53000),
    ],
)
def test_a_rule_looks_at_the_person_and_at_where_the_sign_in_comes_from(
    pretend: Pretend, rule: dict[str, Any], login: str, where: dict[str, str], number: int | None
) -> None:
    _ruled(pretend, rule)
    if number is None:
        assert "code" in _signs_in(pretend, login, **where).back
        return
    assert f"AADSTS{number}" in _signs_in(pretend, login, **where).answer.text
    _ruled(pretend, {**rule, "redirect": True})
    back = _signs_in(pretend, login, **where).back
    assert back["error"] == "interaction_required"
    assert back["error_description"].startswith(f"AADSTS{number}: ")


def test_a_browser_keeps_where_it_is_until_somebody_signs_in_again(pretend: Pretend) -> None:
    _ruled(pretend, {"kind": "device"})
    path, query = pretend.authorize(RULED)
    browser = pretend.browser().open(path, **query)
    assert "code" in browser.submit(login=ANNA, device="compliant").back
    assert "code" in browser.open(path, **query).back
    assert (
        "AADSTS53000" in browser.open(path, **query, prompt="login").submit(login=ANNA).answer.text
    )
