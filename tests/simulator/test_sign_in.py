"""Signing in: what applications get, what people see, and what is refused."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import quote

import httpx2
import jwt
import pytest

from tests.simulator.pretend import (
    ADMIN,
    APPLICATION,
    CALLBACK,
    CLIENT,
    CONTOSO,
    DELEGATED,
    FABRIKAM,
    GUEST,
    HOME,
    OTHER_CLIENT,
    SECRET,
    USER,
    Browser,
    Pretend,
)


def signed_in(pretend: Pretend, login: str, tenant: str = CONTOSO, **changed: str) -> Browser:
    path, query = pretend.authorize(tenant, **changed)
    return pretend.browser().open(path, **query).submit(login=login)


def redeem(
    pretend: Pretend, code: str, tenant: str = CONTOSO, **changed: str | None
) -> httpx2.Response:
    fields = {"code": code, "redirect_uri": CALLBACK, "scope": "openid profile email"}
    return pretend.token(tenant, **{"grant_type": "authorization_code", **fields, **changed})


def granted(pretend: Pretend, tenant: str = CONTOSO) -> None:
    body = {"application": APPLICATION, "delegated": DELEGATED}
    pretend.control("PUT", f"/tenants/{tenant}/grants/{CLIENT}", body)


@pytest.mark.parametrize("name", [CONTOSO, "contoso.example", "CONTOSO.example"])
def test_a_tenant_is_discovered_by_id_and_by_verified_domain(pretend: Pretend, name: str) -> None:
    document = pretend.http.get(f"{pretend.base}/{name}/v2.0/.well-known/openid-configuration")
    assert document.status_code == 200
    assert document.json()["issuer"] == f"{pretend.base}/{CONTOSO}/v2.0"
    assert document.json()["token_endpoint"] == f"{pretend.base}/{CONTOSO}/oauth2/v2.0/token"


@pytest.mark.parametrize("name", ["nobody.example", "unproven.example", "x"])
def test_an_unknown_or_unproven_domain_is_no_tenant(pretend: Pretend, name: str) -> None:
    answer = pretend.http.get(f"{pretend.base}/{name}/v2.0/.well-known/openid-configuration")
    body = answer.json()
    assert answer.status_code == 400
    assert body["error"] == "invalid_tenant"
    assert body["error_codes"] == [90002]
    assert body["error_description"].startswith("AADSTS90002: Tenant ")
    assert body.keys() >= {"timestamp", "trace_id", "correlation_id"}


def test_organizations_has_microsofts_own_placeholder_as_issuer(pretend: Pretend) -> None:
    url = f"{pretend.base}/organizations/v2.0/.well-known/openid-configuration"
    assert pretend.http.get(url).json()["issuer"] == f"{pretend.base}/{{tenantid}}/v2.0"


def test_a_person_signs_in_and_the_id_token_says_who_and_where(pretend: Pretend) -> None:
    granted(pretend)
    browser = signed_in(pretend, ADMIN)
    assert browser.back["state"] == "the-state"
    body = redeem(pretend, browser.back["code"]).json()
    keys = jwt.PyJWKClient(f"{pretend.base}/{CONTOSO}/discovery/v2.0/keys")
    key = keys.get_signing_key_from_jwt(body["id_token"])
    issuer = f"{pretend.base}/{CONTOSO}/v2.0"
    claims = jwt.decode(
        body["id_token"], key.key, algorithms=["RS256"], audience=CLIENT, issuer=issuer
    )
    assert claims["tid"] == CONTOSO
    assert claims["nonce"] == "the-nonce"
    assert claims["preferred_username"] == claims["email"] == ADMIN
    assert claims["name"] == "Ada"
    assert claims["ver"] == "2.0"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["sub"] != claims["oid"]
    assert claims["wids"] == ["62e90394-69f5-4237-9190-012177145e10"]
    assert "roles" not in claims


def test_a_refresh_token_brings_what_is_so_now(pretend: Pretend) -> None:
    granted(pretend)
    plain = redeem(pretend, signed_in(pretend, ADMIN).back["code"]).json()
    assert "refresh_token" not in plain
    scope = "openid profile email offline_access"
    code = signed_in(pretend, ADMIN, scope=scope).back["code"]
    token = redeem(pretend, code).json()["refresh_token"]

    def refreshed(**changed: str) -> httpx2.Response:
        return pretend.token(
            **{"grant_type": "refresh_token", "refresh_token": token, "scope": scope, **changed}
        )

    first = refreshed().json()
    claims = jwt.decode(first["id_token"], options={"verify_signature": False})
    assert "roles" not in claims
    assert "nonce" not in claims
    assert first["refresh_token"] != token
    person = f"/tenants/{CONTOSO}/users/{claims['oid']}"
    pretend.control("PATCH", person, {"app_roles": {CLIENT: ["Reader"]}})
    again = jwt.decode(refreshed().json()["id_token"], options={"verify_signature": False})
    assert again["roles"] == ["Reader"]
    assert refreshed(refresh_token="1.made-up").json()["error_codes"] == [9002313]
    pretend.control("PATCH", person, {"accountEnabled": False})
    assert refreshed().json()["error_codes"] == [50057]


def test_without_profile_the_token_names_neither_tenant_nor_object(pretend: Pretend) -> None:
    granted(pretend)
    code = signed_in(pretend, ADMIN, scope="openid").back["code"]
    claims = jwt.decode(
        redeem(pretend, code).json()["id_token"], options={"verify_signature": False}
    )
    assert not {"oid", "tid", "name", "email"} & claims.keys()


def test_some_tenants_leave_directory_roles_out(pretend: Pretend) -> None:
    granted(pretend, FABRIKAM)
    code = signed_in(pretend, "fay@fabrikam.example", FABRIKAM).back["code"]
    token = redeem(pretend, code, FABRIKAM).json()["id_token"]
    assert "wids" not in jwt.decode(token, options={"verify_signature": False})


def test_staff_carry_their_roles_in_the_application(pretend: Pretend) -> None:
    code = signed_in(pretend, "dana@vendor.example", "organizations").back["code"]
    token = redeem(pretend, code, HOME).json()["id_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["roles"] == ["CustomerSuccess"]
    assert claims["tid"] == HOME


def test_a_guest_signs_in_with_the_home_address_and_is_marked(pretend: Pretend) -> None:
    granted(pretend)
    code = signed_in(pretend, GUEST).back["code"]
    claims = jwt.decode(
        redeem(pretend, code).json()["id_token"], options={"verify_signature": False}
    )
    assert claims["tid"] == CONTOSO
    assert claims["idp"] == f"https://sts.windows.net/{FABRIKAM}/"
    assert claims["preferred_username"] == GUEST


def test_an_external_member_signs_in_with_the_home_address_only(pretend: Pretend) -> None:
    granted(pretend)
    name = "gus_fabrikam.example#EXT#@contoso.example"
    user = f"/tenants/{CONTOSO}/users/{quote(name)}"
    pretend.control("PATCH", user, {"userType": "Member"})
    claims = jwt.decode(
        redeem(pretend, signed_in(pretend, GUEST).back["code"]).json()["id_token"],
        options={"verify_signature": False},
    )
    assert (claims["tid"], claims["preferred_username"]) == (CONTOSO, GUEST)
    assert "username" in signed_in(pretend, name).answer.text


@pytest.mark.parametrize(("login", "acct"), [(USER, 0), (GUEST, 1)])
def test_optional_claims_come_where_the_registration_asks_for_them(
    pretend: Pretend, login: str, acct: int
) -> None:
    for client in (CLIENT, OTHER_CLIENT):
        body = {"application": APPLICATION, "delegated": DELEGATED}
        pretend.control("PUT", f"/tenants/{CONTOSO}/grants/{client}", body)
    plain = redeem(pretend, signed_in(pretend, login).back["code"]).json()["id_token"]
    code = signed_in(pretend, login, client_id=OTHER_CLIENT).back["code"]
    asked = redeem(pretend, code, client_id=OTHER_CLIENT).json()["id_token"]
    without, with_them = (
        jwt.decode(token, options={"verify_signature": False}) for token in (plain, asked)
    )
    assert not {"acct", "login_hint"} & without.keys()
    assert with_them["acct"] == acct
    assert login not in with_them["login_hint"]


def test_a_silent_request_is_answered_at_registered_addresses_alone(pretend: Pretend) -> None:
    path, query = pretend.authorize(CONTOSO, prompt="none")
    back = pretend.http.get(f"{pretend.base}{path}", params=query)
    assert back.status_code == 302
    assert "error=login_required" in back.headers["Location"]
    for wrong, number in (
        ({"redirect_uri": "https://elsewhere.example/"}, "AADSTS50011"),
        ({"client_id": "unknown"}, "AADSTS700016"),
    ):
        page = pretend.http.get(f"{pretend.base}{path}", params={**query, **wrong})
        assert number in page.text
        assert "Location" not in page.headers


def test_a_code_works_once(pretend: Pretend) -> None:
    granted(pretend)
    code = signed_in(pretend, USER).back["code"]
    assert redeem(pretend, code).status_code == 200
    second = redeem(pretend, code)
    assert second.status_code == 400
    assert second.json()["error"] == "invalid_grant"
    assert second.json()["error_codes"] == [54005]


@pytest.mark.parametrize(
    ("tenant", "changed", "code"),
    [
        (CONTOSO, {"redirect_uri": "http://127.0.0.1:8080/consent/callback"}, 500112),
        (CONTOSO, {"client_id": OTHER_CLIENT}, 700005),
        (FABRIKAM, {}, 700005),
        (CONTOSO, {"code": "1.made-up"}, 9002313),
    ],
)
def test_a_code_is_bound_to_application_address_and_tenant(
    pretend: Pretend, tenant: str, changed: dict[str, str], code: int
) -> None:
    granted(pretend)
    issued = signed_in(pretend, USER).back["code"]
    answer = redeem(pretend, **{"code": issued, "tenant": tenant, **changed})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    assert answer.json()["error_codes"] == [code]


def test_a_code_expires_after_ten_minutes_of_the_simulators_clock(pretend: Pretend) -> None:
    granted(pretend)
    code = signed_in(pretend, USER).back["code"]
    pretend.control("POST", "/clock", {"advance_seconds": 601})
    assert redeem(pretend, code).json()["error_codes"] == [70008]


@pytest.mark.parametrize(("verifier", "status"), [("v" * 43, 200), ("w" * 43, 400), (None, 400)])
def test_pkce_holds(pretend: Pretend, verifier: str | None, status: int) -> None:
    granted(pretend)
    challenge = urlsafe_b64encode(sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    code = signed_in(pretend, USER, code_challenge=challenge, code_challenge_method="S256").back[
        "code"
    ]
    assert redeem(pretend, code, code_verifier=verifier).status_code == status


def test_the_answer_can_come_as_a_form(pretend: Pretend) -> None:
    granted(pretend)
    form = signed_in(pretend, USER, response_mode="form_post").form
    assert form.action == CALLBACK
    assert form.fields["state"] == "the-state"
    assert redeem(pretend, form.fields["code"]).status_code == 200


def test_a_browser_stays_signed_in_until_it_signs_out(pretend: Pretend) -> None:
    granted(pretend)
    browser = signed_in(pretend, USER)
    path, query = pretend.authorize()
    assert "code" in browser.open(path, **query).back
    assert browser.open(path, **query, prompt="login").title == "Sign in to your account"
    assert browser.open(path, **query, prompt="select_account").form.fields["login"] == USER
    assert browser.open(path, **query, login_hint=ADMIN).form.fields["login"] == ADMIN
    browser.open(f"/{CONTOSO}/oauth2/v2.0/logout")
    assert browser.open(path, **query).form.fields["login"] == ""


def test_silent_requests_never_show_a_page(pretend: Pretend) -> None:
    path, query = pretend.authorize(prompt="none")
    assert pretend.browser().open(path, **query).back["error"] == "login_required"
    browser = signed_in(pretend, USER)
    assert browser.open(path, **query).back["error"] == "consent_required"
    granted(pretend)
    assert "code" in browser.open(path, **query).back


def test_a_mistyped_name_is_told_on_the_page(pretend: Pretend) -> None:
    browser = signed_in(pretend, "nobody@contoso.example")
    assert "This username may be incorrect" in browser.answer.text
    granted(pretend)
    assert "code" in browser.submit(login=USER).back


@pytest.mark.parametrize(
    ("login", "code"),
    [("fay@fabrikam.example", "AADSTS50020"), ("dora@contoso.example", "AADSTS50057")],
)
def test_people_of_other_tenants_and_disabled_people_are_stopped(
    pretend: Pretend, login: str, code: str
) -> None:
    granted(pretend)
    answer = signed_in(pretend, login).answer
    assert answer.status_code == 400
    assert code in answer.text
    assert "Sorry, but we’re having trouble signing you in." in answer.text


@pytest.mark.parametrize(
    ("tenant", "changed", "code"),
    [
        ("nobody.example", {}, "AADSTS90002"),
        (CONTOSO, {"client_id": "unknown"}, "AADSTS700016"),
        (CONTOSO, {"client_id": None}, "AADSTS900144"),
        (CONTOSO, {"redirect_uri": "https://evil.example/auth"}, "AADSTS50011"),
        (CONTOSO, {"redirect_uri": "http://127.0.0.1:8080/other"}, "AADSTS50011"),
        (CONTOSO, {"redirect_uri": "http://127.0.0.1:8080@evil.example/"}, "AADSTS50011"),
        (CONTOSO, {"redirect_uri": None}, "AADSTS900144"),
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(
    pretend: Pretend, tenant: str, changed: dict[str, str | None], code: str
) -> None:
    path, query = pretend.authorize(tenant, **changed)
    answer = pretend.browser().open(path, **query).answer
    assert answer.status_code == 400
    assert code in answer.text
    assert "location" not in answer.headers


@pytest.mark.parametrize("port", [80, 8080, 61234])
def test_any_port_of_a_loopback_address_will_do(pretend: Pretend, port: int) -> None:
    path, query = pretend.authorize(redirect_uri=f"http://localhost:{port}/auth/microsoft/callback")
    assert pretend.browser().open(path, **query).answer.status_code == 200


def test_a_request_without_scope_or_for_another_type_is_told_to_the_application(
    pretend: Pretend,
) -> None:
    path, query = pretend.authorize(scope=None)
    assert pretend.browser().open(path, **query).back["error"] == "invalid_request"
    path, query = pretend.authorize(response_type="token")
    back = pretend.browser().open(path, **query).back
    assert back["error"] == "unsupported_response_type"
    assert back["state"] == "the-state"


def test_signing_out_leads_only_to_registered_addresses(pretend: Pretend) -> None:
    path = f"/{CONTOSO}/oauth2/v2.0/logout"
    browser = pretend.browser()
    back = browser.open(path, post_logout_redirect_uri=CALLBACK).answer
    assert back.headers["location"].startswith(CALLBACK)
    page = browser.open(path, post_logout_redirect_uri="https://evil.example/").answer
    assert page.status_code == 200
    assert "You signed out of your account" in page.text


def test_a_rotated_key_joins_the_key_set_and_signs(pretend: Pretend) -> None:
    granted(pretend)
    url = f"{pretend.base}/{CONTOSO}/discovery/v2.0/keys"
    before = {key["kid"] for key in pretend.http.get(url).json()["keys"]}
    new = pretend.control("POST", "/keys")["key_id"]
    assert {key["kid"] for key in pretend.http.get(url).json()["keys"]} == before | {new}
    body = redeem(pretend, signed_in(pretend, USER).back["code"]).json()
    assert jwt.get_unverified_header(body["id_token"])["kid"] == new


def test_secrets_and_codes_never_stand_in_the_request_log(pretend: Pretend) -> None:
    granted(pretend)
    redeem(pretend, signed_in(pretend, USER).back["code"])
    log = pretend.control("GET", "/requests")["requests"]
    assert [one["path"].rpartition("/")[2] for one in log] == ["authorize", "authorize", "token"]
    assert all(one["query"] == "" and one["tenant"] == CONTOSO for one in log)
    assert SECRET not in str(log)
