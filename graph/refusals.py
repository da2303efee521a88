"""From an OAuth error of Microsoft's token endpoint to an error of this room."""

from collections.abc import Mapping
from typing import Any

from graph.causes import Cause, Endpoint, cause_of_answer, codes_of, oauth_error
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
from telemetry.metrics import CREDENTIAL_REFUSED


def token_refusal(answer: Mapping[str, Any]) -> GraphError:
    """Return what a refusal by the token endpoint means; `graph.causes` has the table."""
    codes = codes_of(answer)
    match cause_of_answer(Endpoint.TOKEN, answer):
        case Cause.OUR_CREDENTIAL:
            CREDENTIAL_REFUSED.inc()
            return CredentialRefusedError(codes)
        case Cause.APPLICATION_DISABLED:
            return ApplicationDisabledError(codes)
        case Cause.CONSENT_MISSING:
            return ConsentNotVisibleError(ConsentNotVisibleKind.TOKEN_REFUSED, codes)
        case Cause.TENANT_UNKNOWN:
            return TenantUnknownError()
        case Cause.PASSING_FAULT:
            return MicrosoftUnreachableError(
                "Microsoft's sign-in service is temporarily unavailable."
            )
        case _:
            error = oauth_error(answer.get("error"))
            return UnexpectedAnswerError(f"Microsoft refused a token: {error}.", codes)
