"""Types of the errors that activities raise, so that a workflow can tell them apart.

ApplicationError.type is always one of `ErrorType`; `wording.errors` says what each one means.
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
    PEOPLE_IN_ANOTHER_TENANT = "people_in_another_tenant"
    UNEXPECTED_ANSWER = "unexpected_answer"
    MAIL_REFUSED = "mail_refused"
    GO_LIVE_UNKNOWN = "go_live_unknown"
    RECORD_AHEAD = "record_ahead"
