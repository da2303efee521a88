"""The outbox: facts that a go-live must hear of, written with what they follow from.

A fact is *pending* from the transaction that writes it until the go-live has been signalled. That
is tried at once; where Temporal is away, or the web process is killed, it is told later. Telling a
fact twice changes nothing (it is idempotent), so any number of processes may do it.

A run's history has a limit, and most of what is written here follows from a click that anybody at
the customer can repeat. So a fact is written only when it changes something, and only so often:

| Signal | Bounded by |
| --- | --- |
| `consent_reported` | `records.may_be_told`: ten a day for an account, a hundred for a go-live |
| `consent_not_given` | `records.was_told_lately`: a reason once a day, from personal links only |
| `user_signed_in` | `sign_in.hears_of_sign_in`: first sign-ins only, a hundred for a go-live |
| `it_acknowledged` | `it_team.acknowledge`: the first word and other dates only, ten a day |
| `mail_requested` | `links.renew`: three a day for a person, a hundred for a go-live |

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
from database.models import Fact, GoLive, Organisation

AnyFact = ConsentReported | ConsentNotGiven | ItAcknowledged | MailRequested | UserSignedIn

SIGNALS: dict[type[AnyFact], str] = {
    ConsentReported: "consent_reported",
    ConsentNotGiven: "consent_not_given",
    ItAcknowledged: "it_acknowledged",
    MailRequested: "mail_requested",
    UserSignedIn: "user_signed_in",
}
"""The name of the signal that carries each."""


@dataclass(frozen=True)
class UntoldFact:
    """One fact and the go-live that is to hear it."""

    id: int
    slug: str
    signal: str
    argument: dict[str, Any]
    is_open: bool
    """Whether the go-live still runs; else nobody is left to tell."""


def note_fact(
    session: Session, go_live_id: UUID, fact: AnyFact, at: datetime, *, alone: bool = False
) -> int:
    """Keep a fact until the go-live has been told; return its number.

    `alone`: it stands for whatever of its kind is still pending, which is dropped.
    """
    signal = SIGNALS[type(fact)]
    if alone:
        session.execute(
            text("DELETE FROM golive.fact WHERE go_live_id = :g AND signal = :signal"),
            {"g": go_live_id, "signal": signal},
        )
    argument = to_jsonable_python(fact)
    kept = Fact(go_live_id=go_live_id, signal=signal, argument=argument, noted_at=at)
    session.add(kept)
    session.flush()
    assert kept.id is not None  # noqa: S101  (the database has just given it)
    return kept.id


def untold_facts(
    session: Session, *, before: datetime, only: int | None = None, limit: int = 100
) -> list[UntoldFact]:
    """Return the oldest facts noted before then, or the one with this number, in their order."""
    asked = (
        select(Fact, Organisation.slug, GoLive.closed_at)
        .join(GoLive, col(GoLive.id) == col(Fact.go_live_id))
        .join(Organisation, col(Organisation.id) == col(GoLive.organisation_id))
        .where(col(Fact.noted_at) <= before)
        .order_by(col(Fact.id))
        .limit(limit)
    )
    if only is not None:
        asked = asked.where(Fact.id == only)
    return [
        UntoldFact(fact.id or 0, slug, fact.signal, fact.argument, closed_at is None)
        for fact, slug, closed_at in session.exec(asked)
    ]


def forget_fact(session: Session, number: int) -> None:
    """Take a fact as told. Twice is once."""
    session.execute(text("DELETE FROM golive.fact WHERE id = :id"), {"id": number})
