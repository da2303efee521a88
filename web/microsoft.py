"""Sends a browser to Microsoft; what it was sent with is kept on our side, by its state."""

import secrets
from uuid import UUID

from fastapi.responses import Response

from contracts.go_live import Refusal
from database import records, round_trips, sign_in
from database.models import GoLive, MicrosoftRoundTrip
from graph.errors import TenantUnknown
from web.answers import refused
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
) -> Response:
    """Send the browser to a tenant's login; `trip` is the consent it goes on from, if any."""
    try:
        request = visit.rooms.entra.begin_sign_in(
            str(tenant_id),
            visit.rooms.url("/auth/microsoft/callback"),
            login_hint=login_hint or None,
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


def to_consent(visit: Visit, go_live_id: UUID, link_id: UUID | None) -> Response:
    """Send the browser to the consent page of the tenant that was discovered beforehand."""
    state = secrets.token_urlsafe(32)
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, go_live_id)
        if found is None:
            return refused(visit, Refusal.LINK_REVOKED, status=410)
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
        )
        tenant_id = str(go_live.tenant_id)
    return visit.go_to(
        visit.rooms.entra.admin_consent_url(tenant_id, visit.rooms.url("/consent/callback"), state)
    )
