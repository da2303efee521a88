"""Browsers sent to Microsoft and expected back once, and what an administrator proved by one.

Check 1 of the proof of consent is here: the state is ours, unexpired, unused and of this browser.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from contracts import rules
from contracts.go_live import Refusal
from database.models import (
    ConsentEvidence,
    GoLive,
    MicrosoftRoundTrip,
    Organisation,
    PersonalLink,
)
from database.records import account, write_audit
from database.sign_in import sha256


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
    """Remember that this browser was sent to Microsoft.

    `link_version` is that of the trip this one goes on from; else the link's own.
    """
    link = session.get(PersonalLink, link_id) if link_id and link_version is None else None
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
            expires_at=at + timedelta(minutes=rules.ROUND_TRIP_MINUTES),
        )
    )


def forget_what_is_over(session: Session, at: datetime) -> None:
    """Delete secrets of trips nobody came back from, then the trips, and old evidence.

    While users of a go-live move, its evidence stays: whom it names may be the administrator.
    """
    session.execute(
        text(
            "UPDATE golive.microsoft_round_trip SET flow = '{}' "
            "WHERE expires_at < :at AND flow <> '{}'"
        ),
        {"at": at},
    )
    session.execute(
        text("DELETE FROM golive.microsoft_round_trip WHERE expires_at < :old"),
        {"old": at - timedelta(days=rules.ROUND_TRIP_KEPT_DAYS)},
    )
    # A consent by the link in the pack may come weeks before its stage: it ages from then on.
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


def end_round_trip(
    session: Session, *, state: str, browser: str, purposes: set[str], at: datetime
) -> MicrosoftRoundTrip | Refusal:
    """Check 1: the state is ours, of this browser, unexpired and unused; it is used up by this.

    The trip that is returned holds the secrets of its flow for the last time.
    """
    trip = session.get(MicrosoftRoundTrip, sha256(state), with_for_update=True)
    if trip is None or trip.purpose not in purposes:
        return Refusal.STATE_UNKNOWN
    if trip.browser_sha256 != sha256(browser):
        return Refusal.OTHER_BROWSER
    if trip.used_at is not None:
        return Refusal.STATE_USED
    if trip.expires_at <= at:
        return Refusal.STATE_EXPIRED
    flow = trip.flow
    trip.used_at, trip.flow = at, {}
    session.add(trip)
    session.flush()
    session.expunge(trip)
    trip.flow = flow
    return trip


def trip_of_browser(session: Session, state: str, browser: str) -> MicrosoftRoundTrip | None:
    """Return the round trip with this state if this very browser began it, over or not."""
    trip = session.get(MicrosoftRoundTrip, sha256(state))
    return trip if trip is not None and trip.browser_sha256 == sha256(browser) else None


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
    """Return this browser's last consent that came back, None when there is none.

    Anybody who knows an address can begin one on the login page; that counts once it has proven
    an administrator, so that nobody else reads from it how far an organisation is.
    """
    return session.exec(
        select(MicrosoftRoundTrip)
        .where(
            MicrosoftRoundTrip.browser_sha256 == sha256(browser),
            col(MicrosoftRoundTrip.purpose).in_(("consent", "consent_sign_in")),
            col(MicrosoftRoundTrip.used_at).is_not(None),
            or_(
                col(MicrosoftRoundTrip.link_id).is_not(None),
                col(MicrosoftRoundTrip.evidence_id).is_not(None),
            ),
        )
        .order_by(col(MicrosoftRoundTrip.used_at).desc())
    ).first()


def organisation_of_consent(session: Session, browser: str) -> str:
    """Return the slug of the organisation this browser last went to Microsoft for; "" for none."""
    return (
        session.exec(
            select(Organisation.slug)
            .join(
                MicrosoftRoundTrip,
                col(MicrosoftRoundTrip.organisation_id) == col(Organisation.id),
            )
            .where(
                MicrosoftRoundTrip.browser_sha256 == sha256(browser),
                col(MicrosoftRoundTrip.purpose).in_(("consent", "consent_sign_in")),
            )
            .order_by(col(MicrosoftRoundTrip.expires_at).desc())
        ).first()
        or ""
    )


def newest_sign_in_trip(session: Session, browser: str) -> MicrosoftRoundTrip | None:
    """Return this browser's last sign-in at Microsoft that came back, None when there is none."""
    return session.exec(
        select(MicrosoftRoundTrip)
        .where(
            MicrosoftRoundTrip.browser_sha256 == sha256(browser),
            MicrosoftRoundTrip.purpose != "consent",
            col(MicrosoftRoundTrip.used_at).is_not(None),
        )
        .order_by(col(MicrosoftRoundTrip.used_at).desc())
    ).first()


def save_evidence(
    session: Session, trip: MicrosoftRoundTrip, tenant_id: UUID, object_id: UUID, at: datetime
) -> ConsentEvidence:
    """Record that checks 1 to 3 passed for this administrator. Twice is once.

    The audit trail keeps each time, whose account it was, and by which link.
    """
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
    write_audit(
        session,
        at,
        "system",
        "consent_signed_in",
        go_live=session.get_one(GoLive, evidence.go_live_id),
        subject=f"link:{trip.link_id}" if trip.link_id else "",
        reason=account(object_id),
    )
    return evidence


def evidence_of_trip(
    session: Session, trip: MicrosoftRoundTrip, at: datetime
) -> ConsentEvidence | None:
    """Return what this very trip proved, while it counts; what others proved is not for it."""
    found = session.get(ConsentEvidence, trip.evidence_id) if trip.evidence_id else None
    counts = found is not None and at - found.checked_at < timedelta(days=rules.EVIDENCE_DAYS)
    return found if counts else None


def came_by_a_living_link(session: Session, trip: MicrosoftRoundTrip) -> bool:
    """Tell whether a trip began with a personal link that no newer one has replaced."""
    link = session.get(PersonalLink, trip.link_id) if trip.link_id else None
    return link is not None and link.revoked_at is None and link.version == trip.link_version
