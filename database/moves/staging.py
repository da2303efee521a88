"""A copy of a customer's directory, kept while a move is decided and applied."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from database.engine import commit_without_waiting
from database.models import DirectorySnapshot

StagedEntry = tuple[UUID, bool, bool, bool, bool, list[str], list[str], str]
"""object id, is a guest, is an external member, is enabled, is a person, address keys without
repetition, those of them case-folded that differ then, the name that Microsoft signs in by."""

ENTRIES = "golive.directory_entry"
"""The staging table of go-lives, keyed by go-live."""

PRIVATE_ENTRIES = "pg_temp.dry_run_entry"
"""The staging table of one dry run: temporary, visible to its own connection only."""


@dataclass(frozen=True)
class StagingCursor:
    """How far a snapshot has come."""

    pages: int
    entries: int
    next_link: str | None
    """Microsoft's link to the next page; it may hold a name, so it stays in the database."""
    reader: str
    """The attempt, of which order, that reads: only the newest may continue."""

    @property
    def is_complete(self) -> bool:
        """Whether every page was copied."""
        return self.pages > 0 and self.next_link is None


class StagingOvertakenError(Exception):
    """Another attempt reads this directory by now, or the copy is no longer wanted."""


def begin_staging(session: Session, go_live_id: UUID, order: str, attempt: int) -> StagingCursor:
    """Return where the order's last attempt stopped; a new order starts the copy again.

    After the commit, no earlier attempt writes a page.

    Raises:
        StagingOvertakenError: the go-live is closed or being undone.
    """
    _hold_open(session, go_live_id)
    reader = f"{order}#{attempt}"
    kept = session.get(DirectorySnapshot, go_live_id, with_for_update=True)
    if kept is not None and kept.reader.rpartition("#")[0] == order:
        kept.reader = reader
        session.flush()
        return StagingCursor(kept.pages, kept.entries, kept.next_link, reader)
    return _begin_anew(session, go_live_id, reader)


def stage_page(
    session: Session,
    go_live_id: UUID,
    cursor: StagingCursor,
    entries: Iterable[StagedEntry],
    next_link: str | None,
) -> StagingCursor:
    """Write the page after `cursor` by COPY, and return the new cursor, stored with the page.

    Raises:
        StagingOvertakenError: the copy is no longer at `cursor`, because its reader was given up
            and another one continues; or the copy is no longer wanted.
    """
    commit_without_waiting(session)
    kept = _lock(session, go_live_id, cursor)
    copied = _copy(session, ENTRIES, go_live_id, cursor.pages, entries)
    kept.pages, kept.entries, kept.next_link = kept.pages + 1, kept.entries + copied, next_link
    session.flush()
    return StagingCursor(kept.pages, kept.entries, next_link, cursor.reader)


def restart_staging(session: Session, go_live_id: UUID, cursor: StagingCursor) -> StagingCursor:
    """Delete what was staged; the same reader continues from the first page.

    Raises:
        StagingOvertakenError: as `stage_page`.
    """
    _lock(session, go_live_id, cursor)
    return _begin_anew(session, go_live_id, cursor.reader)


def _begin_anew(session: Session, go_live_id: UUID, reader: str) -> StagingCursor:
    session.execute(text(f"DELETE FROM {ENTRIES} WHERE go_live_id = :g"), {"g": go_live_id})
    session.merge(
        DirectorySnapshot(go_live_id=go_live_id, pages=0, entries=0, next_link=None, reader=reader)
    )
    session.flush()
    return StagingCursor(0, 0, None, reader)


def _lock(session: Session, go_live_id: UUID, cursor: StagingCursor) -> DirectorySnapshot:
    """Return the snapshot's row, if it is at `cursor`; locked until commit."""
    _hold_open(session, go_live_id)
    kept = session.get(DirectorySnapshot, go_live_id, with_for_update=True, populate_existing=True)
    if kept is None or (kept.reader, kept.pages) != (cursor.reader, cursor.pages):
        raise StagingOvertakenError
    return kept


def _hold_open(session: Session, go_live_id: UUID) -> None:
    """Lock the go-live until commit, so that nobody closes or undoes it or deletes its staging."""
    wanted = session.execute(
        text(
            "SELECT FROM golive.go_live WHERE id = :g AND closed_at IS NULL "
            "AND undo_started_at IS NULL FOR SHARE"
        ),
        {"g": go_live_id},
    ).first()
    if wanted is None:
        raise StagingOvertakenError


def stage_privately(session: Session, staging_id: UUID, entries: Iterable[StagedEntry]) -> int:
    """Copy a directory into a table that only this transaction sees; return how many entries."""
    name = PRIVATE_ENTRIES.removeprefix("pg_temp.")
    session.execute(text(f"CREATE TEMP TABLE {name} (LIKE {ENTRIES}) ON COMMIT DROP"))
    copied = _copy(session, PRIVATE_ENTRIES, staging_id, 0, entries)
    session.execute(text(f"ANALYZE {PRIVATE_ENTRIES}"))
    return copied


def _copy(
    session: Session, table: str, staging_id: UUID, page: int, entries: Iterable[StagedEntry]
) -> int:
    cursor = session.connection().connection.cursor()
    copied = 0
    with cursor.copy(
        f"COPY {table} (go_live_id, page, line, object_id, is_guest, is_external, enabled, "
        "is_person, address_keys, folded_keys, sign_in_name) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(["uuid", "int4", "int4", "uuid", *["bool"] * 4, "text[]", "text[]", "text"])
        for copied, entry in enumerate(entries, start=1):
            copy.write_row((staging_id, page, copied, *entry))
    return copied


def finish_staging(session: Session) -> None:
    """Update PostgreSQL's statistics of the staging, so that it plans the joins well."""
    session.execute(text(f"ANALYZE {ENTRIES}"))


def delete_staging(session: Session, go_live_id: UUID) -> None:
    """Delete the staged directory of a go-live; a late page is refused."""
    # Waits for a page that is being written, which would otherwise stay.
    session.execute(text("SELECT FROM golive.go_live WHERE id = :g FOR UPDATE"), {"g": go_live_id})
    for table in (ENTRIES, "golive.directory_snapshot"):
        session.execute(text(f"DELETE FROM {table} WHERE go_live_id = :g"), {"g": go_live_id})
