"""Sign-ins: how an address signs in, passwords and their failures, sessions, SSO accounts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from contracts import rules
from contracts.addresses import address_key, domain_of
from contracts.sign_in import UserStatus
from database.go_live.grace import password_counts_until
from database.hashing import sha256
from database.models import (
    AppSession,
    AppUser,
    FailedLogin,
    Password,
    PersonalLink,
)

MOST_FAILURES = 10
"""Wrong passwords for one address from one network, or from a browser that has been signed in."""

GROWTH = 2
"""A larger network may try so many times as often as the next smaller one in it, so that whoever
has many small ones (11 /64s of one /48) cannot shut the address out everywhere else."""

MOST_FOR_AN_ADDRESS = 300
"""Wrong passwords for one address from all networks together; to reach it takes several providers.
Even then a browser that has been signed in gets through."""

MOST_FROM_A_NETWORK = 500
"""Wrong passwords from one network for all addresses: a whole office has one network address."""

MOST_LOG_INS = 100
"""Right passwords for one address: each makes a session, which is kept for weeks."""

MOST_SIGN_INS_REPORTED = 100
"""First sign-ins that are signalled to a run; after these it checks the database once a day."""

SLICE = 5_000
"""Rows that are deleted at once, so that no transaction holds up a log-in."""


@dataclass(frozen=True)
class WayIn:
    """How people of one e-mail domain sign in; the same for every address of the domain."""

    organisation_id: UUID | None
    sso_offered: bool
    tenant_id: UUID | None
    """The proven tenant; None while the consent is missing."""
    go_live_id: UUID | None
    """The open go-live that waits for an administrator's consent."""


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in, and how."""

    user_id: UUID
    display_name: str
    address: str
    organisation_name: str
    method: str


def way_in(session: Session, address: str) -> WayIn:
    """Return how an address's domain signs in; it does not depend on who has an account."""
    row = session.execute(
        text(
            """
            SELECT o.id, o.sso_offered, c.tenant_id, g.id AS go_live_id
            FROM pulse.organisation_domain d
            JOIN pulse.organisation o ON o.id = d.organisation_id
            LEFT JOIN golive.sso_connection c ON c.organisation_id = o.id
            LEFT JOIN golive.go_live g ON g.organisation_id = o.id AND g.closed_at IS NULL
                AND g.stage = 'admin_consent_awaited'
            WHERE d.domain = :domain
            """
        ),
        {"domain": domain_of(address)},
    ).first()
    if row is None:
        return WayIn(None, sso_offered=False, tenant_id=None, go_live_id=None)
    return WayIn(row.id, row.sso_offered, row.tenant_id, row.go_live_id)


# --- passwords and sessions -------------------------------------------------------------------


def users_with_password(session: Session, address: str) -> list[tuple[AppUser, str]]:
    """Return the active accounts of an address with their password hashes."""
    rows = session.exec(
        select(AppUser, Password.argon2)
        .join(Password, col(Password.user_id) == col(AppUser.id))
        .where(AppUser.address_key == address_key(address), AppUser.status == UserStatus.ACTIVE)
    )
    return list(rows.all())


def password_counts(session: Session, user: AppUser, at: datetime) -> bool:
    """Tell whether the password still works: until the first SSO sign-in or the end of grace."""
    if user.sign_in_method == "password":
        return True
    if user.first_sso_sign_in_at is not None:
        return False
    until = password_counts_until(session, user.id, at)
    return until is not None and at < until


def password_tries(address: str, networks: Sequence[str], browser: str = "") -> dict[str, int]:
    """Return the subjects by which wrong passwords are counted, each with its limit.

    `networks` are those of the request, the smallest first. `browser` names one that has been
    signed in with this address: it is counted for itself, so that nobody else shuts it out.
    """
    key = address_key(address)
    if browser:
        return {f"browser:{key} {browser}": MOST_FAILURES}
    by_network = {
        f"address and network:{key} {network}": MOST_FAILURES * GROWTH**number
        for number, network in enumerate(networks)
    }
    return {
        f"address:{key}": MOST_FOR_AN_ADDRESS,
        **by_network,
        f"network:{networks[0]}": MOST_FROM_A_NETWORK,
    }


def begin_try(session: Session, tries: Mapping[str, int], at: datetime) -> list[int] | None:
    """Count a password that is about to be checked; None = too many were wrong, check none.

    Counted before it is checked, as otherwise many that come at once would all be checked. Commit
    before checking, and take a right one back with `take_back`.
    """
    # All tries that share their first subject take turns, for the length of this transaction.
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))"),
        {"subject": next(iter(tries))},
    )
    if too_many_failures(session, tries, at):
        return None
    made = [FailedLogin(subject_sha256=sha256(subject), at=at) for subject in tries]
    session.add_all(made)
    session.flush()
    return [one.id for one in made if one.id is not None]


def too_many_log_ins(session: Session, address: str, at: datetime) -> bool:
    """Count a log-in by password, and tell whether there were too many of one address before."""
    limits = {f"log-ins:{address_key(address)}": MOST_LOG_INS}
    if too_many_failures(session, limits, at):
        return True
    record_failure(session, limits, at)
    return False


def take_back(session: Session, counted: list[int]) -> None:
    """Count a try no longer, because its password was right."""
    session.execute(text("DELETE FROM pulse.failed_login WHERE id = ANY(:ids)"), {"ids": counted})


def too_many_failures(session: Session, most: Mapping[str, int], at: datetime) -> bool:
    """Tell whether one of these subjects has reached its limit of recent failures."""
    limits = {sha256(subject): number for subject, number in most.items()}
    rows = session.exec(
        select(FailedLogin.subject_sha256, func.count())
        .where(
            col(FailedLogin.subject_sha256).in_(list(limits)),
            FailedLogin.at > at - timedelta(minutes=rules.FAILURE_MINUTES),
        )
        .group_by(col(FailedLogin.subject_sha256))
    ).all()
    return any(count >= limits[subject] for subject, count in rows)


def record_failure(session: Session, subjects: Iterable[str], at: datetime) -> None:
    """Record a guess, or a request of which there may be only so many."""
    session.add_all(FailedLogin(subject_sha256=sha256(subject), at=at) for subject in subjects)


def open_session(session: Session, user_id: UUID, token: str, method: str, at: datetime) -> None:
    """Start a signed-in session for a browser that holds this token."""
    session.add(
        AppSession(
            token_sha256=sha256(token),
            user_id=user_id,
            method=method,
            started_at=at,
            expires_at=at + timedelta(hours=rules.SESSION_HOURS),
        )
    )


def session_of(session: Session, token: str, at: datetime) -> tuple[SignedIn | None, str | None]:
    """Return who is signed in with this token, or None and why the session ended, if it did."""
    row = session.execute(
        text(
            """
            SELECT u.id, u.display_name, u.address, o.name, s.method, s.ended_because,
                   s.ended_at IS NULL AND s.expires_at > :at AND u.status = 'active' AS open
            FROM pulse.app_session s JOIN pulse.app_user u ON u.id = s.user_id
            JOIN pulse.organisation o ON o.id = u.organisation_id
            WHERE s.token_sha256 = :token
            """
        ),
        {"token": sha256(token), "at": at},
    ).first()
    if row is None:
        return None, None
    if not row.open:
        return None, row.ended_because
    return SignedIn(row.id, row.display_name, row.address, row.name, row.method), None


def address_of_session(session: Session, token: str) -> str:
    """Return the address of the session's user, open or ended; empty if there is no session."""
    found = session.execute(
        text(
            "SELECT u.address FROM pulse.app_session s JOIN pulse.app_user u ON u.id = s.user_id "
            "WHERE s.token_sha256 = :token"
        ),
        {"token": sha256(token)},
    ).scalar_one_or_none()
    return str(found or "")


def purge(session: Session, at: datetime) -> None:
    """Delete tries that no longer count, and sessions that ended long ago, a slice at a time."""
    for table, key, column, old in (
        ("failed_login", "id", "at", at - timedelta(minutes=rules.FAILURE_MINUTES)),
        ("app_session", "token_sha256", "expires_at", at - timedelta(days=rules.SESSION_KEPT_DAYS)),
    ):
        session.execute(
            text(
                f"DELETE FROM pulse.{table} WHERE {key} IN (SELECT {key} FROM pulse.{table} "
                f"WHERE {column} < :old LIMIT {SLICE} FOR UPDATE SKIP LOCKED)"
            ),
            {"old": old},
        )


def end_session(session: Session, token: str, at: datetime) -> None:
    """End a session because its person logged out."""
    session.execute(
        text(
            "UPDATE pulse.app_session SET ended_at = :at, ended_because = 'logged_out' "
            "WHERE token_sha256 = :token AND ended_at IS NULL"
        ),
        {"at": at, "token": sha256(token)},
    )


# --- SSO sign-in ------------------------------------------------------------------------------


@dataclass(frozen=True)
class SsoPerson:
    """The account that a Microsoft identity is linked to."""

    user_id: UUID
    status: str
    organisation_slug: str
    first_time: bool
    waiting_go_live_id: UUID | None
    """An open go-live that waits until one of its first users has signed in."""


def person_of_identity(session: Session, tenant_id: UUID, object_id: UUID) -> SsoPerson | None:
    """Return the account linked to tenant and object id, the only key that identifies a person.

    Locked until commit, so that an undo waits for the sign-in and then undoes all of it.
    """
    row = session.execute(
        text(
            """
            SELECT u.id, u.status, o.slug, u.first_sso_sign_in_at IS NULL AS first_time,
                   CASE WHEN g.stage = 'users_migrated' AND g.users_done < g.users_total
                       THEN g.id END AS waiting_go_live_id
            FROM golive.directory_link l
            JOIN pulse.app_user u ON u.id = l.user_id
            JOIN pulse.organisation o ON o.id = u.organisation_id
            LEFT JOIN golive.go_live g ON g.organisation_id = o.id AND g.closed_at IS NULL
            WHERE l.tenant_id = :tenant_id AND l.object_id = :object_id
            FOR NO KEY UPDATE OF u FOR SHARE OF l
            """
        ),
        {"tenant_id": tenant_id, "object_id": object_id},
    ).first()
    return (
        SsoPerson(row.id, row.status, row.slug, row.first_time, row.waiting_go_live_id)
        if row
        else None
    )


def count_first_sign_in(session: Session, go_live_id: UUID) -> bool:
    """Count a first sign-in, and tell whether to signal it to the run.

    The run only needs to know that there is one; tens of thousands, from a large first wave before
    the others move, would fill its history.
    """
    counted = session.execute(
        text(
            "UPDATE golive.go_live SET sign_ins_reported = sign_ins_reported + 1 "
            "WHERE id = :g AND sign_ins_reported < :most RETURNING 1"
        ),
        {"g": go_live_id, "most": MOST_SIGN_INS_REPORTED},
    )
    return counted.first() is not None


def record_sso_sign_in(
    session: Session,
    user_id: UUID,
    at: datetime,
    sign_in_name: str = "",
    *,
    is_administrator: bool = False,
) -> None:
    """Record the first SSO sign-in; an invited person becomes active, the invitation is used.

    `sign_in_name` is the name that Microsoft says now, as people are renamed; "" = it said none.
    `is_administrator` says whether the token named a directory role.
    """
    session.execute(
        text(
            "UPDATE golive.directory_link SET is_administrator = :is_administrator, "
            "sign_in_name = coalesce(nullif(:name, ''), sign_in_name) WHERE user_id = :id"
        ),
        {"id": user_id, "name": sign_in_name, "is_administrator": is_administrator},
    )
    session.execute(
        text(
            """
            UPDATE pulse.app_user SET
                first_sso_sign_in_at = coalesce(first_sso_sign_in_at, :at),
                status = CASE status WHEN 'invited' THEN 'active' ELSE status END
            WHERE id = :id
            """
        ),
        {"id": user_id, "at": at},
    )
    session.execute(
        text(
            "UPDATE golive.personal_link SET used_at = :at WHERE user_id = :id "
            "AND purpose = 'invitation' AND used_at IS NULL AND revoked_at IS NULL"
        ),
        {"id": user_id, "at": at},
    )


@dataclass(frozen=True)
class Invited:
    """The person an invitation is for, and where they sign in."""

    link_id: UUID
    link_version: int
    address: str
    display_name: str
    organisation_name: str
    owner_name: str
    tenant_id: UUID
    organisation_id: UUID
    sign_in_name: str | None
    """What Microsoft knows the person by; None = not known."""


def invited(session: Session, link: PersonalLink) -> Invited | None:
    """Return whom an invitation link is for; None if they can no longer sign in by it."""
    row = session.execute(
        text(
            """
            SELECT u.address, u.display_name, o.name AS organisation_name,
                   coalesce(nullif(s.name, ''), s.handle) AS owner_name, l.tenant_id,
                   u.organisation_id, l.sign_in_name
            FROM pulse.app_user u
            JOIN pulse.organisation o ON o.id = u.organisation_id
            JOIN golive.go_live g ON g.id = :g
            JOIN golive.staff s ON s.id = g.owner_id
            JOIN golive.directory_link l ON l.user_id = u.id
            WHERE u.id = :user_id AND u.status <> 'deactivated'
            """
        ),
        {"g": link.go_live_id, "user_id": link.user_id},
    ).first()
    return Invited(link_id=link.id, link_version=link.version, **row._mapping) if row else None


def sign_in_name(session: Session, tenant_id: UUID, address: str) -> str | None:
    """Return the name that a tenant knows the person of an address by; None = not known.

    It tells who has an account, so it is for people who have proven before that they are this one.
    """
    found: str | None = session.execute(
        text(
            """
            SELECT l.sign_in_name FROM pulse.app_user u
            JOIN golive.directory_link l ON l.user_id = u.id
            WHERE u.address_key = :key AND u.status <> 'deactivated' AND l.tenant_id = :tenant
            """
        ),
        {"key": address_key(address), "tenant": tenant_id},
    ).scalar()
    return found
