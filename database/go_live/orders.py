"""Orders in the audit trail: each once, however often it is sent, and whether it was refused."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from database.go_live.records import write_audit
from database.models import AuditEntry, GoLive

REFUSED = "order_refused"
"""Action of an entry that says that an order, named by the subject, was not carried out."""


def order_given(session: Session, order_id: UUID) -> AuditEntry | None:
    """Return the entry of this order, None if it was not given yet."""
    return session.exec(select(AuditEntry).where(AuditEntry.order_id == order_id)).first()


def was_given(session: Session, go_live_id: UUID, entry_id: int, action: str) -> bool:
    """Tell whether this entry of the audit trail is such an order to this go-live."""
    entry = session.get(AuditEntry, entry_id)
    return (
        entry is not None
        and entry.order_id is not None
        and (entry.go_live_id, entry.action) == (go_live_id, action)
    )


def record_order(
    session: Session,
    go_live: GoLive,
    order_id: UUID,
    *,
    action: str,
    by: str,
    reason: str,
    at: datetime,
) -> tuple[AuditEntry, bool]:
    """Record an order, unless it is recorded; return its entry, and whether this call wrote it.

    Of two concurrent calls, the second waits for the first and gets the same entry.
    """
    made = session.execute(
        insert(AuditEntry)
        .values(
            at=at,
            actor=by,
            action=action,
            organisation_id=go_live.organisation_id,
            go_live_id=go_live.id,
            subject="",
            reason=reason,
            order_id=order_id,
        )
        .on_conflict_do_nothing()
        .returning(col(AuditEntry.id))
    ).first()
    entry = order_given(session, order_id)
    assert entry is not None  # noqa: S101  (written just now, by this call or another)
    return entry, made is not None


def recorded_refusal(session: Session, order: AuditEntry) -> str | None:
    """Return the recorded reason why an order was refused, None if it was not refused."""
    return session.exec(
        select(AuditEntry.reason).where(
            AuditEntry.go_live_id == order.go_live_id,
            AuditEntry.action == REFUSED,
            AuditEntry.subject == _subject_of(order),
        )
    ).first()


def record_refusal(session: Session, order: AuditEntry, why: str, by: str, at: datetime) -> None:
    """Record that an order is not carried out. Idempotent, also for concurrent calls."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": _subject_of(order)}
    )
    if recorded_refusal(session, order) is None:
        go_live = session.exec(select(GoLive).where(col(GoLive.id) == order.go_live_id)).one()
        write_audit(
            session, at, by, REFUSED, go_live=go_live, subject=_subject_of(order), reason=why
        )


def _subject_of(order: AuditEntry) -> str:
    return f"order:{order.id}"
