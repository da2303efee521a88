"""Users move as a set: staging, plan, apply, undo; a few SQL statements for any number."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from contracts.directory import MigrationPlan, SignIns
from database.models import DirectorySnapshot

StagedEntry = tuple[UUID, bool, bool, bool, list[str]]
"""object id, is a guest, is enabled, is a person, address keys without repetition."""

FIRST_WAVE_SIZE = 5
"""How many move first where nobody was named for the first wave (`group` = pilot)."""


@dataclass(frozen=True)
class StagingCursor:
    """How far a snapshot has come."""

    pages: int
    entries: int
    next_link: str | None
    """Where Microsoft said to go on; may hold an account's name, so it stays in the database."""

    @property
    def is_complete(self) -> bool:
        """Every page is there."""
        return self.pages > 0 and self.next_link is None


def staging_cursor(session: Session, go_live_id: UUID) -> StagingCursor | None:
    """Return how far the snapshot of a go-live has come, None before its first page."""
    kept = session.get(DirectorySnapshot, go_live_id)
    return StagingCursor(kept.pages, kept.entries, kept.next_link) if kept else None


def stage_page(
    session: Session,
    go_live_id: UUID,
    cursor: StagingCursor,
    entries: Iterable[StagedEntry],
    next_link: str | None,
) -> StagingCursor:
    """Write the page after `cursor` by COPY, and return the new cursor, kept with the page.

    Whatever an earlier attempt wrote from this page on is replaced.
    """
    session.execute(
        text("DELETE FROM golive.directory_entry WHERE go_live_id = :g AND page >= :page"),
        {"g": go_live_id, "page": cursor.pages},
    )
    connection = session.connection().connection.cursor()
    copied = 0
    with connection.copy(
        "COPY golive.directory_entry (go_live_id, page, line, object_id, is_guest, enabled, "
        "is_person, address_keys) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(["uuid", "int4", "int4", "uuid", "bool", "bool", "bool", "text[]"])
        for copied, entry in enumerate(entries, start=1):
            copy.write_row((go_live_id, cursor.pages, copied, *entry))
    after = StagingCursor(cursor.pages + 1, cursor.entries + copied, next_link)
    session.merge(
        DirectorySnapshot(
            go_live_id=go_live_id,
            pages=after.pages,
            entries=after.entries,
            next_link=next_link,
        )
    )
    return after


def finish_staging(session: Session) -> None:
    """Let PostgreSQL count what was staged, so that it plans the joins well."""
    session.execute(text("ANALYZE golive.directory_entry"))


def forget_staging(session: Session, go_live_id: UUID) -> None:
    """Delete the staged directory of a go-live."""
    for table in ("directory_entry", "directory_snapshot"):
        session.execute(
            text(f"DELETE FROM golive.{table} WHERE go_live_id = :g"), {"g": go_live_id}
        )


def take_turn(session: Session, go_live_id: UUID) -> None:
    """Wait until no other transaction moves this go-live's users; held until commit."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"move:{go_live_id}"},
    )


CLASSIFICATION = """
WITH organisation_users AS (
    SELECT u.*, d.decision, d.object_id AS decided_object_id, l.tenant_id AS linked_tenant_id,
           l.object_id AS linked_object_id, split_part(u.address_key, '@', -1) AS domain
    FROM pulse.app_user u
    LEFT JOIN golive.exception_decision d ON d.user_id = u.id
    LEFT JOIN golive.directory_link l ON l.user_id = u.id
    WHERE u.organisation_id = :organisation_id
),
directory AS (
    SELECT DISTINCT ON (object_id) object_id, is_guest, enabled, is_person, address_keys
    FROM golive.directory_entry
    WHERE go_live_id = :go_live_id
    ORDER BY object_id, page DESC, line DESC
),
addresses AS (
    SELECT object_id, unnest(address_keys) AS address_key FROM directory
),
matched AS (
    SELECT u.id AS user_id, count(*) AS objects, (array_agg(a.object_id))[1] AS object_id
    FROM organisation_users u JOIN addresses a USING (address_key)
    GROUP BY u.id
),
candidates AS (
    SELECT u.id AS user_id, u.status, u.sign_in_method, u.group_name, u.domain, u.decision,
           u.linked_tenant_id, u.linked_object_id, u.address_key,
           CASE WHEN u.linked_object_id IS NOT NULL THEN u.linked_object_id
                WHEN u.decision = 'link' THEN u.decided_object_id
                WHEN m.objects = 1 THEN m.object_id END AS object_id,
           coalesce(m.objects, 0) AS objects
    FROM organisation_users u LEFT JOIN matched m ON m.user_id = u.id
),
counted AS (
    SELECT c.*, count(*) FILTER (WHERE c.status <> 'deactivated' AND c.decision IS DISTINCT FROM
                                       'exclude')
                OVER (PARTITION BY c.object_id) AS users_of_object
    FROM candidates c
),
reasoned AS (
    SELECT c.user_id, c.status, c.group_name, c.object_id, c.sign_in_method, c.linked_object_id,
    CASE
        WHEN c.status = 'deactivated' THEN 'deactivated'
        WHEN c.decision = 'exclude' THEN 'excluded'
        WHEN c.linked_tenant_id <> :tenant_id THEN 'linked_to_another'
        WHEN c.linked_object_id IS NULL AND c.decision IS DISTINCT FROM 'link' AND NOT EXISTS (
            SELECT FROM golive.verified_domain v
            WHERE v.organisation_id = :organisation_id AND v.domain = c.domain
        ) THEN 'outside_verified_domains'
        WHEN EXISTS (
            SELECT FROM pulse.app_user other
            WHERE other.address_key = c.address_key AND other.id <> c.user_id
              AND other.status <> 'deactivated'
        ) THEN 'more_than_one_organisation'
        WHEN c.object_id IS NULL AND c.objects = 0 THEN 'no_match'
        WHEN c.object_id IS NULL THEN 'ambiguous'
        WHEN d.object_id IS NULL THEN 'no_match'
        WHEN d.is_guest THEN 'guest'
        WHEN NOT d.is_person THEN 'shared_or_service_account'
        WHEN NOT d.enabled THEN 'disabled'
        WHEN EXISTS (
            SELECT FROM golive.directory_link l
            WHERE l.tenant_id = :tenant_id AND l.object_id = c.object_id
              AND l.user_id <> c.user_id
        ) THEN 'linked_to_another'
        WHEN c.users_of_object > 1 THEN 'same_person_twice'
    END AS reason
    FROM counted c LEFT JOIN directory d ON d.object_id = c.object_id
),
classified AS (
    SELECT user_id, group_name, object_id, reason, sign_in_method, status,
    CASE
        WHEN reason IS NOT NULL THEN 'exception'
        WHEN linked_object_id IS NOT NULL AND sign_in_method = 'sso' THEN 'already_linked'
        WHEN status = 'invited' THEN 'invite'
        ELSE 'link'
    END AS move_class
    FROM reasoned
)
"""
"""Every user of the organisation in exactly one class. Matching is an equality join of address
keys; an address on two objects is ambiguous, never the first of them."""


def make_plan(
    session: Session, go_live_id: UUID, organisation_id: UUID, tenant_id: UUID
) -> MigrationPlan:
    """Decide about every user who has not moved yet, and return the counts and the hash."""
    take_turn(session, go_live_id)
    keys = _keys(go_live_id, organisation_id, tenant_id)
    session.execute(
        text("DELETE FROM golive.user_move WHERE go_live_id = :go_live_id AND moved_at IS NULL"),
        keys,
    )
    session.execute(
        text(
            CLASSIFICATION
            + """
            , waved AS (
                SELECT c.*, CASE
                    WHEN c.move_class NOT IN ('link', 'invite') THEN 'rest'
                    WHEN c.group_name = 'pilot' THEN 'first'
                    WHEN bool_or(c.group_name = 'pilot' AND c.move_class IN ('link', 'invite'))
                         OVER () THEN 'rest'
                    WHEN c.object_id IS DISTINCT FROM :administrator_object_id AND row_number()
                         OVER (ORDER BY CASE
                                   WHEN c.object_id = :administrator_object_id THEN 2
                                   WHEN c.move_class = 'link' THEN 0
                                   WHEN c.move_class = 'invite' THEN 1 ELSE 3 END,
                               c.user_id) <= :first_wave_size THEN 'first'
                    ELSE 'rest' END AS wave
                FROM classified c
            )
            INSERT INTO golive.user_move (go_live_id, user_id, position, move_class, reason,
                object_id, wave, prior_sign_in_method, prior_status)
            SELECT :go_live_id, w.user_id,
                   (SELECT coalesce(max(position), 0) FROM golive.user_move
                    WHERE go_live_id = :go_live_id) + row_number() OVER (ORDER BY w.user_id),
                   w.move_class, w.reason,
                   CASE WHEN w.move_class <> 'exception' THEN w.object_id END,
                   w.wave, w.sign_in_method, w.status
            FROM waved w
            WHERE NOT EXISTS (SELECT FROM golive.user_move m
                              WHERE m.go_live_id = :go_live_id AND m.user_id = w.user_id)
            """
        ),
        {
            **keys,
            "first_wave_size": FIRST_WAVE_SIZE,
            "administrator_object_id": _administrator(session, organisation_id),
        },
    )
    plan = read_plan(session, go_live_id, organisation_id)
    session.execute(
        text(
            """
            UPDATE golive.go_live SET plan_hash = :plan_hash, users_total = :total,
                exceptions = :exceptions WHERE id = :go_live_id
            """
        ),
        {
            "plan_hash": plan.plan_hash,
            "total": plan.movable,
            "exceptions": plan.exceptions,
            "go_live_id": go_live_id,
        },
    )
    return plan


def read_plan(session: Session, go_live_id: UUID, organisation_id: UUID) -> MigrationPlan:
    """Return the stored plan's counts and its hash over every decision."""
    row = session.execute(
        text(
            """
            SELECT encode(sha256(coalesce(string_agg(
                       decode(md5(concat_ws('|', user_id, move_class, reason, object_id)), 'hex'),
                       ''::bytea ORDER BY user_id), ''::bytea)), 'hex') AS plan_hash,
                   count(*) AS total,
                   count(*) FILTER (WHERE move_class = 'link') AS link,
                   count(*) FILTER (WHERE move_class = 'invite') AS invite,
                   count(*) FILTER (WHERE move_class = 'already_linked') AS already_linked,
                   count(*) FILTER (WHERE move_class = 'exception') AS exceptions,
                   count(*) FILTER (WHERE wave = 'first' AND move_class IN ('link', 'invite'))
                       AS first_wave,
                   (SELECT exception_threshold FROM golive.preference
                    WHERE organisation_id = :organisation_id) AS threshold
            FROM golive.user_move WHERE go_live_id = :go_live_id
            """
        ),
        {"go_live_id": go_live_id, "organisation_id": organisation_id},
    ).one()
    return MigrationPlan(**row._mapping)


def decisions_changed(
    session: Session, go_live_id: UUID, organisation_id: UUID, tenant_id: UUID
) -> int:
    """Return how many users, not moved yet, would be decided otherwise by now."""
    return int(
        session.execute(
            text(
                CLASSIFICATION
                + """
                SELECT count(*)
                FROM classified c
                FULL JOIN (SELECT * FROM golive.user_move WHERE go_live_id = :go_live_id) m
                    ON m.user_id = c.user_id
                WHERE m.moved_at IS NULL
                  AND (c.move_class, c.reason,
                       CASE WHEN c.move_class <> 'exception' THEN c.object_id END)
                      IS DISTINCT FROM (m.move_class, m.reason, m.object_id)
                """
            ),
            _keys(go_live_id, organisation_id, tenant_id),
        ).scalar_one()
    )


def move_batch(
    session: Session,
    go_live_id: UUID,
    tenant_id: UUID,
    *,
    wave: str,
    at: datetime,
    password_until: datetime,
    invitation_expires_at: datetime,
    size: int,
) -> int:
    """Move the next users of a wave and return how many the plan named; 0 = the wave is done.

    Links them, switches their sign-in method, ends their app sessions, puts their mail into
    the ledger and writes the audit trail, in this transaction. A user who has moved is never
    taken again; where an undo has begun, nobody is.
    """
    take_turn(session, go_live_id)
    keys: dict[str, Any] = {
        "g": go_live_id,
        "tenant_id": tenant_id,
        "wave": wave,
        "at": at,
        "password_until": password_until,
        "invitation_expires_at": invitation_expires_at,
        "size": size,
    }
    bounds = session.execute(
        text(
            """
            SELECT min(position), max(position), count(*) FROM (
                SELECT position FROM golive.user_move
                WHERE go_live_id = :g AND wave = :wave AND moved_at IS NULL
                  AND move_class IN ('link', 'invite')
                  AND NOT (SELECT undo_started_at IS NOT NULL FROM golive.go_live WHERE id = :g)
                ORDER BY position LIMIT :size) batch
            """
        ),
        keys,
    ).one()
    if bounds[2] == 0:
        return 0
    keys |= {"low": bounds[0], "high": bounds[1]}
    for statement in _MOVE_STATEMENTS:
        session.execute(text(statement), keys)
    return int(bounds[2])


_BATCH = """
    m.go_live_id = :g AND m.position BETWEEN :low AND :high AND m.wave = :wave
    AND m.move_class IN ('link', 'invite')
"""

_MOVE_STATEMENTS = (
    f"""
    INSERT INTO golive.directory_link (user_id, tenant_id, object_id, go_live_id)
    SELECT m.user_id, :tenant_id, m.object_id, :g FROM golive.user_move m
    WHERE {_BATCH} AND m.moved_at IS NULL ON CONFLICT DO NOTHING
    """,
    # Another organisation of the same tenant may have linked this identity meanwhile.
    f"""
    UPDATE golive.user_move m
    SET move_class = 'exception', reason = 'linked_to_another', object_id = NULL
    WHERE {_BATCH} AND m.moved_at IS NULL AND NOT EXISTS (
        SELECT FROM golive.directory_link l WHERE l.user_id = m.user_id
        AND l.tenant_id = :tenant_id AND l.object_id = m.object_id)
    """,
    f"""
    UPDATE golive.user_move m SET moved_at = :at, prior_sign_in_method = u.sign_in_method,
        prior_status = u.status, undone_at = NULL
    FROM pulse.app_user u WHERE u.id = m.user_id AND {_BATCH} AND m.moved_at IS NULL
    """,
    f"""
    UPDATE pulse.app_user u SET sign_in_method = 'sso', password_until = :password_until
    FROM golive.user_move m WHERE m.user_id = u.id AND {_BATCH}
    """,
    f"""
    UPDATE pulse.app_session s SET ended_at = :at, ended_because = 'moved_to_sso'
    FROM golive.user_move m WHERE m.user_id = s.user_id AND s.ended_at IS NULL AND {_BATCH}
    """,
    f"""
    INSERT INTO golive.personal_link (id, go_live_id, purpose, user_id, version, expires_at)
    SELECT gen_random_uuid(), :g, 'invitation', m.user_id, 1, :invitation_expires_at
    FROM golive.user_move m WHERE {_BATCH} AND m.move_class = 'invite'
    ON CONFLICT DO NOTHING
    """,
    f"""
    INSERT INTO golive.mail (id, go_live_id, message, occasion, recipient_kind, recipient_id,
        link_id, due_at, state, attempts)
    SELECT gen_random_uuid(), :g,
        CASE m.move_class WHEN 'invite' THEN 'invitation' ELSE 'sign_in_with_sso' END,
        'move', 'user', m.user_id, k.id, :at, 'queued', 0
    FROM golive.user_move m
    LEFT JOIN golive.personal_link k ON k.go_live_id = :g AND k.user_id = m.user_id
        AND k.purpose = 'invitation' AND k.revoked_at IS NULL
    WHERE {_BATCH} ON CONFLICT DO NOTHING
    """,
    f"""
    INSERT INTO golive.audit_entry (at, actor, action, organisation_id, go_live_id, subject, reason)
    SELECT :at, 'workflow', 'user_moved', g.organisation_id, :g, 'user:' || m.user_id, ''
    FROM golive.user_move m JOIN golive.go_live g ON g.id = m.go_live_id WHERE {_BATCH}
    """,
    """
    UPDATE golive.go_live SET users_done = (SELECT count(*) FROM golive.user_move
        WHERE go_live_id = :g AND moved_at IS NOT NULL AND undone_at IS NULL)
    WHERE id = :g
    """,
)


def begin_undo(session: Session, go_live_id: UUID, at: datetime) -> None:
    """From the commit on, no batch moves anyone of this go-live. Twice is once."""
    take_turn(session, go_live_id)
    session.execute(
        text(
            "UPDATE golive.go_live SET undo_started_at = coalesce(undo_started_at, :at) "
            "WHERE id = :g"
        ),
        {"g": go_live_id, "at": at},
    )
    session.execute(
        text(
            "UPDATE golive.mail SET state = 'withdrawn' WHERE go_live_id = :g AND state = 'queued'"
        ),
        {"g": go_live_id},
    )


def undo_batch(session: Session, go_live_id: UUID, *, at: datetime, size: int) -> int:
    """Give the next moved users back what they had; 0 = everyone has it. Twice is once."""
    take_turn(session, go_live_id)
    keys: dict[str, Any] = {"g": go_live_id, "at": at, "size": size}
    bounds = session.execute(
        text(
            """
            SELECT min(position), max(position), count(*) FROM (
                SELECT position FROM golive.user_move
                WHERE go_live_id = :g AND moved_at IS NOT NULL AND undone_at IS NULL
                ORDER BY position LIMIT :size) batch
            """
        ),
        keys,
    ).one()
    if bounds[2] == 0:
        return 0
    keys |= {"low": bounds[0], "high": bounds[1]}
    for statement in _UNDO_STATEMENTS:
        session.execute(text(statement), keys)
    return int(bounds[2])


_UNDO = """
    m.go_live_id = :g AND m.position BETWEEN :low AND :high
    AND m.moved_at IS NOT NULL AND m.undone_at IS NULL
"""

_UNDO_STATEMENTS = (
    f"""
    UPDATE pulse.app_user u SET sign_in_method = m.prior_sign_in_method, status = m.prior_status,
        password_until = NULL, first_sso_sign_in_at = NULL
    FROM golive.user_move m WHERE m.user_id = u.id AND {_UNDO}
    """,
    f"""
    DELETE FROM golive.directory_link l USING golive.user_move m
    WHERE l.user_id = m.user_id AND l.go_live_id = :g AND {_UNDO}
    """,
    f"""
    UPDATE pulse.app_session s SET ended_at = :at, ended_because = 'rolled_back'
    FROM golive.user_move m
    WHERE m.user_id = s.user_id AND s.ended_at IS NULL AND s.method = 'sso' AND {_UNDO}
    """,
    f"""
    UPDATE golive.personal_link k SET revoked_at = :at FROM golive.user_move m
    WHERE k.go_live_id = :g AND k.user_id = m.user_id AND k.revoked_at IS NULL AND {_UNDO}
    """,
    f"""
    INSERT INTO golive.mail (id, go_live_id, message, occasion, recipient_kind, recipient_id,
        due_at, state, attempts)
    SELECT gen_random_uuid(), :g, 'roll_back_user', 'roll_back', 'user', m.user_id, :at,
        'queued', 0
    FROM golive.user_move m WHERE {_UNDO} AND m.prior_status = 'active' ON CONFLICT DO NOTHING
    """,
    f"""
    INSERT INTO golive.audit_entry (at, actor, action, organisation_id, go_live_id, subject, reason)
    SELECT :at, 'workflow', 'user_move_undone', g.organisation_id, :g, 'user:' || m.user_id, ''
    FROM golive.user_move m JOIN golive.go_live g ON g.id = m.go_live_id WHERE {_UNDO}
    """,
    f"UPDATE golive.user_move m SET undone_at = :at WHERE {_UNDO}",
    """
    UPDATE golive.go_live SET users_done = (SELECT count(*) FROM golive.user_move
        WHERE go_live_id = :g AND moved_at IS NOT NULL AND undone_at IS NULL)
    WHERE id = :g
    """,
)


def sign_ins(session: Session, go_live_id: UUID, organisation_id: UUID) -> SignIns:
    """Count moved users who have signed in through SSO; the administrator apart."""
    row = session.execute(
        text(
            """
            SELECT count(*) AS signed_in,
                   count(*) FILTER (WHERE m.object_id IS DISTINCT FROM :administrator_object_id)
                       AS by_non_administrator
            FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id
            WHERE m.go_live_id = :go_live_id AND m.moved_at IS NOT NULL AND m.undone_at IS NULL
              AND u.first_sso_sign_in_at IS NOT NULL
            """
        ),
        {
            "go_live_id": go_live_id,
            "administrator_object_id": _administrator(session, organisation_id),
        },
    ).one()
    return SignIns(**row._mapping)


def _administrator(session: Session, organisation_id: UUID) -> UUID | None:
    return session.execute(
        text(
            "SELECT administrator_object_id FROM golive.sso_connection WHERE organisation_id = :o"
        ),
        {"o": organisation_id},
    ).scalar_one_or_none()


def _keys(go_live_id: UUID, organisation_id: UUID, tenant_id: UUID) -> dict[str, Any]:
    return {
        "go_live_id": go_live_id,
        "organisation_id": organisation_id,
        "tenant_id": tenant_id,
    }
