"""The record of a go-live: its start, discovered tenant, evidence, end and audit trail."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import String, cast, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete, func, select

from contracts import directory, rules
from contracts.go_live import GoLiveOutcome
from database.models import (
    AppUser,
    AuditEntry,
    ConsentEvidence,
    DomainTenant,
    GoLive,
    Organisation,
    OrganisationDomain,
    Preference,
    Staff,
)


class UnknownOrganisationError(LookupError):
    """No organisation has this slug."""


class UnknownGoLiveError(LookupError):
    """No go-live has this id."""


class UnknownStaffError(LookupError):
    """No member of staff has this handle."""


def organisation_by_slug(session: Session, slug: str) -> Organisation:
    """Return the organisation.

    Raises:
        UnknownOrganisationError: there is none with this slug.
    """
    organisation = session.exec(select(Organisation).where(Organisation.slug == slug)).first()
    if organisation is None:
        raise UnknownOrganisationError(slug)
    return organisation


def staff_by_handle(session: Session, handle: str) -> Staff:
    """Return the member of staff.

    Raises:
        UnknownStaffError: there is none with this handle.
    """
    staff = session.exec(select(Staff).where(Staff.handle == handle)).first()
    if staff is None:
        raise UnknownStaffError(handle)
    return staff


def go_live_by_id(session: Session, go_live_id: UUID, *, lock: bool = False) -> GoLive:
    """Return the go-live, locked against concurrent change if asked.

    Raises:
        UnknownGoLiveError: there is none with this id.
    """
    go_live = session.get(GoLive, go_live_id, with_for_update=lock)
    if go_live is None:
        raise UnknownGoLiveError(str(go_live_id))
    return go_live


def latest_go_live(session: Session, organisation_id: UUID) -> GoLive | None:
    """Return the organisation's newest go-live, open or closed."""
    return session.exec(
        select(GoLive)
        .where(GoLive.organisation_id == organisation_id)
        .order_by(col(GoLive.number).desc())
    ).first()


def open_go_live(session: Session, organisation_id: UUID) -> GoLive | None:
    """Return the organisation's open go-live, None if there is none."""
    return session.exec(
        select(GoLive).where(
            GoLive.organisation_id == organisation_id, col(GoLive.closed_at).is_(None)
        )
    ).first()


def begin_go_live(
    session: Session,
    organisation: Organisation,
    *,
    by: str,
    at: datetime,
    aftercare_days: int,
    order_id: UUID | None = None,
) -> tuple[GoLive, bool]:
    """Return the organisation's open go-live and whether this call made it.

    Two callers at once get the same one: the partial unique index decides.
    """
    newest = latest_go_live(session, organisation.id)
    if newest is not None and newest.closed_at is None:
        return newest, False
    preference = session.get_one(Preference, organisation.id)
    number = 1 if newest is None else newest.number + 1
    row = GoLive(
        organisation_id=organisation.id,
        number=number,
        owner_id=preference.owner_id,
        started_at=at,
        since=at,
        aftercare_days=aftercare_days,
    )
    values = row.model_dump()
    made = session.execute(
        insert(GoLive).values(**values).on_conflict_do_nothing().returning(col(GoLive.id))
    ).first()
    if made is None:
        return begin_go_live(
            session,
            organisation,
            by=by,
            at=at,
            aftercare_days=aftercare_days,
            order_id=order_id,
        )
    write_audit(session, at, by, "go_live_started", go_live=row, order_id=order_id)
    return go_live_by_id(session, row.id), True


def count_users(session: Session, go_live_id: UUID) -> int:
    """Return how many users the organisation has, including those who may not sign in."""
    organisation_id = go_live_by_id(session, go_live_id).organisation_id
    return session.exec(
        select(func.count()).where(AppUser.organisation_id == organisation_id)
    ).one()


def organisation_domains(session: Session, organisation_id: UUID) -> list[str]:
    """Return the organisation's e-mail domains, sorted."""
    return list(
        session.exec(
            select(OrganisationDomain.domain)
            .where(OrganisationDomain.organisation_id == organisation_id)
            .order_by(OrganisationDomain.domain)
        )
    )


def record_discovery(
    session: Session, go_live_id: UUID, found: Sequence[directory.DiscoveredDomain], at: datetime
) -> None:
    """Record the tenant of each domain, and the common tenant if there is one.

    The audit trail gets an entry if the finding differs from the one before.
    """
    go_live = go_live_by_id(session, go_live_id, lock=True)
    before = (go_live.tenant_id, tenants_of_domains(session, go_live.organisation_id))
    finding = directory.finding_of(found)
    tenants = {one.tenant_id for one in found} - {None}
    one = tenants.pop() if len(tenants) == 1 else None
    go_live.tenant_id = UUID(one) if one else None
    session.add(go_live)
    session.exec(
        delete(DomainTenant).where(col(DomainTenant.organisation_id) == go_live.organisation_id)
    )
    session.add_all(
        DomainTenant(
            organisation_id=go_live.organisation_id,
            domain=one.domain,
            tenant_id=UUID(one.tenant_id) if one.tenant_id else None,
            cloud=one.cloud,
        )
        for one in found
    )
    session.flush()
    if before != (go_live.tenant_id, tenants_of_domains(session, go_live.organisation_id)):
        write_audit(
            session, at, "workflow", "tenant_discovered", go_live=go_live, reason=finding or ""
        )


def tenants_of_domains(session: Session, organisation_id: UUID) -> list[directory.DiscoveredDomain]:
    """Return the last discovered tenant of each e-mail domain, sorted by domain."""
    rows = session.exec(
        select(DomainTenant)
        .where(DomainTenant.organisation_id == organisation_id)
        .order_by(DomainTenant.domain)
    )
    return [
        directory.DiscoveredDomain(
            row.domain, str(row.tenant_id) if row.tenant_id else None, row.cloud
        )
        for row in rows
    ]


def evidence_of(
    session: Session, go_live_id: UUID, tenant_id: UUID, administrator_object_id: UUID
) -> ConsentEvidence | None:
    """Return the evidence of checks 1 to 3 for this account, None if there is none."""
    return session.exec(
        select(ConsentEvidence).where(
            ConsentEvidence.go_live_id == go_live_id,
            ConsentEvidence.tenant_id == tenant_id,
            ConsentEvidence.administrator_object_id == administrator_object_id,
        )
    ).first()


CONSENT_REPORTED = "consent_reported"
"""Action in the audit trail: the run was signalled that this account reported a consent."""

MOST_REPORTS_OF_ACCOUNT = 10
"""Signals to a run about one account's consent within a day: a history has a limit."""

MOST_REPORTS = 100
"""Signals to a run about the consents of all accounts within a day; one proof takes minutes."""


def may_report_consent(session: Session, go_live_id: UUID, subject: str, at: datetime) -> bool:
    """Tell whether the run may be signalled once more; a browser can report any number."""
    subjects = session.exec(
        select(AuditEntry.subject)
        .where(
            AuditEntry.go_live_id == go_live_id,
            AuditEntry.action == CONSENT_REPORTED,
            AuditEntry.at > at - timedelta(days=1),
        )
        .limit(MOST_REPORTS)
    ).all()
    return len(subjects) < MOST_REPORTS and subjects.count(subject) < MOST_REPORTS_OF_ACCOUNT


REFUSAL_REPORTED = "consent_refusal_reported"
"""Action in the audit trail: the run was signalled why somebody did not consent."""


def was_refusal_reported(session: Session, go_live_id: UUID, reason: str, at: datetime) -> bool:
    """Tell whether the run was signalled a refusal for this reason within `rules.SAME_DAY`."""
    return (
        session.exec(
            select(AuditEntry.id).where(
                AuditEntry.go_live_id == go_live_id,
                AuditEntry.action == REFUSAL_REPORTED,
                AuditEntry.reason == reason,
                AuditEntry.at > at - rules.SAME_DAY,
            )
        ).first()
        is not None
    )


def end_pause(session: Session, go_live_id: UUID, at: datetime) -> None:
    """Record the end of the go-live's pause, if it is paused."""
    session.execute(
        text(
            "UPDATE golive.pause_time SET ended_at = greatest(began_at, :at) "
            "WHERE go_live_id = :g AND ended_at IS NULL"
        ),
        {"g": go_live_id, "at": at},
    )


def close_go_live(session: Session, go_live_id: UUID, outcome: str, at: datetime) -> None:
    """Close the record of a go-live; the first outcome stands. Idempotent."""
    go_live = go_live_by_id(session, go_live_id, lock=True)
    if go_live.closed_at is not None:
        return
    go_live.outcome = outcome
    go_live.closed_at = at
    go_live.wait = "nothing"
    go_live.due_at = go_live.reminder_at = None
    go_live.attention = None
    go_live.may_skip = False
    go_live.paused = False
    end_pause(session, go_live_id, at)
    session.add(go_live)
    session.execute(
        text(
            "UPDATE golive.stage_time SET ended_at = :at "
            "WHERE go_live_id = :go_live_id AND ended_at IS NULL"
        ),
        {"at": at, "go_live_id": go_live_id},
    )
    session.execute(
        # For example a question that was answered before the relay took it.
        text(
            "UPDATE golive.mail SET state = 'withdrawn' "
            "WHERE go_live_id = :go_live_id AND state = 'queued'"
        ),
        {"go_live_id": go_live_id},
    )
    if outcome != GoLiveOutcome.LIVE:
        session.execute(
            text(
                "UPDATE golive.personal_link SET revoked_at = :at WHERE go_live_id = :go_live_id "
                "AND used_at IS NULL AND revoked_at IS NULL"
            ),
            {"at": at, "go_live_id": go_live_id},
        )
    write_audit(session, at, "workflow", "go_live_ended", go_live=go_live, reason=outcome)


ACTIONS_OF_ACCOUNTS = ("consent_signed_in", "consent_proven", "setup_signed_in")
"""Actions of audit entries whose reason is the `account` that consented, or signed in."""


def account(object_id: UUID) -> str:
    """Return how the audit trail names a Microsoft account; erasure removes it."""
    return f"account {object_id}"


def write_audit(
    session: Session,
    at: datetime,
    actor: str,
    action: str,
    *,
    go_live: GoLive | None = None,
    organisation_id: UUID | None = None,
    subject: str = "",
    reason: str = "",
    order_id: UUID | None = None,
    times: int | None = None,
    since: datetime | None = None,
) -> int:
    """Append an entry to the audit trail and return its id.

    `times` and `since` are of an entry that stands for several (`repeated_events`).
    """
    entry = AuditEntry(
        at=at,
        actor=actor,
        action=action,
        organisation_id=go_live.organisation_id if go_live else organisation_id,
        go_live_id=go_live.id if go_live else None,
        subject=subject,
        reason=reason,
        order_id=order_id,
        times=times,
        since=since,
    )
    session.add(entry)
    session.flush()
    assert entry.id is not None  # noqa: S101  (the database has just given it)
    return entry.id


def open_go_live_of(session: Session, go_live_id: UUID) -> tuple[GoLive, Organisation] | None:
    """Return an open go-live with its organisation, None if it has ended."""
    go_live = session.get(GoLive, go_live_id)
    if go_live is None or go_live.closed_at is not None:
        return None
    return go_live, session.get_one(Organisation, go_live.organisation_id)


def acknowledged_at(session: Session, go_live_id: UUID) -> datetime | None:
    """Return when the IT team last said that it is ready, None if it has not."""
    refused = select(AuditEntry.subject).where(
        AuditEntry.go_live_id == go_live_id, AuditEntry.action == "order_refused"
    )
    return session.exec(
        select(AuditEntry.at)
        .where(
            AuditEntry.go_live_id == go_live_id,
            AuditEntry.action == "acknowledge_it",
            ("order:" + cast(AuditEntry.id, String)).not_in(refused),
        )
        .order_by(col(AuditEntry.id).desc())
    ).first()
