"""How long a moved user's password still works; time in which the go-live was paused is added."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

END_OF_GRACE = """
    u.password_until + coalesce((
        SELECT sum(greatest(interval '0',
                   least(p.ended_at, {at}) - greatest(p.began_at, latest.moved_at)))
        FROM (SELECT v.go_live_id, v.moved_at
              FROM golive.go_live g JOIN golive.user_move v
                  ON v.go_live_id = g.id AND v.user_id = u.id
              WHERE g.organisation_id = u.organisation_id
                AND v.moved_at IS NOT NULL AND v.undone_at IS NULL
              ORDER BY v.moved_at DESC LIMIT 1) latest
        JOIN golive.pause_time p ON p.go_live_id = latest.go_live_id), interval '0')
"""
"""Until when the password of user `u` works, as known at `{at}`; NULL = no move ends it.

During a pause this moves along with `{at}`: a password that had ended before the pause stays
invalid, and one that had not stays valid however long the pause lasts.
"""


def password_counts_until(session: Session, user_id: UUID, at: datetime) -> datetime | None:
    """Return until when a moved user may use the password, None for a user who has not moved."""
    statement = f"SELECT {END_OF_GRACE.format(at=':at')} FROM pulse.app_user u WHERE u.id = :u"
    until: datetime | None = session.execute(text(statement), {"u": user_id, "at": at}).scalar_one()
    return until
