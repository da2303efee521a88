"""Reads an authorization response of Microsoft; one that it would never send is refused.

Decisions rest on `error` alone. Microsoft's numbers choose between two wordings and nothing else.

Source: Microsoft Learn, *Admin consent on the Microsoft identity platform* and *OAuth 2.0
authorization code flow* (error responses), read 2026-11-23.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from contracts.go_live import Refusal
from graph.refusals import codes_of

MOST_BYTES = 8_192
"""Of a whole query: a code has up to two thousand, a description a thousand."""
_MOST_PARAMETERS = 20
_PLAIN = {
    "state": re.compile(r"[A-Za-z0-9._~-]{1,200}"),
    "code": re.compile(r"[\x21-\x7e]{1,4096}"),
    "error": re.compile(r"[a-z][a-z_]{0,59}"),
    "error_subcode": re.compile(r"[a-z][a-z_]{0,59}"),
    "admin_consent": re.compile(r"[A-Za-z]{1,5}"),
    "tenant": re.compile(r"[A-Za-z0-9.-]{1,100}"),
}
"""What each parameter that we read may hold."""
_FREE = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*")
"""Whatever else comes may hold any text, but nothing that only machines write."""
_APPROVAL_REQUESTED = 90095


@dataclass(frozen=True)
class AuthorizationResponse:
    """An answer that Microsoft might have sent. Nothing of it is proven yet."""

    state: str = ""
    code: str = ""
    error: str = ""
    admin_consent: bool = False
    tenant: str = ""
    """A tenant id in lower case, as claimed."""
    codes: tuple[int, ...] = ()
    """Microsoft's numbers, for wording only."""


def read_response(query: bytes) -> AuthorizationResponse | None:
    """Return what a callback's query says, None for one that Microsoft never sends.

    That is one too long, in another encoding than UTF-8, with control characters, with a
    parameter of ours twice, or with a value no such parameter has.
    """
    if len(query) > MOST_BYTES:
        return None
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        return None
    values = dict(pairs)
    if len(values) != len(pairs):
        return None
    for name, value in pairs:
        if not _PLAIN.get(name, _FREE).fullmatch(value):
            return None
    return AuthorizationResponse(
        state=values.get("state", ""),
        code=values.get("code", ""),
        error=values.get("error", ""),
        admin_consent=values.get("admin_consent", "").casefold() == "true",
        tenant=values.get("tenant", "").lower(),
        codes=codes_of(values),
    )


@dataclass(frozen=True)
class Ending:
    """What an `error` means: how it is worded, and whether a person said no."""

    refusal: Refusal
    said_no: bool


def ending_of(error: str, codes: tuple[int, ...] = ()) -> Ending:
    """Return what an OAuth error of a consent or of the sign-in after it means."""
    match error:
        case "access_denied":
            ending = Ending(Refusal.DECLINED, said_no=True)
        case "consent_required" | "permission_denied" | "interaction_required":
            ending = Ending(Refusal.NOT_AN_ADMINISTRATOR, said_no=False)
        case _:
            return Ending(Refusal.OTHER, said_no=False)
    if _APPROVAL_REQUESTED in codes:
        return Ending(Refusal.APPROVAL_REQUESTED, ending.said_no)
    return ending
