"""Entra's refusals: the OAuth error, the AADSTS code for wording, and the shape of the answer.

Source: Microsoft Learn, *Microsoft Entra authentication and authorization error codes*, read
2026-11-23.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(eq=False)
class EntraError(Exception):
    """A refusal by the sign-in, consent or token endpoint."""

    error: str
    """The OAuth error, such as `invalid_client`: what programs decide on."""
    code: int
    """The AADSTS number, such as 7000215: wording only."""
    text: str
    status: int = 400
    subcode: str | None = None


def description(error: EntraError, trace: str, correlation: str, timestamp: str) -> str:
    """The long sentence as Entra writes it."""
    return (
        f"AADSTS{error.code}: {error.text} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {timestamp}"
    )


def body(error: EntraError, trace: str, correlation: str, timestamp: str) -> dict[str, Any]:
    """The JSON body as the token endpoint answers it. `timestamp` like `2026-11-23 09:30:00Z`."""
    answer: dict[str, Any] = {
        "error": error.error,
        "error_description": description(error, trace, correlation, timestamp),
        "error_codes": [error.code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.code}",
    }
    if error.subcode:
        answer["suberror"] = error.subcode
    return answer


def tenant_not_found(name: str, error: str = "invalid_request") -> EntraError:
    """No tenant has this id or domain; discovery says `invalid_tenant`, the other endpoints not."""
    return EntraError(
        error,
        90002,
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant.",
    )


def application_not_found(client_id: str, tenant: str) -> EntraError:
    """The application is unknown, or has no service principal in the tenant."""
    return EntraError(
        "unauthorized_client",
        700016,
        f"Application with identifier '{client_id}' was not found in the directory '{tenant}'. "
        "This can happen if the application has not been installed by the administrator of the "
        "tenant or consented to by any user in the tenant. You may have sent your authentication "
        "request to the wrong tenant.",
    )


def service_principal_missing(client_id: str, tenant: str) -> EntraError:
    """The other form of "not there yet"."""
    return EntraError(
        "invalid_client",
        7000229,
        f"The client application {client_id} is missing service principal in the tenant {tenant}. "
        "See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
        401,
    )


def application_disabled(client_id: str, name: str) -> EntraError:
    """An administrator of the tenant switched the application off."""
    return EntraError(
        "unauthorized_client", 7000112, f"Application '{client_id}'({name}) is disabled."
    )


def missing_parameter(name: str) -> EntraError:
    """A required field is not in the request."""
    return EntraError(
        "invalid_request",
        900144,
        f"The request body must contain the following parameter: '{name}'.",
    )


def declined() -> EntraError:
    """Somebody pressed Cancel on the consent page."""
    return EntraError(
        "access_denied",
        65004,
        "User declined to consent to access the app.",
        subcode="cancel",
    )


def administrator_needed(application: str, tenant: str) -> EntraError:
    """The permissions can be granted by an administrator only."""
    return EntraError(
        "consent_required",
        90094,
        f"An administrator of {tenant} has set a policy that prevents you from granting "
        f"{application} the permissions it is requesting. Contact an administrator of {tenant}, "
        "who can grant permissions to this app on your behalf.",
    )


def approval_requested() -> EntraError:
    """The person asked an administrator for approval."""
    return EntraError(
        "access_denied",
        90095,
        "Admin consent is required. The user was on an approval request screen and submitted an "
        "approval request.",
    )


def not_in_tenant(login: str, tenant: str, client_id: str, application: str) -> EntraError:
    """The account exists, in another tenant."""
    return EntraError(
        "invalid_request",
        50020,
        f"User account '{login}' does not exist in tenant '{tenant}' and cannot access the "
        f"application '{client_id}'({application}) in that tenant. The account needs to be added "
        "as an external user in the tenant first. Sign out and sign in again with a different "
        "Microsoft Entra user account.",
    )
