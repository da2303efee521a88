"""Reads an authorization response of Microsoft; one that it would never send is refused.

What an error means, `graph.causes` says; here it becomes what a person reads and a go-live hears.

Source: Microsoft Learn, *Admin consent on the Microsoft identity platform* and *OAuth 2.0
authorization code flow* (error responses), read 2026-11-23.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from contracts.go_live import Refusal
from contracts.sign_in import SignInAnswer
from graph.causes import Cause, Endpoint, cause_of, codes_of

MOST_BYTES = 40_000
"""Of a whole query: a code has up to two thousand, a description mostly a thousand; one of ten
thousand characters, each percent-encoded, is still read."""
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
_TRACE_ID = re.compile(r"Trace ID: ([0-9a-f-]{36})\b")
_CORRELATION_ID = re.compile(r"Correlation ID: ([0-9a-f-]{36})\b")


@dataclass(frozen=True)
class EndedByMicrosoft:
    """Why Microsoft ended a consent or a sign-in, with what its support asks for."""

    cause: Cause
    codes: tuple[int, ...] = ()
    """Microsoft's numbers."""
    trace_id: str = ""
    correlation_id: str = ""

    @property
    def number(self) -> int | None:
        """The number to show."""
        return self.codes[0] if self.codes else None

    @property
    def subject(self) -> str:
        """The subject of its entry in the audit trail: numbers and ids of Microsoft's, no text."""
        parts = [f"AADSTS{one}" for one in self.codes]
        parts += [f"trace:{self.trace_id}"] if self.trace_id else []
        parts += [f"correlation:{self.correlation_id}"] if self.correlation_id else []
        return " ".join(parts)


@dataclass(frozen=True)
class AuthorizationResponse:
    """An answer that Microsoft might have sent. Nothing of it is proven yet."""

    state: str = ""
    code: str = ""
    error: str = ""
    error_subcode: str = ""
    admin_consent: bool = False
    tenant: str = ""
    """A tenant id in lower case, as claimed."""
    codes: tuple[int, ...] = ()
    """Microsoft's numbers."""
    trace_id: str = ""
    correlation_id: str = ""

    @property
    def ended(self) -> "EndedByMicrosoft":
        """Why Microsoft ended it; only where there is an `error`."""
        cause = cause_of(Endpoint.AUTHORIZE, self.error, self.codes, self.error_subcode or None)
        return EndedByMicrosoft(cause, self.codes, self.trace_id, self.correlation_id)


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
    description = values.get("error_description", "")
    return AuthorizationResponse(
        state=values.get("state", ""),
        code=values.get("code", ""),
        error=values.get("error", ""),
        error_subcode=values.get("error_subcode", ""),
        admin_consent=values.get("admin_consent", "").casefold() == "true",
        tenant=values.get("tenant", "").lower(),
        codes=codes_of(values),
        trace_id=_found(_TRACE_ID, description),
        correlation_id=_found(_CORRELATION_ID, description),
    )


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


@dataclass(frozen=True)
class Ending:
    """What an error means for a go-live that awaits its consent."""

    refusal: Refusal
    said_no: bool = False
    """Somebody who was asked declined, so reminders stop."""
    is_signalled: bool = True
    """The go-live hears of it, so that somebody at the customer can act; not if nothing was
    decided, and not what is ours or Microsoft's to mend."""


_ENDINGS = {
    Cause.DECLINED: Ending(Refusal.DECLINED, said_no=True),
    Cause.WENT_BACK: Ending(Refusal.WENT_BACK, is_signalled=False),
    Cause.APPROVAL_REQUESTED: Ending(Refusal.APPROVAL_REQUESTED),
    Cause.NOT_AN_ADMINISTRATOR: Ending(Refusal.NOT_AN_ADMINISTRATOR),
    Cause.CONSENT_MISSING: Ending(Refusal.NOT_AN_ADMINISTRATOR),
    Cause.OTHER_DIRECTORY: Ending(Refusal.OTHER_DIRECTORY),
    Cause.NOT_ASSIGNED: Ending(Refusal.NOT_ASSIGNED),
    Cause.CONDITIONAL_ACCESS: Ending(Refusal.CONDITIONAL_ACCESS),
    Cause.ACCESS_RESTRICTED: Ending(Refusal.ACCESS_RESTRICTED),
    Cause.APPLICATION_DISABLED: Ending(Refusal.APPLICATION_DISABLED),
    Cause.TENANT_UNKNOWN: Ending(Refusal.TENANT_UNKNOWN, is_signalled=False),
    Cause.OUR_REGISTRATION: Ending(Refusal.OUR_REGISTRATION, is_signalled=False),
    Cause.OUR_CREDENTIAL: Ending(Refusal.OUR_REGISTRATION, is_signalled=False),
    Cause.PASSING_FAULT: Ending(Refusal.PASSING_FAULT, is_signalled=False),
    Cause.UNKNOWN: Ending(Refusal.OTHER),
}

SIGN_IN_ANSWERS = {
    Cause.DECLINED: SignInAnswer.CANCELLED,
    Cause.WENT_BACK: SignInAnswer.CANCELLED,
    Cause.APPROVAL_REQUESTED: SignInAnswer.NOT_ALLOWED,
    Cause.NOT_AN_ADMINISTRATOR: SignInAnswer.NOT_ALLOWED,
    Cause.CONSENT_MISSING: SignInAnswer.NOT_ALLOWED,
    Cause.OTHER_DIRECTORY: SignInAnswer.OTHER_DIRECTORY,
    Cause.NOT_ASSIGNED: SignInAnswer.NOT_ASSIGNED,
    Cause.CONDITIONAL_ACCESS: SignInAnswer.CONDITIONAL_ACCESS,
    Cause.ACCESS_RESTRICTED: SignInAnswer.ACCESS_RESTRICTED,
    Cause.APPLICATION_DISABLED: SignInAnswer.SWITCHED_OFF,
    Cause.TENANT_UNKNOWN: SignInAnswer.NOT_ALLOWED,
    Cause.OUR_REGISTRATION: SignInAnswer.OURS_TO_MEND,
    Cause.OUR_CREDENTIAL: SignInAnswer.OURS_TO_MEND,
    Cause.PASSING_FAULT: SignInAnswer.PASSING_FAULT,
    Cause.UNKNOWN: SignInAnswer.FAILED,
}
"""What a person reads whose sign-in Microsoft ended."""


def ending_of(cause: Cause) -> Ending:
    """Return what an error of the consent page means."""
    return _ENDINGS[cause]


def ending_of_proof(cause: Cause) -> Ending:
    """Return what an error of the sign-in after a consent means: never that somebody said no.

    The consent was given then; only the proof of who gave it is missing.
    """
    ending = _ENDINGS[cause]
    if cause is Cause.APPLICATION_DISABLED:
        return ending
    if cause in {Cause.OUR_REGISTRATION, Cause.OUR_CREDENTIAL}:
        return Ending(Refusal.PROOF_HELD_UP, is_signalled=False)
    return Ending(Refusal.PROOF_MISSING, is_signalled=cause is not Cause.PASSING_FAULT)
