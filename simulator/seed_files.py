"""Reads seed files: applications and tenants, with users listed, in a CSV, or made by a rule."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from simulator.directory import Application, Domain, Grant, Tenant, User, Users
from simulator.generated import GenerationRule
from simulator.sign_in_rules import rule


class SeedError(Exception):
    """A seed, or a body of the control interface, is not as the documentation says."""


@dataclass(frozen=True)
class Seed:
    """What one file says, kept as it was read so that a reset starts from it again."""

    applications: tuple[Mapping[str, Any], ...]
    tenants: tuple[Mapping[str, Any], ...]
    folder: Path
    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Rows of the CSV files named, by name."""


def read_seed(path: Path) -> Seed:
    """Read one file and the CSV files that it names.

    Raises:
        SeedError: It cannot be read or is not JSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        seed = Seed(
            tuple(content.get("applications", ())), tuple(content.get("tenants", ())), path.parent
        )
        for tenant in seed.tenants:
            if name := tenant.get("users_csv"):
                seed.rows[name] = read_rows(path.parent / name)
    except (OSError, ValueError, AttributeError) as error:
        raise SeedError(f"{path.name}: {error}") from None
    return seed


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV of users.

    Raises:
        OSError: It cannot be read.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def application(entry: Mapping[str, Any]) -> Application:
    """An app registration from its entry.

    Raises:
        SeedError: Something is missing or malformed.
    """
    try:
        certificates = tuple(entry.get("certificates", ()))
        thumbprints = [
            str(text).replace(":", "").upper() for text in entry.get("certificate_thumbprints", ())
        ]
        for text in certificates:
            certificate = x509.load_pem_x509_certificate(text.encode())
            thumbprints += [
                certificate.fingerprint(algorithm).hex().upper()
                for algorithm in (SHA1(), SHA256())  # noqa: S303
            ]
        return Application(
            client_id=entry["client_id"],
            display_name=entry.get("display_name", "Application"),
            home_tenant=entry.get("home_tenant", ""),
            redirect_uris=tuple(entry.get("redirect_uris", ())),
            client_secret=entry.get("client_secret"),
            secret_ended=bool(entry.get("secret_ended", False)),
            certificate_thumbprints=tuple(thumbprints),
            certificates=certificates,
            application_permissions=tuple(entry.get("application_permissions", ())),
            delegated_permissions=tuple(entry.get("delegated_permissions", ())),
            optional_claims=tuple(entry.get("optional_claims", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SeedError(f"an application is not as it should be: {error}") from None


def tenant(entry: Mapping[str, Any], rows: Iterable[Mapping[str, str]] = ()) -> Tenant:
    """A tenant from its entry and the rows of its CSV.

    Raises:
        SeedError: Something is missing or malformed.
    """
    try:
        tenant_id = str(entry["id"]).lower()
        listed = [user(tenant_id, one) for one in entry.get("users", ())]
        listed += [user(tenant_id, _of_row(row)) for row in rows]
        generated = entry.get("generated")
        domains = tuple(
            Domain(
                name=domain["name"].lower(),
                is_default=domain.get("is_default", False),
                is_initial=domain.get("is_initial", False),
                is_verified=domain.get("is_verified", True),
            )
            for domain in entry.get("domains", ())
        )
        return Tenant(
            id=tenant_id,
            display_name=entry.get("display_name", tenant_id),
            domains=domains,
            users=Users(tenant_id, listed, GenerationRule(**generated) if generated else None),
            grants={one["client_id"]: grant(one) for one in entry.get("grants", ())},
            admin_consent_workflow=entry.get("admin_consent_workflow", False),
            wids=entry.get("wids", True),
            sign_in_rules=tuple(rule(one) for one in entry.get("sign_in_rules", ())),
            authority=entry.get("authority"),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SeedError(f"a tenant is not as it should be: {error!r}") from None


def user(tenant_id: str, entry: Mapping[str, Any], before: User | None = None) -> User:
    """A user from its entry; with `before`, the entry's fields replace those that are there.

    Raises:
        KeyError: A new user has no userPrincipalName.
    """
    fields = dict(entry)
    roles = fields.pop("roles", before.roles if before else ())
    app_roles = fields.pop("app_roles", before.app_roles if before else {})
    properties = dict(before.properties) if before else {}
    properties |= fields
    name = properties["userPrincipalName"]
    properties.setdefault("id", str(uuid5(NAMESPACE_URL, f"{tenant_id}/{name}")))
    properties.setdefault("mail", None)
    properties.setdefault("displayName", name)
    properties.setdefault("userType", "Member")
    properties.setdefault("accountEnabled", True)
    if "proxyAddresses" not in properties:
        mail = properties["mail"]
        properties["proxyAddresses"] = [f"SMTP:{mail}"] if mail else []
    return User(
        properties, tuple(roles), {client: tuple(names) for client, names in app_roles.items()}
    )


def grant(entry: Mapping[str, Any]) -> Grant:
    """A grant from its entry.

    Raises:
        KeyError: It names no application.
    """
    return Grant(
        client_id=entry["client_id"],
        application=tuple(entry.get("application", ())),
        delegated=tuple(entry.get("delegated", ())),
        all_principals=entry.get("all_principals", True),
        enabled=entry.get("enabled", True),
        by_user={name: tuple(scopes) for name, scopes in entry.get("by_user", {}).items()},
    )


def _of_row(row: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "userPrincipalName": row["userPrincipalName"],
        "mail": row.get("mail") or None,
        "displayName": row.get("displayName") or row["userPrincipalName"],
        "userType": row.get("userType") or "Member",
        "accountEnabled": (row.get("accountEnabled") or "true").lower() == "true",
        "roles": [role for role in (row.get("roles") or "").split(";") if role],
    }
    if row.get("id"):
        fields["id"] = row["id"]
    if row.get("proxyAddresses"):
        fields["proxyAddresses"] = row["proxyAddresses"].split(";")
    return fields
