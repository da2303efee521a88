"""Which properties a Graph user has, and what Graph says when one is not set."""

from collections.abc import Mapping
from typing import Any

DEFAULT_USER_PROPERTIES = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
"""What Graph gives without `$select`. Source: Microsoft Learn, *List users*, read 2026-11-23."""

_LISTS = frozenset(
    {"assignedLicenses", "businessPhones", "identities", "otherMails", "proxyAddresses"}
)
_NOTHINGS = (
    "createdDateTime creationType deletedDateTime department employeeId externalUserState "
    "externalUserStateChangeDateTime mailNickname onPremisesImmutableId onPremisesSamAccountName "
    "onPremisesSyncEnabled onPremisesUserPrincipalName securityIdentifier "
    "signInSessionsValidFromDateTime usageLocation"
)
USER_PROPERTIES = (
    frozenset(DEFAULT_USER_PROPERTIES)
    | _LISTS
    | {"accountEnabled", "userType"}
    | frozenset(_NOTHINGS.split())
)
"""Every property of a user that can be selected."""

_LICENCE = {"disabledPlans": [], "skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965"}


def property_of(properties: Mapping[str, Any], name: str) -> Any:
    """One Graph property with Microsoft's way of saying "none"."""
    if name in properties:
        return properties[name]
    if name == "assignedLicenses" and properties.get("userType") != "Guest":
        return [_LICENCE]
    return [] if name in _LISTS else None
