"""An organisation's e-mail domains and how far its consent is confirmed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


@dataclass(frozen=True)
class ConsentStanding:
    """A consent that all four checks have proven."""

    tenant_id: UUID
    proven_at: datetime
    sign_in_confirmed: bool
    """Whether someone other than the administrator has signed in, which shows that users can."""


def consent_standing(session: Session, organisation_id: UUID) -> ConsentStanding | None:
    """Return how far an organisation's consent is confirmed, None when none is proven."""
    row = session.execute(
        text(
            """
            SELECT c.tenant_id, c.proven_at, EXISTS (
                SELECT FROM golive.directory_link l
                JOIN pulse.app_user u ON u.id = l.user_id
                WHERE u.organisation_id = c.organisation_id AND l.tenant_id = c.tenant_id
                  AND l.object_id IS DISTINCT FROM c.administrator_object_id
                  AND u.first_sso_sign_in_at IS NOT NULL
            ) AS sign_in_confirmed
            FROM golive.sso_connection c WHERE c.organisation_id = :o
            """
        ),
        {"o": organisation_id},
    ).first()
    return ConsentStanding(**row._mapping) if row else None


def people_signing_in_by(session: Session, organisation_id: UUID, domain: str) -> int:
    """Return how many people sign in with SSO by an address of a domain, or are about to.

    The login page knows their organisation by the domain: without it they find no way in. Whoever
    has an address of the tenant that is being connected is about to, also before there is a plan.
    """
    found: int = session.execute(
        text(
            """
            SELECT count(*) FROM pulse.app_user u
            WHERE u.organisation_id = :o AND u.status <> 'deactivated'
              AND split_part(u.address_key, '@', -1) = :domain
              AND (u.sign_in_method = 'sso' OR EXISTS (
                  SELECT FROM golive.go_live g JOIN golive.domain_tenant t
                      ON t.organisation_id = g.organisation_id AND t.tenant_id = g.tenant_id
                  WHERE g.organisation_id = :o AND g.closed_at IS NULL AND t.domain = :domain))
            """
        ),
        {"o": organisation_id, "domain": domain},
    ).scalar_one()
    return found


def remove(session: Session, organisation_id: UUID, domain: str) -> None:
    """Remove a domain from an organisation's list, with the tenant discovered for it."""
    values = {"o": organisation_id, "domain": domain}
    for table in ("pulse.organisation_domain", "golive.domain_tenant"):
        session.execute(
            text(f"DELETE FROM {table} WHERE organisation_id = :o AND domain = :domain"), values
        )
