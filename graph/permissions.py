"""The permissions asked of a customer: the least that works.

Why each is asked is said in `wording.permissions`.

Source: Microsoft Learn, *Microsoft Graph permissions reference*, read 2026-11-23.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Permission:
    """One permission and the call that proves it."""

    name: str
    """Microsoft's name, such as `User.Read.All`."""
    proof_path: str | None = None
    """Graph path below the Graph URL that answers 200 only with this permission; application
    permissions have one."""


APPLICATION_PERMISSIONS: tuple[Permission, ...] = (
    Permission(
        name="Organization.Read.All",
        proof_path="/organization?$select=id,verifiedDomains",
    ),
    Permission(
        name="User.Read.All",
        proof_path="/users?$top=1&$select=id",
    ),
)
"""Granted organisation-wide only, which is why a 200 from Graph proves an organisation-wide
consent."""

DELEGATED_PERMISSIONS: tuple[Permission, ...] = (
    Permission(name="openid"),
    Permission(name="profile"),
    Permission(name="email"),
)
"""Used when a person signs in, and only for that person."""
