"""Queries for the console: the list of organisations, and the details of one."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

from contracts.go_live import Progress
from contracts.waiting_on import OF_WAIT, WaitingOn
from database.go_live.positions import POSITION, progress_of

PAGE_SIZE = 25


class OrganisationFilter(StrEnum):
    """Which organisations are listed."""

    ALL = "all"
    ATTENTION = "attention"
    OURS = "ours"
    """The next step is customer success's."""
    THEIRS = "theirs"
    """The next step is the customer's."""
    RUNNING = "running"
    ENDED = "ended"
    NOT_STARTED = "not_started"


_OURS = [wait for wait, who in OF_WAIT.items() if who is WaitingOn.CUSTOMER_SUCCESS]
_THEIRS = [
    wait
    for wait, who in OF_WAIT.items()
    if who in {WaitingOn.CUSTOMER_IT, WaitingOn.ADMINISTRATOR, WaitingOn.FIRST_USERS}
]


@dataclass(frozen=True)
class OrganisationRow:
    """One organisation in the list."""

    slug: str
    name: str
    owner: str
    progress: Progress | None


@dataclass(frozen=True)
class Listing:
    """One page of the list."""

    rows: list[OrganisationRow]
    tally: dict[OrganisationFilter, int]
    """How many organisations each filter would show, without the search."""
    matching: int
    """How many organisations match this filter and this search, on all pages."""
    page: int

    @property
    def pages(self) -> int:
        """Return how many pages there are; an empty list has one."""
        return max(1, -(-self.matching // PAGE_SIZE))


_LIST = """
    WITH newest AS (
        -- An open one is always the newest: that spares a look-up for all but the ended ones.
        SELECT * FROM golive.go_live g WHERE g.closed_at IS NULL OR NOT EXISTS (
            SELECT 1 FROM golive.go_live later
            WHERE later.organisation_id = g.organisation_id AND later.number > g.number)
    ), everyone AS MATERIALIZED (
        SELECT p.organisation_id, g.id AS go_live_id, o.slug, g.due_at,
               g.id IS NULL AS not_started,
               g.closed_at IS NOT NULL AS ended,
               g.id IS NOT NULL AND g.closed_at IS NULL AS running,
               g.attention IS NOT NULL AS attention,
               g.closed_at IS NULL AND g.attention IS DISTINCT FROM 'credential_refused'
                   AND (g.attention IS NOT NULL OR g.wait = ANY(:ours)
                   OR (g.wait = 'admin_consent' AND g.refusal = 'declined')) IS TRUE AS ours,
               g.closed_at IS NULL AND (g.attention IS NULL AND g.wait = ANY(:theirs)
                   AND NOT (g.wait = 'admin_consent' AND g.refusal IS NOT DISTINCT FROM 'declined'))
                   IS TRUE AS theirs
        FROM golive.preference p
        JOIN pulse.organisation o ON o.id = p.organisation_id
        LEFT JOIN newest g ON g.organisation_id = p.organisation_id
    ), tally AS (
        SELECT count(*) AS n_all, count(*) FILTER (WHERE attention) AS n_attention,
               count(*) FILTER (WHERE ours) AS n_ours, count(*) FILTER (WHERE theirs) AS n_theirs,
               count(*) FILTER (WHERE running) AS n_running,
               count(*) FILTER (WHERE ended) AS n_ended,
               count(*) FILTER (WHERE not_started) AS n_not_started
        FROM everyone
    ), found AS (
        SELECT e.* FROM everyone e {found}
    ), shown AS (
        SELECT * FROM found
        ORDER BY attention DESC, ours DESC, running DESC, not_started DESC, due_at NULLS LAST,
                 slug COLLATE "C"
        LIMIT :size OFFSET :skipped
    )
    SELECT t.*, {matching} AS matching, e.slug, e.not_started, o.name,
           s.handle AS owner, {position}, g.closed_at
    FROM tally t LEFT JOIN shown e ON true
    LEFT JOIN pulse.organisation o ON o.id = e.organisation_id
    LEFT JOIN golive.preference p ON p.organisation_id = e.organisation_id
    LEFT JOIN golive.go_live g ON g.id = e.go_live_id
    LEFT JOIN golive.staff s ON s.id = coalesce(g.owner_id, p.owner_id)
    ORDER BY e.attention DESC, e.ours DESC, e.running DESC, e.not_started DESC,
             e.due_at NULLS LAST, e.slug COLLATE "C"
"""

_SEARCHED = """
    JOIN pulse.organisation o ON o.id = e.organisation_id
    JOIN golive.preference p ON p.organisation_id = o.id
    LEFT JOIN golive.go_live g ON g.id = e.go_live_id
    JOIN golive.staff s ON s.id = coalesce(g.owner_id, p.owner_id)
    WHERE {shown} AND (strpos(lower(o.name), :search) > 0 OR strpos(o.slug, :search) > 0
        OR strpos(s.handle, :search) > 0
        OR EXISTS (SELECT 1 FROM pulse.organisation_domain d
                   WHERE d.organisation_id = o.id AND strpos(d.domain, :search) > 0))
"""


@cache
def _statement(show: OrganisationFilter, *, is_searched: bool) -> TextClause:
    # Built once each: parsing the text for every page would cost more than its rows do.
    shown = "true" if show is OrganisationFilter.ALL else f"e.{show.value}"
    found, matching = f"WHERE {shown}", f"t.n_{show.value}"
    if is_searched:
        found, matching = _SEARCHED.format(shown=shown), "(SELECT count(*) FROM found)"
    return text(_LIST.format(found=found, matching=matching, position=POSITION))


def listing(session: Session, *, show: OrganisationFilter, search: str, page: int) -> Listing:
    """Return one page: first those that need attention, then those that wait on us, by due date."""
    rows = session.execute(
        _statement(show, is_searched=bool(search.strip())),
        {
            "ours": _OURS,
            "theirs": _THEIRS,
            "search": search.strip().lower(),
            "size": PAGE_SIZE,
            "skipped": (page - 1) * PAGE_SIZE,
        },
    ).all()
    if rows[0].slug is None and page > 1:
        # A page past the end, such as one kept open while organisations were moving on.
        return listing(session, show=show, search=search, page=1)
    first = rows[0]
    return Listing(
        rows=[_organisation_row(row) for row in rows if row.slug is not None],
        tally={one: getattr(first, f"n_{one.value}") for one in OrganisationFilter},
        matching=first.matching,
        page=page,
    )


def _organisation_row(row: Any) -> OrganisationRow:
    progress = None
    if not row.not_started:
        progress = progress_of(row)
        progress = replace(progress, since=row.closed_at or progress.since)
    return OrganisationRow(row.slug, row.name, row.owner, progress)


# --- one organisation -------------------------------------------------------------------------


@dataclass(frozen=True)
class SentMail:
    """One mail of the ledger."""

    message: str
    recipient: str
    state: str
    at: datetime
    reply: str
    in_doubt: bool
    """It may have been delivered, though no answer of the relay says so."""


@dataclass(frozen=True)
class AuditTrailRow:
    """One entry of the audit trail."""

    id: int
    at: datetime
    actor: str
    action: str
    reason: str
    subject: str
    """The name of whom it is about; empty if it is about nobody, or about an erased person. Of a
    refusal by Microsoft: its numbers and ids, which Microsoft's support asks for."""
    times: int | None
    """How many alike it stands for, since `since`; None = for itself."""
    since: datetime | None


def mails(session: Session, go_live_id: UUID, most: int) -> list[SentMail]:
    """Return the newest mails of a go-live, newest first."""
    rows = session.execute(
        text(
            """
            SELECT m.message, coalesce(u.address, c.address, s.address, '') AS recipient, m.state,
                   coalesce(m.sent_at, m.due_at) AS at,
                   CASE m.state WHEN 'refused' THEN coalesce(m.reply, '') ELSE '' END AS reply,
                   m.in_doubt
            FROM golive.mail m
            LEFT JOIN pulse.app_user u ON m.recipient_kind = 'user' AND u.id = m.recipient_id
            LEFT JOIN golive.contact c ON m.recipient_kind = 'contact' AND c.id = m.recipient_id
            LEFT JOIN golive.staff s ON m.recipient_kind = 'staff' AND s.id = m.recipient_id
            WHERE m.go_live_id = :g
            ORDER BY m.state = 'refused' DESC, coalesce(m.sent_at, m.due_at) DESC, m.id LIMIT :most
            """
        ),
        {"g": go_live_id, "most": most},
    )
    return [SentMail(**row._mapping) for row in rows]


def refused_sign_ins(
    session: Session, organisation_id: UUID, since: datetime
) -> list[tuple[str, int]]:
    """Return how many sign-ins with Microsoft led nowhere since then, by reason, most first."""
    rows = session.execute(
        text(
            f"""
            SELECT a.reason, count(*) AS times FROM golive.audit_entry a
            WHERE a.organisation_id = :o {_NOT_ONE_A_USER} AND a.action = 'sign_in_refused'
                AND a.at >= :since
            GROUP BY a.reason ORDER BY times DESC, a.reason
            """
        ),
        {"o": organisation_id, "since": since},
    )
    return [(row.reason, row.times) for row in rows]


_NOT_ONE_A_USER = "AND a.action NOT IN ('user_moved', 'user_move_undone')"
"""Leaves out the entries of single moved users, which would hide all others.

Written exactly as in the index `audit_of_organisation`, so that PostgreSQL uses that.
"""


def audit_trail(
    session: Session, organisation_id: UUID, most: int, *, every: bool = False, before: int = 0
) -> list[AuditTrailRow]:
    """Return the newest entries of an organisation's audit trail, newest first.

    `every` includes those of single moved users; `before` is an entry's id, 0 = from the newest.
    """
    which = "" if every else _NOT_ONE_A_USER
    rows = session.execute(
        text(
            f"""
            WITH shown AS (
                SELECT a.*, CASE WHEN a.subject ~ :with_id
                    THEN CAST(split_part(a.subject, ':', 2) AS uuid) END AS subject_id,
                    CASE WHEN a.actor ~ :with_id
                    THEN CAST(split_part(a.actor, ':', 2) AS uuid) END AS actor_id
                FROM golive.audit_entry a
                WHERE a.organisation_id = :o {which} AND (:before = 0 OR a.id < :before)
                ORDER BY a.id DESC LIMIT :most)
            SELECT a.id, a.at, coalesce(nullif(c.name, ''), u.display_name, a.actor) AS actor,
                   a.action, a.reason, a.times, a.since,
                   coalesce(CASE WHEN a.subject ~ '^(AADSTS|trace:|correlation:)'
                            THEN a.subject END, su.display_name,
                       nullif(sc.name, ''), sc.address, ss.handle,
                       lu.display_name, nullif(lc.name, ''), lc.address, '') AS subject
            FROM shown a
            LEFT JOIN golive.contact c ON c.id = a.actor_id
            LEFT JOIN pulse.app_user u ON u.id = a.actor_id
            LEFT JOIN pulse.app_user su ON su.id = a.subject_id
            LEFT JOIN golive.contact sc ON sc.id = a.subject_id
            LEFT JOIN golive.staff ss ON ss.id = a.subject_id
            LEFT JOIN golive.personal_link l ON l.id = a.subject_id
            LEFT JOIN pulse.app_user lu ON lu.id = l.user_id
            LEFT JOIN golive.contact lc ON lc.id = l.contact_id
            ORDER BY a.id DESC
            """
        ),
        {
            "o": organisation_id,
            "most": most,
            "before": before,
            "with_id": "^(user|contact|staff|link):[0-9a-f-]{36}$",
        },
    )
    return [AuditTrailRow(**row._mapping) for row in rows]


@dataclass(frozen=True)
class StagePeriod:
    """When a go-live entered and left a stage."""

    started_at: datetime
    ended_at: datetime | None


def stage_times(session: Session, go_live_id: UUID) -> dict[str, StagePeriod]:
    """Return the times of each stage that a go-live has reached."""
    rows = session.execute(
        text("SELECT stage, started_at, ended_at FROM golive.stage_time WHERE go_live_id = :g"),
        {"g": go_live_id},
    )
    return {row.stage: StagePeriod(row.started_at, row.ended_at) for row in rows}


@dataclass(frozen=True)
class UserException:
    """One user whom the plan cannot move."""

    user_id: UUID
    address: str
    name: str
    reason: str
    decision: str | None
    """The decision since then: `link` or `exclude`."""


def exceptions(session: Session, go_live_id: UUID, most: int) -> list[UserException]:
    """Return the first users whom a go-live's plan cannot move, by reason and address."""
    rows = session.execute(
        text(
            """
            SELECT u.id AS user_id, u.address, u.display_name AS name, m.reason, d.decision
            FROM golive.user_move m JOIN pulse.app_user u ON u.id = m.user_id
            LEFT JOIN golive.exception_decision d ON d.user_id = u.id
            WHERE m.go_live_id = :g AND m.move_class = 'exception'
            ORDER BY m.reason, u.address_key LIMIT :most
            """
        ),
        {"g": go_live_id, "most": most},
    )
    return [UserException(**row._mapping) for row in rows]


@dataclass(frozen=True)
class UserDetails:
    """A user: how they sign in, what the newest plan says, and what was decided about them."""

    user_id: UUID
    address: str
    name: str
    status: str
    sign_in_method: str
    first_sso_sign_in_at: datetime | None
    is_linked: bool
    """Linked to a Microsoft account and signing in with it; there is nothing to decide."""
    move_class: str | None
    reason: str | None
    """Why the plan cannot move them."""
    decision: str | None
    object_id: UUID | None
    """The Microsoft account that was named."""
    decided_by: str | None
    decided_at: datetime | None
    decided_because: str | None


def user_of(session: Session, slug: str, user_id: UUID) -> UserDetails | None:
    """Return one user of an organisation, None where it has none with this id."""
    row = session.execute(
        text(
            """
            SELECT u.id AS user_id, u.address, u.display_name AS name, u.status, u.sign_in_method,
                   u.first_sso_sign_in_at,
                   l.user_id IS NOT NULL AND u.sign_in_method = 'sso' AS is_linked,
                   m.move_class, m.reason, d.decision, d.object_id, d.decided_by, d.decided_at,
                   a.reason AS decided_because
            FROM pulse.app_user u
            JOIN pulse.organisation o ON o.id = u.organisation_id
            LEFT JOIN golive.directory_link l ON l.user_id = u.id
            LEFT JOIN golive.user_move m ON m.user_id = u.id AND m.go_live_id = (
                SELECT g.id FROM golive.go_live g WHERE g.organisation_id = o.id
                ORDER BY g.number DESC LIMIT 1)
            LEFT JOIN golive.exception_decision d ON d.user_id = u.id
            LEFT JOIN golive.audit_entry a ON a.id = d.reason_id
            WHERE o.slug = :slug AND u.id = :user_id
            """
        ),
        {"slug": slug, "user_id": user_id},
    ).first()
    return UserDetails(**row._mapping) if row else None
