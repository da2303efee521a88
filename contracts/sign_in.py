"""How an account stands, and what a Microsoft sign-in is for and leads to: closed sets."""

from enum import StrEnum


class UserStatus(StrEnum):
    """Whether a user's account with us can be used."""

    ACTIVE = "active"
    INVITED = "invited"
    DEACTIVATED = "deactivated"


class RequestPurpose(StrEnum):
    """What a browser is sent to Microsoft for."""

    CONSENT = "consent"
    """To Microsoft's page where an administrator consents."""
    CONSENT_SIGN_IN = "consent_sign_in"
    """To sign in after it, which proves who consented."""
    SIGN_IN = "sign_in"
    INVITATION = "invitation"
    CONSOLE = "console"
    SETUP = "setup"
    """To change what a set-up link alone no longer changes."""


class StaffSessionEnd(StrEnum):
    """Why a session of the console has ended before its time."""

    SIGNED_OUT = "signed_out"
    UNBOUND = "unbound"
    ROLE_LOST = "role_lost"
    SIGN_IN_AGAIN = "sign_in_again"
    """Microsoft does not stand for the person without a new sign-in."""


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
