"""Our staff: their identities in our tenant, and their sessions in the console."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, delete, select

from contracts import rules
from contracts.addresses import address_key as key_of
from contracts.orders import Role
from database.hashing import sha256
from database.models import Staff, StaffSession

# Built once, because every page of the console runs it.
_OF_SESSION = (
    select(Staff, StaffSession.role)
    .join(StaffSession, col(StaffSession.staff_id) == col(Staff.id))
    .where(
        col(StaffSession.token_sha256) == bindparam("token"),
        col(StaffSession.expires_at) > bindparam("at"),
        col(StaffSession.ended_at).is_(None),
    )
)


def staff_by_identity(session: Session, object_id: UUID, address_key: str) -> Staff | None:
    """Return the member of staff with this identity in our tenant.

    The first sign-in finds the row by its address and binds it to the identity. From then on only
    the identity counts, because an address may later belong to another person.
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


def change_address(session: Session, person: Staff, address: str) -> None:
    """Give a member of staff another address; who is bound to an identity stays bound to it."""
    person.address, person.address_key = address, key_of(address)
    session.add(person)


def open_session(session: Session, staff_id: UUID, token: str, role: Role, at: datetime) -> None:
    """Start a console session of this role for a browser that holds this token."""
    session.add(
        StaffSession(
            token_sha256=sha256(token),
            staff_id=staff_id,
            role=role,
            started_at=at,
            expires_at=at + timedelta(hours=rules.STAFF_SESSION_HOURS),
        )
    )


def of_session(session: Session, token: str, at: datetime) -> tuple[Staff, Role] | None:
    """Return who is signed in to the console with this token, and with which role."""
    row = session.execute(_OF_SESSION, {"token": sha256(token), "at": at}).first()
    return (row[0], Role(row[1])) if row else None


def unbind(session: Session, whose: Staff, at: datetime) -> bool:
    """Undo the binding of a member of staff to an identity, and end their sessions.

    The next sign-in with the address on file binds anew. False = there was no binding.
    """
    found = session.get_one(Staff, whose.id, with_for_update=True)
    was_bound, found.object_id = found.object_id is not None, None
    session.add(found)
    for one in session.exec(
        select(StaffSession).where(
            StaffSession.staff_id == found.id, col(StaffSession.ended_at).is_(None)
        )
    ):
        one.ended_at = at
        session.add(one)
    return was_bound


def end_session(session: Session, token: str, at: datetime) -> None:
    """End a console session because its person signed out."""
    found = session.get(StaffSession, sha256(token))
    if found is not None and found.ended_at is None:
        found.ended_at = at
        session.add(found)


def purge(session: Session, at: datetime) -> None:
    """Delete console sessions that ended long ago."""
    old = at - timedelta(days=rules.SESSION_KEPT_DAYS)
    session.execute(delete(StaffSession).where(col(StaffSession.expires_at) < old))
