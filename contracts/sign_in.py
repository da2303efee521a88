"""Why a Microsoft sign-in does not lead into an account: codes of pages and the audit trail."""

from enum import StrEnum


class SignInAnswer(StrEnum):
    """Why a Microsoft sign-in does not lead into an account."""

    OTHER_TENANT = "other_tenant"
    GUEST = "guest"
    UNKNOWN = "unknown"
    DEACTIVATED = "deactivated"
    NOT_THE_INVITED = "not_the_invited"
    CANCELLED = "cancelled"
    NOT_ALLOWED = "not_allowed"
    SWITCHED_OFF = "switched_off"
    FAILED = "failed"
    MICROSOFT_NOT_ASKED = "microsoft_not_asked"
