"""How applications prove themselves, and how a consent arrives late."""

import time
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import jwt
import pytest

from tests.simulator.conftest import Certificate, make_certificate
from tests.simulator.pretend import (
    APPLICATION,
    CLIENT,
    CONTOSO,
    EXPIRED_CLIENT,
    GRAPH_SCOPE,
    HOME,
    SECRET,
    Pretend,
)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def assertion(
    pretend: Pretend, certificate: Certificate, algorithm: str = "RS256", **changed: Any
) -> dict[str, str | None]:
    now = time.time()  # MSAL writes times with a fraction
    audience = f"{pretend.base.replace('http:', 'https:')}/{CONTOSO}/oauth2/v2.0/token"
    claims = {"aud": audience, "iss": CLIENT, "sub": CLIENT, "jti": "1", "exp": now + 60}
    name, digest = (
        ("x5t", certificate.sha1) if algorithm == "RS256" else ("x5t#S256", certificate.sha256)
    )
    headers = {name: urlsafe_b64encode(digest).rstrip(b"=").decode()}
    text = jwt.encode({**claims, **changed}, certificate.private_key, algorithm, headers)
    return {
        "client_secret": None,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": text,
    }


def code_of(answer: Any) -> tuple[int, str, int]:
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    assert body.keys() >= {"timestamp", "trace_id", "correlation_id", "error_uri"}
    return answer.status_code, body["error"], body["error_codes"][0]


def roles_of(answer: Any) -> list[str]:
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return list(claims.get("roles", []))


def test_an_applications_own_token_carries_what_was_granted(pretend: Pretend) -> None:
    pretend.consent()
    answer = pretend.token()
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["roles"] == APPLICATION
    assert claims["tid"] == CONTOSO
    assert claims["appid"] == CLIENT
    assert claims["idtyp"] == "app"
    assert claims["aud"] == "https://graph.microsoft.com"
    assert answer.json()["expires_in"] == 3599


def test_the_secret_may_come_in_the_header(pretend: Pretend) -> None:
    pretend.consent()
    url = f"{pretend.base}/{CONTOSO}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "scope": GRAPH_SCOPE}
    for secret, status in ((SECRET, 200), ("wrong", 401)):
        basic = b64encode(f"{CLIENT}:{secret}".encode()).decode()
        answer = pretend.http.post(url, data=form, headers={"Authorization": f"Basic {basic}"})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": None}, (401, "invalid_client", 7000218)),
        ({"client_id": EXPIRED_CLIENT}, (401, "invalid_client", 7000222)),
        (
            {"client_id": EXPIRED_CLIENT, "client_secret": "wrong"},
            (401, "invalid_client", 7000215),
        ),
        ({"client_id": "unknown"}, (400, "unauthorized_client", 700016)),
        ({"client_id": None}, (400, "invalid_request", 900144)),
        ({"grant_type": None}, (400, "invalid_request", 900144)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        ({"scope": None}, (400, "invalid_request", 900144)),
        ({"scope": "User.Read.All"}, (400, "invalid_scope", 1002012)),
        ({"tenant": "nobody.example"}, (400, "invalid_request", 90002)),
        ({"tenant": "organizations"}, (400, "invalid_request", 50059)),
    ],
)
def test_the_token_endpoint_refuses_in_microsofts_shape(
    pretend: Pretend, changed: dict[str, str | None], expected: tuple[int, str, int]
) -> None:
    pretend.consent()
    assert code_of(pretend.token(**{"tenant": CONTOSO, **changed})) == expected


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_a_certificate_proves_the_application(
    pretend: Pretend, certificate: Certificate, algorithm: str
) -> None:
    pretend.consent()
    assert roles_of(pretend.token(**assertion(pretend, certificate, algorithm))) == APPLICATION


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"}, 700023),
        ({"iss": "somebody else"}, 700021),
        ({"exp": 1_000_000_000}, 700024),
        ({"nbf": 99_999_999_999}, 700024),
    ],
)
def test_an_assertion_for_something_else_proves_nothing(
    pretend: Pretend, certificate: Certificate, changed: dict[str, Any], code: int
) -> None:
    pretend.consent()
    answer = pretend.token(**assertion(pretend, certificate, **changed))
    assert code_of(answer) == (401, "invalid_client", code)


def test_a_certificate_and_a_secret_end(pretend: Pretend, certificate: Certificate) -> None:
    pretend.consent()
    pretend.control("PATCH", f"/applications/{CLIENT}", {"secret_ended": True})
    assert code_of(pretend.token()) == (401, "invalid_client", 7000222)
    assert pretend.token(**assertion(pretend, certificate)).status_code == 200
    pretend.control("POST", "/clock", {"advance_seconds": 2 * 86_400})
    ended = pretend.token(**assertion(pretend, certificate))
    assert code_of(ended) == (401, "invalid_client", 700027)
    assert "[Reason - The key used is expired." in ended.json()["error_description"]
    pretend.control("PATCH", f"/applications/{CLIENT}", {"secret_ended": False})
    assert pretend.token().status_code == 200


def test_a_foreign_certificate_proves_nothing(pretend: Pretend, certificate: Certificate) -> None:
    pretend.consent()
    foreign = make_certificate()
    answer = pretend.token(**assertion(pretend, foreign))
    assert code_of(answer) == (401, "invalid_client", 700027)
    disguised = Certificate("", foreign.private_key, certificate.sha1, certificate.sha256)
    answer = pretend.token(**assertion(pretend, disguised))
    assert code_of(answer) == (401, "invalid_client", 700027)


def test_an_application_that_nobody_consented_to_is_not_in_the_tenant(pretend: Pretend) -> None:
    assert code_of(pretend.token()) == (400, "unauthorized_client", 700016)


def test_at_home_the_application_is_known_but_has_no_roles(pretend: Pretend) -> None:
    assert roles_of(pretend.token(HOME)) == []


def test_a_disabled_application_gets_no_token_and_nobody_in(pretend: Pretend) -> None:
    body = {"application": APPLICATION, "delegated": ["openid"], "enabled": False}
    pretend.control("PUT", f"/tenants/{CONTOSO}/grants/{CLIENT}", body)
    assert code_of(pretend.token()) == (400, "unauthorized_client", 7000112)
    path, query = pretend.authorize()
    answer = pretend.browser().open(path, **query).submit(login="bob@contoso.example").answer
    assert "AADSTS7000112" in answer.text


def order(pretend: Pretend, mode: str, **limits: Any) -> None:
    body = {"tenant": CONTOSO, "client_id": CLIENT, "mode": mode, **limits}
    pretend.control("POST", "/propagation", body)


REFUSALS = {
    "token_refused_400": (400, "unauthorized_client", 700016),
    "token_refused_401": (401, "invalid_client", 7000229),
}


@pytest.mark.parametrize("mode", list(REFUSALS))
def test_a_consent_that_has_not_arrived_refuses_tokens_for_so_many_attempts(
    pretend: Pretend, mode: str
) -> None:
    order(pretend, mode, attempts=3)
    pretend.consent()
    for _ in range(3):
        assert code_of(pretend.token()) == REFUSALS[mode]
    assert roles_of(pretend.token()) == APPLICATION


@pytest.mark.parametrize("mode", list(REFUSALS))
def test_a_consent_arrives_when_the_simulators_clock_says_so(pretend: Pretend, mode: str) -> None:
    order(pretend, mode, seconds=90)
    pretend.consent()
    pretend.control("POST", "/clock", {"advance_seconds": 80})
    assert code_of(pretend.token()) == REFUSALS[mode]
    pretend.control("POST", "/clock", {"advance_seconds": 11})
    assert roles_of(pretend.token()) == APPLICATION


def test_a_token_without_roles_is_issued_and_graph_refuses_it(pretend: Pretend) -> None:
    order(pretend, "token_without_roles", attempts=1)
    pretend.consent()
    early = {"Authorization": f"Bearer {pretend.token().json()['access_token']}"}
    assert pretend.graph("/organization", early).status_code == 403
    assert pretend.graph("/organization", pretend.bearer()).status_code == 200
    assert pretend.graph("/organization", early).status_code == 403


def test_a_delay_without_end_lasts_until_it_is_ended(pretend: Pretend) -> None:
    order(pretend, "token_refused_400")
    pretend.consent()
    pretend.control("POST", "/clock", {"advance_seconds": 100_000})
    assert pretend.token().status_code == 400
    assert pretend.control("GET", "/propagation")["under_way"][0]["client_id"] == CLIENT
    pretend.control("DELETE", "/propagation")
    assert pretend.token().status_code == 200


def test_signing_in_works_while_the_consent_still_travels(pretend: Pretend) -> None:
    order(pretend, "token_refused_400", attempts=5)
    pretend.consent()
    path, query = pretend.authorize()
    assert "code" in pretend.browser().open(path, **query).submit(login="bob@contoso.example").back
