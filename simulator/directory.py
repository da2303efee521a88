"""Tenants as Microsoft holds them: domains, users, and the grants that administrators gave."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from simulator.generated import GeneratedUsers, GenerationRule
from simulator.sign_in_rules import SignInRule
from simulator.user_properties import property_of

GRAPH_RESOURCE_ID = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph's own application id, the same in every tenant."""


@dataclass(frozen=True, slots=True)
class User:
    """One account: its Graph properties, its directory roles, its roles in applications."""

    properties: Mapping[str, Any]
    roles: tuple[str, ...] = ()
    app_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Client id of an application -> the person's roles in it."""

    @property
    def id(self) -> str:
        """The object id."""
        return str(self.properties["id"])

    @property
    def user_principal_name(self) -> str:
        """The name people sign in with."""
        return str(self.properties["userPrincipalName"])

    @property
    def mail(self) -> str | None:
        """The primary address, None for accounts without a mailbox."""
        mail = self.properties.get("mail")
        return None if mail is None else str(mail)

    @property
    def display_name(self) -> str:
        """The name shown."""
        return str(self.properties.get("displayName") or "")

    @property
    def is_guest(self) -> bool:
        """Whether the account belongs to somebody of another tenant."""
        return self.properties.get("userType") == "Guest"

    @property
    def lives_elsewhere(self) -> bool:
        """Whether its person signs in by the name that another tenant gave: a guest, or `#EXT#`."""
        return self.is_guest or "#EXT#" in self.user_principal_name

    @property
    def enabled(self) -> bool:
        """Whether the person may sign in."""
        return self.properties.get("accountEnabled") is not False

    def addresses(self) -> set[str]:
        """Every text that a filter on addresses could name, in lower case."""
        proxies = self.properties.get("proxyAddresses") or ()
        return {text.lower() for text in (self.user_principal_name, self.mail, *proxies) if text}

    def render(self, select: Iterable[str]) -> dict[str, Any]:
        """The selected Graph properties."""
        return {name: property_of(self.properties, name) for name in select}


@dataclass(frozen=True)
class Change:
    """That a user was added or changed, or removed: what a delta query tells."""

    user_id: str
    removed: bool


class Users:
    """The users of one tenant. A user's position never changes, so that pages stay put."""

    def __init__(self, tenant_id: str, listed: Iterable[User], rule: GenerationRule | None) -> None:
        self._generated = GeneratedUsers(tenant_id, rule or GenerationRule(0, "invalid"))
        self._changed: dict[int, User | None] = {}
        """Position of a generated user -> what it became, None when deleted."""
        self._listed: list[User | None] = []
        self._by_id: dict[str, int] = {}
        self._by_address: dict[str, list[int]] = {}
        self._gone = 0
        self.changes: list[Change] = []
        for user in listed:
            self._append(user)

    def __len__(self) -> int:
        return self._generated.count + len(self._listed) - self._gone

    def __iter__(self) -> Iterator[User]:
        for position in range(self._generated.count + len(self._listed)):
            if (user := self._at(position)) is not None:
                yield user

    def listed(self) -> Iterator[User]:
        """Every user that is stored, without those made by the rule."""
        stored = (*self._changed.values(), *self._listed)
        return (user for user in stored if user is not None)

    def get(self, object_id: str) -> User | None:
        """The user with this id."""
        position = self._position(object_id)
        return None if position is None else self._at(position)

    def by_address(self, address: str) -> list[User]:
        """Every user with this text as principal name, mail or proxy address (with `smtp:`)."""
        wanted = address.lower()
        positions = list(self._by_address.get(wanted, ()))
        number = self._generated.number_of_address(wanted.removeprefix("smtp:"))
        if number is not None and number not in self._changed:
            positions.append(number)
        found = (self._at(position) for position in sorted(positions))
        return [user for user in found if user is not None]

    def by_user_principal_name(self, name: str) -> User | None:
        """The user with this name, in any case."""
        for user in self.by_address(name):
            if user.user_principal_name.lower() == name.lower():
                return user
        return None

    def put(self, user: User) -> None:
        """Add a user, or replace the one with the same id in its position."""
        position = self._position(user.id)
        if position is None or self._at(position) is None:
            self._append(user)
        else:
            self._replace(position, user)
        self.changes.append(Change(user.id, removed=False))

    def remove(self, object_id: str) -> bool:
        """Delete a user; False when there was none."""
        position = self._position(object_id)
        if position is None or self._at(position) is None:
            return False
        self._replace(position, None)
        self._gone += 1
        self.changes.append(Change(object_id, removed=True))
        return True

    def page(
        self, position: int, limit: int, select: tuple[str, ...]
    ) -> tuple[list[str], int | None]:
        """Up to `limit` users as JSON texts from a position on, and where the next page starts."""
        rendered: list[str] = []
        generated, end = self._generated.count, self._generated.count + len(self._listed)
        while position < end and len(rendered) < limit:
            if position < generated and not self._changed:
                stop = min(generated, position + limit - len(rendered))
                rendered += self._generated.render(position, stop, select)
                position = stop
                continue
            if position < generated and position not in self._changed:
                rendered += self._generated.render(position, position + 1, select)
            elif (user := self._at(position)) is not None:
                rendered.append(json.dumps(user.render(select), separators=(",", ":")))
            position += 1
        return rendered, position if position < end else None

    def _position(self, object_id: str) -> int | None:
        position = self._by_id.get(object_id.lower())
        if position is None and self._generated.count:
            position = self._generated.number_of_id(object_id)
        return position

    def _at(self, position: int) -> User | None:
        if position >= self._generated.count:
            return self._listed[position - self._generated.count]
        if position in self._changed:
            return self._changed[position]
        return User(self._generated.properties(position))

    def _append(self, user: User) -> None:
        position = self._generated.count + len(self._listed)
        self._listed.append(user)
        self._by_id[user.id.lower()] = position
        for address in user.addresses():
            self._by_address.setdefault(address, []).append(position)

    def _replace(self, position: int, user: User | None) -> None:
        before = self._at(position)
        if before is not None:
            for address in before.addresses():
                if position in (places := self._by_address.get(address, [])):
                    places.remove(position)
        if user is not None:
            for address in user.addresses():
                self._by_address.setdefault(address, []).append(position)
        if position < self._generated.count:
            self._changed[position] = user
        else:
            self._listed[position - self._generated.count] = user


@dataclass(frozen=True)
class Domain:
    """One domain name of a tenant."""

    name: str
    is_default: bool = False
    is_initial: bool = False
    is_verified: bool = True


@dataclass(frozen=True)
class Grant:
    """What a tenant, or single people of it, allowed an application."""

    client_id: str
    application: tuple[str, ...] = ()
    """Application permissions; always for the whole organisation."""
    delegated: tuple[str, ...] = ()
    """Delegated permissions for everyone, when `all_principals`."""
    all_principals: bool = True
    enabled: bool = True
    """False: an administrator switched the application off in this tenant."""
    by_user: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Object id of a person who consented for themself alone -> delegated permissions."""

    def with_user(self, user_id: str, scopes: Iterable[str]) -> Grant:
        """The same grant after one person consented for themself."""
        mine = tuple(sorted({*self.by_user.get(user_id, ()), *scopes}))
        return replace(self, by_user={**self.by_user, user_id: mine})

    def delegated_for(self, user_id: str) -> frozenset[str]:
        """The delegated permissions that hold for a person."""
        mine = self.by_user.get(user_id, ())
        return frozenset((*self.delegated, *mine) if self.all_principals else mine)


@dataclass
class Tenant:
    """One customer's directory."""

    id: str
    display_name: str
    domains: tuple[Domain, ...]
    users: Users
    grants: dict[str, Grant] = field(default_factory=dict)
    admin_consent_workflow: bool = False
    """Whether people may ask an administrator for approval on the consent page."""
    wids: bool = True
    """Whether ID tokens name the directory roles of whoever signs in; real tenants differ."""
    sign_in_rules: tuple[SignInRule, ...] = ()
    """What its administrators demand of a sign-in."""
    authority: str | None = None
    """The authority of another cloud, in which the tenant lives; the worldwide one answers for its
    domains with that cloud's issuer."""

    def has_domain(self, name: str) -> bool:
        """Whether the tenant has proven that it owns the domain."""
        return any(domain.is_verified and domain.name == name.lower() for domain in self.domains)

    def service_principal_id(self, client_id: str) -> str:
        """The object id of an application in this tenant."""
        return str(uuid5(NAMESPACE_URL, f"{self.id}/servicePrincipal/{client_id}"))


@dataclass(frozen=True)
class Application:
    """One app registration."""

    client_id: str
    display_name: str
    home_tenant: str
    redirect_uris: tuple[str, ...]
    client_secret: str | None = None
    secret_ended: bool = False
    """Whether its secret, right as it is, has ended."""
    certificate_thumbprints: tuple[str, ...] = ()
    """SHA-1 or SHA-256 in hexadecimal, without colons, in upper case."""
    certificates: tuple[str, ...] = ()
    """PEM texts; their thumbprints count without being listed."""
    application_permissions: tuple[str, ...] = ()
    delegated_permissions: tuple[str, ...] = ()
    optional_claims: tuple[str, ...] = ()
    """Of ID tokens, as *Token configuration* lists them: `acct` and `login_hint` are known."""
