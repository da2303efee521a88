"""Moves users by SQL on sets: applies a plan batch by batch, and undoes it."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlmodel import Session

from contracts.directory import SignIns, WaveMoved
from database.engine import commit_without_waiting
from database.moves.plans import administrator_of, lock_moves


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

    In this transaction it links them, switches their sign-in method, ends their app sessions,
    queues their mail and writes the audit trail. It never moves a user twice, and nobody after an
    undo has begun.
    """
    lock_moves(session, go_live_id)
    commit_without_waiting(session)
    _use_indexes_only(session)
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
                  AND position > (SELECT moved_up_to FROM golive.go_live
                                  WHERE id = :g AND undo_started_at IS NULL)
                ORDER BY position LIMIT :size) batch
            """
        ),
        keys,
    ).one()
    if bounds[2] == 0:
        return 0
    keys |= {"low": bounds[0], "high": bounds[1]}
    linked = _rows(session, _LINK_BATCH, keys)
    # Everyone got a new link, as nearly always: then no identity belongs to another user.
    all_new = linked == bounds[2]
    keys["lost"] = 0 if all_new else _rows(session, _TURN_INTO_EXCEPTIONS, keys)
    keys["moved"] = _rows(session, _MARK_MOVED, keys)
    for statement in _MOVE_STATEMENTS:
        session.execute(text(statement), keys)
    return int(bounds[2])


def _use_indexes_only(session: Session) -> None:
    """Have this transaction find its rows one by one by index, in order.

    A batch is a few thousand rows of possibly a million. PostgreSQL estimates that reading all of a
    table, or all of an index to hash it, is cheaper for one batch. But every batch would read it
    again: a move ten times as large would take a hundred times as long.
    """
    for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "material", "sort"):
        session.execute(text(f"SET LOCAL enable_{way} = off"))


def _rows(session: Session, statement: str, keys: dict[str, Any]) -> int:
    return cast("CursorResult[Any]", session.execute(text(statement), keys)).rowcount


_BATCH = """
    WITH m AS MATERIALIZED (
        SELECT * FROM golive.user_move WHERE go_live_id = :g AND position BETWEEN :low AND :high
        AND wave = :wave AND move_class IN ('link', 'invite'))
"""

_LINK_BATCH = f"""
    {_BATCH} INSERT INTO golive.directory_link (user_id, tenant_id, object_id, go_live_id,
        sign_in_name)
    SELECT m.user_id, :tenant_id, m.object_id, :g, m.sign_in_name FROM m
    WHERE m.moved_at IS NULL ON CONFLICT DO NOTHING
"""

_NOT_MOVED = """
    m.go_live_id = :g AND m.position BETWEEN :low AND :high AND m.wave = :wave
    AND m.move_class IN ('link', 'invite') AND m.moved_at IS NULL
"""

# Another organisation of the same tenant may have linked this identity meanwhile.
_TURN_INTO_EXCEPTIONS = f"""
    UPDATE golive.user_move m
    SET move_class = 'exception', reason = 'linked_to_another', object_id = NULL
    WHERE {_NOT_MOVED} AND NOT EXISTS (
        SELECT FROM golive.directory_link l WHERE l.user_id = m.user_id
        AND l.tenant_id = :tenant_id AND l.object_id = m.object_id)
"""

_MARK_MOVED = f"""
    UPDATE golive.user_move m SET moved_at = :at, prior_sign_in_method = u.sign_in_method,
        prior_status = u.status, prior_password_until = u.password_until,
        prior_first_sso_sign_in_at = u.first_sso_sign_in_at, undone_at = NULL,
        sign_in_name = NULL
    FROM pulse.app_user u WHERE u.id = m.user_id AND {_NOT_MOVED}
"""

_MOVE_STATEMENTS = (
    f"""
    {_BATCH} UPDATE pulse.app_user u SET sign_in_method = 'sso', password_until = :password_until
    FROM m WHERE u.id = m.user_id
    """,
    f"""
    {_BATCH} UPDATE pulse.app_session s SET ended_at = :at, ended_because = 'moved_to_sso'
    FROM m WHERE s.user_id = m.user_id AND s.ended_at IS NULL
    """,
    f"""
    {_BATCH} INSERT INTO golive.personal_link (id, go_live_id, purpose, user_id, version,
        expires_at)
    SELECT gen_random_uuid(), :g, 'invitation', m.user_id, 1, :invitation_expires_at
    FROM m WHERE m.move_class = 'invite'
    ON CONFLICT DO NOTHING
    """,
    f"""
    {_BATCH} INSERT INTO golive.mail (id, go_live_id, message, idempotency_key, recipient_kind,
        recipient_id, link_id, due_at, state, attempts)
    SELECT gen_random_uuid(), :g,
        CASE m.move_class WHEN 'invite' THEN 'invitation' ELSE 'sign_in_with_sso' END,
        'move', 'user', m.user_id,
        CASE m.move_class WHEN 'invite' THEN (
            SELECT k.id FROM golive.personal_link k
            WHERE k.go_live_id = :g AND k.user_id = m.user_id
              AND k.purpose = 'invitation' AND k.revoked_at IS NULL) END,
        :at, 'queued', 0
    FROM m ON CONFLICT DO NOTHING
    """,
    f"""
    {_BATCH} INSERT INTO golive.audit_entry (at, actor, action, organisation_id, go_live_id,
        subject, reason)
    SELECT :at, 'workflow', 'user_moved', g.organisation_id, :g, 'user:' || m.user_id, ''
    FROM m JOIN golive.go_live g ON g.id = m.go_live_id
    """,
    """
    UPDATE golive.go_live SET users_done = users_done + :moved, moved_up_to = :high,
        users_total = users_total - :lost, exceptions = exceptions + :lost
    WHERE id = :g
    """,
)


def flush_batches(session: Session, go_live_id: UUID) -> None:
    """Make every batch so far durable with this transaction; nobody gets mail before that."""
    session.execute(
        text("UPDATE golive.go_live SET moved_up_to = moved_up_to WHERE id = :g"), {"g": go_live_id}
    )


def moved_so_far(
    session: Session, go_live_id: UUID, *, paused: bool = False, plan_changed: bool = False
) -> WaveMoved:
    """Return how far the plan is applied, all waves together."""
    row = session.execute(
        text(
            """
            SELECT count(*) FILTER (WHERE moved_at IS NOT NULL AND undone_at IS NULL) AS moved,
                   count(*) FILTER (WHERE move_class IN ('link', 'invite')) AS total,
                   count(*) FILTER (WHERE move_class = 'exception') AS exceptions
            FROM golive.user_move WHERE go_live_id = :g
            """
        ),
        {"g": go_live_id},
    ).one()
    return WaveMoved(
        moved=row.moved,
        paused=paused,
        plan_changed=plan_changed,
        total=row.total,
        exceptions=row.exceptions,
    )


def begin_undo(session: Session, go_live_id: UUID, at: datetime) -> None:
    """Stop moves: after the commit, no batch moves anyone of this go-live. Idempotent."""
    lock_moves(session, go_live_id)
    session.execute(
        text(
            "UPDATE golive.go_live SET undo_started_at = :at, moved_up_to = 0 "
            "WHERE id = :g AND undo_started_at IS NULL"
        ),
        {"g": go_live_id, "at": at},
    )


def undo_batch(session: Session, go_live_id: UUID, *, at: datetime, size: int) -> int:
    """Restore what the next moved users had; 0 = everyone has it. Idempotent."""
    lock_moves(session, go_live_id)
    commit_without_waiting(session)
    _use_indexes_only(session)
    keys: dict[str, Any] = {"g": go_live_id, "at": at, "size": size}
    bounds = session.execute(
        text(
            """
            SELECT min(position), max(position), count(*) FROM (
                SELECT position FROM golive.user_move
                WHERE go_live_id = :g AND moved_at IS NOT NULL AND undone_at IS NULL
                  AND position > (SELECT moved_up_to FROM golive.go_live
                                  WHERE id = :g AND undo_started_at IS NOT NULL)
                ORDER BY position LIMIT :size) batch
            """
        ),
        keys,
    ).one()
    if bounds[2] == 0:
        return 0
    keys |= {"low": bounds[0], "high": bounds[1], "undone": bounds[2]}
    for statement in _UNDO_STATEMENTS:
        session.execute(text(statement), keys)
    return int(bounds[2])


# First the rows of the batch, then for each what belongs to it, never the other way round.
# PostgreSQL has no statistics of rows just written and takes them for few: there the ids are given.
_UNDO = """
    WITH m AS MATERIALIZED (
        SELECT * FROM golive.user_move WHERE go_live_id = :g AND position BETWEEN :low AND :high
        AND moved_at IS NOT NULL AND undone_at IS NULL)
"""

_UNDO_STATEMENTS = (
    f"""
    {_UNDO} UPDATE pulse.app_user u SET sign_in_method = m.prior_sign_in_method,
        -- A user who was deactivated since then stays deactivated.
        status = CASE u.status WHEN 'deactivated' THEN u.status ELSE m.prior_status END,
        password_until = m.prior_password_until,
        first_sso_sign_in_at = m.prior_first_sso_sign_in_at
    FROM m WHERE u.id = m.user_id
    """,
    f"""
    {_UNDO} DELETE FROM golive.directory_link l
    WHERE l.user_id = ANY (ARRAY(SELECT user_id FROM m)) AND l.go_live_id = :g
    """,
    f"""
    {_UNDO} UPDATE pulse.app_session s SET ended_at = :at, ended_because = 'rolled_back'
    FROM m WHERE s.user_id = m.user_id AND s.ended_at IS NULL AND s.method = 'sso'
    """,
    f"""
    {_UNDO} UPDATE golive.personal_link k SET revoked_at = :at
    WHERE k.go_live_id = :g AND k.user_id = ANY (ARRAY(SELECT user_id FROM m))
      AND k.revoked_at IS NULL
    """,
    f"""
    {_UNDO} INSERT INTO golive.mail (id, go_live_id, message, idempotency_key, recipient_kind,
        recipient_id, due_at, state, attempts)
    SELECT gen_random_uuid(), :g, 'roll_back_user', 'roll_back', 'user', m.user_id, :at,
        'queued', 0
    FROM m WHERE m.prior_status = 'active' ON CONFLICT DO NOTHING
    """,
    f"""
    {_UNDO} INSERT INTO golive.audit_entry (at, actor, action, organisation_id, go_live_id,
        subject, reason)
    SELECT :at, 'workflow', 'user_move_undone', g.organisation_id, :g, 'user:' || m.user_id, ''
    FROM m JOIN golive.go_live g ON g.id = m.go_live_id
    """,
    """
    UPDATE golive.user_move SET undone_at = :at WHERE go_live_id = :g
    AND position BETWEEN :low AND :high AND moved_at IS NOT NULL AND undone_at IS NULL
    """,
    """
    UPDATE golive.go_live SET users_done = users_done - :undone, moved_up_to = :high WHERE id = :g
    """,
)


def sign_ins(session: Session, go_live_id: UUID, organisation_id: UUID) -> SignIns:
    """Count moved users who have signed in through SSO, and those of them who are no administrator.

    Everybody who ever came back from Microsoft with a consent may be the administrator, and so may
    whose last sign-in named a directory role: Microsoft lets them in where it stops others.
    """
    row = session.execute(
        text(
            """
            SELECT count(*) AS signed_in,
                   count(*) FILTER (
                       WHERE m.object_id IS DISTINCT FROM :administrator_object_id
                       AND NOT EXISTS (
                           SELECT 1 FROM golive.consent_evidence e
                           WHERE e.administrator_object_id = m.object_id
                       )
                       AND NOT EXISTS (
                           SELECT 1 FROM golive.directory_link l
                           WHERE l.user_id = m.user_id AND l.is_administrator
                       )
                   ) AS by_non_administrator
            FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id
            WHERE m.go_live_id = :go_live_id AND m.moved_at IS NOT NULL AND m.undone_at IS NULL
              AND u.first_sso_sign_in_at IS NOT NULL
            """
        ),
        {
            "go_live_id": go_live_id,
            "administrator_object_id": administrator_of(session, organisation_id),
        },
    ).one()
    return SignIns(**row._mapping)
