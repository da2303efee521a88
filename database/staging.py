"""A copy of a customer's directory, kept while a move is decided and applied."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from database.models import DirectorySnapshot

StagedEntry = tuple[UUID, bool, bool, bool, list[str]]
"""object id, is a guest, is enabled, is a person, address keys without repetition."""

ENTRIES = "golive.directory_entry"
"""The staging of go-lives, keyed by go-live."""

PRIVATE_ENTRIES = "pg_temp.dry_run_entry"
"""The staging of one dry run: only its own connection sees it, and it ends with it."""


@dataclass(frozen=True)
class StagingCursor:
    """How far a snapshot has come."""

    pages: int
    entries: int
    next_link: str | None
    """Where Microsoft said to go on; may hold an account's name, so it stays in the database."""
    reader: str
    """Which activity reads; its successor after a crash has the same name, a new order another."""

    @property
    def is_complete(self) -> bool:
        """Every page is there."""
        return self.pages > 0 and self.next_link is None


def begin_staging(session: Session, go_live_id: UUID, reader: str) -> StagingCursor:
    """Return where this reader stopped; another reader's snapshot is begun anew."""
    kept = session.get(DirectorySnapshot, go_live_id)
    if kept is None or kept.reader != reader:
        return StagingCursor(0, 0, None, reader)
    return StagingCursor(kept.pages, kept.entries, kept.next_link, reader)


def stage_page(
    session: Session,
    go_live_id: UUID,
    cursor: StagingCursor,
    entries: Iterable[StagedEntry],
    next_link: str | None,
) -> StagingCursor:
    """Write the page after `cursor` by COPY, and return the new cursor, kept with the page.

    Whatever an earlier attempt wrote from this page on is replaced.
    """
    session.execute(
        text(f"DELETE FROM {ENTRIES} WHERE go_live_id = :g AND page >= :page"),
        {"g": go_live_id, "page": cursor.pages},
    )
    copied = _copy(session, ENTRIES, go_live_id, cursor.pages, entries)
    after = StagingCursor(cursor.pages + 1, cursor.entries + copied, next_link, cursor.reader)
    session.merge(
        DirectorySnapshot(
            go_live_id=go_live_id,
            pages=after.pages,
            entries=after.entries,
            next_link=next_link,
            reader=cursor.reader,
        )
    )
    return after


def stage_privately(
    session: Session, staging_id: UUID, pages: Iterable[Iterable[StagedEntry]]
) -> int:
    """Copy a directory to where only this transaction sees it; return how many entries."""
    name = PRIVATE_ENTRIES.removeprefix("pg_temp.")
    session.execute(text(f"CREATE TEMP TABLE {name} (LIKE {ENTRIES}) ON COMMIT DROP"))
    entries = sum(
        _copy(session, PRIVATE_ENTRIES, staging_id, number, page)
        for number, page in enumerate(pages)
    )
    session.execute(text(f"ANALYZE {PRIVATE_ENTRIES}"))
    return entries


def _copy(
    session: Session, table: str, staging_id: UUID, page: int, entries: Iterable[StagedEntry]
) -> int:
    cursor = session.connection().connection.cursor()
    copied = 0
    with cursor.copy(
        f"COPY {table} (go_live_id, page, line, object_id, is_guest, enabled, is_person, "
        "address_keys) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(["uuid", "int4", "int4", "uuid", "bool", "bool", "bool", "text[]"])
        for copied, entry in enumerate(entries, start=1):
            copy.write_row((staging_id, page, copied, *entry))
    return copied


def finish_staging(session: Session) -> None:
    """Let PostgreSQL count what was staged, so that it plans the joins well."""
    session.execute(text(f"ANALYZE {ENTRIES}"))


def forget_staging(session: Session, go_live_id: UUID) -> None:
    """Delete the staged directory of a go-live."""
    for table in (ENTRIES, "golive.directory_snapshot"):
        session.execute(text(f"DELETE FROM {table} WHERE go_live_id = :g"), {"g": go_live_id})
