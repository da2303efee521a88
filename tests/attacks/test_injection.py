"""Names that are code somewhere: in a mail, a page, a template, a spreadsheet, a terminal."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from commands import imports, migration
from commands.errors import ImportRefusedError
from contracts.go_live import Wait
from database.moves.plans import Decision
from local import loopback
from local.browser import Browser
from tests.administrators import somebody
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person, write_csv

EVIL = (
    "{{ 7*7 }}{% for x in () %}${7*7}<%= 7*7 %><img src=x onerror=alert(1)>"
    "[pay here](https://evil.example)`x`"
)


async def bad_name(cluster: Cluster, tmp_path: Path, column: str, value: str) -> str:
    """Import an organisation and a user with this in a column, and return the refusal."""
    slug = f"t{uuid4().hex[:10]}"
    organisation = {
        "slug": slug,
        "name": "Fine",
        "domains": f"{slug}.example",
        "customer_success_email": "dana@clientshare.example",
        "customer_success_handle": "dana",
        "it_contacts": f"it@{slug}.example",
        "sso_included": "yes",
        "agreement_start": "2020-01-01",
        "agreement_end": "2099-12-31",
    }
    user = {
        "organisation": slug,
        "email": f"anna@{slug}.example",
        "display_name": "Anna",
        "status": "active",
    }
    (user if column in user else organisation)[column] = value.replace("SLUG", slug)
    write_csv(tmp_path / "organisations.csv", [organisation])
    write_csv(tmp_path / "users.csv", [user])
    with pytest.raises(ImportRefusedError) as refused:
        imports.import_files(cluster.engine, tmp_path / "organisations.csv", tmp_path / "users.csv")
    assert cluster.rows("SELECT 1 FROM pulse.organisation WHERE slug = :slug", slug=slug) == []
    return str(refused.value)


@pytest.mark.parametrize("column", ["name", "display_name", "it_contacts"])
@pytest.mark.parametrize(
    "breaking",
    ["\r\nBcc: all@evil.example", "\nX: y", "\x00", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e"],
    ids=["crlf", "lf", "nul", "escape", "delete", "next line", "line separator", "turned round"],
)
async def test_a_name_that_breaks_lines_or_turns_letters_round_is_not_imported(
    cluster: Cluster, tmp_path: Path, column: str, breaking: str
) -> None:
    value = f"A{breaking}B"
    if column == "it_contacts":
        value += " <it@SLUG.example>"
    said = await bad_name(cluster, tmp_path, column, value)
    assert f"{column}: has a line break or control character" in said
    assert breaking not in said


@pytest.mark.parametrize(
    "address",
    [
        "anna@SLUG.example\r\nBcc: all@evil.example",
        "anna@SLUG.example, all@evil.example",
        "anna@SLUG.example>, <all@evil.example",
        '"anna\nX: y"@SLUG.example',
        "anna@SLUG.example?bcc=all@evil.example",
        "anna\u202e@SLUG.example",
    ],
)
async def test_an_address_that_is_two_or_a_header_is_not_imported(
    cluster: Cluster, tmp_path: Path, address: str
) -> None:
    assert "email: " in await bad_name(cluster, tmp_path, "email", address)


async def test_a_contact_that_somebody_names_on_the_set_up_page_starts_no_header(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def come() -> None:
        with Browser() as browser:
            browser.open(_link(organisation, "/setup/"))
            form = next(one for one in browser._page.forms if one.action.endswith("/contact"))
            name = {"name": "Eve\r\nBcc: all@evil.example\r\nX: {{ 7*7 }}"}
            good, bad = organisation.address("eve"), "eve@x.example\r\nBcc: all@evil.example"
            for address in (bad, good):
                browser._http.post(
                    organisation.cluster.endpoints.web + form.action,
                    data={**form.fields, **name, "address": address},
                )

    await asyncio.to_thread(come)
    await organisation.skip_to_due()
    (contact,) = cluster.rows(
        "SELECT name FROM golive.contact WHERE address = :address",
        address=organisation.address("eve"),
    )
    assert contact.name == "Eve Bcc: all@evil.example X: {{ 7*7 }}"
    assert organisation.received("all@evil.example") == []
    await organisation.handle.cancel()


async def test_an_organisation_whose_name_is_code_is_shown_by_that_name(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("anna"), name=EVIL)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def pages() -> list[str]:
        seen: list[str] = []

        def keep(answer: httpx2.Response) -> None:
            if answer.url.host == httpx2.URL(cluster.endpoints.web).host and answer.is_success:
                seen.append(answer.read().decode())

        with somebody(organisation) as who:
            who.browser.listen(keep)
            who.browser.open(_link(organisation, "/consent/"))
            who.browser.open(_link(organisation, "/setup/"))
            who.open(f"/console/{organisation.slug}")
            who.press("Login with SSO").press("Sign in", login="dana@clientshare.example")
            who.open("/console")
        return [page for page in seen if "7*7" in page]

    shown = await asyncio.to_thread(pages)
    assert len(shown) >= 3
    mails = [
        message["html"]
        for message in await asyncio.to_thread(_mails, organisation, organisation.contact)
    ]
    assert mails
    for text in (*shown, *mails):
        assert "<img src=x" not in text
        assert "{{ 7*7 }}" in text, text
        assert "49" not in text.split("{{ 7*7 }}")[1][:40]
    subject = organisation.received(organisation.contact)[0]["subject"]
    assert "\n" not in subject
    for kept in (
        await organisation.temporal_details(),
        str((await organisation.handle.describe()).typed_search_attributes),
    ):
        assert "evil.example" not in kept
        assert "7*7" not in kept
    await organisation.handle.cancel()


FORMULAS = [
    '=HYPERLINK("https://evil.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "  =1",
    "|calc",
    "%0A=1",
]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_cell_of_an_export_is_never_a_formula(name: str) -> None:
    decision = Decision(
        address="anna@home.example",
        name=name,
        status="active",
        move_class="exception",
        reason="no_match",
        object_id=None,
        first_wave=False,
    )
    file = io.StringIO()
    assert migration.write_csv([decision], file) == 1
    (row,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    assert not row["name"].lstrip().startswith(("=", "+", "-", "@"))
    assert row["name"].removeprefix("'") == name.replace("\t", " ").replace("\r", " ")


def _link(organisation: Organisation, path: str) -> str:
    for message in _mails(organisation, organisation.contact):
        for word in str(message["text"]).split():
            if word.startswith(organisation.cluster.endpoints.web + path):
                return word
    raise AssertionError(f"No mail has a link to {path}.")


def _mails(organisation: Organisation, address: str) -> list[dict[str, Any]]:
    return [
        loopback.get(
            f"{organisation.cluster.endpoints.mailbox}/api/messages/{one['id']}",
            timeout=LONGEST_WAIT,
        ).json()
        for one in organisation.received(address)
    ]
