"""What a tenant's administrators demand of a sign-in: assignment, and Conditional Access.

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
}


@dataclass(frozen=True)
class SignInRule:
    """One demand of a tenant."""

    kind: RuleKind
    users: tuple[str, ...] | None = None
    """Sign-in names in lower case. Of an assignment: who is assigned; None = nobody. Of any other:
    whom it stops; None = everyone."""
    redirect: bool = False
    """Whether the browser is sent back to the application with the error."""

    def stops(self, name: str, roles: tuple[str, ...]) -> bool:
        """Whether this person is stopped by it."""
        named = self.users is not None and name.lower() in self.users
        if self.kind is RuleKind.ASSIGNMENT_REQUIRED:
            return not named and "Global Administrator" not in roles
        return self.users is None or named

    def error(self) -> EntraError:
        """What Microsoft says."""
        number, words = _ANSWERS[self.kind]
        return EntraError("interaction_required", number, words)


def rule(entry: dict[str, object]) -> SignInRule:
    """A rule from its entry in a seed.

    Raises:
        ValueError: An unknown kind or field.
    """
    unknown = entry.keys() - {"kind", "users", "redirect"}
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    users = entry.get("users")
    return SignInRule(
        kind=RuleKind(str(entry.get("kind"))),
        users=tuple(str(one).lower() for one in users) if isinstance(users, list) else None,
        redirect=bool(entry.get("redirect", False)),
    )
