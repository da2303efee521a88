"""Writes the demonstration: four tenants as Microsoft holds them, and the matching product CSVs.

`python -m simulator.demo_seed` writes `seeds/demo.json`, `seeds/northwind.csv` and
`examples/*.csv`, by rule and never by chance: running it again changes nothing.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.demo_people import (
    ALPENGLOW,
    BOREALIS,
    CLIENT_ID,
    CLIENTSHARE,
    NORTHWIND,
    alpenglow,
    borealis,
    clientshare,
    northwind,
)

_ORGANISATION_COLUMNS = (
    "slug",
    "name",
    "domains",
    "customer_success_email",
    "it_contacts",
    "sso_included",
    "agreement_start",
    "agreement_end",
    "customer_success_handle",
    "time_zone",
    "exception_threshold",
    "it_acknowledgement",
    "go_live_date",
)
_USER_COLUMNS = ("organisation", "email", "display_name", "status", "group")
_DIRECTORY_COLUMNS = (
    "id",
    "userPrincipalName",
    "mail",
    "displayName",
    "proxyAddresses",
    "userType",
    "accountEnabled",
    "roles",
)


def _tenant(identifier: str, name: str, domains: Sequence[str], **more: Any) -> dict[str, Any]:
    initial = f"{domains[0].partition('.')[0]}.onmicrosoft.example"
    listed = [
        {"name": domain, "is_default": number == 0, "is_initial": False, "is_verified": True}
        for number, domain in enumerate(domains)
    ]
    listed.append({"name": initial, "is_default": False, "is_initial": True, "is_verified": True})
    return {"id": identifier, "display_name": name, "domains": listed, **more}


def seed() -> dict[str, Any]:
    """The content of `seeds/demo.json`."""
    redirects = [
        f"http://127.0.0.1:8080{path}" for path in ("/auth/microsoft/callback", "/consent/callback")
    ]
    delegated = ["openid", "profile", "email"]
    application = ["User.Read.All", "Organization.Read.All"]
    own_grant = {
        "client_id": CLIENT_ID,
        "application": application,
        "delegated": delegated,
        "all_principals": True,
    }
    return {
        "applications": [
            {
                "client_id": CLIENT_ID,
                "client_secret": "simulator-only-secret",
                "display_name": "Clientshare Pulse",
                "redirect_uris": redirects,
                "application_permissions": application,
                "delegated_permissions": delegated,
                "optional_claims": ["acct"],
                "home_tenant": CLIENTSHARE,
            }
        ],
        "tenants": [
            _tenant(
                ALPENGLOW,
                "Alpenglow Foods",
                ["alpenglow.example", "alpenglow.co.example"],
                users=alpenglow()[0],
            ),
            _tenant(
                NORTHWIND,
                "Northwind Traders",
                ["northwind.example"],
                users_csv="northwind.csv",
                wids=False,
            ),
            _tenant(BOREALIS, "Borealis Labs", ["borealis.example"], users=borealis()[0]),
            _tenant(
                CLIENTSHARE,
                "Clientshare",
                ["clientshare.example"],
                users=clientshare(),
                grants=[own_grant],
            ),
        ],
    }


def organisations() -> list[dict[str, str]]:
    """The rows of `examples/organisations.csv`."""
    everyone = {
        "customer_success_email": "dana@clientshare.example",
        "sso_included": "yes",
        "agreement_start": "2026-01-01",
        "agreement_end": "2027-12-31",
        "customer_success_handle": "dana",
        "it_acknowledgement": "no",
        "go_live_date": "",
    }
    return [
        everyone
        | {
            "slug": "alpenglow",
            "name": "Alpenglow Foods",
            "domains": "alpenglow.example;alpenglow.co.example",
            "it_contacts": "Grace Admin <grace.admin@alpenglow.example>;"
            "Tom Berger <tom.berger@alpenglow.example>",
            "time_zone": "Europe/Vienna",
            "exception_threshold": "10",
        },
        everyone
        | {
            "slug": "northwind",
            "name": "Northwind Traders",
            "domains": "northwind.example",
            "it_contacts": "Ada Admin <ada.admin@northwind.example>;"
            "Amelia Baker <amelia.baker@northwind.example>",
            "time_zone": "Europe/London",
            "exception_threshold": "50",
        },
        everyone
        | {
            "slug": "borealis",
            "name": "Borealis Labs",
            "domains": "borealis.example",
            "it_contacts": "Nils Admin <nils.admin@borealis.example>",
            "sso_included": "no",
            "time_zone": "Europe/Oslo",
            "exception_threshold": "1",
        },
    ]


def write(root: Path) -> None:
    """Write all four files below the project's folder."""
    seeds = root / "simulator" / "seeds"
    text = json.dumps(seed(), indent=2, ensure_ascii=False)
    (seeds / "demo.json").write_text(text + "\n", encoding="utf-8")
    _write_csv(seeds / "northwind.csv", _DIRECTORY_COLUMNS, map(_directory_row, northwind()[0]))
    _write_csv(root / "examples" / "organisations.csv", _ORGANISATION_COLUMNS, organisations())
    rows = (*alpenglow()[1], *northwind()[1], *borealis()[1])
    users = (dict(zip(_USER_COLUMNS, row, strict=True)) for row in rows)
    _write_csv(root / "examples" / "users.csv", _USER_COLUMNS, users)


def _directory_row(user: Mapping[str, Any]) -> dict[str, str]:
    return {
        **{name: user[name] or "" for name in _DIRECTORY_COLUMNS[:4]},
        "proxyAddresses": ";".join(user["proxyAddresses"]),
        "userType": user["userType"],
        "accountEnabled": str(user["accountEnabled"]).lower(),
        "roles": ";".join(user.get("roles", ())),
    }


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
