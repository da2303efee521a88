"""Whatever Microsoft answers, and whoever is named in it: an error of this room, and no name."""

import json
import logging
from collections.abc import Callable
from itertools import product
from typing import Any

import httpx2
import pytest

from graph.client import GraphClient
from graph.discovery import discover_tenant
from graph.errors import GraphError
from graph.tokens import EntraClient
from telemetry.logs import JsonLines
from tests.graph.scripted import TENANT, Answer, ScriptedMicrosoft, SteppedClock

NAME = "Anna-Berg"
ADDRESS = f"{NAME}@contoso.example"
SAID = f"AADSTS50034: The user account {ADDRESS} does not exist in the directory."
DOCUMENT = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
BODIES: dict[str, object] = {
    "a page for people": f"<html><title>{SAID}</title></html>".encode(),
    "cut": f'{{"value": [{{"id": "x", "mail": "{ADDRESS}"'.encode(),
    "not of this alphabet": ADDRESS.encode("utf-16"),
    "nested without end": b"[" * 100_000 + ADDRESS.encode(),
    "a text": ADDRESS,
    "a list": [ADDRESS],
    "a text for a list": {"value": ADDRESS, "keys": ADDRESS, "responses": ADDRESS},
    "a list of texts": {"value": [ADDRESS], "keys": [ADDRESS], "responses": [ADDRESS]},
    "without an id": {"value": [{"mail": ADDRESS, "userPrincipalName": ADDRESS}]},
    "an address for every value": {
        "value": [dict.fromkeys(("id", "userPrincipalName", "proxyAddresses"), ADDRESS)],
        "keys": [dict.fromkeys(("kid", "kty", "n", "e"), ADDRESS)],
        "responses": [dict.fromkeys(("id", "status", "headers", "body"), ADDRESS)],
        "@odata.count": ADDRESS,
    },
    "an object for every value": {
        "value": [{"id": {"of": ADDRESS}, "proxyAddresses": {"of": ADDRESS}}],
        "responses": [{"id": "0", "status": {"of": ADDRESS}, "body": {"value": ADDRESS}}],
        "@odata.nextLink": {"of": ADDRESS},
    },
    "a link to somebody": {"value": [], "@odata.nextLink": f"https://{ADDRESS}/v1.0/users"},
    "a link that is none": {"value": [], "@odata.nextLink": f"https://[{ADDRESS}"},
    "an error of Graph": {"error": {"code": ADDRESS, "message": SAID}},
    "an OAuth error": {
        "error": ADDRESS,
        "error_description": SAID,
        "error_codes": [ADDRESS],
        "error_subcode": ADDRESS,
    },
    "a refusal with a reason": {"error": "invalid_grant", "error_description": SAID},
    "a token with a line break": {"access_token": f"x\r\nX-Of: {ADDRESS}", "id_token": ADDRESS},
    "a token that is none": {"access_token": {"of": ADDRESS}, "id_token": {"of": ADDRESS}},
    "a token of three parts": {"access_token": f"ä{ADDRESS}", "id_token": f"a.{ADDRESS}.b"},
    "a document with somebody's addresses": dict.fromkeys(
        ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"), f"https://{ADDRESS}/x"
    ),
    "a document of other things": {name: [ADDRESS] for name in DOCUMENT},
}
HEADERS = {"Retry-After": ADDRESS, "x-ms-resource-unit": ADDRESS, "Location": f"/{ADDRESS}"}
STATUSES = (200, 302, 400, 401, 403, 404, 429, 500)

Ask = Callable[[GraphClient, EntraClient, ScriptedMicrosoft, httpx2.Client], object]


def sign_in(_: GraphClient, entra: EntraClient, scripted: ScriptedMicrosoft, *__: Any) -> object:
    begun = entra.begin_sign_in(TENANT, "https://pulse.example/auth/microsoft/callback")
    scripted.nonce = begun.flow["nonce"]
    return entra.complete_sign_in(begun.flow, {"state": begun.state, "code": "a-code"})


ASKED: dict[str, tuple[Ask, tuple[str, ...]]] = {
    "the listing": (lambda graph, *_: list(graph.user_pages(TENANT)), ("/users", "/token")),
    "one user": (lambda graph, *_: graph.user(TENANT, "some-id"), ("/some-id",)),
    "the organisation": (lambda graph, *_: graph.organization(TENANT), ("/organization",)),
    "the proof": (lambda graph, *_: graph.prove_grant(TENANT), ("/organization", "/token")),
    "the tenant": (
        lambda _, __, scripted, http: discover_tenant(http, scripted.url, "contoso.example"),
        ("/openid-configuration",),
    ),
    "a sign-in": (sign_in, ("/openid-configuration", "/token", "/keys")),
}


@pytest.mark.parametrize("asked", ASKED)
def test_an_answer_that_names_somebody_is_an_error_that_names_nobody(
    scripted: ScriptedMicrosoft,
    client: GraphClient,
    entra: EntraClient,
    http: httpx2.Client,
    clock: SteppedClock,
    caplog: pytest.LogCaptureFixture,
    asked: str,
) -> None:
    caplog.set_level(logging.INFO)
    ask, paths = ASKED[asked]
    for path, status, body in product(paths, STATUSES, BODIES):
        answer = Answer(status, BODIES[body], HEADERS)
        scripted.routes = {path: lambda _, answer=answer: answer}
        try:
            ask(client, entra, scripted, http)
        except GraphError as error:
            logging.getLogger("graph").warning(str(error), exc_info=error)
        except Exception as error:
            raise AssertionError(f"{path} answered {status}: {body}") from error
        # An hour later no refusal, no document and no token is kept.
        clock.pause(3601.0)
        client._calls.discard_token(TENANT)
    lines = [JsonLines().format(record) for record in caplog.records]
    assert len(lines) > 100
    assert NAME not in json.dumps(lines)
