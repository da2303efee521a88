"""Three organisations go live, and everything people see on the way is written down.

- golden-foods passes every place where a go-live can wait, and ends live;
- golden-goods needs attention, as its contacts refuse our mail; then its administrator declines;
- golden-garden is rolled back after the move.
"""

import asyncio
import io
import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from unittest.mock import patch
from uuid import NAMESPACE_DNS, uuid5

import httpx2
from rich.console import Console

import starter
from bootstrap import connections
from contracts.go_live import Attention, Refusal, Wait
from local import loopback
from local.browser import Browser
from tests.administrators import Consenting
from tests.bounds import LONGEST_WAIT
from tests.cluster import MOST_MAILS, Cluster, Organisation, Person, changed_environment
from tests.golden.golden import normalised, outline, sorted_rows
from tests.workflows.driver import (
    MEMBERS,
    PLACES,
    SETTINGS,
    go_on,
    until_attention,
    until_idle,
)
from workflows import search_attributes

STAFF_ADDRESS = "dana@clientshare.example"
OTHER_STAFF = "omar"
PLAIN_WIDTH = 200
"""Columns of the terminal: wide enough that no words are broken differently by a longer day."""


@dataclass
class Recording:
    """What was seen, by the name of its golden."""

    pages: dict[str, str] = field(default_factory=dict)
    shell: dict[str, str] = field(default_factory=dict)
    temporal: dict[str, str] = field(default_factory=dict)
    inboxes: dict[str, str] = field(default_factory=dict)
    audit: dict[str, str] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    """Everything that was typed and answered, in order."""


async def recorded(cluster: Cluster) -> Recording:
    """Play every scene once."""
    recording = Recording()
    # All of them before anybody signs in: members of staff come with the organisations.
    scenes = {
        every_place: new_organisation(cluster, "golden-foods", *MEMBERS, **SETTINGS),
        attention_and_declined: new_organisation(
            cluster,
            "golden-goods",
            it_acknowledgement="yes",
            customer_success_handle=OTHER_STAFF,
            customer_success_email=f"{OTHER_STAFF}@clientshare.example",
        ),
        rolled_back: new_organisation(cluster, "golden-garden"),
    }
    with onlookers(cluster) as looking:
        for scene, organisation in scenes.items():
            await scene(organisation, Album(organisation, looking, recording))
            recording.inboxes |= await asyncio.to_thread(inboxes, looking.mailbox, organisation)
            recording.audit[f"{organisation.slug}.txt"] = audit(organisation)
    recording.shell["orders.txt"] = normalised("\n".join(recording.orders))
    recording.pages |= await asyncio.to_thread(pages_of_nobody, cluster)
    return recording


# --- the scenes -------------------------------------------------------------------------------


async def every_place(organisation: Organisation, album: "Album") -> None:
    slug = organisation.slug
    await album.keep("0-not-started")
    await album.keep_console("0-not-started", schedule=f"/console/{slug}/schedule")
    for command in ("plan", "exceptions", "confirm-entitlement"):
        await album.type(command, slug)
    # Whatever is said after the first line is where it stands, which by then is the one or the
    # other.
    await album.type("start", slug, first_line=True)
    here = PLACES[0]
    await organisation.until(here)
    while True:
        await album.keep(f"{PLACES.index(here) + 1}-{here}")
        if here is Wait.ENTITLEMENT:
            await album.type("start", slug)
        if here is Wait.APPROVAL:
            await plan_and_exceptions(organisation, album)
        if here is PLACES[-1]:
            break
        here = await next_place(organisation, here, album)
    await organisation.skip(timedelta(days=15))
    await organisation.ended()
    await album.keep("9-live")
    await album.type("watch", slug)
    await album.type("roll-back", slug, "--reason", "Too late.")


async def next_place(organisation: Organisation, here: Wait, album: "Album") -> Wait:
    """Go on, by the shell where that is how it is done."""
    slug = organisation.slug
    match here:
        case Wait.ENTITLEMENT:
            await album.type("confirm-entitlement", slug, "--reason", "By mail.")
        case Wait.IT_ACKNOWLEDGEMENT:
            await album.type("acknowledge", slug)
        case Wait.APPROVAL:
            await album.type("approve", slug, "--plan", "0" * 12)
            await album.type("approve", slug, "--plan", str(organisation.progress.plan_hash)[:12])
        case _:
            return await go_on(organisation, here)
    following = PLACES[PLACES.index(here) + 1]
    await organisation.until(following)
    return following


async def plan_and_exceptions(organisation: Organisation, album: "Album") -> None:
    """What is looked at before a plan is approved."""
    slug = organisation.slug
    for command in ("plan", "exceptions"):
        for form in ((), ("--json",), ("--csv", "-")):
            await album.type(command, slug, *form)
    await album.keep_console(
        "6-approval",
        user=f"/console/{slug}/users/{organisation.user('zoe')['id']}",
        exceptions=f"/console/{slug}/exceptions.csv",
        every=f"/console/{slug}?every=true",
    )
    await asyncio.to_thread(album.dry_run, "6-approval")


async def attention_and_declined(organisation: Organisation, album: "Album") -> None:
    cluster = organisation.cluster
    slug = organisation.slug
    refuse_mail(organisation)
    await organisation.start()
    await until_attention(organisation, Attention.MAIL_REFUSED)
    await organisation.until(lambda now: now.may_skip)
    await album.keep("1-pack-refused")
    cluster.mail_faults()
    await album.type("retry", slug)
    await organisation.until(Wait.IT_ACKNOWLEDGEMENT)
    await until_settled(organisation)
    await album.type("skip", slug, "--reason", "They told us by phone.")
    await organisation.until(Wait.ADMIN_CONSENT)
    await until_settled(organisation)
    refuse_mail(organisation)
    await organisation.skip_to_reminder()
    await until_attention(organisation, Attention.MAIL_REFUSED)
    await album.keep("2-reminder-refused")
    cluster.mail_faults()
    await album.type("retry", slug)
    await organisation.until(lambda now: now.wait is Wait.ADMIN_CONSENT and now.attention is None)
    await album.type("pause", slug)
    await album.keep("3-paused")
    await album.type("resume", slug)
    await album.type("extend", slug, "--days", "3")
    await asyncio.to_thread(album.decline, "4-declined")
    await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    await album.keep("4-declined")
    await asyncio.to_thread(album.dead_links, "4-declined")
    await album.type("close-declined", slug, "--reason", "They do not want SSO.")
    await organisation.ended()
    await album.keep("5-closed")


async def rolled_back(organisation: Organisation, album: "Album") -> None:
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(Wait.AFTERCARE)
    await album.keep("1-aftercare")
    await album.type("roll-back", organisation.slug, "--reason", "A change of mind.")
    await organisation.ended()
    await album.keep("2-rolled-back")


def refuse_mail(organisation: Organisation) -> None:
    for address in (organisation.contact, organisation.second_contact):
        organisation.cluster.mail_faults(reject=address, code=550)


def new_organisation(cluster: Cluster, slug: str, *members: Person, **columns: str) -> Organisation:
    """An organisation whose users have the same ids every time: who moves first is by id."""
    organisation = cluster.create_organisation(*members, slug=slug, **columns)
    for one in organisation.people:
        address = organisation.address(one.name)
        cluster.rows(
            "UPDATE pulse.app_user SET id = :id WHERE address = :address",
            id=uuid5(NAMESPACE_DNS, address),
            address=address,
        )
    return organisation


async def until_settled(organisation: Organisation) -> None:
    """Wait until nothing is under way any more: the run is idle and every mail is sent."""
    async with asyncio.timeout(LONGEST_WAIT):
        await until_idle(organisation)
        while is_sending(organisation):
            await asyncio.sleep(0.05)
            await until_idle(organisation)


def is_sending(organisation: Organisation) -> bool:
    return any(state == "queued" for *_, state in organisation.mails())


# --- the shell --------------------------------------------------------------------------------


def shell(cluster: Cluster, *arguments: str) -> str:
    """What `starter.py` prints, and with which status it leaves if that is not 0."""
    environment = cluster.environment | {"GOLIVE_BY": "dana", "COLUMNS": str(PLAIN_WIDTH)}
    printed = io.StringIO()
    with (
        changed_environment(environment),
        patch.object(sys, "argv", ["starter.py", *arguments]),
        # Else the usage line names the program that runs the tests.
        patch.object(sys.modules["__main__"], "__package__", None, create=True),
        patch.object(starter, "out", Console(highlight=False, soft_wrap=True, width=PLAIN_WIDTH)),
        # One process asks many times here; each command would leave its connections behind.
        patch.object(connections, "database", lambda _: cluster.engine),
        redirect_stdout(printed),
        redirect_stderr(printed),
    ):
        status = starter.main()
    said = printed.getvalue()
    return f"{said}(status {status})\n" if status else said


def listed(said: str, slug: str) -> str:
    """Of the list of all organisations, what concerns one; its columns as wide as may be."""
    kept = [line for line in said.splitlines() if line.split()[:1] in (["Organisation"], [slug])]
    return "\n".join(re.sub(r" {2,}", "  ", line.strip()) for line in kept)


# --- pages ------------------------------------------------------------------------------------


class Album:
    """Keeps what is seen of one organisation at one place after another."""

    def __init__(
        self, organisation: Organisation, looking: "Onlookers", recording: Recording
    ) -> None:
        self.organisation, self.cluster = organisation, organisation.cluster
        self.looking, self.recording = looking, recording

    async def type(self, *arguments: str, first_line: bool = False) -> None:
        """Give a command, and keep it with its answer."""
        answer = await self._typed(*arguments)
        kept = "\n".join([*answer.splitlines()[:2], ""]) if first_line else answer
        self.recording.orders.append(kept)

    async def _typed(self, *arguments: str) -> str:
        answer = await asyncio.to_thread(shell, self.cluster, *arguments)
        return f"$ python starter.py {' '.join(arguments)}\n{answer}"

    async def keep(self, place: str) -> None:
        """Keep everything that is to be seen at every place."""
        slug = self.organisation.slug
        is_started = self.organisation.standing().progress is not None
        if is_started:
            await until_settled(self.organisation)
        await asyncio.to_thread(self._keep_pages, place)
        everyone = await asyncio.to_thread(shell, self.cluster, "list")
        answers = [
            await self._typed("status", slug),
            await self._typed("status", slug, "--json"),
            await self._typed("explain", slug),
            f"$ python starter.py list\n{listed(everyone, slug)}\n",
        ]
        if not is_started:
            answers.append(await self._typed("rehearse", slug))
        self.recording.shell[f"{slug}/{place}.txt"] = normalised("\n".join(answers))
        if is_started:
            self.recording.temporal[f"{slug}/{place}.txt"] = normalised(await self._temporal_ui())

    async def _temporal_ui(self) -> str:
        """What the run's page and the lists of the Temporal UI show."""
        shown = [
            f"{key.name}: {await self.organisation.shown(key.name)}"
            for key in search_attributes.ALL
        ]
        return "\n".join([await self.organisation.temporal_details(), "", *shown])

    async def keep_console(self, place: str, **paths: str) -> None:
        """Keep more pages of the console."""
        for name, path in paths.items():
            page = await asyncio.to_thread(self.looking.staff.open, path)
            self._note(place, f"console-{name}", console_page(page))

    def _note(self, place: str, name: str, page: str) -> None:
        self.recording.pages[f"{self.organisation.slug}/{place}/{name}.html"] = normalised(page)

    def _keep_pages(self, place: str) -> None:
        slug, staff, anybody = self.organisation.slug, self.looking.staff, self.looking.anybody
        self._note(place, "console", console_page(staff.open(f"/console/{slug}")))
        self._note(place, "console-list", list_page(staff.open(f"/console?search={slug}")))
        anybody.open("/login")
        address = self.organisation.address("anna")
        self._note(place, "ways-in", anybody.press("Continue", email=address))
        for name, address, kind, rest in (
            ("set-up", self.organisation.contact, "setup", ""),
            ("consent", self.organisation.contact, "consent", ""),
            ("consent-progress", self.organisation.contact, "consent", "/progress"),
            ("invitation", self.organisation.address("nora"), "invitation", ""),
        ):
            if link := self.looking.mailbox.newest_link(address, kind):
                self._note(place, name, anybody.open(f"{link}{rest}"))

    def dry_run(self, place: str) -> None:
        self.looking.staff.open(f"/console/{self.organisation.slug}")
        self._note(place, "console-dry-run", self.looking.staff.press("Make a dry run"))

    def decline(self, place: str) -> None:
        """The administrator goes to Microsoft and comes back without having consented."""
        with somebody(self.cluster) as reader:
            Consenting(self.organisation, reader.browser).to_microsoft().sign_in(
                self.organisation.administrator
            )
            self._note(place, "refused", reader.press("Cancel"))

    def dead_links(self, place: str) -> None:
        """Each kind of link that no longer works."""
        contact, anybody = self.organisation.contact, self.looking.anybody
        link = self.looking.mailbox.newest_link(contact, "consent")
        self._note(place, "hand-off", anybody.open(link.replace("/consent/", "/hand-off/")))
        self._note(place, "hand-off-message", anybody.press("Make the message", by_a_person="yes"))
        self._note(place, "link-replaced", anybody.open(link))
        self.cluster.rows(
            "UPDATE golive.personal_link SET expires_at = '2020-01-01' WHERE go_live_id = :g",
            g=self.organisation.standing().go_live_id,
        )
        setup = self.looking.mailbox.newest_link(contact, "setup")
        self._note(place, "link-expired", anybody.open(setup))


@dataclass
class Reader:
    """Somebody with a browser, whose pages are written down."""

    cluster: Cluster
    browser: Browser
    _seen: str = ""
    _is_page: bool = True

    def __post_init__(self) -> None:
        self.browser.listen(self._hear)

    def _hear(self, response: httpx2.Response) -> None:
        response.read()
        self._seen = response.text
        self._is_page = "html" in response.headers.get("content-type", "")

    def open(self, path: str) -> str:
        self.browser.open(path if path.startswith("http") else self.cluster.endpoints.web + path)
        return self.page

    def press(self, button: str, **filled_in: str) -> str:
        self.browser.press(button, **filled_in)
        return self.page

    @property
    def page(self) -> str:
        where = self.browser.url.removeprefix(self.cluster.endpoints.web)
        # What Microsoft sends back with a browser is not ours.
        where = re.sub(r"/callback\?.*", "/callback", where)
        seen = outline(self._seen) if self._is_page else self._seen
        return f"{self.browser.status} {where}\n\n{seen}"


@contextmanager
def somebody(cluster: Cluster) -> Iterator[Reader]:
    with Browser() as browser:
        yield Reader(cluster, browser)


@contextmanager
def staff(cluster: Cluster, account: str = STAFF_ADDRESS) -> Iterator[Reader]:
    with somebody(cluster) as reader:
        reader.open("/console")
        reader.press("Login with SSO")
        page = reader.press("Sign in", login=account)
        assert (account == STAFF_ADDRESS) == page.startswith("200 "), page
        yield reader


def console_page(page: str) -> str:
    """An organisation's page without what is not its own, or not the same every time.

    Whom it can be handed over to depends on the other tests of the session. Mails that are sent
    together leave by several connections, so that none of them is always first.
    """
    start, end = '<select id="handle" name="handle">', '<label for="owner-reason">'
    handles = rf"({re.escape(start)}\n).*?(\n *{re.escape(end)})"
    page = re.sub(handles, r"\1<handles>\2", page, flags=re.DOTALL)
    return sorted_rows(page, "mails")


def list_page(page: str) -> str:
    """How many organisations there are in all depends on the other tests of the session."""
    return re.sub(r"(<span>\n *)[\d,]+(?=\n)", r"\1<number>", page)


class Mailbox:
    """Everybody's mail, by one connection; each mail is fetched once, as it stays as it is."""

    def __init__(self, cluster: Cluster) -> None:
        self._http = loopback.client(base_url=cluster.endpoints.mailbox, timeout=LONGEST_WAIT)
        self._web = cluster.endpoints.web
        self._seen: dict[str, dict[str, str]] = {}

    def close(self) -> None:
        self._http.close()

    def of(self, address: str) -> list[dict[str, str]]:
        """What came to an address, oldest first."""
        found = self._http.get("/api/messages", params={"to": address, "limit": MOST_MAILS}).json()
        return [self._mail(str(number)) for number in sorted(int(one["id"]) for one in found)]

    def _mail(self, number: str) -> dict[str, str]:
        if number not in self._seen:
            self._seen[number] = self._http.get(f"/api/messages/{number}").json()
        return self._seen[number]

    def newest_link(self, address: str, kind: str) -> str:
        """The newest link of a kind in somebody's mail, empty where none came."""
        wanted = re.compile(rf"{re.escape(self._web)}/{kind}/\S+")
        for mail in reversed(self.of(address)):
            if found := wanted.search(mail["text"]):
                return found.group()
        return ""


@dataclass
class Onlookers:
    """Who looks at pages and mails from beginning to end: each a browser takes a while to open."""

    staff: Reader
    anybody: Reader
    """Without a session: has links from mails, and an address to log in with."""
    mailbox: Mailbox


@contextmanager
def onlookers(cluster: Cluster) -> Iterator[Onlookers]:
    with staff(cluster) as one, somebody(cluster) as another, closing(Mailbox(cluster)) as mailbox:
        yield Onlookers(one, another, mailbox)


def pages_of_nobody(cluster: Cluster) -> dict[str, str]:
    """Pages that belong to no organisation."""
    pages = {}
    with somebody(cluster) as reader:
        for name, path in {
            "login": "/login",
            "console-sign-in": "/console",
            "not-found": "/nothing/here",
            "unknown-link": "/setup/no-such-link",
            "no-consent": "/consent/progress",
        }.items():
            pages[name] = reader.open(path)
        reader.open("/login")
        pages["ways-in-unknown"] = reader.press("Continue", email="anna@golden-nobody.example")
    with staff(cluster, "erin@clientshare.example") as reader:
        pages["console-refused"] = reader.page
    with staff(cluster) as reader:
        pages["console-unknown"] = reader.open("/console/golden-nobody")
    return {f"nobody/{name}.html": normalised(page) for name, page in pages.items()}


# --- mails and audit trail --------------------------------------------------------------------


def inboxes(mailbox: Mailbox, organisation: Organisation) -> dict[str, str]:
    """What came to everybody, one file a person; and the ledger."""
    people = {
        "it": organisation.contact,
        "it2": organisation.second_contact,
        "customer-success": organisation.standing().owner + "@clientshare.example",
        **{one.name: organisation.address(one.name) for one in organisation.people},
    }
    ledger = "\n".join(sorted(" ".join(one) for one in organisation.mails()))
    found = {f"{organisation.slug}/ledger.txt": ledger}
    for name, address in people.items():
        came = [
            f"Subject: {mail['subject']}\n\n{mail['text']}"
            for mail in mailbox.of(address)
            # Customer success gets mails about the organisations of other tests as well.
            if organisation.slug in mail["text"].lower()
        ]
        if came:
            text = f"\n\n{'=' * 80}\n\n".join(came)
            found[f"{organisation.slug}/{name}.txt"] = normalised(text)
    return found


def audit(organisation: Organisation) -> str:
    """The audit trail; users who were moved, or put back, one after another by their names."""
    rows = organisation.cluster.rows(
        """
        SELECT a.actor, a.action, a.reason,
               CASE WHEN u.id IS NULL THEN a.subject ELSE 'user:' || u.address END AS subject
        FROM golive.audit_entry a JOIN pulse.organisation o ON o.id = a.organisation_id
        LEFT JOIN pulse.app_user u ON a.subject = 'user:' || u.id
        WHERE o.slug = :slug ORDER BY a.id
        """,
        slug=organisation.slug,
    )
    lines = []
    for action, entries in groupby(rows, key=lambda row: row.action):
        those = [" | ".join(row) for row in entries]
        lines += sorted(those) if action in ("user_moved", "user_move_undone") else those
    return normalised("\n".join(lines))
