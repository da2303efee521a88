"""Consent: what is asked and why, the way to Microsoft and back, then the truth as it is.

Checks 1 and 3 of the proof begin here: our state, and the tenant that was discovered beforehand.
"""

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from contracts.go_live import AdminConsented, AdminDeclined, Refusal
from contracts.links import LinkPurpose
from database import hand_off, reading, records, round_trips, sign_in
from database.models import ConsentEvidence, GoLive, MicrosoftRoundTrip, PersonalLink, Preference
from database.reading import Standing
from graph.permissions import APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS
from web import customer_words, telling
from web.answers import refused
from web.deps import AVisit, OwnForm, Visit
from web.microsoft import to_consent, to_login
from web.new_link import dead_link
from web.returned import Ending, Returned, ending_of, read_returned
from web.stages import consent_checks, is_moving

router = APIRouter(prefix="/consent")


@router.get("/callback")
async def callback(visit: AVisit) -> Response:
    """Take the answer of Microsoft's consent page; it proves nothing yet."""
    answer, fact = await run_in_threadpool(_come_back, visit)
    if fact is not None:
        await telling.tell(visit.rooms, fact)
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
    fact = await run_in_threadpool(_note_again, visit)
    if isinstance(fact, Refusal):
        status = 410 if fact is Refusal.LINK_REVOKED else 404
        return refused(visit, fact, status=status)
    told = await telling.tell(visit.rooms, fact)
    return visit.go_to("/consent/progress") if told else kept(visit)


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


def note_consent(session: Session, evidence: ConsentEvidence, at: datetime) -> int | None:
    """Keep the consent for the go-live; the link is used up by the proof, so clicks can repeat.

    None = the go-live has ended.
    """
    if sign_in.open_go_live_of(session, evidence.go_live_id) is None:
        return None
    fact = AdminConsented(str(evidence.tenant_id), str(evidence.administrator_object_id))
    return telling.note(session, evidence.go_live_id, fact, at)


def not_consented(
    visit: Visit, trip: MicrosoftRoundTrip, ending: Ending
) -> tuple[Response, int | None]:
    """Return the page for a consent that Microsoft ended, and the fact noted if it is new."""
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, trip.go_live_id) if trip.go_live_id else None
        known = found is not None and records.was_refused_lately(
            session, found[0], ending.refusal, visit.at
        )
        _audit(session, visit, found[0] if found else None, ending.refusal)
        # Anybody who knows an address can begin on the login page, so only who came by a personal
        # link is heard; and each reason once a day, however often somebody presses "Cancel".
        fact = None
        if found is not None and trip.link_id is not None and not known:
            told = AdminDeclined(ending.refusal, ending.said_no)
            fact = telling.note(session, found[0].id, told, visit.at)
    if found is None:
        return refused(visit, Refusal.LINK_REVOKED, status=410), None
    return refused(visit, ending.refusal, link=_again(visit, trip)), fact


def not_believed(visit: Visit, trip: MicrosoftRoundTrip, refusal: Refusal) -> Response:
    """Return the page for an answer that may be forged: a line in the audit trail, never a word."""
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, trip.go_live_id) if trip.go_live_id else None
        _audit(session, visit, found[0] if found else None, refusal)
    return refused(visit, refusal, link=_again(visit, trip))


def _come_back(visit: Visit) -> tuple[Response, int | None]:
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
    with visit.rooms.sessions.begin() as session:
        zone = session.get_one(Preference, standing.organisation_id).time_zone
    return visit.page(
        "consent_progress.html",
        standing=standing,
        told=customer_words.told(now, zone),
        # Only who has come through the first three checks is told that they are through.
        checks=consent_checks(now) if proven else [],
        moving=is_moving(now),
        again=again if now.attention is not None or now.refusal is not None else "",
    )


def kept(visit: Visit) -> Response:
    """Say that a consent is safe although the go-live could not be told of it yet."""
    return visit.page(
        "message.html",
        status=202,
        title="Thank you",
        happened="Your consent is noted. A part of our service does not answer right now, so it is "
        "checked a little later, by itself.",
        to_do="There is nothing more for you to do. In a minute you can see here how far it is.",
        link="/consent/progress",
        button="Look again",
    )


def _note_again(visit: Visit) -> int | Refusal:
    """Keep what this browser proved last, for another try."""
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.newest_consent_trip(session, visit.browser)
        evidence = round_trips.evidence_of_trip(session, trip) if trip else None
        if evidence is None:
            return Refusal.STATE_UNKNOWN
        return note_consent(session, evidence, visit.at) or Refusal.LINK_REVOKED
