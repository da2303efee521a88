"""The outbox: signals that a go-live must get, written with what they follow from.

An entry is *pending* from the transaction that writes it until its signal has been relayed. The
relay tries at once; if Temporal is unavailable, or the web process is killed, it relays later. Each
signal is idempotent, so any number of processes may relay. An entry that can never be relayed as it
is, is *set aside*: it holds up nobody, a metric counts it, and a person looks at it.

A run's history has a limit, and most entries follow from a click that anybody at the customer can
repeat. So a signal is enqueued only when it changes something, and its number is bounded:

| Signal | Bounded by |
| --- | --- |
| `consent_reported` | `records.may_report_consent`: a day, ten per account, a hundred per go-live |
| `consent_not_given` | `records.was_refusal_reported`: one a day per reason, by personal links |
| `user_signed_in` | `sign_in.count_first_sign_in`: first sign-ins only, a hundred for a go-live |
| `it_acknowledged` | `it_team.acknowledge`: the first word and other dates only, ten a day |
| `mail_requested` | `links.renew`: three a day for a person, a hundred for a go-live; `resend` |

`people_changed` does not come this way: only our own staff sends it, by hand or by an import.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import text
from sqlmodel import Session, col, select

from contracts.go_live import (
    ConsentNotGiven,
    ConsentReported,
    ItAcknowledged,
    MailRequested,
    UserSignedIn,
)
from database.models import GoLive, Organisation, OutboxEntry

AnySignal = ConsentReported | ConsentNotGiven | ItAcknowledged | MailRequested | UserSignedIn

SIGNALS: dict[type[AnySignal], str] = {
    ConsentReported: "consent_reported",
    ConsentNotGiven: "consent_not_given",
    ItAcknowledged: "it_acknowledged",
    MailRequested: "mail_requested",
    UserSignedIn: "user_signed_in",
}
"""The name of the signal that carries each."""


@dataclass(frozen=True)
class PendingSignal:
    """One entry and the go-live that is to get its signal."""

    id: int
    slug: str
    signal: str
    argument: dict[str, Any]
    is_open: bool
    """Whether the go-live still runs; otherwise nothing takes the signal."""


def enqueue(
    session: Session, go_live_id: UUID, argument: AnySignal, at: datetime, *, alone: bool = False
) -> int:
    """Write a signal, given by its argument, into the outbox; return the entry's number.

    `alone`: it replaces signals of its kind that are still pending.
    """
    signal = SIGNALS[type(argument)]
    if alone:
        session.execute(
            text("DELETE FROM golive.outbox WHERE go_live_id = :g AND signal = :signal"),
            {"g": go_live_id, "signal": signal},
        )
    entry = OutboxEntry(
        go_live_id=go_live_id,
        signal=signal,
        argument=to_jsonable_python(argument),
        enqueued_at=at,
    )
    session.add(entry)
    session.flush()
    assert entry.id is not None  # noqa: S101  (the database has just given it)
    return entry.id


def pending(
    session: Session,
    *,
    before: datetime,
    only: int | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[PendingSignal]:
    """Return the oldest signals enqueued before then, or the one of this number, in their order.

    `after`: only entries of higher numbers; those set aside are left out.
    """
    asked = (
        select(OutboxEntry, Organisation.slug, GoLive.closed_at)
        .join(GoLive, col(GoLive.id) == col(OutboxEntry.go_live_id))
        .join(Organisation, col(Organisation.id) == col(GoLive.organisation_id))
        .where(
            col(OutboxEntry.enqueued_at) <= before,
            col(OutboxEntry.id) > after,
            col(OutboxEntry.set_aside_because).is_(None),
        )
        .order_by(col(OutboxEntry.id))
        .limit(limit)
    )
    if only is not None:
        asked = asked.where(OutboxEntry.id == only)
    return [
        PendingSignal(entry.id or 0, slug, entry.signal, entry.argument, closed_at is None)
        for entry, slug, closed_at in session.exec(asked)
    ]


def acknowledge(session: Session, number: int) -> None:
    """Delete an entry whose signal was relayed. Idempotent."""
    session.execute(text("DELETE FROM golive.outbox WHERE id = :id"), {"id": number})


def set_aside(session: Session, number: int, because: str) -> None:
    """Keep an entry that can never be relayed as it is, out of the way of the others."""
    session.execute(
        text("UPDATE golive.outbox SET set_aside_because = :because WHERE id = :id"),
        {"id": number, "because": because},
    )
