"""Queries for status, lists and reports. They read the record; no worker is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from contracts.go_live import Progress
from database.go_live.positions import POSITION, progress_of


@dataclass(frozen=True)
class Standing:
    """One organisation and where its newest go-live stands, if it has one."""

    organisation_id: UUID
    slug: str
    name: str
    owner: str
    go_live_id: UUID | None
    progress: Progress | None
    started_at: datetime | None
    closed_at: datetime | None
    signed_in: int
    """Moved users who have signed in through SSO."""


_STANDING = f"""
    SELECT o.id AS organisation_id, o.slug, o.name, s.handle AS owner, g.id AS go_live_id,
           {POSITION}, g.started_at, g.closed_at,
           CASE WHEN g.users_done + g.users_before > 0 THEN (
               SELECT count(*) FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id
               WHERE m.go_live_id = g.id AND m.undone_at IS NULL
                 AND (m.moved_at IS NOT NULL OR m.move_class = 'already_linked')
                 AND u.first_sso_sign_in_at IS NOT NULL) ELSE 0 END AS signed_in
    FROM pulse.organisation o
    JOIN golive.preference p ON p.organisation_id = o.id
    LEFT JOIN LATERAL (
        SELECT * FROM golive.go_live g WHERE g.organisation_id = o.id
        ORDER BY g.number DESC LIMIT 1
    ) g ON true
    JOIN golive.staff s ON s.id = coalesce(g.owner_id, p.owner_id)
"""


def standing_of(session: Session, slug: str) -> Standing | None:
    """Return one organisation and where it stands, None if there is none with this slug."""
    row = session.execute(text(_STANDING + " WHERE o.slug = :slug"), {"slug": slug}).first()
    return _standing(row) if row else None


def standing_of_go_live(session: Session, go_live_id: UUID | None) -> Standing | None:
    """Return where a go-live stands, also once it has ended; None once another one has begun."""
    newest = (
        _STANDING
        + """
        WHERE o.id = (SELECT organisation_id FROM golive.go_live WHERE id = :go_live)
          AND g.id = :go_live
        """
    )
    row = session.execute(text(newest), {"go_live": go_live_id}).first()
    return _standing(row) if row else None


def standings(session: Session) -> list[Standing]:
    """Return every organisation: those that need attention first, then by due date."""
    rows = session.execute(
        text(
            _STANDING
            + """
            ORDER BY g.attention IS NULL, g.closed_at IS NOT NULL, g.due_at NULLS LAST, o.slug
            """
        )
    )
    return [_standing(row) for row in rows]


def standings_of_owner(session: Session, owner_id: UUID, since: datetime) -> list[Standing]:
    """Return where a manager's open go-lives stand, and those that ended after `since`."""
    rows = session.execute(
        text(
            _STANDING
            + """
            WHERE g.owner_id = :owner AND (g.closed_at IS NULL OR g.closed_at > :since)
            ORDER BY o.slug
            """
        ),
        {"owner": owner_id, "since": since},
    )
    return [_standing(row) for row in rows]


def _standing(row: Any) -> Standing:
    return Standing(
        organisation_id=row.organisation_id,
        slug=row.slug,
        name=row.name,
        owner=row.owner,
        go_live_id=row.go_live_id,
        progress=progress_of(row) if row.go_live_id is not None else None,
        started_at=row.started_at,
        closed_at=row.closed_at,
        signed_in=row.signed_in,
    )


def stage_times(session: Session, go_live_id: UUID) -> dict[str, dict[str, str | None]]:
    """Return when each stage was entered and left, in ISO form."""
    rows = session.execute(
        text(
            "SELECT stage, started_at, ended_at FROM golive.stage_time "
            "WHERE go_live_id = :g ORDER BY started_at"
        ),
        {"g": go_live_id},
    )
    return {
        row.stage: {
            "started_at": row.started_at.isoformat(),
            "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        }
        for row in rows
    }


def exceptions(session: Session, go_live_id: UUID) -> Sequence[tuple[str, str, str]]:
    """Return address, name and reason of every user whom the plan could not move."""
    rows = session.execute(
        text(
            """
            SELECT u.address, u.display_name, m.reason
            FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id
            WHERE m.go_live_id = :g AND m.move_class = 'exception'
            ORDER BY m.reason, u.address_key
            """
        ),
        {"g": go_live_id},
    )
    return [(row.address, row.display_name, row.reason) for row in rows]
