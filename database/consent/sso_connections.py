"""What the login page offers, and the proven tenant behind it: recorded, replaced, restored."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, delete, select

from database.go_live.records import account, go_live_by_id, write_audit
from database.models import (
    AuditEntry,
    ConsentEvidence,
    GoLive,
    Organisation,
    SsoConnection,
    VerifiedDomain,
)


class PeopleElsewhereError(Exception):
    """People of the organisation sign in with their accounts in another tenant."""


def offer_sso(session: Session, go_live_id: UUID, at: datetime) -> None:
    """Let the login page offer SSO, and keep what it showed before for an undo. Idempotent."""
    go_live = go_live_by_id(session, go_live_id, lock=True)
    organisation = session.get_one(Organisation, go_live.organisation_id, with_for_update=True)
    if go_live.prior_sso_offered is not None:
        return
    go_live.prior_sso_offered = organisation.sso_offered
    organisation.sso_offered = True
    session.add_all([go_live, organisation])
    write_audit(session, at, "workflow", "sso_offered", go_live=go_live)


def withdraw_sso(session: Session, go_live_id: UUID, at: datetime) -> None:
    """Undo `offer_sso`, and restore the connection that was there before. Idempotent."""
    go_live = go_live_by_id(session, go_live_id, lock=True)
    if go_live.prior_sso_offered is not None:
        organisation = session.get_one(Organisation, go_live.organisation_id)
        organisation.sso_offered = go_live.prior_sso_offered
        go_live.prior_sso_offered = None
        session.add_all([organisation, go_live])
        write_audit(session, at, "workflow", "sso_withdrawn", go_live=go_live)
    connection = session.get(SsoConnection, go_live.organisation_id)
    if connection is not None and connection.go_live_id == go_live_id:
        session.delete(connection)
        replace_verified_domains(session, go_live.organisation_id, ())
    _restore_prior_connection(session, go_live)
    session.execute(
        text(
            """
            UPDATE golive.personal_link SET revoked_at = :at
            WHERE go_live_id = :go_live_id AND used_at IS NULL AND revoked_at IS NULL
            """
        ),
        {"at": at, "go_live_id": go_live_id},
    )


def connect_tenant(
    session: Session,
    go_live_id: UUID,
    tenant_id: UUID,
    verified_domains: tuple[str, ...],
    at: datetime,
) -> None:
    """Record the organisation's proven tenant, after all four checks passed. Idempotent.

    The administrator on record is, of the accounts whose browser left when the grant was not there,
    the one that signed in last before it was: an earlier account may be anybody's of the tenant.
    That is evidence and no proof. None, if there is no such account. Every consent link of the
    go-live is marked as used, because nothing is left to consent to. What an earlier go-live had
    proven is kept for an undo.

    Raises:
        PeopleElsewhereError: as `refuse_another_tenant`.
    """
    go_live = go_live_by_id(session, go_live_id, lock=True)
    refuse_another_tenant(session, go_live.organisation_id, tenant_id)
    proven = select(AuditEntry.id).where(
        AuditEntry.go_live_id == go_live.id,
        AuditEntry.action == "consent_proven",
        AuditEntry.subject == str(tenant_id),
    )
    connection = session.get(SsoConnection, go_live.organisation_id)
    same = connection is not None and connection.tenant_id == tenant_id
    if same and session.exec(proven).first() is not None:
        return
    _save_prior_connection(session, go_live, connection)
    administrator = session.exec(
        select(ConsentEvidence.administrator_object_id)
        .where(
            ConsentEvidence.go_live_id == go_live.id,
            ConsentEvidence.tenant_id == tenant_id,
            col(ConsentEvidence.grant_was_absent),
        )
        .order_by(col(ConsentEvidence.checked_at).desc())
    ).first()
    if not same:
        # An earlier go-live's connection to the same tenant stays its own, even after an undo.
        session.merge(
            SsoConnection(
                organisation_id=go_live.organisation_id,
                tenant_id=tenant_id,
                administrator_object_id=administrator,
                proven_at=at,
                go_live_id=go_live.id,
            )
        )
    replace_verified_domains(session, go_live.organisation_id, verified_domains)
    session.execute(
        text(
            "UPDATE golive.personal_link SET used_at = :at WHERE go_live_id = :g "
            "AND purpose IN ('consent', 'hand_off') AND used_at IS NULL"
        ),
        {"at": at, "g": go_live.id},
    )
    write_audit(
        session,
        at,
        "workflow",
        "consent_proven",
        go_live=go_live,
        subject=str(tenant_id),
        reason=account(administrator) if administrator else "",
    )


def proven_tenant(session: Session, organisation_id: UUID) -> UUID | None:
    """Return the tenant that the organisation signs in with, None while none is proven."""
    connection = session.get(SsoConnection, organisation_id)
    return connection.tenant_id if connection is not None else None


def proven_before(session: Session, go_live: GoLive) -> datetime | None:
    """Return when an earlier go-live of the organisation last proved a grant of this tenant."""
    return session.exec(
        select(AuditEntry.at)
        .where(
            AuditEntry.organisation_id == go_live.organisation_id,
            AuditEntry.go_live_id != go_live.id,
            AuditEntry.action == "consent_proven",
            AuditEntry.subject == str(go_live.tenant_id),
        )
        .order_by(col(AuditEntry.id).desc())
    ).first()


def refuse_another_tenant(session: Session, organisation_id: UUID, tenant_id: UUID) -> None:
    """Compare a tenant with the one that the organisation's users sign in with.

    The login page sends everyone of a domain to one tenant. With another tenant, users who have
    moved could not sign in, and their password does not count any more.

    Raises:
        PeopleElsewhereError: somebody who uses SSO is linked in another tenant.
    """
    locked_out = session.execute(
        text(
            """
            SELECT EXISTS (
                SELECT FROM golive.directory_link l JOIN pulse.app_user u ON u.id = l.user_id
                WHERE u.organisation_id = :o AND u.sign_in_method = 'sso'
                  AND u.status <> 'deactivated' AND l.tenant_id <> :tenant_id)
            """
        ),
        {"o": organisation_id, "tenant_id": tenant_id},
    ).scalar_one()
    if locked_out:
        raise PeopleElsewhereError


def replace_verified_domains(
    session: Session, organisation_id: UUID, verified_domains: tuple[str, ...]
) -> None:
    """Replace the recorded domains that the proven tenant has verified."""
    session.exec(
        delete(VerifiedDomain).where(col(VerifiedDomain.organisation_id) == organisation_id)
    )
    session.flush()
    session.add_all(
        VerifiedDomain(organisation_id=organisation_id, domain=domain)
        for domain in sorted(set(verified_domains))
    )


def _save_prior_connection(
    session: Session, go_live: GoLive, connection: SsoConnection | None
) -> None:
    """Save what an earlier go-live had proven, before this one changes it."""
    if connection is None or connection.go_live_id == go_live.id or go_live.prior_connection:
        return
    domains = session.exec(
        select(VerifiedDomain.domain).where(
            VerifiedDomain.organisation_id == go_live.organisation_id
        )
    )
    go_live.prior_connection = {
        **connection.model_dump(mode="json", exclude={"organisation_id"}),
        "verified_domains": sorted(domains),
    }
    session.add(go_live)


def _restore_prior_connection(session: Session, go_live: GoLive) -> None:
    if go_live.prior_connection is None:
        return
    prior = dict(go_live.prior_connection)
    replace_verified_domains(session, go_live.organisation_id, tuple(prior.pop("verified_domains")))
    session.flush()
    session.merge(
        SsoConnection.model_validate({"organisation_id": go_live.organisation_id, **prior})
    )
    go_live.prior_connection = None
    session.add(go_live)
