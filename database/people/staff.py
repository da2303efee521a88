"""Our staff: their identities in our tenant, and their sessions in the console."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlmodel import Session, col, delete, select

from contracts import rules
from contracts.addresses import address_key as key_of
from contracts.orders import Role
from contracts.sign_in import StaffSessionEnd
from database.hashing import sha256
from database.models import Staff, StaffSession

# Built once, because every page of the console runs it.
_OF_SESSION = (
    select(Staff, StaffSession.role, StaffSession.check_due_at)
    .join(StaffSession, col(StaffSession.staff_id) == col(Staff.id))
    .where(
        col(StaffSession.token_sha256) == bindparam("token"),
        col(StaffSession.expires_at) > bindparam("at"),
        col(StaffSession.ended_at).is_(None),
    )
)


@dataclass(frozen=True)
class SignedInStaff:
    """Who is signed in to the console."""

    staff: Staff
    role: Role
    is_check_due: bool
    """Whether Microsoft is to be asked for the role of now before anything else is done."""


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


def open_session(
    session: Session,
    staff_id: UUID,
    token: str,
    role: Role,
    at: datetime,
    *,
    sealed_refresh_token: str | None = None,
) -> None:
    """Start a console session of this role for a browser that holds this token.

    Without a refresh token the role cannot be asked for again, so the session is short.
    """
    longest = (
        timedelta(hours=rules.STAFF_SESSION_HOURS)
        if sealed_refresh_token
        else timedelta(minutes=rules.UNCHECKED_STAFF_SESSION_MINUTES)
    )
    checked = timedelta(minutes=rules.ROLE_CHECK_MINUTES)
    session.add(
        StaffSession(
            token_sha256=sha256(token),
            staff_id=staff_id,
            role=role,
            sealed_refresh_token=sealed_refresh_token,
            check_due_at=at + (checked if sealed_refresh_token else longest),
            started_at=at,
            expires_at=at + longest,
        )
    )


def of_session(session: Session, token: str, at: datetime) -> SignedInStaff | None:
    """Return who is signed in to the console with this token, and with which role."""
    row = session.execute(_OF_SESSION, {"token": sha256(token), "at": at}).first()
    return SignedInStaff(row[0], Role(row[1]), is_check_due=row[2] <= at) if row else None


def end_of_session(session: Session, token: str) -> StaffSessionEnd | None:
    """Return why the session of this token was ended; None = it was not, or there is none."""
    found = session.get(StaffSession, sha256(token))
    return StaffSessionEnd(found.ended_because) if found and found.ended_because else None


def begin_check(session: Session, token: str, at: datetime) -> tuple[str, UUID | None] | None:
    """Take a due check of the role upon this request; None = none is due, or another has it.

    Other requests go on meanwhile as before, for a minute at most. Returns the sealed refresh token
    and the person's identity in our tenant.
    """
    row = session.execute(
        text(
            """
            UPDATE golive.staff_session s SET check_due_at = :next FROM golive.staff p
            WHERE s.token_sha256 = :token AND s.ended_at IS NULL AND s.check_due_at <= :at
              AND s.sealed_refresh_token IS NOT NULL AND p.id = s.staff_id
            RETURNING s.sealed_refresh_token, p.object_id
            """
        ),
        {
            "token": sha256(token),
            "at": at,
            "next": at + timedelta(minutes=rules.ROLE_CHECK_RETRY_MINUTES),
        },
    ).first()
    return (row.sealed_refresh_token, row.object_id) if row else None


def record_role(
    session: Session, token: str, role: Role, sealed_refresh_token: str | None, at: datetime
) -> None:
    """Record which role the person has now; a new refresh token takes the old one's place."""
    found = session.get_one(StaffSession, sha256(token))
    found.role = role
    found.sealed_refresh_token = sealed_refresh_token or found.sealed_refresh_token
    found.check_due_at = at + timedelta(minutes=rules.ROLE_CHECK_MINUTES)
    session.add(found)


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
        _end(session, one, StaffSessionEnd.UNBOUND, at)
    return was_bound


def end_session(
    session: Session,
    token: str,
    at: datetime,
    because: StaffSessionEnd = StaffSessionEnd.SIGNED_OUT,
) -> None:
    """End a console session, if it has not ended."""
    found = session.get(StaffSession, sha256(token))
    if found is not None and found.ended_at is None:
        _end(session, found, because, at)


def _end(session: Session, one: StaffSession, because: StaffSessionEnd, at: datetime) -> None:
    one.ended_at, one.ended_because, one.sealed_refresh_token = at, because, None
    session.add(one)


def purge(session: Session, at: datetime) -> None:
    """Delete console sessions that ended long ago."""
    old = at - timedelta(days=rules.SESSION_KEPT_DAYS)
    session.execute(delete(StaffSession).where(col(StaffSession.expires_at) < old))
