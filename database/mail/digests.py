"""The contents of the daily digest to customer success; nobody gets two on one day."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from contracts import rules
from contracts.addresses import address_key
from contracts.notices import MailState, Message, RecipientKind
from database.go_live import standings
from database.go_live.standings import Standing
from database.mail import ledger
from database.mail.ledger import QueuedMail
from database.models import Mail, Staff

_NEWS = (
    "go_live_started",
    "owner_changed",
    "acknowledge_it",
    "second_contact_named",
    "consent_refused",
    "consent_proven",
)
"""Audit actions that are news, because the manager did not do them."""


@dataclass(frozen=True)
class Manager:
    """Someone who looks after go-lives."""

    id: UUID
    handle: str
    time_zone: str


@dataclass(frozen=True)
class News:
    """One thing that happened in a go-live, once or several times."""

    at: datetime
    """When it happened last."""
    action: str
    """Of the audit trail; `stage` when the go-live entered a stage."""
    detail: str
    """The stage, or the audit entry's reason."""
    times: int = 1


def managers(session: Session, at: datetime) -> list[Manager]:
    """Return the owners of open or recently ended go-lives, with their time zones.

    The time zone defaults to that of most of their organisations.
    """
    rows = session.execute(
        text(
            """
            SELECT s.id, s.handle, coalesce(s.time_zone,
                   mode() WITHIN GROUP (ORDER BY p.time_zone)) AS time_zone
            FROM golive.staff s JOIN golive.go_live g ON g.owner_id = s.id
            JOIN golive.preference p ON p.organisation_id = g.organisation_id
            WHERE g.closed_at IS NULL OR g.closed_at > :lately
            GROUP BY s.id ORDER BY s.handle
            """
        ),
        {"lately": at - rules.DIGEST_LOOKS_BACK},
    )
    return [Manager(**row._mapping) for row in rows]


def operator(session: Session, address: str) -> Manager:
    """Return whoever of our staff reads this address; who runs the installation is staff of ours.

    An address that is nobody's yet becomes that of `operators`, in the time zone of most customers.
    """
    row = session.execute(
        text(
            """
            WITH known AS (SELECT id FROM golive.staff WHERE address_key = :key), made AS (
                INSERT INTO golive.staff AS s (id, handle, address, address_key, name)
                SELECT gen_random_uuid(), 'operators', :address, :key, 'Operators'
                WHERE NOT EXISTS (SELECT FROM known)
                ON CONFLICT (handle) DO UPDATE SET address = :address, address_key = :key
                RETURNING id)
            SELECT id FROM known UNION ALL SELECT id FROM made
            """
        ),
        {"address": address, "key": address_key(address)},
    ).one()
    found = session.get_one(Staff, row.id)
    usual = (
        "SELECT coalesce(mode() WITHIN GROUP (ORDER BY time_zone), 'UTC') FROM golive.preference"
    )
    zone = found.time_zone or str(session.execute(text(usual)).scalar_one())
    return Manager(found.id, found.handle, zone)


def waiting_for_credential(session: Session) -> int:
    """Return how many open go-lives wait because Microsoft refuses our own credential."""
    return int(
        session.execute(
            text(
                "SELECT count(*) FROM golive.go_live "
                "WHERE closed_at IS NULL AND attention = 'credential_refused'"
            )
        ).scalar_one()
    )


def last_digest(session: Session, manager: Manager, before: date, at: datetime) -> datetime:
    """Return since when there may be news: since the digest of an earlier day."""
    found = session.execute(
        text(
            "SELECT max(due_at) FROM golive.mail WHERE go_live_id IS NULL "
            "AND message = :message AND recipient_id = :staff AND idempotency_key < :today"
        ),
        {"message": Message.STAFF_DIGEST, "staff": manager.id, "today": before.isoformat()},
    ).scalar_one()
    return found or at - rules.DIGEST_LOOKS_BACK


def news_of(
    session: Session, go_lives: list[UUID], since: datetime, at: datetime
) -> dict[UUID, list[News]]:
    """Return what happened in these go-lives after `since` and up to `at`, oldest first.

    What happened several times is one of them, so their number does not grow with clicks.
    """
    rows = session.execute(
        text(
            """
            SELECT go_live_id, max(at) AS at, action, reason AS detail,
                   sum(coalesce(times, 1)) AS times
            FROM golive.audit_entry a
            WHERE go_live_id = ANY(:go_lives) AND action = ANY(:news) AND at > :since AND at <= :at
              AND NOT EXISTS (SELECT FROM golive.audit_entry r WHERE r.go_live_id = a.go_live_id
                  AND r.action = 'order_refused' AND r.subject = 'order:' || a.id)
            GROUP BY go_live_id, action, reason
            UNION ALL
            SELECT go_live_id, started_at, 'stage', stage, 1 FROM golive.stage_time
            WHERE go_live_id = ANY(:go_lives) AND started_at > :since AND started_at <= :at
            ORDER BY at
            """
        ),
        {"go_lives": go_lives, "news": list(_NEWS), "since": since, "at": at},
    )
    found: dict[UUID, list[News]] = {}
    for row in rows:
        found.setdefault(row.go_live_id, []).append(
            News(row.at, row.action, row.detail, int(row.times))
        )
    return found


def go_lives_of(session: Session, manager: Manager, since: datetime) -> list[Standing]:
    """Return the manager's open go-lives and those that ended after `since`."""
    return standings.standings_of_owner(session, manager.id, since)


def is_decided(session: Session, manager: Manager, today: date) -> bool:
    """Tell whether today's digest has been sent, refused, or found to have nothing to say."""
    return (
        session.execute(
            text(
                "SELECT 1 FROM golive.mail WHERE go_live_id IS NULL AND message = :message "
                "AND recipient_id = :staff AND idempotency_key = :today AND state <> 'queued'"
            ),
            {"message": Message.STAFF_DIGEST, "staff": manager.id, "today": today.isoformat()},
        ).first()
        is not None
    )


def queue(
    session: Session, manager: Manager, today: date, at: datetime, *, says_something: bool
) -> QueuedMail | None:
    """Queue a manager's digest of one day, once; return it while it is still to be sent.

    With nothing to report it is withdrawn at once, for the whole day.
    """
    session.execute(
        insert(Mail)
        .values(
            id=uuid4(),
            go_live_id=None,
            message=Message.STAFF_DIGEST,
            idempotency_key=today.isoformat(),
            recipient_kind=RecipientKind.STAFF,
            recipient_id=manager.id,
            due_at=at,
            state=MailState.QUEUED if says_something else MailState.WITHDRAWN,
            attempts=0,
        )
        .on_conflict_do_nothing()
    )
    return ledger.queued_digest(session, manager.id, today.isoformat())
