"""Imports in the console: refused or whole, never half."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from playwright.async_api import Page, expect
from sqlmodel import select

from contracts.go_live import Wait
from contracts.orders import Role
from database.engine import open_sessions
from database.models import Staff
from database.people import staff
from tests.bounds import LONGEST_WAIT
from tests.cluster import STAFF, Cluster, Organisation, Person
from tests.web.conftest import assert_accessible, sign_in_to_console

HEADER = (
    "slug,name,domains,customer_success_email,it_contacts,sso_included,agreement_start,"
    "agreement_end,customer_success_handle\n"
)
USERS = "organisation,email,display_name,status\n"


def organisations(slug: str, name: str = "Acme", **more: str) -> str:
    handle = more.get("handle", STAFF)
    return (
        f"{HEADER}{slug},{name},{slug}.example,{handle}@clientshare.example,ira@{slug}.example,"
        f"yes,2020-01-01,2099-12-31,{handle}\n"
    )


def users(slug: str, *names: str) -> str:
    return USERS + "".join(
        f"{slug},{name}@{slug}.example,{name.title()},active\n" for name in names
    )


class Console:
    """A member of staff, signed in, without a browser's eyes."""

    def __init__(self, cluster: Cluster) -> None:
        token = uuid4().hex
        with open_sessions(cluster.engine).begin() as session:
            dana = session.exec(select(Staff).where(Staff.handle == STAFF)).one()
            staff.open_session(session, dana.id, token, Role.MANAGER, datetime.now(UTC))
        self.cluster = cluster
        self.http = httpx2.Client(
            base_url=cluster.endpoints.web,
            cookies={"pulse_staff": token},
            trust_env=False,
            timeout=LONGEST_WAIT,
        )
        self.form_token = self.token_of(self.http.get("/console/-/imports").text)

    @staticmethod
    def token_of(page: str) -> str:
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
        assert found is not None, page
        return found[1]

    def upload(self, first: bytes | str, second: bytes | str, **form: str) -> httpx2.Response:
        return self.http.post(
            "/console/-/imports",
            files={
                "organisations": ("organisations.csv", first, "text/csv"),
                "users": ("users.csv", second, "text/csv"),
            },
            data={"form_token": self.form_token, **form},
        )

    def confirm(self, where: str) -> httpx2.Response:
        return self.http.post(where, data={"form_token": self.form_token})


@pytest.fixture
def console(cluster: Cluster) -> Iterator[Console]:
    cluster.create_organisation()  # Dana's
    made = Console(cluster)
    yield made
    made.http.close()


def slug_of() -> str:
    return f"i{uuid4().hex[:10]}"


def known(cluster: Cluster, slug: str) -> int:
    rows = cluster.rows("SELECT count(*) FROM pulse.organisation WHERE slug = :s", s=slug)
    return int(rows[0][0])


async def test_an_upload_is_previewed_and_done_once(cluster: Cluster, console: Console) -> None:
    slug = slug_of()
    uploaded = console.upload(organisations(slug), users(slug, "anna", "berta"))
    assert uploaded.status_code == 303
    where = uploaded.headers["location"]
    page = console.http.get(where).text
    assert "Nothing has been changed yet" in page
    assert "2 new, 0 changed, 0 unchanged" in page
    assert known(cluster, slug) == 0
    assert console.confirm(where).status_code == 303
    assert known(cluster, slug) == 1
    again = console.confirm(where)
    assert again.status_code == 404
    assert "This import is done already" in again.text
    past = console.http.get("/console/-/imports").text
    assert "1 organisation, 2 users" in past
    assert cluster.rows(
        "SELECT organisations, users FROM golive.file_import WHERE id = CAST(:id AS uuid)",
        id=where.rpartition("/")[2],
    ) == [(None, None)]


async def test_a_preview_says_what_becomes_of_what_is_known(
    cluster: Cluster, console: Console
) -> None:
    slug = slug_of()
    console.confirm(
        console.upload(organisations(slug), users(slug, "anna", "berta")).headers["location"]
    )
    handle = f"h{slug}"
    changed = users(slug, "anna", "carla") + f"{slug},Berta@{slug}.example,Berta B.,deactivated\n"
    where = console.upload(organisations(slug, "Acme & Co", handle=handle), changed)
    page = console.http.get(where.headers["location"]).text
    assert "name: Acme → Acme &amp; Co" in page
    assert f"handed over to {handle}" in page
    assert "1 new, 1 changed, 1 unchanged" in page
    assert f"email: berta@{slug}.example → Berta@{slug}.example" in page
    assert "status: active → deactivated" in page
    assert "it_contacts" not in page
    assert cluster.rows("SELECT 1 FROM golive.staff WHERE handle = :h", h=handle) == []


async def test_a_preview_leaves_out_no_column(cluster: Cluster, console: Console) -> None:
    slug = slug_of()
    first = organisations(slug).replace("\n", ",link_external_members\n", 1)
    given = first[:-1] + ",no\n", first[:-1] + ",yes\n"
    console.confirm(console.upload(given[0], users(slug, "anna")).headers["location"])
    where = console.upload(given[1], users(slug, "anna")).headers["location"]
    assert "link_external_members: no → yes" in console.http.get(where).text


async def test_what_changed_since_the_preview_is_read_again_first(
    cluster: Cluster, console: Console
) -> None:
    slug = slug_of()
    first = console.upload(organisations(slug), users(slug, "anna")).headers["location"]
    second = console.upload(organisations(slug, "Other"), users(slug, "anna")).headers["location"]
    assert console.confirm(second).status_code == 303
    stale = console.confirm(first)
    assert stale.status_code == 409
    assert "Something was changed since" in stale.text
    assert "name: Other → Acme" in stale.text
    assert console.confirm(first).status_code == 303


async def test_faults_are_listed_by_line_and_column(cluster: Cluster, console: Console) -> None:
    slug = slug_of()
    page = console.upload(organisations("Bad Slug"), users(slug, "an\u200bna"))
    assert page.status_code == 422
    assert "organisations.csv line 2, slug: &#39;Bad Slug&#39; is not of the form" in page.text
    assert "users.csv line 2, email:" in page.text
    assert known(cluster, slug) == 0


PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
ZIP = b"PK\x03\x04" + b"\x00" * 64
REFUSED = {
    "an image": (PNG, 422, "is not UTF-8 text"),
    "a zip, as Excel's own files are": (ZIP, 422, "is not UTF-8 text"),
    "UTF-16": (organisations("acme").encode("utf-16"), 422, "is not UTF-8 text"),
    "UTF-16 without its mark": (organisations("acme").encode("utf-16-le"), 422, "is not UTF-8"),
    "UTF-32": (organisations("acme").encode("utf-32"), 422, "is not UTF-8 text"),
    "Latin-1": (organisations("acme", "Caf\u00e9").encode("latin-1"), 422, "is not UTF-8 text"),
    "nothing": (b"", 422, "is missing from the first line"),
    "zeros": (b"\x00" * 100, 422, "is not UTF-8 text"),
    "a web page": (b"<!doctype html><title>Sign in</title>", 422, "is missing from the first"),
    "one column too many bytes": (b"x" * 200_000, 422, "is not"),
    "nothing but faults": (
        (HEADER + "x\n" * 3_000).encode(),
        422,
        "At least 1,000 faults were found",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_is_no_such_file_is_refused_in_words(console: Console, kind: str) -> None:
    content, status, words = REFUSED[kind]
    page = console.upload(content, users("acme", "anna"))
    assert (page.status_code, words in page.text) == (status, True), page.text


async def test_a_file_that_is_too_large_is_refused(console: Console) -> None:
    page = console.upload(organisations("acme"), USERS.encode() + b"x" * 50_000_001)
    assert page.status_code == 422
    assert "users.csv is larger than 50 MB" in page.text


@pytest.mark.parametrize("length", ["Content-Length: 200000000", "Transfer-Encoding: chunked"])
async def test_what_announces_too_much_or_no_length_is_refused_before_it_comes(
    cluster: Cluster, length: str
) -> None:
    host, _, port = cluster.endpoints.web.removeprefix("http://").partition(":")
    asked = f"POST /console/-/imports HTTP/1.1\r\nHost: {host}:{port}\r\n{length}\r\n\r\n"
    reading, writing = await asyncio.open_connection(host, int(port))
    writing.write(asked.encode())
    answer = await asyncio.wait_for(reading.readline(), LONGEST_WAIT)
    writing.close()
    assert answer.split()[1] == b"413"


async def test_a_stream_that_never_ends_is_not_read(cluster: Cluster) -> None:
    host, _, port = cluster.endpoints.web.removeprefix("http://").partition(":")
    asked = f"POST /console/-/imports HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 110000000"
    reading, writing = await asyncio.open_connection(host, int(port))
    writing.write(f"{asked}\r\n\r\n".encode())
    sent = 0
    with suppress(ConnectionError):
        while sent < 110_000_000:
            writing.write(b"x" * 100_000)
            await asyncio.wait_for(writing.drain(), LONGEST_WAIT)
            sent += 100_000
    assert sent < 50_000_000
    writing.close()
    del reading


async def test_an_upload_that_is_cut_in_the_middle_leaves_nothing(
    cluster: Cluster, console: Console
) -> None:
    slug = slug_of()
    request = console.http.build_request(
        "POST",
        "/console/-/imports",
        files={
            "organisations": ("organisations.csv", organisations(slug).encode(), "text/csv"),
            "users": ("users.csv", users(slug, "anna").encode() + b" " * 1_000_000, "text/csv"),
        },
        data={"form_token": console.form_token},
    )
    head = f"POST /console/-/imports HTTP/1.1\r\nCookie: {request.headers['cookie']}\r\n" + "".join(
        f"{name}: {request.headers[name]}\r\n"
        for name in ("host", "content-type", "content-length")
    )
    _, port = cluster.endpoints.web.removeprefix("http://").split(":")
    _, writing = await asyncio.open_connection("127.0.0.1", int(port))
    writing.write(f"{head}\r\n".encode() + request.read()[:900_000])
    await writing.drain()
    writing.transport.abort()
    counted = "SELECT count(*) FROM golive.file_import WHERE organisations IS NOT NULL"
    before = cluster.rows(counted)
    whole = console.upload(organisations(slug), users(slug, "anna"))
    assert whole.status_code == 303
    assert cluster.rows(counted)[0][0] == before[0][0] + 1
    assert known(cluster, slug) == 0


async def test_cells_that_are_formulas_are_words(cluster: Cluster, console: Console) -> None:
    slug = slug_of()
    name = '"=HYPERLINK(""https://evil.example"",""x"")"'
    where = console.upload(organisations(slug, name), users(slug, "anna")).headers["location"]
    assert console.confirm(where).status_code == 303
    stored = cluster.rows("SELECT name FROM pulse.organisation WHERE slug = :s", s=slug)
    assert stored == [('=HYPERLINK("https://evil.example","x")',)]


async def test_two_uploads_at_once_are_each_whole_or_refused(
    cluster: Cluster, console: Console
) -> None:
    slugs = [slug_of() for _ in range(4)]

    def import_one(slug: str) -> int:
        uploaded = console.upload(organisations(slug), users(slug, *(f"u{n}" for n in range(2000))))
        if uploaded.status_code != 303:
            assert (uploaded.status_code, "One moment, please" in uploaded.text) == (503, True)
            return 0
        return console.confirm(uploaded.headers["location"]).status_code

    done = await asyncio.gather(*(asyncio.to_thread(import_one, slug) for slug in slugs))
    assert 303 in done
    for slug, status in zip(slugs, done, strict=True):
        rows = cluster.rows(
            "SELECT count(*) FROM pulse.app_user u JOIN pulse.organisation o "
            "ON o.id = u.organisation_id WHERE o.slug = :s",
            s=slug,
        )
        assert rows[0][0] == (2000 if status == 303 else 0)


async def test_nobody_else_uploads(cluster: Cluster, console: Console) -> None:
    slug = slug_of()
    files = {"organisations": ("a.csv", organisations(slug)), "users": ("b.csv", users(slug, "a"))}
    with httpx2.Client(base_url=cluster.endpoints.web, trust_env=False) as stranger:
        answered = stranger.post("/console/-/imports", files=files)
    assert answered.status_code == 401
    assert console.upload(organisations(slug), users(slug, "a"), form_token="0").status_code == 403
    assert known(cluster, slug) == 0


async def test_templates_are_files_that_an_import_takes(cluster: Cluster, console: Console) -> None:
    first, second = (
        console.http.get(f"/console/-/imports/{name}.csv").content
        for name in ("organisations", "users")
    )
    assert console.http.get("/console/-/imports/people.csv").status_code == 400
    slug = slug_of()
    parts = [
        one.decode("utf-8-sig").replace("acme", slug).replace("dana.lee", STAFF).encode()
        for one in (first, second)
    ]
    assert console.upload(*parts).status_code == 303


async def test_from_two_files_to_live_in_the_console_alone(
    cluster: Cluster, page: Page, tmp_path: Path
) -> None:
    cluster.create_organisation()  # Dana's, who signs in.
    people = [Person("anna"), Person("admin", status=None, administrator=True)]
    organisation = Organisation(cluster, slug_of(), str(uuid4()), people)
    cluster.put_tenant(organisation)
    slug = organisation.slug
    first, second = tmp_path / "organisations.csv", tmp_path / "users.csv"
    contact = f"ira@{slug}.example"
    first.write_text(organisations(slug).replace(contact, organisation.contact), encoding="utf-8")
    second.write_text(users(slug, "anna"), encoding="utf-8")
    await sign_in_to_console(page)
    await page.get_by_role("link", name="Import", exact=True).click()
    await assert_accessible(page)
    await page.get_by_label("Organisations").set_input_files(first)
    await page.get_by_label("Users").set_input_files(second)
    await page.get_by_role("button", name="Check the files").click()
    await expect(page.get_by_text("Nothing has been changed yet")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_role("button", name="Import now").click()
    await expect(page.get_by_role("status")).to_have_text("The files are imported.")
    await assert_accessible(page)
    await page.goto(f"/console/{slug}")
    await page.get_by_text("Start the go-live").first.click()
    await page.get_by_label("Days").fill("0")
    await page.get_by_role("button", name="Start the go-live").click()
    await expect(page.get_by_role("status")).to_have_text("The go-live is started.")
    # The customer's part.
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await organisation.skip_to_due()
    await organisation.ended()
    await page.goto(f"/console/{slug}")
    await expect(page.get_by_text("LIVE").first).to_be_visible()
