"""Types of the errors activities raise, so that a workflow can tell them apart.

ApplicationError.type, always one of `ErrorType`:
    NOT_YET                 retried by the activity's policy until Microsoft has caught up
    MICROSOFT_UNREACHABLE   retried
    MICROSOFT_THROTTLES     retried after the pause Microsoft asked for
    MAIL_UNAVAILABLE        retried
    CREDENTIAL_REFUSED      final: our own secret or certificate is wrong
    APPLICATION_DISABLED    final: the customer switched our application off
    NOTHING_GRANTED         retried like NOT_YET: known in the tenant, nothing for everyone yet
    PERMISSION_MISSING      retried like NOT_YET: the consent lacks a permission, so far
    DOMAINS_NOT_VERIFIED    final: the tenant has verified none of the organisation's domains
    TENANT_UNKNOWN          final: the domains lead to no tenant (any more)
    DIFFERENT_TENANTS       final: the domains lead to several tenants
    UNEXPECTED_ANSWER       final: Microsoft said something that fits nothing we know
    MAIL_REFUSED            final: a relay refuses an address for good
    GO_LIVE_UNKNOWN         final: no such go-live in the database
"""

from enum import StrEnum


class ErrorType(StrEnum):
    """Every `type` an activity's ApplicationError may carry."""

    NOT_YET = "not_yet"
    MICROSOFT_UNREACHABLE = "microsoft_unreachable"
    MICROSOFT_THROTTLES = "microsoft_throttles"
    MAIL_UNAVAILABLE = "mail_unavailable"
    CREDENTIAL_REFUSED = "credential_refused"
    APPLICATION_DISABLED = "application_disabled"
    NOTHING_GRANTED = "nothing_granted"
    PERMISSION_MISSING = "permission_missing"
    DOMAINS_NOT_VERIFIED = "domains_not_verified"
    TENANT_UNKNOWN = "tenant_unknown"
    DIFFERENT_TENANTS = "different_tenants"
    UNEXPECTED_ANSWER = "unexpected_answer"
    MAIL_REFUSED = "mail_refused"
    GO_LIVE_UNKNOWN = "go_live_unknown"
