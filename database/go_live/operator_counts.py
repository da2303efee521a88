"""Counts for operators: how many go-lives wait for what and since when, and how much mail waits."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlmodel import Session


class Waiting(NamedTuple):
    """Open go-lives in one stage that wait for the same thing."""

    stage: str
    waits_for: str
    paused: bool
    go_lives: int
    oldest_since: float
    """Unix time since when the longest of these waits lasts."""
    first_due: float | None
    """Unix time of the earliest of their deadlines, None if there is none."""


def waiting(session: Session) -> Sequence[Waiting]:
    """Return the open go-lives by stage and wait."""
    return [
        Waiting(*row)
        for row in _rows(
            session,
            """
            SELECT stage, wait, paused, count(*), min(extract(epoch FROM since))::float8,
                   min(extract(epoch FROM due_at))::float8
            FROM golive.go_live WHERE closed_at IS NULL GROUP BY stage, wait, paused
            """,
        )
    ]


def oldest_stages(session: Session) -> Sequence[tuple[str, float]]:
    """Return for each stage when its longest-standing open go-live entered it (Unix time)."""
    return _rows(
        session,
        """
        SELECT g.stage, min(extract(epoch FROM t.started_at))::float8
        FROM golive.go_live g
        JOIN golive.stage_time t ON t.go_live_id = g.id AND t.stage = g.stage
        WHERE g.closed_at IS NULL GROUP BY g.stage
        """,
    )


def needing_attention(session: Session) -> Sequence[tuple[str, int]]:
    """Return how many open go-lives need attention, by kind."""
    return _rows(
        session,
        "SELECT attention, count(*) FROM golive.go_live "
        "WHERE closed_at IS NULL AND attention IS NOT NULL GROUP BY attention",
    )


def longest_runs(session: Session) -> tuple[int, int]:
    """Return the most events and the most orders of any open go-live's run."""
    row = session.execute(
        text(
            "SELECT coalesce(max(run_events), 0), coalesce(max(run_orders), 0) "
            "FROM golive.go_live WHERE closed_at IS NULL"
        )
    ).one()
    return row[0], row[1]


def orders_without_audit(session: Session) -> Sequence[tuple[str, int]]:
    """Return how many orders runs carried out that the audit trail does not know, by order.

    Ours are written there before they are sent, so such an order came past console and shell.
    """
    return _rows(
        session,
        """
        SELECT e.name, count(*) FROM golive.executed_order e WHERE NOT EXISTS (
            SELECT FROM golive.audit_entry a WHERE a.order_id = e.order_id
            AND a.go_live_id = e.go_live_id AND a.action = e.name)
        GROUP BY e.name
        """,
    )


def endings(session: Session) -> Sequence[tuple[str, int]]:
    """Return how many go-lives have ended, by outcome."""
    return _rows(
        session,
        "SELECT outcome, count(*) FROM golive.go_live WHERE closed_at IS NOT NULL GROUP BY outcome",
    )


def waiting_mail(session: Session) -> tuple[int, float | None]:
    """Return how many mails of open, unpaused go-lives wait, and when the first was due."""
    row = session.execute(
        text(
            """
            SELECT count(*), min(extract(epoch FROM m.due_at))::float8
            FROM golive.mail m JOIN golive.go_live g ON g.id = m.go_live_id
            WHERE m.state = 'queued' AND g.closed_at IS NULL AND NOT g.paused
            """
        )
    ).one()
    return row[0], row[1]


def outbox(session: Session) -> tuple[int, int, float | None]:
    """Return how many signals are set aside, how many wait, and since when the oldest does."""
    row = session.execute(
        text(
            """
            SELECT count(*) FILTER (WHERE set_aside_because IS NOT NULL),
                   count(*) FILTER (WHERE set_aside_because IS NULL),
                   min(extract(epoch FROM enqueued_at))
                       FILTER (WHERE set_aside_because IS NULL)::float8
            FROM golive.outbox
            """
        )
    ).one()
    return row[0], row[1], row[2]


def _rows(session: Session, statement: str) -> list[Any]:
    return [tuple(row) for row in session.execute(text(statement))]
