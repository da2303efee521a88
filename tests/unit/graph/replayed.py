"""Turns a transcript of `verify-registration` back into answers, and checks the registration by
them: the product's own clients, without any network."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from contracts.clouds import Cloud
from contracts.registration import REDIRECT_PATHS, RegistrationSettings, SignInFacts
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.exchanges import ELSEWHERE, HERE, NONE, AnsweredBy, ExchangeRecorder
from graph.registration import RegistrationCheck
from graph.tokens import EntraClient
from tests.graph.scripted import SteppedClock

TENANT = "00000000-0000-4000-8000-000000000001"
ANOTHER_TENANT = "00000000-0000-4000-8000-000000000002"
CLIENT_ID = "33333333-3333-4333-8333-333333333333"
GRAPH_URL = "https://graph.microsoft.com/v1.0"
PUBLIC_URL = "https://pulse.example.com"
HOSTS = {
    Cloud.WORLDWIDE: "https://login.microsoftonline.com",
    Cloud.US_GOVERNMENT: "https://login.microsoftonline.us",
    Cloud.CHINA: "https://login.partner.microsoftonline.cn",
}
INSTANCES = {
    Cloud.WORLDWIDE: "microsoftonline.com",
    Cloud.US_GOVERNMENT: "microsoftonline.us",
    Cloud.CHINA: "partner.microsoftonline.cn",
}
NOT_JSON = "<html></html>"


class RecordedMicrosoft:
    """Answers each request with the first recorded answer of its kind that is left."""

    def __init__(self, exchanges: list[dict[str, Any]], authority: str) -> None:
        self._left = list(exchanges)
        self._authority = authority

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        for exchange in self._left:
            if path.endswith(_ENDINGS[exchange["by"]]):
                self._left.remove(exchange)
                return self._answer(request, exchange)
        raise httpx2.ConnectError("Nothing was recorded that answers this.")

    def _answer(self, request: httpx2.Request, exchange: Mapping[str, Any]) -> httpx2.Response:
        wait = exchange["retry_after"]
        headers = {} if wait is None else {"Retry-After": str(wait)}
        status, facts = exchange["status"], exchange["facts"]
        if exchange["by"] == AnsweredBy.AUTHORIZE:
            return self._sent_back(request, status, facts, headers)
        if not facts:
            return httpx2.Response(status, headers=headers, text=NOT_JSON)
        body = _refusal(facts) if status >= 400 else getattr(self, f"_{exchange['by']}")(facts)
        return httpx2.Response(status, headers=headers, json=body)

    def _sent_back(
        self, request: httpx2.Request, status: int, facts: Mapping[str, Any], headers: Any
    ) -> httpx2.Response:
        numbers = " ".join(f"AADSTS{one}:" for one in facts["numbers"])
        if facts["back_to"] == NONE:
            return httpx2.Response(status, headers=headers, text=f"<html>{numbers}</html>")
        target = parse_qs(urlsplit(str(request.url)).query)["redirect_uri"][0]
        if facts["back_to"] != HERE:
            target = "https://elsewhere.example/"
        query = urlencode({"error": facts.get("error", ""), "error_description": numbers})
        return httpx2.Response(status, headers={**headers, "Location": f"{target}?{query}"})

    def _place(self, place: str, rest: str) -> str | None:
        if place == NONE:
            return None
        hosts = {HERE: self._authority, ELSEWHERE: "https://elsewhere.example", **HOSTS}
        return f"{hosts[place]}/{rest}"

    def _discovery(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        tenant = TENANT if facts["names_tenant"] else "{tenantid}"
        ends = {
            "authorization_endpoint": "oauth2/v2.0/authorize",
            "token_endpoint": "oauth2/v2.0/token",
            "jwks_uri": "discovery/v2.0/keys",
        }
        document = {
            name: self._place(place, f"{tenant}/{ends[name]}")
            for name, place in facts["endpoints"].items()
        }
        return {**document, "issuer": self._place(facts["issuer"], f"{tenant}/v2.0")}

    def _keys(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        keys = []
        for number, fact in enumerate(facts["keys"]):
            key = {"kty": fact["kind"], "issuer": self._place(fact["bound_to"], f"{TENANT}/v2.0")}
            if fact["named"]:
                key["kid"] = str(number)
            if fact["cloud"] != NONE:
                key["cloud_instance_name"] = INSTANCES.get(fact["cloud"], "another.example")
            keys.append(key)
        return {"keys": keys}

    def _token(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        answer = {"token_type": "Bearer", "expires_in": facts["expires_in"]}
        if facts["access_token"]:
            answer["access_token"] = "replayed"
        return answer

    def _organization(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        domains = [{"name": f"{number}.example"} for number in range(facts["verified_domains"])]
        tenant = TENANT if facts["same_tenant"] else ANOTHER_TENANT
        return {"value": [{"id": tenant, "verifiedDomains": domains}]}

    def _users(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        listed: list[dict[str, Any]] = [{} for _ in range(facts["listed"])]
        for name, count in facts["with"].items():
            for number, user in enumerate(listed[:count]):
                user[name] = f"{number}@replayed.example" if name != "accountEnabled" else True
        for user in listed:
            if "proxyAddresses" in user:
                user["proxyAddresses"] = [f"SMTP:{user['proxyAddresses']}"]
        answer: dict[str, Any] = {"value": listed}
        if facts["next_link"]:
            answer["@odata.nextLink"] = f"{GRAPH_URL}/users?$skiptoken=replayed"
        return answer


_ENDINGS = {
    "discovery": "/openid-configuration",
    "keys": "/keys",
    "authorize": "/authorize",
    "token": "/token",
    "organization": "/organization",
    "users": "/users",
    "another": "/nothing-asks-this",
}


def _refusal(facts: Mapping[str, Any]) -> dict[str, Any]:
    if "unavailable" in facts:
        message = "It is unavailable." if facts["unavailable"] else ""
        return {"error": {"code": facts["error"], "message": message}}
    answer = {"error": facts["error"], "error_codes": facts["numbers"]}
    return answer if facts["subcode"] == NONE else {**answer, "suberror": facts["subcode"]}


def replay(transcript: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """The findings and the exchanges that the product comes to by a transcript, as JSON data."""
    given = transcript["settings"]
    authority = HOSTS[given["cloud"] or Cloud.WORLDWIDE]
    own = {None: None, True: TENANT, False: ANOTHER_TENANT}[given["own_tenant"]]
    settings = RegistrationSettings(
        authority=authority,
        redirect_uris={path: f"{PUBLIC_URL}{path}" for path in REDIRECT_PATHS},
        staff_tenant_id=own,
        credential_days_left=given["credential_days_left"],
    )
    recorder = ExchangeRecorder(authority, settings.redirect_uris)
    clock = SteppedClock()
    transport = httpx2.MockTransport(RecordedMicrosoft(transcript["exchanges"], authority))
    with httpx2.Client(transport=transport, event_hooks={"response": [recorder.note]}) as http:
        entra = EntraClient(
            authority=authority,
            client_id=CLIENT_ID,
            credential=ClientSecret("replayed"),
            http=http,
            clock=clock,
        )
        graph = GraphClient(http, GRAPH_URL, entra, pause=clock.pause, clock=clock)
        checking = RegistrationCheck(settings, http, entra, graph, recorder)
        facts = transcript["sign_in"]
        found = checking.run(
            TENANT, None if facts is None else lambda _: SignInFacts(**_tuples(facts))
        )
    return _json(found), _json(recorder.exchanges)


def _tuples(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in facts.items()}


def _json(things: list[Any]) -> list[Any]:
    listed: list[Any] = json.loads(json.dumps([vars(one) for one in things]))
    return listed
