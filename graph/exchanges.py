"""What Microsoft answered, with everything left out that could name or admit somebody.

An exchange is made of facts, each read by a reader of its own that gives a number, yes or no, or a
word out of a closed set of ours. Nothing is copied from an answer, so a token, a secret, an address
or a name cannot get into one, wherever Microsoft might put it. Tests turn exchanges back into
answers and see the same again.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from contracts.clouds import cloud_of, cloud_of_instance
from graph.causes import WORDS, codes_of
from graph.directory import USER_FIELDS
from graph.discovery import is_tenant_id
from graph.errors import MicrosoftUnreachableError
from graph.transport import json_object, retry_after, same_origin

Facts = dict[str, Any]

_MOST_TEXT = 400_000
"""Of a page that Microsoft shows to people: its number stands in a script within."""
_NUMBER_IN_PAGE = re.compile(r"AADSTS([0-9]{5,8})(?![0-9])")
_MOST_LISTED = 20
HERE, ELSEWHERE, NONE, OTHER = "here", "elsewhere", "none", "other"

_OAUTH_WORDS = frozenset().union(*(row.errors for row in WORDS)) | {
    "invalid_grant",
    "login_required",
}
_SUBCODES = frozenset({"cancel"})
_GRAPH_WORDS = frozenset(
    {
        "Authorization_IdentityNotFound", "Authorization_RequestDenied", "BadRequest",
        "InvalidAuthenticationToken", "Request_ResourceNotFound", "Request_UnsupportedQuery",
        "ServiceNotAvailable", "TooManyRequests", "UnknownError",
    }
)  # fmt: skip


class AnsweredBy(StrEnum):
    """Who answered."""

    DISCOVERY = "discovery"
    KEYS = "keys"
    AUTHORIZE = "authorize"
    TOKEN = "token"  # noqa: S105
    ORGANIZATION = "organization"
    USERS = "users"
    ANOTHER = "another"


_PATHS = {
    "/.well-known/openid-configuration": AnsweredBy.DISCOVERY,
    "/keys": AnsweredBy.KEYS,
    "/authorize": AnsweredBy.AUTHORIZE,
    "/token": AnsweredBy.TOKEN,
    "/organization": AnsweredBy.ORGANIZATION,
    "/users": AnsweredBy.USERS,
}


@dataclass(frozen=True)
class Exchange:
    """One answer of Microsoft's, as facts."""

    by: AnsweredBy
    status: int
    retry_after: float | None = None
    """Seconds that Microsoft asked us to wait."""
    facts: Facts = field(default_factory=dict)
    """Empty where the answer was not JSON, or was cut."""


class ExchangeRecorder:
    """Turns the answers that pass an HTTP client into exchanges; install `note` as its hook."""

    def __init__(self, authority: str, redirect_uris: Mapping[str, str]) -> None:
        """Record nothing yet.

        Args:
            authority: where Entra is; links of its answers lead there or elsewhere.
            redirect_uris: our own addresses, by their paths.
        """
        self.exchanges: list[Exchange] = []
        self.tenant_id = ""
        """The tenant asked about, once it is known."""
        self._authority = authority.rstrip("/")
        self._redirect_uris = frozenset(redirect_uris.values())

    def note(self, response: httpx2.Response) -> None:
        """Record an answer; an event hook for responses.

        Raises:
            httpx2.HTTPError: the answer was cut; what came of it is recorded.
        """
        path = response.request.url.path
        by = next((one for end, one in _PATHS.items() if path.endswith(end)), AnsweredBy.ANOTHER)
        wait = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
        try:
            response.read()
            facts = self._facts(by, response)
        except httpx2.HTTPError:
            self.exchanges.append(Exchange(by, response.status_code, wait))
            raise
        self.exchanges.append(Exchange(by, response.status_code, wait, facts))

    def last(self, by: AnsweredBy) -> Facts:
        """Return the facts of the latest answer of this kind."""
        return next((one.facts for one in reversed(self.exchanges) if one.by is by), {})

    def _facts(self, by: AnsweredBy, response: httpx2.Response) -> Facts:
        if by is AnsweredBy.AUTHORIZE:
            return self._authorize(response)
        try:
            answer = json_object(response)
        except MicrosoftUnreachableError:
            return {}
        readers: dict[AnsweredBy, Callable[[Mapping[str, Any]], Facts]] = {
            AnsweredBy.DISCOVERY: self._discovery,
            AnsweredBy.KEYS: self._keys,
            AnsweredBy.TOKEN: _token,
            AnsweredBy.ORGANIZATION: self._organization,
            AnsweredBy.USERS: _users,
        }
        if response.status_code >= 400:
            return _refusal(answer)
        return readers[by](answer) if by in readers else {}

    def _discovery(self, answer: Mapping[str, Any]) -> Facts:
        issuer = answer.get("issuer")
        endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        return {
            "issuer": self._place(issuer),
            "names_tenant": isinstance(issuer, str) and is_tenant_id(_first_of_path(issuer)),
            "endpoints": {name: self._place(answer.get(name)) for name in endpoints},
        }

    def _keys(self, answer: Mapping[str, Any]) -> Facts:
        listed = answer.get("keys")
        keys = (
            [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else None
        )
        if keys is None:
            return {}
        return {
            "keys": [
                {
                    "kind": "RSA" if key.get("kty") == "RSA" else OTHER,
                    "named": isinstance(key.get("kid"), str),
                    "cloud": NONE
                    if key.get("cloud_instance_name") is None
                    else cloud_of_instance(key["cloud_instance_name"]) or OTHER,
                    "bound_to": self._bound(key.get("issuer")),
                }
                for key in keys[:_MOST_LISTED]
            ]
        }

    def _bound(self, issuer: object) -> str:
        if issuer is None:
            return NONE
        any_tenant = str(issuer).replace("{tenantid}", self.tenant_id)
        return HERE if any_tenant == f"{self._authority}/{self.tenant_id}/v2.0" else ELSEWHERE

    def _organization(self, answer: Mapping[str, Any]) -> Facts:
        listed = answer.get("value")
        first = listed[0] if isinstance(listed, list) and listed else None
        if not isinstance(first, dict):
            return {}
        domains = first.get("verifiedDomains")
        return {
            "same_tenant": str(first.get("id")).lower() == self.tenant_id,
            "verified_domains": len(domains) if isinstance(domains, list) else 0,
        }

    def _authorize(self, response: httpx2.Response) -> Facts:
        location = response.headers.get("Location")
        if location is None:
            found = _NUMBER_IN_PAGE.findall(response.text[:_MOST_TEXT])
            numbers = list(dict.fromkeys(int(one) for one in found))[:_MOST_LISTED]
            return {"back_to": NONE, "numbers": numbers}
        try:
            target, _, query = location.partition("?")
            given = dict(parse_qsl(query, max_num_fields=_MOST_LISTED))
        except ValueError:
            return {"back_to": ELSEWHERE, "numbers": []}
        if target not in self._redirect_uris:
            return {"back_to": ELSEWHERE, "numbers": []}
        return {"back_to": HERE, **_refusal(given)}

    def _place(self, url: object) -> str:
        if not isinstance(url, str):
            return NONE
        if same_origin(url, self._authority):
            return HERE
        return cloud_of(url) or ELSEWHERE


def oauth_word(error: object) -> str:
    """Return an OAuth error out of those that `graph.causes` knows, or `other`."""
    return _known(error, _OAUTH_WORDS)


def _refusal(answer: Mapping[str, Any]) -> Facts:
    error = answer.get("error")
    subcode = answer.get("error_subcode") or answer.get("suberror")
    if isinstance(error, dict):
        # Graph's own form. What it says is not kept, except that it says it is unavailable.
        said = f"{error.get('code')} {error.get('message')}".lower()
        return {
            "error": _known(error.get("code"), _GRAPH_WORDS),
            "unavailable": "unavailable" in said or "notavailable" in said,
        }
    return {
        "error": oauth_word(error),
        "subcode": _known(subcode, _SUBCODES) if subcode else NONE,
        "numbers": list(codes_of(answer)),
    }


def _token(answer: Mapping[str, Any]) -> Facts:
    token, lifetime = answer.get("access_token"), answer.get("expires_in")
    return {
        "access_token": isinstance(token, str) and token.isascii() and token.isprintable(),
        "id_token": isinstance(answer.get("id_token"), str),
        "expires_in": lifetime if type(lifetime) is int else None,
    }


def _users(answer: Mapping[str, Any]) -> Facts:
    listed = answer.get("value")
    if not isinstance(listed, list):
        return {}
    users = [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]
    return {
        "listed": len(listed),
        "users": len(users),
        "with": {
            name: sum(one.get(name) not in (None, "", []) for one in users)
            for name in USER_FIELDS.split(",")
        },
        "next_link": answer.get("@odata.nextLink") is not None,
    }


def _known(word: object, words: frozenset[str]) -> str:
    return word if isinstance(word, str) and word in words else OTHER


def _first_of_path(url: str) -> str:
    try:
        return urlsplit(url).path.strip("/").split("/", 1)[0].lower()
    except ValueError:
        return ""
