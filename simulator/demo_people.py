"""The people of the demonstration: directories at Microsoft, and the product's own lists.

Each pair shows how the two differ: aliases, guests, disabled accounts, an address on two objects.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
ALPENGLOW = "a1a1a1a1-0000-4000-8000-000000000001"
NORTHWIND = "b2b2b2b2-0000-4000-8000-000000000002"
BOREALIS = "c3c3c3c3-0000-4000-8000-000000000003"
CLIENTSHARE = "99999999-0000-0000-0000-000000000000"


def _words(text: str) -> list[str]:
    return text.split()


_FIRST_NAMES = _words(
    """
    Amelia Benjamin Chloe Daniel Elena Finn Greta Hugo Iris Jakob Klara Leon Marta Niklas
    Olivia Paul Quentin Rosa Simon Thea Ursula Viktor Wilma Xaver Yara Zoe Anton Bianca Carl
    Dora Emil Frida Georg Hanna Ivan Julia Karl Lena Moritz Nina
    """
)
_LAST_NAMES = _words(
    """
    Abbott Baker Carter Dawson Ellis Fletcher Graham Harper Ingram Jensen Keller Lawson
    Mercer Norris Osborne Palmer Quinn Reeves Sutton Turner Underwood Vaughan Walker Xavier
    Young Zimmer Archer Bishop Cooper Dixon Everett Foster Gibson Hayes Irving Joyce Knight
    Lambert Miller Nash Ortega Porter Quill Ramsey Shaw Thorne Upton Vance Webb Yates Zeller
    Ashby Barlow
    """
)

Row = tuple[str, str, str, str, str]
"""A product user: organisation, email, display name, status, group."""


def account(tenant: str, name: str, address: str, **changed: Any) -> dict[str, Any]:
    """A directory user with one address as name, mail and primary proxy, unless changed."""
    user: dict[str, Any] = {
        "id": str(uuid5(NAMESPACE_URL, f"{tenant}/{address}")),
        "userPrincipalName": address,
        "mail": address,
        "displayName": name,
        "proxyAddresses": [f"SMTP:{address}"],
        "userType": "Member",
        "accountEnabled": True,
    }
    return user | changed


def alpenglow() -> tuple[list[dict[str, Any]], list[Row]]:
    """45 directory users and 40 product users, eight of whom cannot be matched."""
    domain = "alpenglow.example"
    admin = account(
        ALPENGLOW, "Grace Admin", f"grace.admin@{domain}", roles=["Global Administrator"]
    )
    people: list[dict[str, Any]] = [admin]
    rows: list[Row] = []

    def person(name: str) -> tuple[str, dict[str, Any]]:
        address = f"{name.lower().replace(' ', '.')}@{domain}"
        return address, account(ALPENGLOW, name, address)

    active = (
        "Anna Gruber",
        "Bernhard Moser",
        "Clara Winkler",
        "David Pichler",
        "Eva Lechner",
        "Florian Egger",
        "Helena Fuchs",
        "Ines Wagner",
        "Johannes Wolf",
        "Katrin Bauer",
        "Lukas Steiner",
        "Magdalena Haas",
        "Noah Schmid",
        "Paula Reiter",
        "Raphael Koch",
        "Sofia Huber",
        "Tobias Lang",
        "Valentina Berger",
        "Wolfgang Auer",
        "Yvonne Brandl",
    )
    for number, name in enumerate(active):
        address, user = person(name)
        people.append(user)
        group = "pilot" if number < 4 else ""
        # People type their addresses as they like; Microsoft does not mind.
        typed = "Sofia.Huber@Alpenglow.example" if name == "Sofia Huber" else address
        rows.append(("alpenglow", typed, name, "active", group))

    found_otherwise: tuple[tuple[str, dict[str, Any]], ...] = (
        # By an alias only, by the second domain, without a mailbox, by mail and not by name.
        (
            "Lea Brunner",
            {"proxyAddresses": [f"SMTP:lea.brunner@{domain}", f"smtp:lea.maier@{domain}"]},
        ),
        (
            "Oskar Frank",
            {
                "proxyAddresses": [
                    f"SMTP:oskar.frank@{domain}",
                    "smtp:oskar.frank@alpenglow.co.example",
                ]
            },
        ),
        ("Mira Novak", {"mail": None, "proxyAddresses": []}),
        ("Jonas Keller", {"userPrincipalName": f"jkeller@{domain}"}),
    )
    ours = (
        f"lea.maier@{domain}",
        "oskar.frank@alpenglow.co.example",
        f"mira.novak@{domain}",
        f"jonas.keller@{domain}",
    )
    for (name, changed), address in zip(found_otherwise, ours, strict=True):
        people.append(person(name)[1] | changed)
        rows.append(("alpenglow", address, name, "active", ""))

    invited = (
        "Alma Kern",
        "Bruno Vogt",
        "Carla Hofer",
        "Dominik Ebner",
        "Elias Graf",
        "Franziska Maurer",
        "Gregor Thaler",
        "Hedwig Pohl",
    )
    for name in invited:
        address, user = person(name)
        people.append(user)
        rows.append(("alpenglow", address, name, "invited", ""))

    troubles, refused = _alpenglow_troubles(domain)
    people += troubles
    rows += refused
    people += [
        person(name)[1] for name in ("Ilse Baumann", "Rudi Seidl", "Tom Berger", "Vera Kraus")
    ]
    return people, rows


def _alpenglow_troubles(domain: str) -> tuple[list[dict[str, Any]], list[Row]]:
    """Accounts that must not be linked, and the product users who meet them: eight reasons."""
    shared, service = f"orders@{domain}", f"svc-reports@{domain}"
    disabled, gone = f"peter.disabled@{domain}", f"ute.former@{domain}"
    guest, twice = f"theo.berger@{domain}", f"nora.steiner@{domain}"
    outside = "mia.contractor@freelance.example"
    people = [
        account(
            ALPENGLOW,
            "Theo Berger (guest)",
            guest,
            userPrincipalName=f"theo.berger_partner.example#EXT#@{domain}",
            userType="Guest",
        ),
        account(
            ALPENGLOW,
            "Mia Contractor (guest)",
            outside,
            userPrincipalName=f"mia.contractor_freelance.example#EXT#@{domain}",
            userType="Guest",
        ),
        account(ALPENGLOW, "Peter Disabled", disabled, accountEnabled=False),
        account(ALPENGLOW, "Ute Former", gone, accountEnabled=False),
        account(ALPENGLOW, "Nora Steiner", twice),
        account(
            ALPENGLOW,
            "Nora Steiner (old account)",
            f"nora.steiner.old@{domain}",
            proxyAddresses=[f"SMTP:nora.steiner.old@{domain}", f"smtp:{twice}"],
        ),
        account(ALPENGLOW, "Orders (shared mailbox)", shared),
        account(ALPENGLOW, "Reports (service account)", service),
    ]
    rows: list[Row] = [
        ("alpenglow", f"nobody.here@{domain}", "Nobody Here", "active", ""),
        ("alpenglow", guest, "Theo Berger", "active", ""),
        ("alpenglow", disabled, "Peter Disabled", "active", ""),
        ("alpenglow", twice, "Nora Steiner", "active", ""),
        ("alpenglow", outside, "Mia Contractor", "active", ""),
        ("alpenglow", shared, "Orders", "active", ""),
        ("alpenglow", service, "Reports", "active", ""),
        ("alpenglow", gone, "Ute Former", "deactivated", ""),
    ]
    return people, rows


def northwind() -> tuple[list[dict[str, Any]], list[Row]]:
    """2,050 directory users; 2,000 product users, 100 of them invited, six without a match."""
    domain = "northwind.example"
    names = [f"{first} {last}" for last in _LAST_NAMES for first in _FIRST_NAMES][:2_044]
    people = [
        account(NORTHWIND, "Ada Admin", f"ada.admin@{domain}", roles=["Global Administrator"])
    ]
    people += [
        account(NORTHWIND, name, f"{name.lower().replace(' ', '.')}@{domain}") for name in names
    ]
    matched = people[:1_994]
    rows: list[Row] = [
        (
            "northwind",
            user["mail"],
            user["displayName"],
            "invited" if number >= 1_894 else "active",
            "pilot" if 0 < number <= 10 else "",
        )
        for number, user in enumerate(matched)
    ]
    guest, disabled, twice = (
        f"gil.partner@{domain}",
        f"dean.disabled@{domain}",
        f"tara.twice@{domain}",
    )
    people += [
        account(
            NORTHWIND,
            "Gil Partner (guest)",
            guest,
            userPrincipalName=f"gil.partner_partner.example#EXT#@{domain}",
            userType="Guest",
        ),
        account(NORTHWIND, "Dean Disabled", disabled, accountEnabled=False),
        account(NORTHWIND, "Tara Twice", twice),
        account(
            NORTHWIND,
            "Tara Twice (project)",
            f"tara.twice.project@{domain}",
            proxyAddresses=[f"SMTP:tara.twice.project@{domain}", f"smtp:{twice}"],
        ),
        account(NORTHWIND, "Help Desk (shared mailbox)", f"helpdesk@{domain}"),
    ]
    for address, name in (
        (guest, "Gil Partner"),
        (disabled, "Dean Disabled"),
        (twice, "Tara Twice"),
        (f"helpdesk@{domain}", "Help Desk"),
        (f"left.longago@{domain}", "Left Longago"),
        (f"typo.adress@{domain}", "Typo Adress"),
    ):
        rows.append(("northwind", address, name, "active", ""))
    return people, rows


def borealis() -> tuple[list[dict[str, Any]], list[Row]]:
    """A handful of people; the organisation's agreement lacks SSO."""
    domain = "borealis.example"
    names = ("Aurora Lund", "Bjorn Dahl", "Elin Strand", "Henrik Moe", "Sigrid Vik")
    people = [
        account(BOREALIS, "Nils Admin", f"nils.admin@{domain}", roles=["Global Administrator"])
    ]
    people += [
        account(BOREALIS, name, f"{name.lower().replace(' ', '.')}@{domain}") for name in names
    ]
    rows = [("borealis", user["mail"], user["displayName"], "active", "") for user in people[1:]]
    return people, rows


def clientshare() -> list[dict[str, Any]]:
    """The vendor's own staff; one of them has no part in customer success."""
    domain = "clientshare.example"
    customer_success = {"app_roles": {CLIENT_ID: ["CustomerSuccess"]}}
    return [
        account(CLIENTSHARE, "Dana Whitfield", f"dana@{domain}", **customer_success),
        account(CLIENTSHARE, "Omar Siddiqui", f"omar@{domain}", **customer_success),
        account(CLIENTSHARE, "Erin Engineer", f"erin@{domain}"),
    ]
