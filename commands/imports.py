"""Reads the two CSV files; every fault is listed by line and column, or all of it is imported."""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from email.utils import parseaddr
from pathlib import Path
from typing import TypeVar
from zoneinfo import available_timezones

from sqlalchemy import Engine
from sqlmodel import Session

from commands.errors import ImportRefusedError, UsageError, plain_database_errors
from contracts import rules
from contracts.addresses import address_key, domain_of, is_mail_address
from contracts.clock import wall_clock
from contracts.problems import Problem
from database.engine import open_sessions
from database.people import upserts
from database.people.upserts import HandedOver, ImportedContact, ImportedOrganisation, ImportedUser
from graph.discovery import ascii_domain
from wording.durations import in_words

ORGANISATION_COLUMNS = (
    "slug", "name", "domains", "customer_success_email", "it_contacts", "sso_included",
    "agreement_start", "agreement_end",
)  # fmt: skip
ORGANISATION_OPTIONS = (
    "customer_success_handle", "customer_success_time_zone", "time_zone", "exception_threshold",
    "it_acknowledgement", "go_live_date",
)  # fmt: skip
USER_COLUMNS = ("organisation", "email", "display_name", "status")
USER_OPTIONS = ("group",)
STATUSES = ("active", "invited", "deactivated")

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_NO_HANDLE_OF = (
    "{handle!r}, made of the address, is no handle; write one of the form dana.lee in this column"
)
_DOMAIN = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}"
)
_TURNS = {"LRE", "RLE", "LRO", "RLO", "LRI", "RLI", "FSI", "PDF", "PDI"}
"""Directions that a name could use to be read as another one."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class Imported:
    """How much was imported."""

    organisations: int
    users: int
    handed_over: tuple[HandedOver, ...] = ()
    """Open go-lives that somebody else looks after now; they are still to be signalled."""


@dataclass
class _Sheet:
    """One file while it is read, and the faults found in it."""

    path: Path
    header: list[str] = field(default_factory=list)
    found: list[tuple[int, int, str]] = field(default_factory=list)

    def fault(self, line: int, column: str, problem: str) -> None:
        place = self.header.index(column) if column in self.header else len(self.header)
        self.found.append((line, place, f"{self.path.name} line {line}, {column}: {problem}"))

    @property
    def faults(self) -> list[str]:
        """Every fault in words, as one finds it going through the file."""
        return [words for _, _, words in sorted(self.found, key=lambda fault: fault[:2])]


def _is_control(character: str) -> bool:
    """Tell whether it breaks lines, steers a terminal, or turns the order of letters around.

    Joiners and direction marks, which some scripts need within a name, are letters here.
    """
    return unicodedata.category(character) in {"Cc", "Zl", "Zp"} or (
        unicodedata.bidirectional(character) in _TURNS
    )


class _Row:
    """One row; every reading method records what is wrong and returns something harmless."""

    def __init__(self, sheet: _Sheet, line: int, cells: dict[str, str]) -> None:
        self._sheet, self.line, self._cells = sheet, line, cells

    def fault(self, column: str, problem: str) -> None:
        self._sheet.fault(self.line, column, problem)

    def text(self, column: str, *, default: str | None = None) -> str:
        value = self._cells.get(column, "").strip()
        if any(map(_is_control, value)):
            self.fault(column, "has a line break or control character; remove it")
            return ""
        if value:
            return value
        if default is None:
            self.fault(column, "is empty")
        return default or ""

    def matching(
        self, column: str, pattern: re.Pattern[str], example: str, *, default: str | None = None
    ) -> str:
        value = self.text(column, default=default)
        if value and value != default and not pattern.fullmatch(value):
            self.fault(column, f"{value!r} is not of the form {example}")
        return value

    def one_of(self, column: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        value = self.text(column, default=default).casefold()
        if value and value not in allowed:
            self.fault(column, f"{value!r} must be one of: {', '.join(allowed)}")
        return value

    def yes(self, column: str, *, default: str | None = None) -> bool:
        return self.one_of(column, ("yes", "no", "true", "false"), default=default) in {
            "yes",
            "true",
        }

    def day(self, column: str, *, default: str | None = None) -> date | None:
        value = self.text(column, default=default)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            self.fault(column, f"{value!r} is not a date such as 2026-12-31")
            return None

    def count(self, column: str, *, default: int) -> int:
        value = self.text(column, default=str(default))
        if not (value.isascii() and value.isdigit() and len(value) <= 7):
            self.fault(column, f"{value!r} is not a whole number such as 10")
            return default
        return int(value)

    def address(self, column: str, value: str) -> str:
        domain = value.rpartition("@")[2]
        if value and not (is_mail_address(value) and "." in domain_of(value)):
            self.fault(column, f"{value!r} is not an e-mail address")
        elif not domain.isascii():
            self.domain(column, domain)
        return value

    def domain(self, column: str, written: str) -> str:
        """Return a domain in lower case; `straße.example` is never taken for another's."""
        plain = ascii_domain(written)
        if not written.isascii() and plain:
            self.fault(column, f"{written!r} must be written as Microsoft lists it: {plain}")
        elif plain is None or not _DOMAIN.fullmatch(written.lower()):
            self.fault(column, f"{written!r} is not a domain such as acme.example")
        return written.lower()

    def several(self, column: str) -> list[str]:
        return [part.strip() for part in self.text(column).split(";") if part.strip()]


def import_files(engine: Engine, organisations_path: Path, users_path: Path) -> Imported:
    """Import both files in one transaction, or none of either.

    Raises:
        ImportRefusedError: with every fault of both files by line and column.
        UsageError: a file cannot be read.
    """
    organisations_sheet, users_sheet = _Sheet(organisations_path), _Sheet(users_path)
    organisations = [
        (row.line, _organisation(row))
        for row in _rows(organisations_sheet, ORGANISATION_COLUMNS, ORGANISATION_OPTIONS)
    ]
    users = [(row.line, _user(row)) for row in _rows(users_sheet, USER_COLUMNS, USER_OPTIONS)]
    _find_repetitions(organisations_sheet, organisations, "slug", lambda one: [one.slug])
    _find_repetitions(organisations_sheet, organisations, "domains", lambda one: list(one.domains))
    _find_repetitions(
        users_sheet, users, "email", lambda one: [f"{one.address_key} in {one.organisation}"]
    )
    _find_unlike_time_zones(organisations_sheet, organisations)
    # Where the first file has no known columns, it is at fault, and not every user of the second.
    is_read = set(ORGANISATION_COLUMNS) <= set(organisations_sheet.header)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        upserts.hold_imports(session)
        known = upserts.known_slugs(session) | {one.slug for _, one in organisations}
        for line, user in users:
            if user.organisation and user.organisation not in known and is_read:
                users_sheet.fault(
                    line, "organisation", f"{user.organisation!r} is no known organisation"
                )
        _find_taken(session, organisations_sheet, organisations)
        organisations = _with_handles(session, organisations_sheet, organisations)
        faults = organisations_sheet.faults + users_sheet.faults
        if faults:
            raise ImportRefusedError(faults)
        handed_over = upserts.save_organisations(
            session, [one for _, one in organisations], wall_clock()
        )
        upserts.save_users(session, [one for _, one in users])
    return Imported(len(organisations), len(users), tuple(handed_over))


def _rows(sheet: _Sheet, columns: tuple[str, ...], options: tuple[str, ...]) -> Iterator[_Row]:
    try:
        content = sheet.path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(Problem.FILE_IS_NOT_UTF8, path=sheet.path) from None
    except OSError as error:
        raise UsageError(
            Problem.FILE_CANNOT_BE_READ, path=sheet.path, error=error.strerror
        ) from None
    # As a file, not by `splitlines`: that breaks lines at characters that CSV does not.
    reader = csv.DictReader(io.StringIO(content), strict=True, restkey="")
    header = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = sheet.header = header
    for name in header:
        if name not in columns + options:
            sheet.fault(1, name or "(no name)", "is not a column of this file")
    for name in sorted({name for name in header if header.count(name) > 1}):
        sheet.fault(1, name, "stands twice in the first line")
    missing = [name for name in columns if name not in header]
    for name in missing:
        sheet.fault(1, name, "is missing from the first line")
    if missing:
        return
    try:
        for cells in reader:
            if "" in cells:
                sheet.fault(reader.line_num, "(end of line)", "has more cells than the first line")
            yield _Row(sheet, reader.line_num, {k: v or "" for k, v in cells.items() if k})
    except csv.Error as error:
        sheet.fault(reader.line_num, "(whole line)", f"is not CSV: {error}")


def _organisation(row: _Row) -> ImportedOrganisation:
    owner = row.address("customer_success_email", row.text("customer_success_email"))
    starts, ends = row.day("agreement_start"), row.day("agreement_end")
    if starts and ends and starts > ends:
        row.fault("agreement_end", "lies before agreement_start")
    domains = tuple(row.domain("domains", domain) for domain in row.several("domains"))
    time_zone = _time_zone(row, "time_zone", default="Europe/London")
    owner_time_zone = _time_zone(row, "customer_success_time_zone", default="")
    handle = row.matching("customer_success_handle", _HANDLE, "dana.lee", default="")
    return ImportedOrganisation(
        slug=row.matching("slug", _SLUG, "acme-foods (a-z, 0-9 and -)"),
        name=row.text("name"),
        domains=domains,
        owner_handle=handle,
        owner_address=owner,
        owner_address_key=address_key(owner),
        owner_time_zone=owner_time_zone or None,
        contacts=tuple(_contact(row, text) for text in row.several("it_contacts")),
        sso_included=row.yes("sso_included"),
        agreement_start=starts or date.min,
        agreement_end=ends or date.max,
        time_zone=time_zone,
        exception_threshold=row.count("exception_threshold", default=0),
        it_acknowledgement=row.yes("it_acknowledgement", default="no"),
        go_live_date=_go_live_date(row),
    )


def _time_zone(row: _Row, column: str, *, default: str) -> str:
    time_zone = row.text(column, default=default)
    if time_zone and time_zone not in available_timezones():
        row.fault(column, f"{time_zone!r} is not a time zone such as Europe/Berlin")
    return time_zone


def _go_live_date(row: _Row) -> date | None:
    day = row.day("go_live_date", default="")
    if day is not None and day > wall_clock().date() + rules.FURTHEST_DATE:
        furthest = in_words(rules.FURTHEST_DATE)
        row.fault("go_live_date", f"{day} is more than {furthest} away; choose an earlier date")
    return day


def _contact(row: _Row, written: str) -> ImportedContact:
    name, address = parseaddr(written) if "<" in written else ("", written)
    address = row.address("it_contacts", address or written)
    return ImportedContact(name, address, address_key(address))


def _user(row: _Row) -> ImportedUser:
    address = row.address("email", row.text("email"))
    return ImportedUser(
        organisation=row.text("organisation"),
        address=address,
        address_key=address_key(address),
        display_name=row.text("display_name"),
        status=row.one_of("status", STATUSES),
        group=row.text("group", default="").casefold(),
    )


def _handle_from(address: str) -> str:
    return re.sub(r"[^a-z0-9._-]", "-", address.partition("@")[0].casefold())


def _find_repetitions(
    sheet: _Sheet,
    rows: list[tuple[int, Row]],
    column: str,
    values: Callable[[Row], list[str]],
) -> None:
    first_seen: dict[str, int] = {}
    for line, row in rows:
        for value in values(row):
            if value in first_seen:
                sheet.fault(line, column, f"{value!r} stands in line {first_seen[value]} already")
            elif value:
                first_seen[value] = line


def _find_taken(
    session: Session, sheet: _Sheet, rows: list[tuple[int, ImportedOrganisation]]
) -> None:
    """Find domains of another organisation."""
    owners = upserts.owners_of_domains(
        session, [domain for _, organisation in rows for domain in organisation.domains]
    )
    for line, organisation in rows:
        for domain in organisation.domains:
            owner = owners.get(domain, organisation.slug)
            if owner != organisation.slug:
                sheet.fault(line, "domains", f"{domain!r} belongs to {owner} already")


def _find_unlike_time_zones(sheet: _Sheet, rows: list[tuple[int, ImportedOrganisation]]) -> None:
    """Find rows that disagree about the time zone of one member of staff."""
    first_seen: dict[str, tuple[int, str]] = {}
    for line, organisation in rows:
        if organisation.owner_address_key and organisation.owner_time_zone:
            said = (line, organisation.owner_time_zone)
            at, before = first_seen.setdefault(organisation.owner_address_key, said)
            if before != organisation.owner_time_zone:
                sheet.fault(
                    line, "customer_success_time_zone", f"line {at} says {before!r} of this person"
                )


def _with_handles(
    session: Session, sheet: _Sheet, rows: list[tuple[int, ImportedOrganisation]]
) -> list[tuple[int, ImportedOrganisation]]:
    """Return the rows with a handle each: the one that is known, typed, or made of the address.

    One handle is one address, with those that are known and within the file; whatever the file
    says otherwise is a fault.
    """
    addresses = upserts.staff_addresses(session)
    handles = {address_key(address): handle for handle, address in addresses.items()}
    settled: dict[int, ImportedOrganisation] = {}
    # Those that were typed first: an address that stands in two rows has the typed handle in both.
    for line, one in sorted(rows, key=lambda row: not row[1].owner_handle):
        address, key = one.owner_address, one.owner_address_key
        known = handles.get(key, "")
        handle = one.owner_handle or known or _handle_from(address)
        settled[line] = replace(one, owner_handle=handle)
        owner = addresses.get(handle, address)
        if not key:
            continue
        if known and handle != known:
            problem = f"this address has the handle {known!r} already"
        elif not _HANDLE.fullmatch(handle):
            # A typed one was refused before.
            problem = "" if one.owner_handle else _NO_HANDLE_OF.format(handle=handle)
        elif address_key(owner) != key:
            problem = f"the handle {handle!r} belongs to {owner}; write another one"
        else:
            addresses[handle], handles[key], problem = address, handle, ""
        if problem:
            sheet.fault(line, "customer_success_handle", problem)
    return [(line, settled[line]) for line, _ in rows]
