"""Audit entries of what outsiders can repeat without end: the first few, the others as a count."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from database.go_live.records import write_audit
from database.hashing import sha256
from database.models import GoLive

WINDOW = timedelta(hours=1)
"""From the first one on; after it, what was only counted becomes one entry."""

WRITTEN_EACH = 3
"""So many of a network have entries of their own within the window; the others are counted."""

MOST_NETWORKS = 10
"""Networks that are counted apart for one event; all others are counted together."""


def write_repeated(
    session: Session,
    at: datetime,
    action: str,
    *,
    network: str,
    go_live: GoLive | None = None,
    organisation_id: UUID | None = None,
    subject: str = "",
    reason: str = "",
    note: str = "",
) -> None:
    """Append an entry to the audit trail, or count it where there were enough of its kind.

    `reason` and `subject` are of a closed set, or of somebody whom an ID token has named. `note` is
    the subject of an entry that has none, such as Microsoft's numbers; outsiders may write another
    one each time, so it makes no event of its own.
    """
    organisation_id = go_live.organisation_id if go_live else organisation_id
    go_live_id = go_live.id if go_live else None
    event = f"{action} {reason} {subject} {go_live_id} {organisation_id}"
    times = session.execute(
        text(
            """
            WITH counted AS (
                SELECT count(*) AS networks,
                       coalesce(bool_or(network_sha256 = :network), false) AS known
                FROM golive.repeated_event WHERE event_sha256 = :event)
            INSERT INTO golive.repeated_event (event_sha256, network_sha256, action, reason,
                subject, go_live_id, organisation_id, since, times)
            SELECT :event, CASE WHEN known OR networks < :most THEN :network ELSE '' END,
                   :action, :reason, :subject, CAST(:go_live AS uuid),
                   CAST(:organisation AS uuid), :at, 1
            FROM counted
            ON CONFLICT (event_sha256, network_sha256)
            DO UPDATE SET times = repeated_event.times + 1
            RETURNING times
            """
        ),
        {
            "event": sha256(event),
            "network": sha256(network),
            "most": MOST_NETWORKS,
            "action": action,
            "reason": reason,
            "subject": subject,
            "go_live": go_live_id,
            "organisation": organisation_id,
            "at": at,
        },
    ).scalar_one()
    if times <= WRITTEN_EACH:
        write_audit(
            session,
            at,
            "system",
            action,
            go_live=go_live,
            organisation_id=organisation_id,
            subject=subject or note,
            reason=reason,
        )


def close_windows(session: Session, at: datetime) -> None:
    """Append one entry for all that were only counted, and begin to count anew."""
    over = session.execute(
        text(
            """
            DELETE FROM golive.repeated_event WHERE (event_sha256, network_sha256) IN (
                SELECT event_sha256, network_sha256 FROM golive.repeated_event
                WHERE since <= :old FOR UPDATE SKIP LOCKED)
            RETURNING event_sha256, action, reason, subject, go_live_id, organisation_id,
                      since, times
            """
        ),
        {"old": at - WINDOW},
    ).all()
    together: dict[str, tuple[int, datetime]] = {}
    for row in over:
        times, since = together.get(row.event_sha256, (0, row.since))
        counted = max(0, row.times - WRITTEN_EACH)
        together[row.event_sha256] = (times + counted, min(since, row.since))
    for row in {row.event_sha256: row for row in over}.values():
        times, since = together[row.event_sha256]
        if times:
            write_audit(
                session,
                at,
                "system",
                row.action,
                go_live=session.get(GoLive, row.go_live_id) if row.go_live_id else None,
                organisation_id=row.organisation_id,
                subject=row.subject,
                reason=row.reason,
                times=times,
                since=since,
            )
