"""Authorization requests that browsers took to Microsoft, and the evidence that they led to.

Check 1 of the proof of consent is here: the state is ours, unexpired, unused and of this browser.
"""

from collections.abc import Set
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from contracts import rules
from contracts.go_live import Refusal
from contracts.sign_in import RequestPurpose
from database.go_live.records import account
from database.go_live.repeated_events import write_repeated
from database.hashing import sha256
from database.models import (
    AuthorizationRequest,
    ConsentEvidence,
    GoLive,
    Organisation,
    PersonalLink,
)

_OF_A_CONSENT = (RequestPurpose.CONSENT, RequestPurpose.CONSENT_SIGN_IN)


def begin(
    session: Session,
    *,
    state: str,
    browser: str,
    purpose: RequestPurpose,
    at: datetime,
    flow: dict[str, Any] | None = None,
    organisation_id: UUID | None = None,
    go_live_id: UUID | None = None,
    link_id: UUID | None = None,
    tenant_id: UUID | None = None,
    link_version: int | None = None,
    grant_was_absent: bool = False,
) -> None:
    """Record that this browser was sent to Microsoft.

    `link_version` is that of the link which the browser holds, and never read here: a newer one may
    have gone to its owner since.
    """
    if link_id is not None and link_version is None:
        raise ValueError("A request that begins with a link says which version of it.")
    session.add(
        AuthorizationRequest(
            state_sha256=sha256(state),
            purpose=purpose,
            browser_sha256=sha256(browser),
            organisation_id=organisation_id,
            go_live_id=go_live_id,
            link_id=link_id,
            tenant_id=tenant_id,
            link_version=link_version,
            grant_was_absent=grant_was_absent,
            flow=flow or {},
            expires_at=at + timedelta(minutes=rules.AUTHORIZATION_REQUEST_MINUTES),
        )
    )


def purge_expired(session: Session, at: datetime) -> None:
    """Delete the secrets of expired requests, then the requests themselves, and old evidence.

    While users of a go-live move, its evidence stays: the account it names may be the
    administrator's.
    """
    session.execute(
        text(
            "UPDATE golive.authorization_request SET flow = '{}' "
            "WHERE expires_at < :at AND flow <> '{}'"
        ),
        {"at": at},
    )
    session.execute(
        text("DELETE FROM golive.authorization_request WHERE expires_at < :old"),
        {"old": at - timedelta(days=rules.AUTHORIZATION_REQUEST_KEPT_DAYS)},
    )
    # A consent by the link in the pack may come weeks before its stage: its age counts from there.
    session.execute(
        text(
            """
            DELETE FROM golive.consent_evidence e USING golive.go_live g
            WHERE g.id = e.go_live_id AND e.checked_at < :old AND (
                g.closed_at IS NOT NULL
                OR g.stage <> 'users_migrated' AND EXISTS (
                    SELECT 1 FROM golive.stage_time t WHERE t.go_live_id = g.id
                    AND t.stage = 'admin_consent_awaited' AND t.started_at < :old))
            """
        ),
        {"old": at - timedelta(days=rules.EVIDENCE_DAYS)},
    )


def end(
    session: Session, *, state: str, browser: str, purposes: Set[RequestPurpose], at: datetime
) -> AuthorizationRequest | Refusal:
    """Run check 1: the state is ours, of this browser, unexpired and unused; then mark it used.

    The returned request holds the secrets of its flow; the database no longer does.
    """
    asked = session.get(AuthorizationRequest, sha256(state), with_for_update=True)
    if asked is None or asked.purpose not in purposes:
        return Refusal.STATE_UNKNOWN
    if asked.browser_sha256 != sha256(browser):
        return Refusal.OTHER_BROWSER
    if asked.used_at is not None:
        return Refusal.STATE_USED
    if asked.expires_at <= at:
        return Refusal.STATE_EXPIRED
    flow = asked.flow
    asked.used_at, asked.flow = at, {}
    session.add(asked)
    session.flush()
    session.expunge(asked)
    asked.flow = flow
    return asked


def of_browser(session: Session, state: str, browser: str) -> AuthorizationRequest | None:
    """Return the request with this state if this browser began it, whether over or not."""
    asked = session.get(AuthorizationRequest, sha256(state))
    return asked if asked is not None and asked.browser_sha256 == sha256(browser) else None


def open_consent(session: Session, browser: str, at: datetime) -> AuthorizationRequest | None:
    """Return the last consent request of this browser that has had no response."""
    return session.exec(
        select(AuthorizationRequest)
        .where(
            AuthorizationRequest.browser_sha256 == sha256(browser),
            AuthorizationRequest.purpose == RequestPurpose.CONSENT,
            col(AuthorizationRequest.used_at).is_(None),
            AuthorizationRequest.expires_at > at,
        )
        .order_by(col(AuthorizationRequest.expires_at).desc())
    ).first()


def newest_consent(session: Session, browser: str) -> AuthorizationRequest | None:
    """Return this browser's last consent request that had a response, None if there is none.

    Anybody who knows an address can begin one on the login page. Such a request counts only after
    it proved an administrator, so that nobody else learns from it how far an organisation is.
    """
    return session.exec(
        select(AuthorizationRequest)
        .where(
            AuthorizationRequest.browser_sha256 == sha256(browser),
            col(AuthorizationRequest.purpose).in_(_OF_A_CONSENT),
            col(AuthorizationRequest.used_at).is_not(None),
            or_(
                col(AuthorizationRequest.link_id).is_not(None),
                col(AuthorizationRequest.evidence_id).is_not(None),
            ),
        )
        .order_by(col(AuthorizationRequest.used_at).desc())
    ).first()


def left_without_grant(session: Session, browser: str, go_live_id: UUID) -> bool:
    """Tell whether this browser has left for this consent before, when the grant was not there.

    So whoever consented and could not sign in afterwards begins again as the same person.
    """
    found = session.exec(
        select(AuthorizationRequest.state_sha256).where(
            AuthorizationRequest.browser_sha256 == sha256(browser),
            AuthorizationRequest.go_live_id == go_live_id,
            col(AuthorizationRequest.grant_was_absent),
        )
    ).first()
    return found is not None


def organisation_of_consent(session: Session, browser: str) -> str:
    """Return the slug of the organisation of this browser's last consent request; "" for none."""
    return (
        session.exec(
            select(Organisation.slug)
            .join(
                AuthorizationRequest,
                col(AuthorizationRequest.organisation_id) == col(Organisation.id),
            )
            .where(
                AuthorizationRequest.browser_sha256 == sha256(browser),
                col(AuthorizationRequest.purpose).in_(_OF_A_CONSENT),
            )
            .order_by(col(AuthorizationRequest.expires_at).desc())
        ).first()
        or ""
    )


def newest_sign_in(session: Session, browser: str) -> AuthorizationRequest | None:
    """Return this browser's last sign-in request that had a response, None if there is none."""
    return session.exec(
        select(AuthorizationRequest)
        .where(
            AuthorizationRequest.browser_sha256 == sha256(browser),
            AuthorizationRequest.purpose != RequestPurpose.CONSENT,
            col(AuthorizationRequest.used_at).is_not(None),
        )
        .order_by(col(AuthorizationRequest.used_at).desc())
    ).first()


def record_setup_sign_in(
    session: Session, asked: AuthorizationRequest, object_id: UUID, at: datetime
) -> None:
    """Record who of the tenant signed in to go on at the set-up page of a personal link.

    The audit trail gets an entry with the account and the link; for many, a count.
    """
    kept = session.get_one(AuthorizationRequest, asked.state_sha256)
    kept.signed_in_object_id = object_id
    session.add(kept)
    link = session.get_one(PersonalLink, asked.link_id)
    write_repeated(
        session,
        at,
        "setup_signed_in",
        network="",
        go_live=session.get_one(GoLive, link.go_live_id),
        subject=f"link:{link.id}",
        reason=account(object_id),
    )


def is_signed_in_to_setup(
    session: Session, browser: str, link: PersonalLink, tenant_id: UUID, at: datetime
) -> bool:
    """Tell whether this browser has lately signed in with this tenant, from this very link."""
    found = session.exec(
        select(AuthorizationRequest.state_sha256).where(
            AuthorizationRequest.browser_sha256 == sha256(browser),
            AuthorizationRequest.purpose == RequestPurpose.SETUP,
            AuthorizationRequest.link_id == link.id,
            AuthorizationRequest.tenant_id == tenant_id,
            col(AuthorizationRequest.signed_in_object_id).is_not(None),
            col(AuthorizationRequest.used_at) > at - timedelta(hours=rules.SETUP_SIGN_IN_HOURS),
        )
    ).first()
    return found is not None


def save_evidence(
    session: Session, asked: AuthorizationRequest, tenant_id: UUID, object_id: UUID, at: datetime
) -> ConsentEvidence | None:
    """Record that checks 1 to 3 passed for this account. Idempotent.

    None = nothing is recorded: the grant may have stood before, and no valid link was used. What an
    earlier sign-in of the same account showed about grant and link stays true. The audit trail gets
    an entry with the account and the link; for many, a count.
    """
    by_valid_link = began_with_valid_link(session, asked)
    if not (asked.grant_was_absent or by_valid_link):
        return None
    made = insert(ConsentEvidence).values(
        id=func.gen_random_uuid(),
        go_live_id=asked.go_live_id,
        link_id=asked.link_id,
        tenant_id=tenant_id,
        administrator_object_id=object_id,
        checked_at=at,
        grant_was_absent=asked.grant_was_absent,
        by_valid_link=by_valid_link,
    )
    session.execute(
        made.on_conflict_do_update(
            constraint="one_per_administrator",
            set_={
                "checked_at": at,
                "link_id": asked.link_id,
                "grant_was_absent": or_(
                    col(ConsentEvidence.grant_was_absent), made.excluded.grant_was_absent
                ),
                "by_valid_link": or_(
                    col(ConsentEvidence.by_valid_link), made.excluded.by_valid_link
                ),
            },
        )
    )
    evidence = session.exec(
        select(ConsentEvidence).where(
            ConsentEvidence.go_live_id == asked.go_live_id,
            ConsentEvidence.tenant_id == tenant_id,
            ConsentEvidence.administrator_object_id == object_id,
        )
    ).one()
    kept = session.get_one(AuthorizationRequest, asked.state_sha256)
    kept.evidence_id = evidence.id
    session.add(kept)
    # Whoever it is, an ID token named them: they are counted by that, wherever they come from.
    write_repeated(
        session,
        at,
        "consent_signed_in",
        network="",
        go_live=session.get_one(GoLive, evidence.go_live_id),
        subject=f"link:{asked.link_id}" if asked.link_id else "",
        reason=account(object_id),
    )
    return evidence


def evidence_of(
    session: Session, asked: AuthorizationRequest, at: datetime
) -> ConsentEvidence | None:
    """Return the evidence of this request while it counts; never that of another request."""
    found = session.get(ConsentEvidence, asked.evidence_id) if asked.evidence_id else None
    counts = found is not None and at - found.checked_at < timedelta(days=rules.EVIDENCE_DAYS)
    return found if counts else None


def may_go_on(evidence: ConsentEvidence) -> bool:
    """Tell whether this sign-in may go on with a grant, whoever gave it.

    Either the grant came since this browser left, or the account came by a personal link: a grant
    that stood before is nobody's new consent.
    """
    return evidence.grant_was_absent or evidence.by_valid_link


def began_with_valid_link(session: Session, asked: AuthorizationRequest) -> bool:
    """Tell whether a request began with a personal link that is still valid and the newest."""
    link = session.get(PersonalLink, asked.link_id) if asked.link_id else None
    return link is not None and link.revoked_at is None and link.version == asked.link_version
