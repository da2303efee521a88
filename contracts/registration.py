"""What can be found about our own app registration at Microsoft, as one closed set.

`graph.registration` finds it, `wording.registration` says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SIGN_IN_PATH = "/auth/microsoft/callback"
CONSENT_PATH = "/consent/callback"
REDIRECT_PATHS = (SIGN_IN_PATH, CONSENT_PATH)
"""Where Microsoft sends browsers back to, below our public address; both are registered."""


class RegistrationVerdict(StrEnum):
    """What a finding means for whoever runs this product."""

    RIGHT = "right"
    MEND = "mend"
    LOOK = "look"
    """It cannot be read with our permissions: a person looks."""
    NOT_CHECKED = "not_checked"
    """Something else has to be mended first."""


class RegistrationPart(StrEnum):
    """What is checked, one after the other."""

    TENANT = "tenant"
    KEYS = "keys"
    REDIRECTS = "redirects"
    TOKEN = "token"  # noqa: S105
    CREDENTIAL_END = "credential_end"
    PERMISSIONS = "permissions"
    DIRECTORY = "directory"
    SIGN_IN = "sign_in"


class RegistrationFinding(StrEnum):
    """Everything that can be found."""

    TENANT_FOUND = "tenant_found"
    TENANT_UNKNOWN = "tenant_unknown"
    OTHER_CLOUD = "other_cloud"
    """Its subject is the cloud."""
    KEYS_GOOD = "keys_good"
    KEYS_UNREADABLE = "keys_unreadable"
    KEYS_OF_ANOTHER_CLOUD = "keys_of_another_cloud"
    REDIRECT_REGISTERED = "redirect_registered"
    """Its subject is the path."""
    REDIRECT_MISSING = "redirect_missing"
    REDIRECT_UNCLEAR = "redirect_unclear"
    TOKEN_GIVEN = "token_given"  # noqa: S105
    APPLICATION_UNKNOWN = "application_unknown"
    NOT_IN_TENANT = "not_in_tenant"
    APPLICATION_DISABLED = "application_disabled"
    SECRET_WRONG = "secret_wrong"  # noqa: S105
    CREDENTIAL_ENDED = "credential_ended"
    CERTIFICATE_MISSING = "certificate_missing"
    CLOCK_WRONG = "clock_wrong"
    CREDENTIAL_REFUSED = "credential_refused"
    TOKEN_REFUSED = "token_refused"  # noqa: S105
    END_FAR = "end_far"
    """Its subject is the number of days left."""
    END_NEAR = "end_near"
    END_PAST = "end_past"
    END_UNKNOWN = "end_unknown"
    PERMISSION_GRANTED = "permission_granted"
    """Its subject is the permission."""
    PERMISSION_MISSING = "permission_missing"
    DOMAINS_READ = "domains_read"
    """Its subject is their number."""
    USERS_READ = "users_read"
    """Its subject is their number."""
    USERS_INCOMPLETE = "users_incomplete"
    """Its subject is the fields that no account came with."""
    SIGN_IN_WORKS = "sign_in_works"
    SIGN_IN_REFUSED = "sign_in_refused"
    ID_TOKEN_REFUSED = "id_token_refused"  # noqa: S105
    """Its subject is why."""
    ADDRESS_OF_ANOTHER_SIGN_IN = "address_of_another_sign_in"
    GUEST_SIGNED_IN = "guest_signed_in"
    ROLE_GIVEN = "role_given"
    """Its subject is the app role."""
    ROLE_MISSING = "role_missing"
    CLAIM_THERE = "claim_there"
    """Its subject is the claim."""
    CLAIM_MISSING = "claim_missing"
    LOOK_AT_SIGN_IN = "look_at_sign_in"
    LOOK_AT_ROLES = "look_at_roles"
    LOOK_AT_STAFF_TENANT = "look_at_staff_tenant"
    LOOK_AT_ACCOUNT_TYPES = "look_at_account_types"
    LOOK_AT_PUBLISHER = "look_at_publisher"
    LOOK_AT_PERMISSIONS = "look_at_permissions"
    UNREACHABLE = "unreachable"
    """Its subject is the part."""
    NOT_CHECKED = "not_checked"
    """Its subject is the part."""


_RIGHT = {
    RegistrationFinding.TENANT_FOUND,
    RegistrationFinding.KEYS_GOOD,
    RegistrationFinding.REDIRECT_REGISTERED,
    RegistrationFinding.TOKEN_GIVEN,
    RegistrationFinding.END_FAR,
    RegistrationFinding.PERMISSION_GRANTED,
    RegistrationFinding.DOMAINS_READ,
    RegistrationFinding.USERS_READ,
    RegistrationFinding.SIGN_IN_WORKS,
    RegistrationFinding.ROLE_GIVEN,
    RegistrationFinding.CLAIM_THERE,
}
_LOOK = {
    RegistrationFinding.REDIRECT_UNCLEAR,
    RegistrationFinding.END_UNKNOWN,
    RegistrationFinding.GUEST_SIGNED_IN,
    RegistrationFinding.LOOK_AT_SIGN_IN,
    RegistrationFinding.LOOK_AT_ROLES,
    RegistrationFinding.LOOK_AT_STAFF_TENANT,
    RegistrationFinding.LOOK_AT_ACCOUNT_TYPES,
    RegistrationFinding.LOOK_AT_PUBLISHER,
    RegistrationFinding.LOOK_AT_PERMISSIONS,
}


@dataclass(frozen=True)
class RegistrationResult:
    """One finding."""

    finding: RegistrationFinding
    subject: str = ""
    """Out of a closed set of our own, or a number; never words that Microsoft or a person wrote."""
    numbers: tuple[int, ...] = ()
    """Microsoft's numbers (AADSTS)."""

    @property
    def verdict(self) -> RegistrationVerdict:
        """What it means."""
        if self.finding in _RIGHT:
            return RegistrationVerdict.RIGHT
        if self.finding in _LOOK:
            return RegistrationVerdict.LOOK
        return (
            RegistrationVerdict.NOT_CHECKED
            if self.finding is RegistrationFinding.NOT_CHECKED
            else RegistrationVerdict.MEND
        )


@dataclass(frozen=True)
class SignInFacts:
    """What one sign-in showed; nothing of it says who signed in."""

    error: str = ""
    """Microsoft's OAuth word where it ended the sign-in, `other` for one that is not in our table;
    `state_mismatch` and `no_answer` are ours."""
    numbers: tuple[int, ...] = ()
    id_token_refused: str = ""
    """Why the ID token is not believed."""
    credential_refused: bool = False
    unreachable: bool = False
    roles: tuple[str, ...] = ()
    """Of our app roles, those in the token."""
    claims: tuple[str, ...] = ()
    """Of the optional claims that we read, those in the token."""
    guest: bool = False


@dataclass(frozen=True)
class RegistrationSettings:
    """What the settings say of the registration."""

    authority: str
    redirect_uris: Mapping[str, str]
    """Our own addresses, by their paths."""
    staff_tenant_id: str | None
    """Our own tenant, where the registration is."""
    credential_days_left: int | None
    """Until our credential ends; None where nothing says so."""
