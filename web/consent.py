"""Consent: what is asked and why, the way to Microsoft and back, then the truth as it is.

Checks 1 and 3 of the proof begin here: our state, and the tenant that was discovered beforehand.
"""

import logging
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from temporalio.service import RPCError

from contracts import wording
from contracts.go_live import AdminConsented, AdminDeclined, Refusal, go_live_id
from contracts.links import LinkPurpose
from database import hand_off, reading, records, round_trips, sign_in
from database.models import ConsentEvidence, GoLive, MicrosoftRoundTrip, PersonalLink
from database.reading import Standing
from graph.permissions import APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS
from web.answers import refused
from web.deps import AVisit, OwnForm, Visit
from web.microsoft import to_consent, to_login
from web.new_link import dead_link
from web.returned import Ending, Returned, ending_of, read_returned
from web.stages import consent_checks, is_moving
from workflows.go_live import SsoGoLive

router = APIRouter(prefix="/consent")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NotConsented:
    """What the run of a go-live is told when a consent did not come about."""

    slug: str
    ending: Ending


@router.get("/callback")
async def callback(visit: AVisit) -> Response:
    """Take the answer of Microsoft's consent page; it proves nothing yet."""
    answer, told = await run_in_threadpool(_come_back, visit)
    if told is not None:
        await tell_not_consented(visit, told)
    return answer


@router.get("/progress")
def progress(visit: AVisit) -> Response:
    """Show how far the go-live is that this browser consented for."""
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.newest_consent_trip(session, visit.browser)
        standing = _standing(session, trip)
    proven = trip is not None and trip.evidence_id is not None
    return _progress_page(visit, standing, again="/consent/again", proven=proven)


@router.post("/progress")
async def tell_again(visit: OwnForm) -> Response:
    """Tell the workflow once more; for the minute in which it could not be told."""
    evidence = await run_in_threadpool(_newest_evidence, visit)
    if evidence is None:
        return refused(visit, Refusal.STATE_UNKNOWN, status=404)
    return await tell_workflow(visit, evidence)


@router.post("/again")
def again(visit: OwnForm) -> Response:
    """Send this browser's administrator to the organisation-wide consent page once more."""
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.newest_consent_trip(session, visit.browser)
    if trip is None or trip.go_live_id is None:
        return refused(visit, Refusal.STATE_UNKNOWN, status=404)
    return to_consent(visit, trip.go_live_id, trip.link_id)


@router.get("/{token}")
def ask(visit: AVisit, token: str) -> Response:
    """Explain what the administrator is about to allow. Opening this changes nothing."""
    link = _link(visit, token)
    if not isinstance(link, PersonalLink):
        return dead_link(visit, LinkPurpose.CONSENT, token, link, f"/consent/{token}/progress")
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, link.go_live_id)
    if found is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410)
    return visit.page(
        "consent.html",
        organisation_name=found[1].name,
        permissions=(*DELEGATED_PERMISSIONS, *APPLICATION_PERMISSIONS),
        action=f"/consent/{token}",
        hand_off=f"/hand-off/{token}",
    )


@router.get("/{token}/progress")
def progress_of_link(visit: AVisit, token: str) -> Response:
    """Show how far the go-live is that this link belongs to, also once the link is used."""
    link = _link(visit, token)
    if link is None or (
        isinstance(link, Refusal) and link in {Refusal.LINK_EXPIRED, Refusal.LINK_REVOKED}
    ):
        return dead_link(visit, LinkPurpose.CONSENT, token, link)
    with visit.rooms.sessions.begin() as session:
        row = hand_off.genuine_consent_link(session, visit.rooms.signer, token)
        standing = _standing(session, row)
    proven = not isinstance(link, PersonalLink)
    return _progress_page(visit, standing, again=f"/consent/{token}", proven=proven)


@router.post("/{token}")
def go(visit: OwnForm, token: str) -> Response:
    """Send the administrator to Microsoft's consent page of the organisation's own tenant."""
    link = _link(visit, token)
    if not isinstance(link, PersonalLink):
        return dead_link(visit, LinkPurpose.CONSENT, token, link, f"/consent/{token}/progress")
    return to_consent(visit, link.go_live_id, link.id)


async def tell_workflow(visit: Visit, evidence: ConsentEvidence) -> Response:
    """Signal the consent; the link is used up by the proof, so a click can be repeated."""
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, evidence.go_live_id)
    if found is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410)
    handle = visit.rooms.temporal.get_workflow_handle(go_live_id(found[1].slug))
    try:
        await handle.signal(
            SsoGoLive.admin_consented,
            AdminConsented(str(evidence.tenant_id), str(evidence.administrator_object_id)),
        )
    except RPCError as error:
        _log.warning("A consent could not be signalled: %s", error.status.name)
        return _kept(visit)
    return visit.go_to("/consent/progress")


async def tell_not_consented(visit: Visit, told: NotConsented) -> None:
    """Signal that a consent did not come about, so that people are told who must do what."""
    handle = visit.rooms.temporal.get_workflow_handle(go_live_id(told.slug))
    fact = AdminDeclined(told.ending.refusal, told.ending.said_no)
    try:
        await handle.signal(SsoGoLive.admin_declined, fact)
    except RPCError as error:
        # The person has the page, and the audit trail the line; a next try tells it again.
        _log.warning("A refusal could not be signalled: %s", error.status.name)


def not_consented(
    visit: Visit, trip: MicrosoftRoundTrip, ending: Ending
) -> tuple[Response, NotConsented | None]:
    """Return the page for a consent that Microsoft ended, and what the run is told if it is new."""
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, trip.go_live_id) if trip.go_live_id else None
        known = found is not None and records.was_refused_lately(
            session, found[0], ending.refusal, visit.at
        )
        _audit(session, visit, found[0] if found else None, ending.refusal)
    if found is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410), None
    # Anybody who knows an address can begin on the login page, so only who came by a personal
    # link is heard; and each reason once a day, however often somebody presses "Cancel".
    heard = trip.link_id is not None and not known
    told = NotConsented(found[1].slug, ending) if heard else None
    return refused(visit, ending.refusal, link=_again(visit, trip)), told


def not_believed(visit: Visit, trip: MicrosoftRoundTrip, refusal: Refusal) -> Response:
    """Return the page for an answer that may be forged: a line in the audit trail, never a word."""
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, trip.go_live_id) if trip.go_live_id else None
        _audit(session, visit, found[0] if found else None, refusal)
    return refused(visit, refusal, link=_again(visit, trip))


def _come_back(visit: Visit) -> tuple[Response, NotConsented | None]:
    """Look at `error` first: a failure also says `admin_consent=True`.

    Source: Microsoft Learn, *Admin consent on the Microsoft identity platform*, read 2026-11-23.
    """
    returned = read_returned(visit.request.scope["query_string"])
    if returned is None or not returned.state:
        return _unbound(visit, returned), None
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.end_round_trip(
            session,
            state=returned.state,
            browser=visit.browser,
            purposes={"consent"},
            at=visit.at,
        )
        if isinstance(trip, Refusal):
            _audit(session, visit, None, trip)
            return refused(visit, trip), None
    if returned.error:
        return not_consented(visit, trip, ending_of(returned.error, returned.codes))
    if not returned.admin_consent or not returned.tenant:
        return not_believed(visit, trip, Refusal.MALFORMED), None
    if trip.tenant_id is None or returned.tenant != str(trip.tenant_id):
        return not_believed(visit, trip, Refusal.WRONG_TENANT), None
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, trip.go_live_id) if trip.go_live_id else None
    if found is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410), None
    return to_login(visit, trip.tenant_id, "consent_sign_in", trip=trip), None


def _unbound(visit: Visit, returned: Returned | None) -> Response:
    """Answer what carries no state: Microsoft leaves it out of some errors, so words are given.

    Nothing is done on it. The browser's own cookie says which consent it may have been about.
    """
    if returned is None:
        refusal = Refusal.MALFORMED
    elif returned.error:
        refusal = ending_of(returned.error, returned.codes).refusal
    else:
        refusal = Refusal.STATE_UNKNOWN
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.open_consent_trip(session, visit.browser, visit.at)
        of = trip.go_live_id if trip else None
        found = sign_in.open_go_live_of(session, of) if of else None
        _audit(session, visit, found[0] if found else None, refusal)
    return refused(visit, refusal, link=_again(visit, trip))


def _audit(session: Session, visit: Visit, go_live: GoLive | None, refusal: Refusal) -> None:
    records.write_audit(
        session, visit.at, "system", "consent_refused", go_live=go_live, reason=refusal
    )


def _again(visit: Visit, trip: MicrosoftRoundTrip | None) -> str:
    if trip is None or trip.link_id is None:
        return "/login"
    with visit.rooms.sessions.begin() as session:
        link = session.get_one(PersonalLink, trip.link_id)
    # The link it began with, even if a newer one has gone to its owner meanwhile.
    version = trip.link_version or 0
    token = visit.rooms.signer.token(LinkPurpose(link.purpose), link.id, version)
    return f"/consent/{token}"


def _link(visit: Visit, token: str) -> PersonalLink | Refusal | None:
    with visit.rooms.sessions.begin() as session:
        return hand_off.consent_link(session, visit.rooms.signer, token, visit.at)


def _standing(session: Session, row: MicrosoftRoundTrip | PersonalLink | None) -> Standing | None:
    if row is None or row.go_live_id is None:
        return None
    found = sign_in.open_go_live_of(session, row.go_live_id)
    return reading.standing_of(session, found[1].slug) if found else None


def _progress_page(
    visit: Visit, standing: Standing | None, *, again: str, proven: bool
) -> Response:
    if standing is None or standing.progress is None:
        return refused(visit, Refusal.STATE_UNKNOWN, status=404)
    now = standing.progress
    return visit.page(
        "consent_progress.html",
        standing=standing,
        happened=wording.happened(now),
        to_do=wording.to_do(now),
        by_itself=wording.by_itself(now),
        # Only who has come through the first three checks is told that they are through.
        checks=consent_checks(now) if proven else [],
        moving=is_moving(now),
        again=again if now.attention is not None or now.refusal is not None else "",
    )


def _kept(visit: Visit) -> Response:
    return visit.page(
        "message.html",
        status=503,
        title="One moment, please",
        happened="Your consent is noted, but a part of our service does not answer right now.",
        to_do="Wait a minute and look again; there you can have it checked once more.",
        link="/consent/progress",
        button="Look again",
    )


def _newest_evidence(visit: Visit) -> ConsentEvidence | None:
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.newest_consent_trip(session, visit.browser)
        return round_trips.evidence_of_trip(session, trip) if trip else None
