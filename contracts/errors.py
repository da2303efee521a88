"""Types of the errors activities raise, so that a workflow can tell them apart.

ApplicationError.type, always one of `ErrorType`:
    NOT_YET                 retried by the activity's policy until Microsoft has caught up
    MICROSOFT_UNREACHABLE   retried
    MICROSOFT_THROTTLES     retried after the pause Microsoft asked for
    MAIL_UNAVAILABLE        retried
    CREDENTIAL_REFUSED      final: our own secret or certificate is wrong
    APPLICATION_DISABLED    final: the customer switched our application off
    PERMISSION_MISSING      final: consent lacks a permission
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
    PERMISSION_MISSING = "permission_missing"
    MAIL_REFUSED = "mail_refused"
    GO_LIVE_UNKNOWN = "go_live_unknown"
