"""Consent: what is asked and why, the way to Microsoft and back, then the truth as it is."""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from contracts import wording
from contracts.go_live import AdminConsented, AdminDeclined, Refusal, go_live_id
from contracts.links import LinkPurpose
from database import reading, records, round_trips, sign_in
from database.models import ConsentEvidence, GoLive, MicrosoftRoundTrip, PersonalLink
from graph.permissions import APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS
from web.answers import refused, unknown_link
from web.deps import AVisit, OwnForm, Visit
from web.microsoft import to_consent, to_login
from web.stages import consent_checks, is_moving
from workflows.go_live import SsoGoLive

router = APIRouter(prefix="/consent")


@router.get("/callback")
async def callback(visit: AVisit) -> Response:
    """Take the answer of Microsoft's consent page; it proves nothing yet."""
    answer, declined = await run_in_threadpool(_come_back, visit)
    if declined is not None:
        slug, refusal = declined
        handle = visit.rooms.temporal.get_workflow_handle(go_live_id(slug))
        await handle.signal(SsoGoLive.admin_declined, AdminDeclined(refusal))
    return answer


@router.get("/progress")
def progress(visit: AVisit) -> Response:
    """Show how far the go-live is that this browser consented for."""
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.newest_consent_trip(session, visit.browser)
        found = (
            sign_in.open_go_live_of(session, trip.go_live_id) if trip and trip.go_live_id else None
        )
        standing = reading.standing_of(session, found[1].slug) if found else None
    if standing is None or standing.progress is None:
        return refused(visit, Refusal.STATE_UNKNOWN, status=404)
    return visit.page(
        "consent_progress.html",
        standing=standing,
        happened=wording.happened(standing.progress),
        to_do=wording.to_do(standing.progress),
        by_itself=wording.by_itself(standing.progress),
        checks=consent_checks(standing.progress),
        moving=is_moving(standing.progress),
    )


@router.post("/progress")
async def tell_again(visit: OwnForm) -> Response:
    """Tell the workflow once more; for the minute in which it could not be told."""
    evidence = await run_in_threadpool(_newest_evidence, visit)
    if evidence is None:
        return refused(visit, Refusal.STATE_UNKNOWN, status=404)
    return await tell_workflow(visit, evidence)


@router.get("/{token}")
def ask(visit: AVisit, token: str) -> Response:
    """Explain what the administrator is about to allow. Opening this changes nothing."""
    link = _link(visit, token)
    if not isinstance(link, PersonalLink):
        return _dead(visit, link)
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, link.go_live_id)
    if found is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410)
    return visit.page(
        "consent.html",
        organisation_name=found[1].name,
        permissions=(*DELEGATED_PERMISSIONS, *APPLICATION_PERMISSIONS),
        action=f"/consent/{token}",
    )


@router.post("/{token}")
def go(visit: OwnForm, token: str) -> Response:
    """Send the administrator to Microsoft's consent page of the organisation's own tenant."""
    link = _link(visit, token)
    if not isinstance(link, PersonalLink):
        return _dead(visit, link)
    return to_consent(visit, link.go_live_id, link.id)


async def tell_workflow(visit: Visit, evidence: ConsentEvidence) -> Response:
    """Signal the consent; the link is used up by the proof, so a click can be repeated."""
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, evidence.go_live_id)
    if found is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410)
    handle = visit.rooms.temporal.get_workflow_handle(go_live_id(found[1].slug))
    await handle.signal(
        SsoGoLive.admin_consented,
        AdminConsented(str(evidence.tenant_id), str(evidence.administrator_object_id)),
    )
    return visit.go_to("/consent/progress")


def _come_back(visit: Visit) -> tuple[Response, tuple[str, str] | None]:
    query = visit.request.query_params
    states = query.getlist("state")
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.end_round_trip(
            session,
            state=states[0] if len(states) == 1 else "",
            browser=visit.browser,
            purposes={"consent"},
            at=visit.at,
        )
        if isinstance(trip, Refusal):
            records.write_audit(session, visit.at, "system", "consent_refused", reason=trip)
            return refused(visit, trip), None
        found = sign_in.open_go_live_of(session, trip.go_live_id) if trip.go_live_id else None
        refusal = _refusal(trip, dict(query))
        if refusal is not None:
            _audit(session, visit, found[0] if found else None, refusal)
        link = session.get(PersonalLink, trip.link_id) if trip.link_id else None
    if found is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410), None
    if refusal is not None:
        again = _again(visit, link)
        declined = (found[1].slug, refusal.value) if refusal in _DECLINES else None
        return refused(visit, refusal, link=again), declined
    tenant_id = trip.tenant_id
    assert tenant_id is not None  # noqa: S101  (a consent trip always has one)
    return to_login(visit, tenant_id, "consent_sign_in", trip=trip), None


_DECLINES = {Refusal.DECLINED, Refusal.NOT_AN_ADMINISTRATOR, Refusal.APPROVAL_REQUESTED}


def _refusal(trip: MicrosoftRoundTrip, query: dict[str, str]) -> Refusal | None:
    """Look at `error` first: a failure also says `admin_consent=True`.

    Source: Microsoft Learn, *Admin consent on the Microsoft identity platform*, read 2026-11-23.
    """
    match query:
        case {"error": "access_denied"}:
            return Refusal.DECLINED
        case {"error": "consent_required" | "permission_denied"}:
            return Refusal.NOT_AN_ADMINISTRATOR
        case {"error": _}:
            return Refusal.OTHER
        case {"admin_consent": consent, "tenant": tenant} if consent.casefold() == "true":
            return None if tenant == str(trip.tenant_id) else Refusal.WRONG_TENANT
        case _:
            return Refusal.OTHER


def _audit(session: Session, visit: Visit, go_live: GoLive | None, refusal: Refusal) -> None:
    records.write_audit(
        session, visit.at, "system", "consent_refused", go_live=go_live, reason=refusal
    )


def _again(visit: Visit, link: PersonalLink | None) -> str:
    if link is None:
        return "/login"
    token = visit.rooms.signer.token(LinkPurpose(link.purpose), link.id, link.version)
    return f"/consent/{token}"


def _link(visit: Visit, token: str) -> PersonalLink | Refusal | None:
    with visit.rooms.sessions.begin() as session:
        return sign_in.personal_link(
            session, visit.rooms.signer, token, LinkPurpose.CONSENT, visit.at
        )


def _dead(visit: Visit, why: Refusal | None) -> Response:
    return unknown_link(visit) if why is None else refused(visit, why, status=410)


def _newest_evidence(visit: Visit) -> ConsentEvidence | None:
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.newest_consent_trip(session, visit.browser)
        return round_trips.evidence_of_trip(session, trip) if trip else None
