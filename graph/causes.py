"""Why Microsoft refused: one table for consent, sign-in, token and discovery.

Microsoft's OAuth `error`, its `error_subcode` and its AADSTS numbers together make one `Cause`. A
number that the table knows decides; without one, the OAuth words do; what neither knows is
`UNKNOWN`. So a renumbered code makes an answer vaguer, and never turns it into a customer's "no": a
decline counts only with its own number or its own word.

Sources, named in each row:

- *codes*: Microsoft Learn, *Microsoft Entra authentication and authorization error codes*.
- *consent*: Microsoft Learn, *Admin consent on the Microsoft identity platform*.
- *code flow*: Microsoft Learn, *OAuth 2.0 authorization code flow*.
- *certificates*: Microsoft Learn, *Troubleshoot certificate credentials* and the answers recorded
  in AzureAD/microsoft-authentication-library-for-* on GitHub.
- *recorded*: answers that people posted in public issue trackers, each with its address.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Endpoint(StrEnum):
    """Where Microsoft answered; a few numbers mean something else at another place."""

    AUTHORIZE = "authorize"
    """A browser sent back from the consent page or from the sign-in."""
    TOKEN = "token"  # noqa: S105
    DISCOVERY = "discovery"


class Cause(StrEnum):
    """Why Microsoft refused."""

    DECLINED = "declined"
    """Somebody who was asked said no."""
    WENT_BACK = "went_back"
    """Somebody left Microsoft's page without deciding."""
    APPROVAL_REQUESTED = "approval_requested"
    """Somebody asked their administrators for approval."""
    NOT_AN_ADMINISTRATOR = "not_an_administrator"
    """This account may not consent."""
    OTHER_DIRECTORY = "other_directory"
    """This account belongs to another directory."""
    NOT_ASSIGNED = "not_assigned"
    """The customer assigns people to the application, and this one is not assigned."""
    CONDITIONAL_ACCESS = "conditional_access"
    """A rule of the customer about devices, places, risk or multifactor authentication."""
    ACCESS_RESTRICTED = "access_restricted"
    """Tenant restrictions, or the cross-tenant access settings of the customer."""
    CONSENT_MISSING = "consent_missing"
    """Nothing is granted: not yet, not any more, or not to this person."""
    APPLICATION_DISABLED = "application_disabled"
    """The customer has switched our application off."""
    TENANT_UNKNOWN = "tenant_unknown"
    OUR_REGISTRATION = "our_registration"
    """Our application's registration lacks a redirect address or a scope, or our request is
    wrong."""
    OUR_CREDENTIAL = "our_credential"
    """Our own secret or certificate is not accepted."""
    PASSING_FAULT = "passing_fault"
    """Microsoft's own trouble: the same request may succeed later."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class NumberRow:
    """What some of Microsoft's numbers mean."""

    cause: Cause
    numbers: frozenset[int]
    source: str
    at: frozenset[Endpoint] = frozenset(Endpoint)


@dataclass(frozen=True)
class WordRow:
    """What an OAuth error means where no number says more."""

    cause: Cause
    at: Endpoint
    errors: frozenset[str]
    source: str
    subcode: str | None = None
    """None: whatever it is."""
    only_without_number: bool = False
    """Counts only where there is no number at all, not even one that the table does not know."""


_AUTHORIZE = frozenset({Endpoint.AUTHORIZE})
_TOKEN = frozenset({Endpoint.TOKEN})


def _numbers(
    cause: Cause, source: str, *numbers: int, at: frozenset[Endpoint] = frozenset(Endpoint)
) -> NumberRow:
    return NumberRow(cause, frozenset(numbers), source, at)


NUMBERS = (
    _numbers(
        Cause.DECLINED,
        "codes; recorded: MicrosoftDocs/azure-docs issue 114009",
        65004,
        at=_AUTHORIZE,
    ),
    _numbers(Cause.APPROVAL_REQUESTED, "codes", 90095, at=_AUTHORIZE),
    _numbers(Cause.NOT_AN_ADMINISTRATOR, "codes", 90093, 90094, at=_AUTHORIZE),
    _numbers(
        Cause.OTHER_DIRECTORY,
        "codes; recorded: MicrosoftDocs/azure-docs issue 114009",
        16000,
        16003,
        50014,
        50020,
        50034,
        51004,
        90072,
        500208,
    ),
    _numbers(Cause.NOT_ASSIGNED, "codes", 50105),
    _numbers(
        Cause.CONDITIONAL_ACCESS,
        "codes; Microsoft Learn, Troubleshoot sign-in problems with Conditional Access",
        50005,
        50072,
        50074,
        50076,
        50078,
        50079,
        50097,
        50129,
        50131,
        50155,
        50158,
        53000,
        53001,
        53002,
        53003,
        53004,
        53010,
        53011,
        530032,
        530033,
        530034,
        530035,
    ),
    _numbers(Cause.ACCESS_RESTRICTED, "codes", 50002, 500021, 500022, 500212, 500213, 1000104),
    _numbers(Cause.CONSENT_MISSING, "codes", 65001, 90008, 650056),
    # Before the consent takes effect the token endpoint says these; to a browser they say that we
    # ask for an application or a resource that is not there, which no administrator's role mends.
    _numbers(Cause.CONSENT_MISSING, "codes", 500011, 650052, 700011, 700016, 7000229, at=_TOKEN),
    _numbers(Cause.OUR_REGISTRATION, "codes", 500011, 650052, 700011, 700016, at=_AUTHORIZE),
    _numbers(
        Cause.OUR_REGISTRATION,
        "codes",
        28002,
        28003,
        50011,
        50194,
        65005,
        70003,
        70004,
        70005,
        70007,
        70011,
        650053,
        650054,
        650057,
        700022,
        700051,
        700054,
        900144,
        900971,
    ),
    # At the token endpoint it says that the code is none of Microsoft's: whoever came back with it
    # may have made it up.
    _numbers(Cause.OUR_REGISTRATION, "codes", 9002313, at=_AUTHORIZE),
    _numbers(Cause.APPLICATION_DISABLED, "codes", 70001, 500014, 7000112),
    # At discovery only this one means that there is no tenant: everything else is asked again.
    _numbers(Cause.TENANT_UNKNOWN, "codes; recorded at discovery and at the token endpoint", 90002),
    _numbers(
        Cause.OUR_CREDENTIAL,
        "codes; certificates",
        50012,
        50027,
        50048,
        70002,
        700021,
        700023,
        700024,
        700025,
        700027,
        700030,
        1000502,
        5002738,
        7000214,
        7000215,
        7000216,
        7000218,
        7000222,
        7000274,
        7000277,
        at=_TOKEN,
    ),
    _numbers(
        Cause.PASSING_FAULT,
        "codes; 90041 and 650051 recorded",
        50033,
        50087,
        50088,
        50196,
        90006,
        90012,
        90024,
        90033,
        90041,
        90055,
        90090,
        90091,
        650051,
    ),
)
"""What Microsoft's numbers mean."""

_ACCESS_REFUSED = frozenset(
    {"access_denied", "consent_required", "permission_denied", "interaction_required"}
)
"""The words of a refused consent or sign-in; the number of a decline counts beside these only."""

WORDS = (
    WordRow(
        Cause.WENT_BACK,
        Endpoint.AUTHORIZE,
        frozenset({"access_denied"}),
        "recorded: AzureAD/microsoft-authentication-library-for-dotnet issue 1736",
        subcode="cancel",
        only_without_number=True,
    ),
    WordRow(
        Cause.WENT_BACK,
        Endpoint.AUTHORIZE,
        frozenset({"access_denied"}),
        "code flow; without a number it is not known who refused what",
        only_without_number=True,
    ),
    WordRow(
        Cause.DECLINED,
        Endpoint.AUTHORIZE,
        frozenset({"permission_denied"}),
        "consent: 'The admin canceled the admin consent flow'",
        only_without_number=True,
    ),
    WordRow(
        Cause.NOT_AN_ADMINISTRATOR,
        Endpoint.AUTHORIZE,
        frozenset({"consent_required", "interaction_required"}),
        "consent; code flow",
    ),
    WordRow(
        Cause.PASSING_FAULT,
        Endpoint.AUTHORIZE,
        frozenset({"temporarily_unavailable", "server_error"}),
        "code flow",
    ),
    WordRow(
        Cause.OUR_REGISTRATION,
        Endpoint.AUTHORIZE,
        frozenset(
            {
                "invalid_request",
                "invalid_resource",
                "invalid_scope",
                "unauthorized_client",
                "unsupported_response_type",
            }
        ),
        "code flow: 'Fix and resubmit the request'",
    ),
    WordRow(
        Cause.OUR_CREDENTIAL,
        Endpoint.TOKEN,
        frozenset({"invalid_client"}),
        "codes: 'Client authentication failed'",
        only_without_number=True,
    ),
    WordRow(
        Cause.CONSENT_MISSING,
        Endpoint.TOKEN,
        frozenset(
            {
                "consent_required",
                "interaction_required",
                "invalid_client",
                "invalid_resource",
                "unauthorized_client",
            }
        ),
        "codes; an unknown number may be a new form of 'not yet', so it is waited for",
    ),
    WordRow(
        Cause.TENANT_UNKNOWN,
        Endpoint.TOKEN,
        frozenset({"invalid_tenant"}),
        "recorded at discovery",
    ),
    WordRow(
        Cause.PASSING_FAULT,
        Endpoint.TOKEN,
        frozenset({"temporarily_unavailable", "server_error"}),
        "codes",
    ),
    WordRow(
        Cause.OUR_REGISTRATION,
        Endpoint.TOKEN,
        frozenset({"invalid_scope", "unsupported_grant_type"}),
        "codes",
    ),
    WordRow(
        Cause.TENANT_UNKNOWN,
        Endpoint.DISCOVERY,
        frozenset({"invalid_tenant"}),
        "recorded",
    ),
)
"""What the OAuth words mean where no number says more; the first row that fits counts."""

_OF_NUMBER = {
    (endpoint, number): row.cause
    for row in NUMBERS
    for endpoint in row.at
    for number in row.numbers
}

_OAUTH_ERROR = re.compile(r"[a-z][a-z_]{0,59}")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])AADSTS([0-9]{3,9})(?![0-9])")
_DIGITS = re.compile(r"[0-9]{3,9}")
_MOST_TEXT = 2_000
"""Of a description: Microsoft's numbers stand at its beginning."""


def oauth_error(raw: object) -> str:
    """Return an OAuth error word that is safe to keep and show, or `unrecognised`.

    It may come from a redirect that anybody can forge, hence the narrow form.
    """
    return raw if isinstance(raw, str) and _OAUTH_ERROR.fullmatch(raw) else "unrecognised"


def codes_of(answer: Mapping[str, Any]) -> tuple[int, ...]:
    """Return Microsoft's numbers in an error or redirect, in their order and without repeats.

    Most have five to eight digits. Some answers list them as text.
    """
    listed = answer.get("error_codes")
    found = [_number(one) for one in (listed if isinstance(listed, list) else [listed])]
    description = answer.get("error_description")
    if isinstance(description, str):
        found.extend(int(match) for match in _NUMBER.findall(description[:_MOST_TEXT]))
    return tuple(dict.fromkeys(one for one in found if one is not None))[:10]


def _number(raw: object) -> int | None:
    text = str(raw) if isinstance(raw, (int, str)) and not isinstance(raw, bool) else ""
    return int(text) if _DIGITS.fullmatch(text) else None


def cause_of(
    at: Endpoint, error: str, numbers: tuple[int, ...] = (), subcode: str | None = None
) -> Cause:
    """Return why Microsoft refused.

    Of several numbers the first that the table knows decides; a decline's number gives way to any
    other, and to an OAuth error that speaks of something else.

    Args:
        at: where Microsoft answered.
        error: the OAuth word, as `oauth_error` returns it.
        numbers: as `codes_of` returns them.
        subcode: `error_subcode`, if there is one.
    """
    known = [_OF_NUMBER[at, one] for one in numbers if (at, one) in _OF_NUMBER]
    others = [one for one in known if one is not Cause.DECLINED]
    if others:
        return others[0]
    if known and error in _ACCESS_REFUSED:
        return Cause.DECLINED
    for row in WORDS:
        if (
            row.at is at
            and error in row.errors
            and row.subcode in (None, subcode)
            and not (row.only_without_number and numbers)
        ):
            return row.cause
    return Cause.UNKNOWN


def cause_of_answer(at: Endpoint, answer: Mapping[str, Any]) -> Cause:
    """Return why Microsoft refused, from the members of a JSON answer."""
    subcode = answer.get("error_subcode") or answer.get("suberror")
    return cause_of(
        at,
        oauth_error(answer.get("error")),
        codes_of(answer),
        oauth_error(subcode) if subcode else None,
    )
