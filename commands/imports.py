"""Reads the two CSV files; every fault is listed by line and column, or all of it is imported."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from sys import intern
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Engine
from sqlmodel import Session

from commands.errors import (
    CommandError,
    ImportRefusedError,
    UsageError,
    plain_database_errors,
)
from commands.sheets import MOST_LETTERS, Sheet, SheetRow, SourceFile, TooManyFaultsError, rows_of
from commands.time_zones import canonical_name
from contracts import rules
from contracts.addresses import address_key, named_address
from contracts.clock import wall_clock
from contracts.problems import Problem
from database.engine import WORK, given_longer, open_sessions
from database.models import FileImport
from database.people import file_imports, upserts
from database.people.import_changes import ImportChanges, changes_of
from database.people.upserts import HandedOver, ImportedContact, ImportedOrganisation, ImportedUser
from wording.durations import in_words

ORGANISATION_COLUMNS = (
    "slug", "name", "domains", "customer_success_email", "it_contacts", "sso_included",
    "agreement_start", "agreement_end",
)  # fmt: skip
ORGANISATION_OPTIONS = (
    "customer_success_handle", "customer_success_time_zone", "time_zone", "exception_threshold",
    "it_acknowledgement", "link_external_members", "go_live_date",
)  # fmt: skip
_PREFERENCES = (
    "time_zone", "exception_threshold", "it_acknowledgement", "link_external_members",
    "go_live_date",
)  # fmt: skip
"""Those of the options that are called the same in `Preference`."""
USER_COLUMNS = ("organisation", "email", "display_name", "status")
USER_OPTIONS = ("group",)
MOST_CHANGED_USERS = 100
"""Changed users whom a preview lists one by one."""
MOST_PAST_IMPORTS = 50
STATUSES = ("active", "invited", "deactivated")

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_NO_HANDLE_OF = (
    "{handle!r}, made of the address, is no handle; write one of the form dana.lee in this column"
)

Row = TypeVar("Row")


@dataclass(frozen=True)
class Imported:
    """How much was imported."""

    organisations: int
    users: int
    handed_over: tuple[HandedOver, ...] = ()
    """Open go-lives that somebody else looks after now; they are still to be signalled."""


@dataclass(frozen=True)
class _Rows:
    """The rows of both files with their lines, and in the sheets what is wrong with them so far."""

    organisations_sheet: Sheet
    users_sheet: Sheet
    organisations: list[tuple[int, ImportedOrganisation]]
    users: list[tuple[int, ImportedUser]]

    def refuse_faults(self) -> None:
        """Return if the files have no fault.

        Raises:
            ImportRefusedError: with every fault of both by line and column.
        """
        faults = self.organisations_sheet.faults + self.users_sheet.faults
        if faults:
            raise ImportRefusedError(faults)


@dataclass(frozen=True)
class _Checked:
    """Both files without a fault."""

    organisations: list[ImportedOrganisation]
    users: list[ImportedUser]


def import_files(
    engine: Engine, organisations_path: Path, users_path: Path, by: str = "system"
) -> Imported:
    """Read both files and import them in one transaction, or none of either.

    Raises:
        ImportRefusedError: with every fault of both files by line and column.
        UsageError: a file cannot be read, is too large, or no text.
    """
    organisations, users = _read(organisations_path), _read(users_path)
    rows = _rows_of_both(organisations, users)
    at = wall_clock()
    with _transaction(engine) as session:
        checked = _check(session, rows)
        made = FileImport(
            organisations_name=organisations.name,
            users_name=users.name,
            uploaded_by=by,
            uploaded_at=at,
        )
        file_imports.record(session, made)
        return _save(session, checked, made, by)


def upload(engine: Engine, organisations: SourceFile, users: SourceFile, by: str) -> UUID:
    """Check both files and keep them until somebody confirms what they would change.

    Raises:
        ImportRefusedError, UsageError: as `import_files`; nothing is kept.
    """
    rows = _rows_of_both(organisations, users)
    at = wall_clock()
    with _transaction(engine) as session:
        file_imports.purge(session, at)
        changes = _changes(session, _check(session, rows))
        made = FileImport(
            organisations_name=organisations.name,
            users_name=users.name,
            uploaded_by=by,
            uploaded_at=at,
            organisations=organisations.content,
            users=users.content,
            changes_sha256=_sha256(changes),
        )
        file_imports.record(session, made)
        return made.id


def preview(engine: Engine, import_id: UUID) -> tuple[FileImport, ImportChanges]:
    """Return what an upload would change now, which is what can be confirmed from now on.

    Raises:
        CommandError: it is done, or nobody confirmed it in time.
        ImportRefusedError: it has faults beside what was imported since.
    """
    rows = _rows_of_both(*_files_of(engine, import_id))
    with _transaction(engine) as session:
        found = _waiting(session, import_id)
        changes = _changes(session, _check(session, rows))
        found.changes_sha256 = _sha256(changes)
        session.add(found)
    return found, changes


def confirm(engine: Engine, import_id: UUID, by: str) -> Imported:
    """Import an upload, once, if it still changes what its page showed.

    Raises:
        CommandError: it is done already, too old, or changes something else by now.
        ImportRefusedError: as `preview`.
    """
    rows = _rows_of_both(*_files_of(engine, import_id))
    with _transaction(engine) as session:
        found, checked = _waiting(session, import_id), _check(session, rows)
        if _sha256(_changes(session, checked)) != found.changes_sha256:
            raise CommandError(Problem.IMPORT_CHANGES_OTHERWISE)
        return _save(session, checked, found, by)


def past_imports(engine: Engine) -> list[FileImport]:
    """Return who imported what and when, the newest first."""
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        return file_imports.history(session, MOST_PAST_IMPORTS)


@contextmanager
def _transaction(engine: Engine) -> Iterator[Session]:
    """Begin a transaction in which no other import writes.

    It reads and writes a million users in few statements, in the console as well.
    """
    with (
        plain_database_errors(engine),
        open_sessions(engine).begin() as session,
        given_longer(session, WORK),
    ):
        upserts.hold_imports(session)
        yield session


def _files_of(engine: Engine, import_id: UUID) -> tuple[SourceFile, SourceFile]:
    """Return both files of an upload that waits, in a transaction that is over then."""
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        found = _waiting(session, import_id)
        return (
            SourceFile(found.organisations_name, found.organisations or b""),
            SourceFile(found.users_name, found.users or b""),
        )


def _waiting(session: Session, import_id: UUID) -> FileImport:
    found = file_imports.waiting(session, import_id, wall_clock())
    if found is None:
        raise CommandError(Problem.NO_IMPORT_WAITS)
    return found


def _changes(session: Session, checked: _Checked) -> ImportChanges:
    return changes_of(session, checked.organisations, checked.users, MOST_CHANGED_USERS)


def _sha256(changes: ImportChanges) -> str:
    return hashlib.sha256(repr(changes).encode()).hexdigest()


def _save(session: Session, checked: _Checked, made: FileImport, by: str) -> Imported:
    at = wall_clock()
    handed_over = upserts.save_organisations(session, checked.organisations, at)
    upserts.save_users(session, checked.users)
    organisations, users = len(checked.organisations), len(checked.users)
    file_imports.mark_done(session, made, organisations=organisations, users=users, by=by, at=at)
    return Imported(organisations, users, tuple(handed_over))


def _rows_of_both(organisations: SourceFile, users: SourceFile) -> _Rows:
    """Read both files, which takes long, and so before a transaction begins.

    Raises:
        ImportRefusedError: there are so many faults that reading ended early.
        UsageError: a file is too large, or no text.
    """
    rows = _Rows(Sheet(organisations.name), Sheet(users.name), [], [])
    sheets = rows.organisations_sheet, rows.users_sheet
    texts = _text_of(organisations), _text_of(users)
    try:
        for row in rows_of(sheets[0], texts[0], ORGANISATION_COLUMNS, ORGANISATION_OPTIONS):
            rows.organisations.append((row.line, _organisation(row)))
        for row in rows_of(sheets[1], texts[1], USER_COLUMNS, USER_OPTIONS):
            rows.users.append((row.line, _user(row)))
        _find_repetitions(sheets[0], rows.organisations, "slug", lambda one: [one.slug])
        _find_repetitions(sheets[0], rows.organisations, "domains", lambda one: list(one.domains))
        _find_repetitions(
            sheets[1], rows.users, "email", lambda one: [f"{one.address_key} in {one.organisation}"]
        )
        _find_unlike_time_zones(sheets[0], rows.organisations)
    except TooManyFaultsError:
        rows.refuse_faults()
    return rows


def _check(session: Session, rows: _Rows) -> _Checked:
    """Hold both files against what is known, and fill in what is known and they leave out.

    Raises:
        ImportRefusedError: with every fault, those of reading as well.
    """
    checked = _Checked([], [])
    with suppress(TooManyFaultsError):
        checked = _checked(session, rows)
    rows.refuse_faults()
    return checked


def _checked(session: Session, rows: _Rows) -> _Checked:
    """Return the rows of both; what is at fault stands in the sheets.

    Raises:
        TooManyFaultsError: checking ended early.
    """
    sheet = rows.organisations_sheet
    _find_taken(session, sheet, rows.organisations)
    organisations = _with_handles(session, sheet, rows.organisations)
    organisations = _with_known_preferences(session, sheet, organisations)
    # Where the first file has no known columns, it is at fault, and not every user of the second.
    if set(ORGANISATION_COLUMNS) <= set(sheet.header):
        known = upserts.known_slugs(session) | {one.slug for _, one in organisations}
        for line, user in rows.users:
            if user.organisation and user.organisation not in known:
                rows.users_sheet.fault(
                    line, "organisation", f"{user.organisation!r} is no known organisation"
                )
    return _Checked([one for _, one in organisations], [one for _, one in rows.users])


def _read(path: Path) -> SourceFile:
    try:
        with path.open("rb") as file:
            return SourceFile(path.name, file.read(rules.MOST_IMPORTED_BYTES + 1))
    except OSError as error:
        raise UsageError(Problem.FILE_CANNOT_BE_READ, path=path, error=error.strerror) from None


def _text_of(file: SourceFile) -> str:
    if len(file.content) > rules.MOST_IMPORTED_BYTES:
        most = rules.MOST_IMPORTED_BYTES // 1_000_000
        raise UsageError(Problem.FILE_IS_TOO_LARGE, path=file.name, megabytes=most)
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(Problem.FILE_IS_NOT_UTF8, path=file.name) from None
    if "\x00" in text.partition("\n")[0]:
        # An archive, an image, or UTF-16 without its mark.
        raise UsageError(Problem.FILE_IS_NOT_UTF8, path=file.name)
    return text


def _organisation(row: SheetRow) -> ImportedOrganisation:
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
        link_external_members=row.yes("link_external_members", default="no"),
        go_live_date=_go_live_date(row),
    )


def _time_zone(row: SheetRow, column: str, *, default: str) -> str:
    written = row.text(column, default=default)
    name = canonical_name(written) if written else ""
    if name is None:
        row.fault(column, f"{written!r} is not a time zone such as Europe/Berlin")
    return name or ""


def _go_live_date(row: SheetRow) -> date | None:
    day = row.day("go_live_date", default="")
    if day is not None and day > wall_clock().date() + rules.FURTHEST_DATE:
        furthest = in_words(rules.FURTHEST_DATE)
        row.fault("go_live_date", f"{day} is more than {furthest} away; choose an earlier date")
    return day


def _contact(row: SheetRow, written: str) -> ImportedContact:
    name, address = named_address(written)
    address = row.address("it_contacts", address)
    if len(name) > MOST_LETTERS:
        row.fault("it_contacts", f"has a name of more than {MOST_LETTERS} letters")
    return ImportedContact(name, address, address_key(address))


def _user(row: SheetRow) -> ImportedUser:
    address = row.address("email", row.text("email"))
    key = address_key(address)
    return ImportedUser(
        # There may be a million: what is equal is kept once.
        organisation=intern(row.text("organisation")),
        address=address,
        address_key=address if key == address else key,
        display_name=row.text("display_name"),
        status=intern(row.one_of("status", STATUSES)),
        group=row.seen("group", default="").casefold() if row.has("group") else None,
    )


def _handle_from(address: str) -> str:
    return re.sub(r"[^a-z0-9._-]", "-", address.partition("@")[0].casefold())


def _find_repetitions(
    sheet: Sheet,
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
    session: Session, sheet: Sheet, rows: list[tuple[int, ImportedOrganisation]]
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


def _find_unlike_time_zones(sheet: Sheet, rows: list[tuple[int, ImportedOrganisation]]) -> None:
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


def _with_known_preferences(
    session: Session, sheet: Sheet, rows: list[tuple[int, ImportedOrganisation]]
) -> list[tuple[int, ImportedOrganisation]]:
    """Return the rows with what is known where the file has no such column.

    Only a new organisation gets the default then; a file that says nothing changes nothing.
    """
    unsaid = [column for column in _PREFERENCES if column not in sheet.header]
    known = upserts.preferences(session, [one.slug for _, one in rows]) if unsaid else {}
    return [
        (
            line,
            replace(one, **{column: getattr(known[one.slug], column) for column in unsaid})
            if one.slug in known
            else one,
        )
        for line, one in rows
    ]


def _with_handles(
    session: Session, sheet: Sheet, rows: list[tuple[int, ImportedOrganisation]]
) -> list[tuple[int, ImportedOrganisation]]:
    """Return the rows with a handle each: the one that is known, typed, or made of the address.

    One handle is one address, with those that are known and within the file; whatever the file
    says otherwise is a fault.
    """
    owners = upserts.staff_addresses(session)
    handles = {address_key(address): handle for handle, address in owners.items()}
    settled: dict[int, ImportedOrganisation] = {}
    # Those that were typed first: an address that stands in two rows has the typed handle in both.
    for line, one in sorted(rows, key=lambda row: not row[1].owner_handle):
        address, key = one.owner_address, one.owner_address_key
        known = handles.get(key, "")
        handle = one.owner_handle or known or _handle_from(address)
        settled[line] = replace(one, owner_handle=handle)
        owner = owners.get(handle, address)
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
            owners[handle], handles[key], problem = address, handle, ""
        if problem:
            sheet.fault(line, "customer_success_handle", problem)
    return [(line, settled[line]) for line, _ in rows]
