"""Imports of files: those that wait for a confirmation, and who imported what and when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from contracts import rules
from database.models import FileImport


def record(session: Session, made: FileImport) -> None:
    """Record an import, or an upload that waits."""
    session.add(made)


def waiting(session: Session, import_id: UUID, at: datetime) -> FileImport | None:
    """Return an upload that can still be confirmed, locked until the transaction ends."""
    found = session.get(FileImport, import_id, with_for_update=True)
    if found is None or found.done_at is not None or found.uploaded_at <= at - rules.UPLOAD_LIFE:
        return None
    return found


def mark_done(
    session: Session, found: FileImport, *, organisations: int, users: int, by: str, at: datetime
) -> None:
    """Record that it was imported, and who said so; its files go."""
    found.done_at, found.done_by = at, by
    found.organisation_count, found.user_count = organisations, users
    found.organisations = found.users = None
    session.add(found)


def purge(session: Session, at: datetime) -> None:
    """Delete uploads that nobody confirmed in time, and the oldest where very many wait."""
    session.execute(
        text(
            """
            DELETE FROM golive.file_import WHERE done_at IS NULL AND (uploaded_at <= :then
                OR id NOT IN (SELECT id FROM golive.file_import WHERE done_at IS NULL
                              ORDER BY uploaded_at DESC LIMIT :most))
            """
        ),
        {"then": at - rules.UPLOAD_LIFE, "most": rules.MOST_WAITING_UPLOADS},
    )


def history(session: Session, at_most: int) -> list[FileImport]:
    """Return the newest imports that were done."""
    return list(
        session.exec(
            select(FileImport)
            .where(col(FileImport.done_at).is_not(None))
            .order_by(col(FileImport.done_at).desc())
            .limit(at_most)
        )
    )
