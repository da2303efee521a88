"""What stops a sign-in: assignment, Conditional Access, and restrictions between tenants.

Source: Microsoft Learn, *Manage users and groups assignment to an application* (Global
Administrators pass, by a recorded answer), *Troubleshoot sign-in problems with Conditional Access*
and *Microsoft Entra authentication and authorization error codes*. Microsoft mostly shows its own
page and sends nobody back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from simulator.entra_errors import EntraError


class RuleKind(StrEnum):
    """Why somebody is not let in."""

    ASSIGNMENT_REQUIRED = "assignment_required"
    USER = "user"
    DEVICE = "device"
    COUNTRY = "country"
    MFA = "mfa"
    TENANT_RESTRICTIONS = "tenant_restrictions"
    """The network that the person is in lets people into listed tenants only."""
    CROSS_TENANT_ACCESS = "cross_tenant_access"
    """The tenant lets in nobody from where the person is at home."""


_ANSWERS = {
    RuleKind.ASSIGNMENT_REQUIRED: (
        50105,
        "Your administrator has configured the application to block users unless they are "
        "specifically granted ('assigned') access to the application.",
    ),
    RuleKind.USER: (53003, "Access has been blocked by Conditional Access policies."),
    RuleKind.DEVICE: (53000, "Device is not in required device state: compliant."),
    RuleKind.COUNTRY: (53003, "Access has been blocked by Conditional Access policies."),
    RuleKind.MFA: (50076, "You must use multi-factor authentication to access the resource."),
    RuleKind.TENANT_RESTRICTIONS: (500021, "Access to the tenant is denied."),
    RuleKind.CROSS_TENANT_ACCESS: (
        500213,
        "The resource tenant's cross-tenant access policy doesn't allow this user to access this "
        "tenant.",
    ),
}


@dataclass(frozen=True)
class Circumstances:
    """What a sign-in comes from, as the person says on the sign-in page; the browser keeps it."""

    country: str = ""
    """Two letters, such as `GB`; empty = not known."""
    device: str = "unregistered"
    """`compliant` is the state that a device rule asks for."""
    second_factor: bool = False
    """Whether the person confirms the sign-in by a second factor."""


@dataclass(frozen=True)
class SignInRule:
    """One demand of a tenant."""

    kind: RuleKind
    users: tuple[str, ...] | None = None
    """Sign-in names in lower case. Of an assignment: who is assigned; None = nobody. Of any other:
    whom it concerns; None = everyone."""
    countries: tuple[str, ...] = ()
    """Of a country rule: where people may sign in from; none = from nowhere."""
    redirect: bool = False
    """Whether the browser is sent back to the application with the error."""

    def stops(self, name: str, roles: tuple[str, ...], where: Circumstances) -> bool:
        """Whether this sign-in of this person is stopped by it."""
        named = self.users is not None and name.lower() in self.users
        if self.kind is RuleKind.ASSIGNMENT_REQUIRED:
            return not named and "Global Administrator" not in roles
        if self.users is not None and not named:
            return False
        match self.kind:
            case RuleKind.COUNTRY:
                return where.country.upper() not in self.countries
            case RuleKind.DEVICE:
                return where.device != "compliant"
            case RuleKind.MFA:
                return not where.second_factor
            case _:
                return True

    def error(self) -> EntraError:
        """What Microsoft says."""
        number, words = _ANSWERS[self.kind]
        return EntraError("interaction_required", number, words)


def rule(entry: dict[str, object]) -> SignInRule:
    """A rule from its entry in a seed.

    Raises:
        ValueError: An unknown kind or field.
    """
    unknown = entry.keys() - {"kind", "users", "countries", "redirect"}
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    users, countries = entry.get("users"), entry.get("countries")
    return SignInRule(
        kind=RuleKind(str(entry.get("kind"))),
        users=tuple(str(one).lower() for one in users) if isinstance(users, list) else None,
        countries=tuple(str(one).upper() for one in countries)
        if isinstance(countries, list)
        else (),
        redirect=bool(entry.get("redirect", False)),
    )
