"""What the demo, its report and tests ask the database, and no page or command does."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


def users_by_result(session: Session, go_live_id: UUID) -> dict[str, int]:
    """Return how many users ended as `link`, `invite`, ... or `exception: <reason>`."""
    rows = session.execute(
        text(
            """
            SELECT CASE WHEN reason IS NULL THEN move_class ELSE 'exception: ' || reason END
                       AS result, count(*) AS users
            FROM golive.user_move WHERE go_live_id = :g GROUP BY result ORDER BY result
            """
        ),
        {"g": go_live_id},
    )
    return {row.result: row.users for row in rows}


def mails_by_message(session: Session, go_live_id: UUID) -> dict[str, dict[str, int]]:
    """Return for each message how many mails were sent and to how many addresses."""
    rows = session.execute(
        text(
            """
            SELECT message, count(*) FILTER (WHERE state = 'sent') AS sent,
                   count(*) FILTER (WHERE state = 'refused') AS refused,
                   count(DISTINCT recipient_id) AS addresses
            FROM golive.mail WHERE go_live_id = :g GROUP BY message ORDER BY message
            """
        ),
        {"g": go_live_id},
    )
    return {
        row.message: {"sent": row.sent, "refused": row.refused, "addresses": row.addresses}
        for row in rows
    }


def personal_data(session: Session, organisation_id: UUID) -> list[str]:
    """Return every address and name of an organisation's people and of our staff.

    A name that is no more than the handle is left out: handles say who gave an order.
    """
    rows = session.execute(
        text(
            """
            SELECT address AS word FROM pulse.app_user WHERE organisation_id = :o
            UNION SELECT display_name FROM pulse.app_user WHERE organisation_id = :o
            UNION SELECT address FROM golive.contact WHERE organisation_id = :o
            UNION SELECT name FROM golive.contact WHERE organisation_id = :o
            UNION SELECT address FROM golive.staff
            UNION SELECT name FROM golive.staff WHERE lower(name) <> handle
            """
        ),
        {"o": organisation_id},
    )
    return [row.word for row in rows if row.word]


def first_wave_addresses(session: Session, go_live_id: UUID) -> list[str]:
    """Return the addresses of the moved users of the first wave, the administrator's not."""
    rows = session.execute(
        text(
            """
            SELECT u.address FROM golive.user_move m
            JOIN pulse.app_user u ON u.id = m.user_id
            JOIN golive.go_live g ON g.id = m.go_live_id
            JOIN golive.sso_connection c ON c.organisation_id = g.organisation_id
            WHERE m.go_live_id = :g AND m.wave = 'first' AND m.moved_at IS NOT NULL
              AND m.object_id IS DISTINCT FROM c.administrator_object_id
            ORDER BY m.position
            """
        ),
        {"g": go_live_id},
    )
    return [row.address for row in rows]
