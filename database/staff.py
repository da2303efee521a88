"""Our own people: who they are in our tenant, and their sessions in the console."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from database.models import Staff, StaffSession
from database.sign_in import sha256

STAFF_SESSION_HOURS = 9
"""A working day; the role in the token is read again with the next sign-in."""


def recognise(session: Session, object_id: UUID, address_key: str) -> Staff | None:
    """Return the member of staff with this identity in our tenant.

    The first sign-in finds the row by its address and binds it; from then on only the identity
    counts, because an address may be given to another person later.
    """
    known = session.exec(select(Staff).where(Staff.object_id == object_id)).first()
    if known is not None:
        return known
    found = session.exec(
        select(Staff)
        .where(Staff.address_key == address_key, col(Staff.object_id).is_(None))
        .with_for_update()
    ).first()
    if found is not None:
        found.object_id = object_id
        session.add(found)
    return found


def open_session(session: Session, staff_id: UUID, token: str, at: datetime) -> None:
    """Start a console session for a browser that holds this token."""
    session.add(
        StaffSession(
            token_sha256=sha256(token),
            staff_id=staff_id,
            started_at=at,
            expires_at=at + timedelta(hours=STAFF_SESSION_HOURS),
        )
    )


def of_session(session: Session, token: str, at: datetime) -> Staff | None:
    """Return who is signed in to the console with this token."""
    return session.exec(
        select(Staff)
        .join(StaffSession, col(StaffSession.staff_id) == col(Staff.id))
        .where(
            StaffSession.token_sha256 == sha256(token),
            StaffSession.expires_at > at,
            col(StaffSession.ended_at).is_(None),
        )
    ).first()


def end_session(session: Session, token: str, at: datetime) -> None:
    """End a console session because its person signed out."""
    found = session.get(StaffSession, sha256(token))
    if found is not None and found.ended_at is None:
        found.ended_at = at
        session.add(found)
