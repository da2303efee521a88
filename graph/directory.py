"""A customer's directory as we read it: users, the organisation, and what an account looks like."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from contracts.addresses import ascii_domain
from graph.errors import MicrosoftUnreachableError

USER_FIELDS = "id,userPrincipalName,mail,proxyAddresses,userType,accountEnabled"
"""The only fields of people that we read; no display name."""

PAGE_SIZE = 999
"""The largest page of users that Graph gives."""

_GUEST_MARK = "#EXT#"
_NO_ADDRESSES: tuple[str, ...] = ()


class DirectoryUser(NamedTuple):
    """One account of a tenant, as little of it as matching needs."""

    object_id: str
    user_principal_name: str
    mail: str | None
    proxy_addresses: tuple[str, ...]
    """As Microsoft writes them: `SMTP:` marks the primary address, `smtp:` an alias; others are
    no e-mail."""
    is_guest: bool
    enabled: bool
    is_external_member: bool = False
    """A member of the tenant whose account came from another tenant of the same group, by
    cross-tenant synchronisation. Source: Microsoft Learn, *Properties of a Microsoft Entra B2B
    collaboration user*."""

    def addresses(self) -> frozenset[str]:
        """Return every e-mail address, case-folded: mail, user principal name, SMTP proxies."""
        found = {self.user_principal_name.casefold()}
        if self.mail:
            found.add(self.mail.casefold())
        for proxy in self.proxy_addresses:
            kind, separator, address = proxy.partition(":")
            if separator and kind.casefold() == "smtp":
                found.add(address.casefold())
        found.discard("")
        return frozenset(found)


class UserPage(NamedTuple):
    """One page of a listing. It may be empty and still have a next link."""

    users: list[DirectoryUser]
    next_link: str | None
    """Where to go on after this page, already checked; None after the last.

    Valid for a limited time. Microsoft's page tokens are opaque, but real ones spell out the last
    account of the page in hexadecimal: keep a link where names may be kept (the database), never in
    logs or in a workflow's history.
    """


@dataclass(frozen=True)
class Organization:
    """A tenant as it describes itself."""

    tenant_id: str
    display_name: str
    verified_domains: tuple[str, ...]
    """In lower case; the tenant has proven to Microsoft that it owns them."""


def known_sign_in_name(name: str) -> str:
    """Return a name that Microsoft's sign-in page knows, "" in place of one that it does not.

    Whose home is another tenant signs in by the name of there; the one with `#EXT#` here is
    refused. Source: zitadel/zitadel issue 8050 and AzureAD/microsoft-authentication-library-for-js
    issue 1925 (such a name in `preferred_username`).
    """
    return "" if _GUEST_MARK in name else name


def users_of(answer: Mapping[str, Any]) -> list[DirectoryUser]:
    """Return the users in a Graph answer, in its order; the same object may come twice.

    Raises:
        MicrosoftUnreachableError: the answer is not a collection of users.
    """
    # This loop is what listing speed consists of: no calls but the constructor in the usual case.
    try:
        return [
            DirectoryUser(
                user["id"],
                name := user.get("userPrincipalName") or "",
                user.get("mail") or None,
                tuple(proxies) if (proxies := user.get("proxyAddresses")) else _NO_ADDRESSES,
                (kind := user.get("userType")) == "Guest"
                or (_GUEST_MARK in name and kind != "Member"),
                user.get("accountEnabled") is not False,
                _GUEST_MARK in name and kind == "Member",
            )
            for user in answer["value"]
        ]
    except (KeyError, TypeError, AttributeError):
        raise MicrosoftUnreachableError("Microsoft's answer was malformed.") from None


def organization_of(answer: Mapping[str, Any]) -> Organization:
    """Return the organisation in a Graph answer.

    Raises:
        MicrosoftUnreachableError: the answer has another form.
    """
    try:
        organization = answer["value"][0]
        return Organization(
            tenant_id=organization["id"].lower(),
            display_name=organization.get("displayName") or "",
            verified_domains=tuple(
                ascii_domain(domain["name"]) or domain["name"].lower()
                for domain in organization.get("verifiedDomains") or ()
            ),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        raise MicrosoftUnreachableError("Microsoft's answer was malformed.") from None


_SERVICE_NAME = re.compile(
    # A function's name alone ...
    "accounting|accounts|admin|administrator|billing|bookings|careers|contact|customerservice|"
    "enquiries|facilities|finance|hello|helpdesk|hr|info|invoices|it|itsupport|jobs|legal|mail|"
    "marketing|meetingroom|news|newsletter|no-reply|noreply|notifications|office|orders|payroll|"
    "postmaster|press|printer|privacy|purchasing|reception|root|sales|scan|scanner|security|"
    "service|servicedesk|support|sysadmin|team|webmaster|"
    # ... or a mark before or after any name.
    "(?:svc|srv|service|sa|app|bot|api|automation|sync|shared|room|test|smtp)[._-].+|"
    ".+[._-](?:svc|service|shared|mailbox|room|noreply|no-reply)"
)


def looks_shared(addresses: Iterable[str]) -> bool:
    """Guess from its addresses whether an account is a shared mailbox or a service account.

    Graph v1.0 says so in `mailboxSettings.userPurpose` only, which needs MailboxSettings.Read: a
    permission we do not ask. What remains says nothing sure. A shared mailbox is a *disabled*
    account with a mailbox, but so is a colleague who left; licences are missing from both; a
    service account is an ordinary one. So the rule is:

    - a disabled account is the exception *disabled*, whatever it is: nobody can sign in to it;
    - an account whose name before the `@` is a function and not a person (`info`, `sales`,
      `svc-backup`, `no-reply`) is the exception *shared mailbox or service account*, for a
      person to decide.

    Limits: a person called `sales@` is asked about needlessly, and keeps the password meanwhile;
    a service account with a person's name is not noticed. English names only.
    """
    for address in addresses:
        local = address.partition("@")[0].partition("+")[0].casefold()
        if _SERVICE_NAME.fullmatch(local):
            return True
    return False
