"""Orders that wait for a second person: requested, open for an hour, confirmed once."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from database.go_live.records import write_audit
from database.models import AuditEntry, GoLive, OrderRequest

OPEN_FOR = timedelta(hours=1)
"""How long a request can be confirmed; after that the order must be given again."""


def record_request(
    session: Session,
    go_live: GoLive,
    order_id: UUID,
    *,
    order: str,
    argument: dict[str, Any],
    by: str,
    reason: str,
    at: datetime,
) -> OrderRequest:
    """Record the request of this order, unless it exists, and return it."""
    made = session.execute(
        insert(OrderRequest)
        .values(
            id=order_id,
            go_live_id=go_live.id,
            order=order,
            argument=argument,
            requested_by=by,
            requested_at=at,
        )
        .on_conflict_do_nothing()
        .returning(col(OrderRequest.id))
    ).first()
    if made is not None:
        write_audit(
            session,
            at,
            by,
            f"{order}_requested",
            go_live=go_live,
            subject=_subject_of(order_id),
            reason=reason,
        )
    return session.get_one(OrderRequest, order_id)


def request_of(session: Session, order_id: UUID, *, lock: bool = False) -> OrderRequest | None:
    """Return the request of this order, locked against a second confirmation if asked."""
    return session.get(OrderRequest, order_id, with_for_update=lock)


def open_requests(session: Session, go_live_id: UUID, at: datetime) -> list[OrderRequest]:
    """Return the requests that wait for a second person, oldest first."""
    return list(
        session.exec(
            select(OrderRequest)
            .where(
                OrderRequest.go_live_id == go_live_id,
                col(OrderRequest.confirmed_by).is_(None),
                OrderRequest.requested_at > at - OPEN_FOR,
            )
            .order_by(col(OrderRequest.requested_at))
        )
    )


def reason_of(session: Session, request: OrderRequest) -> str:
    """Return the reason of a request."""
    found = session.exec(
        select(AuditEntry.reason).where(
            AuditEntry.go_live_id == request.go_live_id,
            AuditEntry.action == f"{request.order}_requested",
            AuditEntry.subject == _subject_of(request.id),
        )
    ).first()
    return found or ""


def confirm(
    session: Session, go_live: GoLive, request: OrderRequest, by: str, at: datetime
) -> None:
    """Record who confirmed a request."""
    request.confirmed_by = by
    session.add(request)
    write_audit(
        session,
        at,
        by,
        f"{request.order}_confirmed",
        go_live=go_live,
        subject=_subject_of(request.id),
    )


def _subject_of(order_id: UUID) -> str:
    return f"request:{order_id}"
