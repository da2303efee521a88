"""What Microsoft answers, and what each answer must lead to: one table, `microsoft_answers.csv`.

Rows m01 and on were collected for this product from Microsoft's documentation, its libraries and
recorded answers; rows a01 and on are ours. Values are fictitious. The columns: where Microsoft
answered, its answer, what is right, and where the answer is from.
"""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities.redaction import microsoft_errors
from contracts.clouds import graph_scope, why_not_together
from graph.causes import NUMBERS, Cause, Endpoint
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.directory import users_of
from graph.discovery import discover_tenants
from graph.errors import MicrosoftUnreachableError
from graph.tokens import EntraClient
from web.microsoft.authorization_response import (
    SIGN_IN_ANSWERS,
    AuthorizationResponse,
    Ending,
    ending_of,
    ending_of_proof,
    read_response,
)
from wording import pages

ROWS = list(
    csv.DictReader(Path(__file__).with_name("microsoft_answers.csv").read_text().splitlines())
)
TENANT = "aaaabbbb-0000-4ccc-8111-dddd2222eeee"
AUTHORITY = "https://login.microsoftonline.com"


def _response(parameters: Mapping[str, str]) -> AuthorizationResponse:
    filled = {name: value.replace("{10 kB}", "x" * 10_000) for name, value in parameters.items()}
    response = read_response(urlencode({**filled, "state": "s"}).encode())
    assert response is not None
    return response


def _heard(ending: Ending) -> str:
    if ending.said_no:
        assert ending.is_signalled
        return f"{ending.refusal} stops_reminders"
    return f"{ending.refusal} {'tells_it' if ending.is_signalled else 'tells_nobody'}"


def _consent_redirect(given: Mapping[str, Any]) -> str:
    return _heard(ending_of(_response(given).ended.cause))


def _consent_then_sign_in(given: Mapping[str, Any]) -> str:
    assert not _response(given["consent"]).error
    ended = _response(given["sign_in"]).ended
    ending = ending_of_proof(ended.cause)
    page = pages.refused(ending.refusal, because=ending_of(ended.cause).refusal)
    text = f"{page.happened} {page.to_do}".lower()
    assert "consent was given" in text
    assert "nothing was changed" not in text
    assert "declined" not in text
    return _heard(ending)


def _sign_in_redirect(given: Mapping[str, Any]) -> str:
    ended = _response(given).ended
    answer = SIGN_IN_ANSWERS[ended.cause]
    number = "" if ended.number is None else f" AADSTS{ended.number}"
    assert number in pages.not_signed_in(answer, ended.number).happened
    return f"{answer}{number}"


def _http(answers: Callable[[httpx2.Request], httpx2.Response]) -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(answers))


def _error_type(call: Callable[[], object]) -> str:
    """Return how the workflow hears of what goes wrong."""
    with pytest.raises(ApplicationError) as caught, microsoft_errors():
        call()
    assert caught.value.type is not None
    return caught.value.type


def _as_answered(given: Mapping[str, Any]) -> httpx2.Response:
    if isinstance(given["body"], str):
        return httpx2.Response(given["status"], text=given["body"])
    return httpx2.Response(given["status"], json=given["body"])


def _settings(given: Mapping[str, str]) -> str:
    """Return the scope that is asked for, or why a process does not start."""
    authority = given["authority"]
    graph = given.get("graph", "https://microsoftgraph.chinacloudapi.cn/v1.0")
    why_not = why_not_together(authority, graph)
    if why_not is None:
        return graph_scope(graph)
    return (
        f"refused: {next(word for word in ('China', 'both must belong to one') if word in why_not)}"
    )


def _discovery(given: Mapping[str, Any]) -> str:
    if "authority" in given:
        return _settings(given)
    found = None

    def call() -> None:
        nonlocal found
        found = discover_tenants(http, AUTHORITY, ["contoso.example"]).domains[0]

    with _http(lambda _: _as_answered(given)) as http:
        try:
            call()
        except MicrosoftUnreachableError:
            return _error_type(call)
    assert found is not None
    return found.tenant_id or found.cloud or "not_on_entra"


def _graph(given: Mapping[str, Any]) -> str:
    class Entra(EntraClient):
        def app_token(self, tenant_id: str, *, fresh: bool = False) -> str:
            return "token"

    with _http(lambda _: _as_answered(given)) as http:
        graph = GraphClient(http, "https://graph.microsoft.com/v1.0", _entra(http, Entra))
        return _error_type(lambda: list(graph.user_pages(TENANT)))


def _entra(http: httpx2.Client, kind: type[EntraClient] = EntraClient) -> EntraClient:
    return kind(
        authority=AUTHORITY,
        client_id="33333333-3333-4333-8333-333333333333",
        credential=ClientSecret("a-secret"),
        http=http,
        clock=lambda: 1_800_000_000.0,
    )


def _token(given: Mapping[str, Any]) -> str:
    here = f"{AUTHORITY}/{TENANT}"
    document = {
        "issuer": f"{here}/v2.0",
        "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
        "token_endpoint": f"{here}/oauth2/v2.0/token",
        "jwks_uri": f"{here}/discovery/v2.0/keys",
    }

    def answers(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json=document)
        return _as_answered(given)

    with _http(answers) as http:
        return _error_type(lambda: _entra(http).app_token(TENANT))


def _user(given: Mapping[str, Any]) -> str:
    """Return what kind of account it is; of an ordinary one, the name that Microsoft knows."""
    (found,) = users_of({"value": [{"id": "1", "proxyAddresses": [], **given}]})
    kinds = {"guest": found.is_guest, "external_member": found.is_external_member}
    return next((kind for kind, is_one in kinds.items() if is_one), found.user_principal_name)


JUDGED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "consent_redirect": _consent_redirect,
    "consent_then_sign_in": _consent_then_sign_in,
    "sign_in_redirect": _sign_in_redirect,
    "token": _token,
    "discovery": _discovery,
    "graph": _graph,
    "settings": _settings,
    "user": _user,
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_every_answer_of_microsoft_leads_to_what_is_right(row: Mapping[str, str]) -> None:
    assert row["source"]
    assert JUDGED[row["where"]](json.loads(row["input"])) == row["right"]


def test_every_cause_has_its_page_and_its_answer() -> None:
    for cause in Cause:
        assert ending_of(cause).refusal
        assert ending_of_proof(cause).said_no is False
        assert SIGN_IN_ANSWERS[cause]


def test_only_a_decline_stops_reminders() -> None:
    assert [cause for cause in Cause if ending_of(cause).said_no] == [Cause.DECLINED]


def test_numbers_are_read_once_for_each_endpoint() -> None:
    for endpoint in Endpoint:
        numbers = [one for row in NUMBERS if endpoint in row.at for one in row.numbers]
        assert len(numbers) == len(set(numbers))
        assert all(row.source for row in NUMBERS)


def test_what_microsofts_support_asks_for_is_read() -> None:
    description = (
        "AADSTS50105: Your administrator …\r\nTrace ID: 7c839d05-4806-48f2-ba40-bf4128382500\r\n"
        "Correlation ID: b94f5bce-b15e-48c6-a713-fc07c5c41a77\r\nTimestamp: 2026-11-30 08:00:00Z"
    )
    ended = _response({"error": "interaction_required", "error_description": description}).ended
    assert ended.subject == (
        "AADSTS50105 trace:7c839d05-4806-48f2-ba40-bf4128382500 "
        "correlation:b94f5bce-b15e-48c6-a713-fc07c5c41a77"
    )
