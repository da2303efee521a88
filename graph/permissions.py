"""The permissions asked of a customer: the least that works, each with its reason.

Source: Microsoft Learn, *Microsoft Graph permissions reference*, read 2026-11-23.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Permission:
    """One permission, why it is asked, and the call that proves it."""

    name: str
    """Microsoft's name, such as `User.Read.All`."""
    reason: str
    """Why we ask, in words for an administrator."""
    proof_path: str | None = None
    """Graph path below the Graph URL that answers 200 only with this permission; application
    permissions have one."""


APPLICATION_PERMISSIONS: tuple[Permission, ...] = (
    Permission(
        name="Organization.Read.All",
        reason="To read which e-mail domains your organisation has verified, so that nobody "
        "outside of them is ever linked.",
        proof_path="/organization?$select=id,verifiedDomains",
    ),
    Permission(
        name="User.Read.All",
        reason="To find each existing user in your directory by e-mail address and link the two "
        "accounts. We read; we never change anything in your directory.",
        proof_path="/users?$top=1&$select=id",
    ),
)
"""Granted organisation-wide only, which is why a 200 from Graph proves an organisation-wide
consent."""

DELEGATED_PERMISSIONS: tuple[Permission, ...] = (
    Permission(name="openid", reason="To let people sign in with their Microsoft account."),
    Permission(
        name="profile",
        reason="To know who signed in: the account's own number, the tenant and the name.",
    ),
    Permission(name="email", reason="To show people which address they signed in with."),
)
"""Used when a person signs in, and only for that person."""
