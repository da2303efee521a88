"""Facts that browsers proved and a go-live must hear of: written with the proof, gone once told.

Temporal may be away at that moment, or the web process be killed; then it is told later.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from database.models import Fact, GoLive, Organisation


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
    session: Session, go_live_id: UUID, signal: str, argument: dict[str, Any], at: datetime
) -> int:
    """Keep a fact until the go-live has been told; return its number."""
    fact = Fact(go_live_id=go_live_id, signal=signal, argument=argument, noted_at=at)
    session.add(fact)
    session.flush()
    assert fact.id is not None  # noqa: S101  (the database has just given it)
    return fact.id


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
