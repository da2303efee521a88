"""From an OAuth error of Microsoft's token endpoint to an error of this room."""

import re
from collections.abc import Mapping
from typing import Any

from graph.errors import (
    ApplicationDisabledError,
    ConsentNotVisibleError,
    ConsentNotVisibleKind,
    CredentialRefusedError,
    GraphError,
    MicrosoftUnreachableError,
    TenantUnknownError,
    UnexpectedAnswerError,
)

_OAUTH_ERROR = re.compile(r"[a-z][a-z_]{0,59}")
_CODE = re.compile(r"AADSTS(\d{3,9})")

_OUR_CREDENTIAL_CODES = frozenset(
    {
        50012,
        50027,
        700021,
        700023,
        700024,
        700027,
        700030,
        5002738,
        7000215,
        7000216,
        7000218,
        7000222,
    }
)
"""Codes with which `invalid_client` speaks of the secret or certificate rather than of the
tenant."""
_DISABLED_CODES = frozenset({7000112, 500014})
"""Codes that say the application is disabled in the tenant."""


def oauth_error(raw: object) -> str:
    """Return an OAuth error word that is safe to keep and show, or `unrecognised`.

    It may come from a redirect that anybody can forge, hence the narrow form.
    """
    return raw if isinstance(raw, str) and _OAUTH_ERROR.fullmatch(raw) else "unrecognised"


def codes_of(answer: Mapping[str, Any]) -> tuple[int, ...]:
    """Return Microsoft's numbers in an error or redirect, without repeats; for wording only."""
    numbers = answer.get("error_codes")
    found = [n for n in numbers if isinstance(n, int)] if isinstance(numbers, list) else []
    description = answer.get("error_description")
    if isinstance(description, str):
        found.extend(int(match) for match in _CODE.findall(description[:2000]))
    return tuple(dict.fromkeys(found))[:10]


def token_refusal(answer: Mapping[str, Any]) -> GraphError:
    """Return what a refusal by the token endpoint means.

    `error` decides between waiting and giving up. `invalid_client` and `unauthorized_client`
    cover several causes; there the code only picks whom to ask, and an unknown code counts as a
    consent that is not visible yet: the caller waits its limited time and then asks a person, so a
    renumbered code delays and never admits.
    """
    error, codes = oauth_error(answer.get("error")), codes_of(answer)
    match error:
        case "invalid_client" | "unauthorized_client" | "invalid_resource":
            if not _DISABLED_CODES.isdisjoint(codes):
                return ApplicationDisabledError(codes)
            if error == "invalid_client" and not _OUR_CREDENTIAL_CODES.isdisjoint(codes):
                return CredentialRefusedError(codes)
            return ConsentNotVisibleError(ConsentNotVisibleKind.TOKEN_REFUSED, codes)
        case "consent_required" | "interaction_required":
            return ConsentNotVisibleError(ConsentNotVisibleKind.TOKEN_REFUSED, codes)
        case "invalid_tenant":
            return TenantUnknownError()
        case "temporarily_unavailable" | "server_error":
            return MicrosoftUnreachableError(
                "Microsoft's sign-in service is temporarily unavailable."
            )
        case _:
            return UnexpectedAnswerError(f"Microsoft refused a token: {error}.", codes)
