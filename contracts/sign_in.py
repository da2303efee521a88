"""How an account stands, and why a Microsoft sign-in does not lead into one: closed sets."""

from enum import StrEnum


class UserStatus(StrEnum):
    """Whether a user's account with us can be used."""

    ACTIVE = "active"
    INVITED = "invited"
    DEACTIVATED = "deactivated"


class SignInAnswer(StrEnum):
    """Why a Microsoft sign-in does not lead into an account."""

    OTHER_TENANT = "other_tenant"
    GUEST = "guest"
    UNKNOWN = "unknown"
    DEACTIVATED = "deactivated"
    NOT_THE_INVITED = "not_the_invited"
    CANCELLED = "cancelled"
    NOT_ALLOWED = "not_allowed"
    OTHER_DIRECTORY = "other_directory"
    NOT_ASSIGNED = "not_assigned"
    CONDITIONAL_ACCESS = "conditional_access"
    ACCESS_RESTRICTED = "access_restricted"
    SWITCHED_OFF = "switched_off"
    OURS_TO_MEND = "ours_to_mend"
    PASSING_FAULT = "passing_fault"
    FAILED = "failed"
    MICROSOFT_NOT_ASKED = "microsoft_not_asked"
