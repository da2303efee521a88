"""Plans: the stored decisions of a go-live, a dry run, and what has changed since."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from contracts import rules
from contracts.directory import MigrationPlan
from database.moves.matching import classification
from database.moves.staging import ENTRIES, PRIVATE_ENTRIES

SORTING_MEMORY = "64MB"
"""PostgreSQL's memory for the sorts and hashes of one plan, enough for a million users."""


@dataclass(frozen=True)
class Decision:
    """What a plan decides about one user, as people read it."""

    address: str
    name: str
    status: str
    move_class: str
    reason: str | None
    object_id: UUID | None
    first_wave: bool


@dataclass(frozen=True)
class Preview:
    """The plan that would be made now."""

    plan: MigrationPlan
    counts: dict[str, int]
    """Users by class; exceptions by their reason."""


@dataclass(frozen=True)
class KnownPlan:
    """A plan of a go-live, the present one or an earlier one."""

    plan_hash: str
    made_at: datetime
    counts: dict[str, int]


def lock_moves(session: Session, go_live_id: UUID) -> None:
    """Wait until no other transaction moves this go-live's users; held until commit."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"move:{go_live_id}"},
    )


# Users whom this go-live has moved already stay as they were decided then.
_DECIDED = """
, decided AS MATERIALIZED (
    SELECT c.user_id, c.move_class, c.reason, c.object_id, c.sign_in_name, c.sign_in_method,
           c.status, c.group_name, c.move_class IN ('link', 'invite')
               AND c.object_id IS DISTINCT FROM :administrator_object_id AS may_be_first
    FROM classified c
    LEFT JOIN golive.user_move m
        ON m.go_live_id = :go_live_id AND m.user_id = c.user_id AND m.moved_at IS NOT NULL
    WHERE m.user_id IS NULL
),
first_few AS (
    SELECT user_id FROM decided WHERE may_be_first AND NOT EXISTS (
        SELECT FROM golive.user_move m WHERE m.go_live_id = :go_live_id AND m.moved_at IS NOT NULL)
    ORDER BY move_class = 'link' DESC, user_id LIMIT :first_wave_size
),
waved AS (
    SELECT d.*, CASE
        WHEN NOT d.may_be_first THEN 'rest'
        WHEN d.group_name = 'pilot' THEN 'first'
        WHEN EXISTS (SELECT FROM decided WHERE may_be_first AND group_name = 'pilot') THEN 'rest'
        WHEN d.user_id IN (SELECT user_id FROM first_few) THEN 'first'
        ELSE 'rest' END AS wave
    FROM decided d
)
"""

_STORE = """
INSERT INTO golive.user_move (go_live_id, user_id, position, move_class, reason, object_id,
    sign_in_name, wave, prior_sign_in_method, prior_status)
SELECT :go_live_id, w.user_id,
       (SELECT coalesce(max(position), 0) FROM golive.user_move WHERE go_live_id = :go_live_id)
           + row_number() OVER (ORDER BY w.wave, w.user_id),
       w.move_class, w.reason, w.object_id, w.sign_in_name, w.wave, w.sign_in_method, w.status
FROM waved w
"""

# People are renamed: who is linked already gets the name that the directory says now. Of people
# whose home is elsewhere it says none, and the name of their last sign-in stays.
_RENEW_NAMES = """
UPDATE golive.directory_link l SET sign_in_name = m.sign_in_name
FROM golive.user_move m
WHERE m.go_live_id = :go_live_id AND m.move_class = 'already_linked' AND m.user_id = l.user_id
    AND m.object_id = l.object_id AND l.sign_in_name IS DISTINCT FROM m.sign_in_name
    AND m.sign_in_name <> ''
"""

_ALL_DECISIONS = """
, decisions AS MATERIALIZED (
    SELECT user_id, move_class, reason, object_id, wave FROM waved
    UNION ALL
    SELECT user_id, move_class, reason, object_id, wave FROM golive.user_move
    WHERE go_live_id = :go_live_id AND moved_at IS NOT NULL
)
"""

_SUMMARY = """
SELECT encode(sha256(coalesce(string_agg(
           decode(md5(concat_ws('|', user_id, move_class, reason, object_id)), 'hex'),
           ''::bytea ORDER BY user_id), ''::bytea)), 'hex') AS plan_hash,
       count(*) AS total,
       count(*) FILTER (WHERE move_class = 'link') AS link,
       count(*) FILTER (WHERE move_class = 'invite') AS invite,
       count(*) FILTER (WHERE move_class = 'already_linked') AS already_linked,
       count(*) FILTER (WHERE move_class = 'exception') AS exceptions,
       count(*) FILTER (WHERE move_class = 'exception'
                              AND reason NOT IN ('deactivated', 'excluded')) AS unsettled,
       count(*) FILTER (WHERE wave = 'first' AND move_class IN ('link', 'invite'))
           AS first_wave,
       (SELECT exception_threshold FROM golive.preference
        WHERE organisation_id = :organisation_id) AS threshold
"""

_STORED = "FROM golive.user_move WHERE go_live_id = :go_live_id"


def is_planned(session: Session, go_live_id: UUID) -> bool:
    """Tell whether a plan of this go-live was ever made."""
    return bool(
        session.execute(
            text("SELECT EXISTS (SELECT FROM golive.user_move WHERE go_live_id = :g)"),
            {"g": go_live_id},
        ).scalar_one()
    )


def make_plan(
    session: Session, go_live_id: UUID, organisation_id: UUID, tenant_id: UUID, at: datetime
) -> MigrationPlan:
    """Decide about every user who has not moved yet, and return the counts and the hash."""
    lock_moves(session, go_live_id)
    keys = _keys(session, go_live_id, organisation_id, tenant_id)
    session.execute(
        text("DELETE FROM golive.user_move WHERE go_live_id = :go_live_id AND moved_at IS NULL"),
        keys,
    )
    session.execute(text(classification(ENTRIES) + _DECIDED + _STORE), keys)
    session.execute(text("ANALYZE golive.user_move"))
    session.execute(text(_RENEW_NAMES), keys)
    plan = read_plan(session, go_live_id, organisation_id)
    session.execute(
        text(
            """
            UPDATE golive.go_live SET plan_hash = :plan_hash, users_total = :total,
                users_before = :before, exceptions = :exceptions, moved_up_to = 0
            WHERE id = :go_live_id
            """
        ),
        {
            "plan_hash": plan.plan_hash,
            "total": plan.movable,
            "before": plan.already_linked,
            "exceptions": plan.exceptions,
            "go_live_id": go_live_id,
        },
    )
    session.execute(
        text(
            f"""
            INSERT INTO golive.plan (go_live_id, plan_hash, made_at, counts)
            SELECT :go_live_id, :plan_hash, :at, coalesce(jsonb_object_agg(kind, users), '{{}}')
            FROM (SELECT coalesce(reason, move_class) AS kind, count(*) AS users {_STORED}
                  GROUP BY kind) counted
            ON CONFLICT (go_live_id, plan_hash) DO UPDATE SET made_at = excluded.made_at
            """
        ),
        {"go_live_id": go_live_id, "plan_hash": plan.plan_hash, "at": at},
    )
    return plan


def read_plan(session: Session, go_live_id: UUID, organisation_id: UUID) -> MigrationPlan:
    """Return the stored plan's counts and its hash over every decision."""
    row = session.execute(
        text(_SUMMARY + _STORED), {"go_live_id": go_live_id, "organisation_id": organisation_id}
    ).one()
    return MigrationPlan(**row._mapping)


def decisions_changed(
    session: Session, go_live_id: UUID, organisation_id: UUID, tenant_id: UUID
) -> int:
    """Return for how many users who have not moved the decision would be different now."""
    return int(
        session.execute(
            text(
                classification(ENTRIES)
                + """
                SELECT count(*)
                FROM classified c
                FULL JOIN (SELECT * FROM golive.user_move WHERE go_live_id = :go_live_id) m
                    ON m.user_id = c.user_id
                WHERE m.moved_at IS NULL
                  AND (c.move_class, c.reason, c.object_id)
                      IS DISTINCT FROM (m.move_class, m.reason, m.object_id)
                """
            ),
            _keys(session, go_live_id, organisation_id, tenant_id),
        ).scalar_one()
    )


def preview(
    session: Session, staging_id: UUID, organisation_id: UUID, go_live_id: UUID | None
) -> Preview:
    """Decide by a private staging, and store nothing but a table of this transaction.

    `decisions_of_preview` then gives the decisions one by one, until the transaction ends.
    """
    tenant_id = session.execute(
        text("SELECT tenant_id FROM golive.sso_connection WHERE organisation_id = :o"),
        {"o": organisation_id},
    ).scalar_one()
    keys = _keys(session, go_live_id, organisation_id, tenant_id, staging_id=staging_id)
    session.execute(
        text(
            "CREATE TEMP TABLE dry_run_decision ON COMMIT DROP AS "
            + classification(PRIVATE_ENTRIES)
            + _DECIDED
            + _ALL_DECISIONS
            + "SELECT * FROM decisions"
        ),
        keys,
    )
    summary = session.execute(
        text(_SUMMARY + "FROM pg_temp.dry_run_decision"), {"organisation_id": organisation_id}
    ).one()
    counts = session.execute(
        text(
            "SELECT coalesce(reason, move_class) AS kind, count(*) AS users "
            "FROM pg_temp.dry_run_decision GROUP BY kind ORDER BY kind"
        )
    )
    return Preview(MigrationPlan(**summary._mapping), {row.kind: row.users for row in counts})


_READABLE = """
SELECT u.address, u.display_name AS name, u.status, d.move_class, d.reason, d.object_id,
       d.wave = 'first' AND d.move_class IN ('link', 'invite') AS first_wave
FROM {decisions} d JOIN pulse.app_user u ON u.id = d.user_id
"""


def decisions_of_preview(
    session: Session, *, exceptions_only: bool = False
) -> Generator[Decision, None, None]:
    """Yield the decisions of the preview made in this transaction; exceptions first."""
    where = "WHERE d.move_class = 'exception'" if exceptions_only else ""
    return _decisions(session, "pg_temp.dry_run_decision", where, {})


def exceptions_of(session: Session, go_live_id: UUID) -> Generator[Decision, None, None]:
    """Yield the users whom a go-live's plan cannot move, by reason and address."""
    where = "WHERE d.go_live_id = :go_live_id AND d.move_class = 'exception'"
    return _decisions(session, "golive.user_move", where, {"go_live_id": go_live_id})


def _decisions(
    session: Session, table: str, where: str, keys: dict[str, Any]
) -> Generator[Decision, None, None]:
    order = " ORDER BY d.move_class <> 'exception', d.reason, d.move_class, u.address_key"
    statement = text(_READABLE.replace("{decisions}", table) + where + order)
    # Closed also where the reader stops early, as a screen does after twenty.
    with session.execute(statement.execution_options(yield_per=1_000), keys) as rows:
        for row in rows:
            yield Decision(**row._mapping)


def known_plans(session: Session, go_live_id: UUID) -> list[KnownPlan]:
    """Return every plan that a go-live has had, the newest first."""
    rows: Sequence[Row[Any]] = session.execute(
        text(
            "SELECT plan_hash, made_at, counts FROM golive.plan WHERE go_live_id = :g "
            "ORDER BY made_at DESC, plan_hash"
        ),
        {"g": go_live_id},
    ).all()
    return [KnownPlan(row.plan_hash, row.made_at, row.counts) for row in rows]


def administrator_of(session: Session, organisation_id: UUID) -> UUID | None:
    """Return the object id of the administrator who consented, None where none is on record."""
    return session.execute(
        text(
            "SELECT administrator_object_id FROM golive.sso_connection WHERE organisation_id = :o"
        ),
        {"o": organisation_id},
    ).scalar_one_or_none()


def _keys(
    session: Session,
    go_live_id: UUID | None,
    organisation_id: UUID,
    tenant_id: UUID,
    *,
    staging_id: UUID | None = None,
) -> dict[str, Any]:
    """Return the parameters of the statements, and have PostgreSQL join sets as sets.

    PostgreSQL joins user by user where it believes there are few: wrong before it has counted, and
    then fifty thousand users take minutes.
    """
    session.execute(text(f"SET LOCAL work_mem = '{SORTING_MEMORY}'"))
    session.execute(text("SET LOCAL enable_nestloop = off"))
    return {
        "go_live_id": go_live_id,
        "staging_id": staging_id or go_live_id,
        "organisation_id": organisation_id,
        "tenant_id": tenant_id,
        "administrator_object_id": administrator_of(session, organisation_id),
        "first_wave_size": rules.FIRST_WAVE_SIZE,
    }


def exception_counts(session: Session, go_live_id: UUID) -> dict[str, int]:
    """Return how many users a go-live's plan cannot move, by reason."""
    rows = session.execute(
        text(
            f"SELECT reason, count(*) AS users {_STORED} AND move_class = 'exception' "
            "GROUP BY reason ORDER BY reason"
        ),
        {"go_live_id": go_live_id},
    )
    return {row.reason: row.users for row in rows}
