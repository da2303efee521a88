"""Browsers sent to Microsoft and expected back once, and what an administrator proved by one.

Check 1 of the proof of consent is here: the state is ours, unexpired, unused and of this browser.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from contracts.go_live import Refusal
from database.models import ConsentEvidence, MicrosoftRoundTrip, PersonalLink
from database.sign_in import sha256

ROUND_TRIP_MINUTES = 30


def begin_round_trip(
    session: Session,
    *,
    state: str,
    browser: str,
    purpose: str,
    at: datetime,
    flow: dict[str, Any] | None = None,
    organisation_id: UUID | None = None,
    go_live_id: UUID | None = None,
    link_id: UUID | None = None,
    tenant_id: UUID | None = None,
    link_version: int | None = None,
) -> None:
    """Remember that this browser was sent to Microsoft, and forget what is long over.

    `link_version` is that of the trip this one goes on from; else the link's own.
    """
    link = session.get(PersonalLink, link_id) if link_id and link_version is None else None
    session.execute(
        text("DELETE FROM golive.microsoft_round_trip WHERE expires_at < :old"),
        {"old": at - timedelta(days=1)},
    )
    session.add(
        MicrosoftRoundTrip(
            state_sha256=sha256(state),
            purpose=purpose,
            browser_sha256=sha256(browser),
            organisation_id=organisation_id,
            go_live_id=go_live_id,
            link_id=link_id,
            tenant_id=tenant_id,
            link_version=link.version if link else link_version,
            flow=flow or {},
            expires_at=at + timedelta(minutes=ROUND_TRIP_MINUTES),
        )
    )


def end_round_trip(
    session: Session, *, state: str, browser: str, purposes: set[str], at: datetime
) -> MicrosoftRoundTrip | Refusal:
    """Check 1: the state is ours, of this browser, unexpired and unused; it is used up by this."""
    trip = session.get(MicrosoftRoundTrip, sha256(state), with_for_update=True)
    if trip is None or trip.purpose not in purposes:
        return Refusal.STATE_UNKNOWN
    if trip.browser_sha256 != sha256(browser):
        return Refusal.OTHER_BROWSER
    if trip.used_at is not None:
        return Refusal.STATE_USED
    if trip.expires_at <= at:
        return Refusal.STATE_EXPIRED
    trip.used_at = at
    session.add(trip)
    return trip


def open_consent_trip(session: Session, browser: str, at: datetime) -> MicrosoftRoundTrip | None:
    """Return the consent this browser was sent to last and has not come back from."""
    return session.exec(
        select(MicrosoftRoundTrip)
        .where(
            MicrosoftRoundTrip.browser_sha256 == sha256(browser),
            MicrosoftRoundTrip.purpose == "consent",
            col(MicrosoftRoundTrip.used_at).is_(None),
            MicrosoftRoundTrip.expires_at > at,
        )
        .order_by(col(MicrosoftRoundTrip.expires_at).desc())
    ).first()


def newest_consent_trip(session: Session, browser: str) -> MicrosoftRoundTrip | None:
    """Return this browser's last consent that came back, None when there is none."""
    return session.exec(
        select(MicrosoftRoundTrip)
        .where(
            MicrosoftRoundTrip.browser_sha256 == sha256(browser),
            MicrosoftRoundTrip.purpose == "consent_sign_in",
            col(MicrosoftRoundTrip.used_at).is_not(None),
        )
        .order_by(col(MicrosoftRoundTrip.used_at).desc())
    ).first()


def save_evidence(
    session: Session, trip: MicrosoftRoundTrip, tenant_id: UUID, object_id: UUID, at: datetime
) -> ConsentEvidence:
    """Record that checks 1 to 3 passed for this administrator. Twice is once."""
    session.execute(
        insert(ConsentEvidence)
        .values(
            id=func.gen_random_uuid(),
            go_live_id=trip.go_live_id,
            link_id=trip.link_id,
            tenant_id=tenant_id,
            administrator_object_id=object_id,
            checked_at=at,
        )
        .on_conflict_do_update(
            constraint="one_per_administrator", set_={"checked_at": at, "link_id": trip.link_id}
        )
    )
    evidence = session.exec(
        select(ConsentEvidence).where(
            ConsentEvidence.go_live_id == trip.go_live_id,
            ConsentEvidence.tenant_id == tenant_id,
            ConsentEvidence.administrator_object_id == object_id,
        )
    ).one()
    kept = session.get_one(MicrosoftRoundTrip, trip.state_sha256)
    kept.evidence_id = evidence.id
    session.add(kept)
    return evidence


def evidence_of_trip(session: Session, trip: MicrosoftRoundTrip) -> ConsentEvidence | None:
    """Return what this very trip proved; what others proved is nobody's to repeat."""
    return session.get(ConsentEvidence, trip.evidence_id) if trip.evidence_id else None
