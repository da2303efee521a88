"""Sends a browser to Microsoft, and back to where it began.

What it was sent with is kept on our side, by its state.
"""

import secrets
from uuid import UUID

from fastapi.responses import Response

from contracts.go_live import Refusal
from contracts.links import LinkPurpose
from database import records, round_trips, sign_in
from database.models import GoLive, MicrosoftRoundTrip, PersonalLink
from graph.errors import TenantUnknown
from web.answers import already_back, has_ended, refused
from web.deps import Visit


def to_login(
    visit: Visit,
    tenant_id: UUID,
    purpose: str,
    *,
    login_hint: str | None = None,
    trip: MicrosoftRoundTrip | None = None,
    link_id: UUID | None = None,
    organisation_id: UUID | None = None,
    other_account: bool = False,
) -> Response:
    """Send the browser to a tenant's login; `trip` is the consent it goes on from, if any.

    `other_account` has Microsoft ask which account, even where only one is signed in.
    """
    try:
        request = visit.rooms.entra.begin_sign_in(
            str(tenant_id),
            visit.rooms.url("/auth/microsoft/callback"),
            login_hint=login_hint or None,
            prompt="select_account" if other_account else None,
        )
    except TenantUnknown:
        with visit.rooms.sessions.begin() as session:
            records.write_audit(
                session,
                visit.at,
                "system",
                "consent_refused" if trip else "sign_in_refused",
                go_live=session.get(GoLive, trip.go_live_id) if trip and trip.go_live_id else None,
                organisation_id=organisation_id,
                reason=Refusal.TENANT_UNKNOWN,
            )
        return refused(visit, Refusal.TENANT_UNKNOWN, status=409)
    with visit.rooms.sessions.begin() as session:
        round_trips.begin_round_trip(
            session,
            state=request.state,
            browser=visit.browser,
            purpose=purpose,
            at=visit.at,
            flow=request.flow,
            organisation_id=trip.organisation_id if trip else organisation_id,
            go_live_id=trip.go_live_id if trip else None,
            link_id=trip.link_id if trip else link_id,
            tenant_id=tenant_id,
            link_version=trip.link_version if trip else None,
        )
    return visit.go_to(request.url)


def to_consent(
    visit: Visit, go_live_id: UUID, link_id: UUID | None, link_version: int | None = None
) -> Response:
    """Send the browser to the consent page of the tenant that was discovered beforehand.

    `link_version` is that of the link the browser holds; None = the present one.
    """
    state = secrets.token_urlsafe(32)
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, go_live_id)
        if found is None:
            return has_ended(visit, go_live_id)
        go_live, organisation = found
        if go_live.tenant_id is None:
            records.write_audit(
                session,
                visit.at,
                "system",
                "consent_refused",
                go_live=go_live,
                reason=Refusal.TENANT_UNKNOWN,
            )
            return refused(visit, Refusal.TENANT_UNKNOWN, status=409)
        round_trips.begin_round_trip(
            session,
            state=state,
            browser=visit.browser,
            purpose="consent",
            at=visit.at,
            organisation_id=organisation.id,
            go_live_id=go_live_id,
            link_id=link_id,
            tenant_id=go_live.tenant_id,
            link_version=link_version,
        )
        tenant_id = str(go_live.tenant_id)
    return visit.go_to(
        visit.rooms.entra.admin_consent_url(tenant_id, visit.rooms.url("/consent/callback"), state)
    )


def start_of(visit: Visit, trip: MicrosoftRoundTrip | None) -> str:
    """Return the page where the same can be begun afresh: an answer of Microsoft's counts once."""
    if trip is not None and trip.purpose == "console":
        return "/console"
    if trip is None or trip.link_id is None:
        return "/login"
    with visit.rooms.sessions.begin() as session:
        link = session.get_one(PersonalLink, trip.link_id)
    # The link it began with, even if a newer one has gone to its owner meanwhile.
    version = trip.link_version or 0
    token = visit.rooms.signer.token(LinkPurpose(link.purpose), link.id, version)
    return f"/{'invitation' if trip.purpose == 'invitation' else 'consent'}/{token}"


def no_round_trip(visit: Visit, state: str, refusal: Refusal) -> Response:
    """Answer a browser that came back too late, a second time, or from nowhere."""
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.trip_of_browser(session, state, visit.browser)
        consent = round_trips.newest_consent_trip(session, visit.browser)
    if refusal is not Refusal.STATE_USED or trip is None:
        return refused(visit, refusal, link=start_of(visit, trip))
    if consent is not None and consent.go_live_id == trip.go_live_id:
        return refused(visit, refusal)
    return already_back(visit, "/console" if trip.purpose == "console" else "/")
