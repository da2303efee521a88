"""Every way in which asking for consent can end."""

from typing import Any

import pytest

from tests.simulator.pretend import (
    ADMIN,
    APPLICATION,
    CLIENT,
    CONSENT_CALLBACK,
    CONTOSO,
    DELEGATED,
    FABRIKAM,
    GRAPH_SCOPE,
    GUEST,
    USER,
    Browser,
    Pretend,
)


def asked(pretend: Pretend, login: str, tenant: str = CONTOSO, **changed: str) -> Browser:
    path, query = pretend.admin_consent(tenant, **changed)
    return pretend.browser().open(path, **query).submit(login=login)


def grants(pretend: Pretend, tenant: str = CONTOSO) -> list[dict[str, Any]]:
    return list(pretend.control("GET", f"/tenants/{tenant}/grants")["grants"])


def test_an_administrator_reviews_and_accepts_for_everyone(pretend: Pretend) -> None:
    browser = asked(pretend, ADMIN)
    assert browser.title == "Permissions requested"
    assert "Review for your organization" in browser.answer.text
    assert "Read all users&#39; full profiles" in browser.answer.text
    assert browser.form.buttons == ["cancel", "accept"]
    browser.submit(action="accept")
    assert browser.answer.headers["location"].startswith(CONSENT_CALLBACK)
    back = browser.back
    scopes = back.pop("scope").split()
    assert back == {"admin_consent": "True", "tenant": CONTOSO, "state": "the-state"}
    assert "https://graph.microsoft.com/User.Read.All" in scopes
    (grant,) = grants(pretend)
    assert grant["application"] == APPLICATION
    assert grant["delegated"] == DELEGATED
    assert grant["all_principals"] is True
    path, query = pretend.authorize()
    assert "code" in pretend.browser().open(path, **query).submit(login=USER).back


ENDINGS = [
    # who, what they press, error, subcode, AADSTS
    (ADMIN, "cancel", "access_denied", "cancel", 65004),
    (USER, "return", "consent_required", None, 90094),
    (USER, "accept", "consent_required", None, 90094),
    (GUEST, "return", "consent_required", None, 90094),
    # Cloud Application Administrators may not grant application permissions of Graph.
    ("cleo@contoso.example", "return", "consent_required", None, 90094),
]


@pytest.mark.parametrize(("login", "action", "error", "subcode", "code"), ENDINGS)
def test_without_consent_the_answer_says_so_beside_admin_consent_true(
    pretend: Pretend, login: str, action: str, error: str, subcode: str | None, code: int
) -> None:
    back = asked(pretend, login).submit(action=action).back
    assert back["admin_consent"] == "True"
    assert back["error"] == error
    assert back.get("error_subcode") == subcode
    assert back["error_description"].startswith(f"AADSTS{code}: ")
    assert back["tenant"] == CONTOSO
    assert back["state"] == "the-state"
    assert grants(pretend) == []


def test_with_the_approval_workflow_people_can_ask(pretend: Pretend) -> None:
    browser = asked(pretend, GUEST, FABRIKAM)
    assert browser.title == "Approval required"
    back = browser.submit(action="request", reason="I need it").back
    assert back["error"] == "access_denied"
    assert back["error_description"].startswith("AADSTS90095: ")


@pytest.mark.parametrize(
    ("tenant", "changed", "code"),
    [
        ("nobody.example", {}, "AADSTS90002"),
        ("common", {}, "AADSTS90133"),
        (CONTOSO, {"client_id": "unknown"}, "AADSTS700016"),
        (CONTOSO, {"redirect_uri": "https://evil.example/"}, "AADSTS50011"),
        (CONTOSO, {"scope": ""}, "AADSTS900144"),
    ],
)
def test_a_broken_request_stays_at_microsoft(
    pretend: Pretend, tenant: str, changed: dict[str, str], code: str
) -> None:
    path, query = pretend.admin_consent(tenant, **changed)
    answer = pretend.browser().open(path, **query).answer
    assert answer.status_code == 400
    assert code in answer.text


def test_an_administrator_of_another_tenant_is_stopped(pretend: Pretend) -> None:
    answer = asked(pretend, "fay@fabrikam.example").answer
    assert answer.status_code == 400
    assert "AADSTS50020" in answer.text
    assert grants(pretend) == grants(pretend, FABRIKAM) == []


def test_organizations_means_the_home_of_whoever_signs_in(pretend: Pretend) -> None:
    back = asked(pretend, "fay@fabrikam.example", "organizations").submit(action="accept").back
    assert back["tenant"] == FABRIKAM
    assert grants(pretend) == []


def test_a_signed_in_administrator_is_not_asked_who_they_are(pretend: Pretend) -> None:
    browser = asked(pretend, ADMIN)
    path, query = pretend.admin_consent()
    assert browser.open(path, **query).title == "Permissions requested"


def test_consenting_again_replaces_the_earlier_grant(pretend: Pretend) -> None:
    pretend.grant("Mail.Send", "User.Read.All")
    pretend.consent()
    assert grants(pretend)[0]["application"] == APPLICATION


def test_in_a_sign_in_the_box_for_everyone_is_shown_to_global_administrators_only(
    pretend: Pretend,
) -> None:
    path, query = pretend.authorize()
    admin = pretend.browser().open(path, **query).submit(login=ADMIN)
    assert admin.title == "Permissions requested"
    assert admin.form.checkboxes == ["consent_on_behalf"]
    assert 'name="consent_on_behalf" value="true">' in admin.answer.text
    cleo = pretend.browser().open(path, **query).submit(login="cleo@contoso.example")
    assert cleo.form.checkboxes == []
    bob = pretend.browser().open(path, **query).submit(login=USER)
    assert bob.title == "Need admin approval"


def test_consent_for_oneself_leaves_everyone_else_blocked(pretend: Pretend) -> None:
    path, query = pretend.authorize()
    admin = pretend.browser().open(path, **query).submit(login=ADMIN).submit(action="accept")
    assert "code" in admin.back
    assert "code" in admin.open(path, **query).back
    bob = pretend.browser().open(path, **query).submit(login=USER)
    assert bob.title == "Need admin approval"
    back = bob.submit(action="return").back
    assert back["error"] == "consent_required"
    assert back["state"] == "the-state"
    assert pretend.graph("/organization", pretend.bearer()).status_code == 403


def test_ticking_the_box_lets_everyone_in_but_grants_no_application_permission(
    pretend: Pretend,
) -> None:
    path, query = pretend.authorize()
    admin = pretend.browser().open(path, **query).submit(login=ADMIN)
    admin.submit(action="accept", consent_on_behalf="true")
    assert "code" in pretend.browser().open(path, **query).submit(login=USER).back
    assert pretend.graph("/organization", pretend.bearer()).status_code == 403


def test_cancelling_a_sign_in_is_told_to_the_application(pretend: Pretend) -> None:
    path, query = pretend.authorize()
    back = pretend.browser().open(path, **query).submit(login=ADMIN).submit(action="cancel").back
    assert (back["error"], back["error_subcode"]) == ("access_denied", "cancel")
    assert back["error_description"].startswith("AADSTS65004: ")


def test_consent_can_be_asked_for_again(pretend: Pretend) -> None:
    pretend.consent()
    path, query = pretend.authorize(prompt="consent")
    browser = pretend.browser().open(path, **query).submit(login=ADMIN)
    assert browser.title == "Permissions requested"


@pytest.mark.parametrize(
    ("error", "subcode", "description", "omit"),
    [
        ("consent_required", None, "AADSTS65001: not consented", []),
        ("permission_denied", None, "The admin canceled the request", ["tenant"]),
        ("access_denied", "cancel", "AADSTS65004: declined", ["state"]),
        ("invalid_client", None, "AADSTS650051: already there", ["tenant", "state"]),
        ("access_denied", None, "AADSTS90095: approval", []),
        ("server_error", None, "AADSTS99999: never seen before", []),
    ],
)
def test_any_ending_can_be_forced_once(
    pretend: Pretend, error: str, subcode: str | None, description: str, omit: list[str]
) -> None:
    order = {
        "tenant": CONTOSO,
        "ending": error,
        "error_subcode": subcode,
        "error_description": description,
        "omit": omit,
        "times": 1,
    }
    pretend.control("POST", "/consent_endings", order)
    back = asked(pretend, ADMIN).submit(action="accept").back
    assert back["admin_consent"] == "True"
    assert back["error"] == error
    assert back.get("error_subcode") == subcode
    assert back["error_description"] == description
    assert not set(omit) & back.keys()
    assert {"tenant", "state"} - set(omit) <= back.keys()
    assert grants(pretend) == []
    assert "error" not in asked(pretend, ADMIN).submit(action="accept").back


def test_a_success_can_lack_a_permission_or_a_parameter(pretend: Pretend) -> None:
    order = {
        "tenant": CONTOSO,
        "ending": None,
        "application": ["User.Read.All"],
        "omit": ["tenant"],
    }
    pretend.control("POST", "/consent_endings", order)
    back = asked(pretend, ADMIN).submit(action="accept").back
    assert "tenant" not in back
    headers = pretend.bearer()
    assert pretend.graph("/users?$top=1&$select=id", headers).status_code == 200
    assert pretend.graph("/organization", headers).status_code == 403


def test_an_error_can_hide_a_grant_that_was_made(pretend: Pretend) -> None:
    order = {"tenant": CONTOSO, "ending": "invalid_client", "grant": True}
    pretend.control("POST", "/consent_endings", order)
    assert asked(pretend, ADMIN).submit(action="accept").back["error"] == "invalid_client"
    assert pretend.graph("/organization", pretend.bearer()).status_code == 200


def test_a_revoked_grant_is_gone_for_the_next_token(pretend: Pretend) -> None:
    pretend.consent()
    held = pretend.bearer()
    pretend.control("DELETE", f"/tenants/{CONTOSO}/grants/{CLIENT}")
    assert pretend.token().status_code == 400
    # A token that was issued stays good until it expires, as at Microsoft.
    assert pretend.graph("/organization", held).status_code == 200
    pretend.control("POST", "/clock", {"advance_seconds": 3_601})
    assert pretend.graph("/organization", held).status_code == 401


def test_explicit_scopes_grant_delegated_permissions_only(pretend: Pretend) -> None:
    asked(pretend, ADMIN, scope="https://graph.microsoft.com/profile openid").submit(
        action="accept"
    )
    (grant,) = grants(pretend)
    assert grant["application"] == []
    assert grant["delegated"] == ["profile", "openid"]
    assert GRAPH_SCOPE not in grant["delegated"]
