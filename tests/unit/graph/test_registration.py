"""What the check of our registration finds, from recordings and from answers full of secrets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from commands.registration import CheckedRegistration, check
from contracts.registration import (
    REDIRECT_PATHS,
    RegistrationFinding,
    RegistrationResult,
    RegistrationSettings,
)
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.tokens import EntraClient
from tests.graph.scripted import SteppedClock
from tests.unit.graph import replayed
from tests.unit.graph.replayed import CLIENT_ID, GRAPH_URL, HOSTS, PUBLIC_URL, TENANT

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.json"))
AUTHORITY = HOSTS["worldwide"]

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJwbGFudGVkIn0.c2lnbmVkLXBsYW50ZWQ"
SECRET = "pLaNt3d~Secret.Value_0123456789abcdefghij"
ADDRESS = "planted.person@customer.example"
PERSON = "Planted Person"
OBJECT_ID = "0b1ec71d-0000-4000-8000-00000000beef"
HOST = "customer.example"
PLANTED = (TOKEN, SECRET, ADDRESS, PERSON, OBJECT_ID, HOST, "planted", "Planted", TENANT, CLIENT_ID)


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda file: file.stem)
def test_a_transcript_replays_to_the_same_findings(file: Path) -> None:
    """Of a real tenant's, too: put its file into the folder."""
    transcript = json.loads(file.read_text(encoding="utf-8"))
    found, exchanges = replayed.replay(transcript)
    assert found == transcript["findings"]
    # Those behind them belong to a sign-in, of which the transcript has what it showed.
    assert exchanges == transcript["exchanges"][: len(exchanges)]
    assert bool(transcript["sign_in"]) or len(exchanges) == len(transcript["exchanges"])


class Answers:
    """Microsoft with something planted in every answer, in every field that it has or has not."""

    def __init__(self, **statuses: int) -> None:
        self.statuses = statuses

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        end = request.url.path.rsplit("/", 1)[-1]
        status = self.statuses.get(end.replace("-", "_"), 200)
        headers = {"x-planted": SECRET, "Set-Cookie": f"planted={TOKEN}", "request-id": OBJECT_ID}
        if end == "authorize" and status == 200:
            wanted = dict(httpx2.QueryParams(request.url.query))["redirect_uri"]
            headers["Location"] = (
                f"{wanted}?error=planted&error_description=AADSTS50058%3A+{ADDRESS}&code={SECRET}"
            )
            return httpx2.Response(302, headers=headers)
        if status >= 400:
            return httpx2.Response(status, headers=headers, json=_refused(end))
        return httpx2.Response(200, headers=headers, json=_told(end))


def _everything() -> dict[str, Any]:
    return {
        "name": PERSON,
        "mail": ADDRESS,
        "secret": SECRET,
        TOKEN: TOKEN,
        "claims": {"preferred_username": ADDRESS, "oid": OBJECT_ID, "planted": [PERSON]},
        "error_description": f"AADSTS7000215: {SECRET} {ADDRESS} Trace ID: {OBJECT_ID}",
    }


def _refused(end: str) -> dict[str, Any]:
    if end in ("users", "organization"):
        return {"error": {"code": PERSON, "message": ADDRESS, **_everything()}}
    return {**_everything(), "error": "planted", "suberror": "planted", "error_codes": [SECRET]}


def _told(end: str) -> dict[str, Any]:
    base = f"{AUTHORITY}/{TENANT}"
    told: dict[str, dict[str, Any]] = {
        "openid-configuration": {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "cloud_instance_name": SECRET,
        },
        "keys": {
            "keys": [
                {**_everything(), "kty": kind, "kid": f"{SECRET}{kind}", "issuer": issuer}
                for kind, issuer in (("RSA", f"{base}/v2.0"), (PERSON, f"https://{HOST}/"))
            ]
        },
        "token": {"access_token": TOKEN, "expires_in": 3599, "scope": SECRET, "foci": PERSON},
        "organization": {
            "value": [{"id": TENANT, "displayName": PERSON, "verifiedDomains": [{"name": HOST}]}]
        },
        "users": {
            "value": [
                {
                    **_everything(),
                    "id": OBJECT_ID,
                    "userPrincipalName": ADDRESS,
                    "proxyAddresses": [f"SMTP:{ADDRESS}"],
                    "userType": PERSON,
                    "accountEnabled": SECRET,
                }
            ],
            "@odata.nextLink": f"{GRAPH_URL}/users?$skiptoken={SECRET}",
        },
    }
    return {**_everything(), **told[end]}


def checked_by(
    answers: Any, sign_in: str = "", ask: Callable[[str], str] | None = None
) -> CheckedRegistration:
    """Check it, and paste `sign_in`, or what `ask` makes of the address to sign in at."""
    settings = RegistrationSettings(
        authority=AUTHORITY,
        redirect_uris={path: f"{PUBLIC_URL}{path}" for path in REDIRECT_PATHS},
        staff_tenant_id=TENANT,
        credential_days_left=100,
    )
    clock = SteppedClock()
    with httpx2.Client(transport=httpx2.MockTransport(answers)) as http:
        entra = EntraClient(
            authority=AUTHORITY,
            client_id=CLIENT_ID,
            credential=ClientSecret(SECRET),
            http=http,
            clock=clock,
        )
        graph = GraphClient(http, GRAPH_URL, entra, pause=clock.pause, clock=clock)
        pasted = ask or ((lambda _: sign_in) if sign_in else None)
        return check(settings, http, entra, graph, TENANT, pasted)


@pytest.mark.parametrize(
    "statuses",
    [
        {},
        {"openid_configuration": 400},
        {"keys": 400, "authorize": 400, "token": 400},
        {"token": 401},
        {"users": 403},
        {"organization": 403, "users": 400},
        {"users": 429},
        {"keys": 500},
    ],
)
def test_a_transcript_holds_no_token_secret_address_or_person(statuses: dict[str, int]) -> None:
    pasted = f"{PUBLIC_URL}/auth/microsoft/callback?code={SECRET}&state={TOKEN}&error=planted"
    checked = checked_by(Answers(**statuses), pasted)
    text = json.dumps(checked.transcript())
    assert len(checked.exchanges) >= 1
    assert [one for one in PLANTED if one in text] == []


def test_an_id_token_that_nobody_asked_for_is_not_kept_either() -> None:
    def answers(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/token"):
            told = {"access_token": TOKEN, "id_token": TOKEN, "expires_in": 3599}
            return httpx2.Response(200, json=told)
        return Answers()(request)

    text = json.dumps(checked_by(answers).transcript())
    assert '"id_token": true' in text
    assert [one for one in PLANTED if one in text] == []


def test_a_word_that_microsoft_has_not_is_not_kept_of_the_sign_in_either() -> None:
    def ask(url: str) -> str:
        state = httpx2.QueryParams(httpx2.URL(url).query)["state"]
        return f"{PUBLIC_URL}/auth/microsoft/callback?state={state}&error=planted_person"

    checked = checked_by(Answers(), ask=ask)
    assert [one for one in PLANTED if one in json.dumps(checked.transcript())] == []
    assert RegistrationResult(RegistrationFinding.SIGN_IN_REFUSED) in checked.results


def test_a_planted_sign_in_is_seen_to_be_another_one() -> None:
    checked = checked_by(Answers(), f"{PUBLIC_URL}/auth/microsoft/callback?code=x&state=y")
    found = [one.finding for one in checked.results]
    assert RegistrationFinding.ADDRESS_OF_ANOTHER_SIGN_IN in found


@pytest.mark.parametrize("pasted", ["nonsense", "http://[", "?state=", "\n"])
def test_what_is_no_address_at_all_is_said_to_be_none(pasted: str) -> None:
    found = [one.finding for one in checked_by(Answers(), pasted).results]
    assert RegistrationFinding.ADDRESS_OF_ANOTHER_SIGN_IN in found


def test_a_permission_that_leaves_out_who_is_a_guest_is_noticed() -> None:
    def answers(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/users"):
            basic = {"id": OBJECT_ID, "userPrincipalName": ADDRESS, "mail": ADDRESS}
            return httpx2.Response(200, json={"value": [basic]})
        return Answers()(request)

    results = checked_by(answers).results
    incomplete = RegistrationFinding.USERS_INCOMPLETE
    assert RegistrationResult(incomplete, "accountEnabled, userType") in results


def test_a_page_instead_of_an_answer_leaves_the_redirect_to_a_person() -> None:
    def answers(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/authorize"):
            return httpx2.Response(200, text="<html>Sign in</html>")
        return Answers()(request)

    checked = checked_by(answers)
    unclear = [
        one.subject
        for one in checked.results
        if one.finding is RegistrationFinding.REDIRECT_UNCLEAR
    ]
    assert unclear == list(REDIRECT_PATHS)
    assert checked.is_good


def test_a_key_that_is_marked_for_another_cloud_is_no_key_of_ours() -> None:
    def answers(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/keys"):
            key = {"kty": "RSA", "kid": "1", "cloud_instance_name": "microsoftonline.us"}
            return httpx2.Response(200, json={"keys": [key]})
        return Answers()(request)

    found = [one.finding for one in checked_by(answers).results]
    assert RegistrationFinding.KEYS_OF_ANOTHER_CLOUD in found


def test_a_network_that_leads_nowhere_is_said_and_not_taken_for_a_wrong_tenant() -> None:
    def answers(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no way")

    checked = checked_by(answers)
    assert checked.results[0] == RegistrationResult(RegistrationFinding.UNREACHABLE, "tenant")
    assert not checked.is_good
