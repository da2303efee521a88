"""Consent: what is asked and why, the way to Microsoft and back, then the truth as it is.

Checks 1 and 3 of the proof begin here: our state, and the tenant that was discovered beforehand.
"""

import logging
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from contracts.go_live import (
    ConsentNotGiven,
    ConsentReported,
    GoLiveOutcome,
    GoLiveStage,
    Refusal,
    Wait,
)
from contracts.links import LinkPurpose
from database.consent import authorization_requests
from database.go_live import outbox, reading, records
from database.go_live.reading import Standing
from database.links import hand_off
from database.models import (
    AuthorizationRequest,
    ConsentEvidence,
    GoLive,
    Organisation,
    PersonalLink,
    Preference,
)
from database.people import sign_in
from graph.errors import GraphError
from graph.permissions import APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS
from telemetry.metrics import CONSENTS_REFUSED
from web.checklist import consent_checks, is_moving
from web.customer.new_link import dead_link
from web.log_context import NAMED
from web.microsoft.authorization_request import (
    no_authorization_request,
    start_of,
    to_consent,
    to_login,
)
from web.microsoft.authorization_response import Ending, Returned, ending_of, read_returned
from web.outbox_relay import relay
from web.rate_limits import note_stray
from web.refusal_pages import has_ended, nothing_to_show, refused
from web.visit import AVisit, OwnForm, Visit
from wording import customer

router = APIRouter(prefix="/consent", dependencies=[NAMED])
_log = logging.getLogger(__name__)


@router.get("/callback")
async def callback(visit: AVisit) -> Response:
    """Take the answer of Microsoft's consent page; it proves nothing yet."""
    answer, entry = await run_in_threadpool(_come_back, visit)
    if entry is not None:
        await relay(visit.rooms, entry)
    return answer


@router.get("/progress")
def progress(visit: AVisit) -> Response:
    """Show how far the go-live is that this browser consented for."""
    with visit.rooms.sessions.begin() as session:
        asked = authorization_requests.newest_consent(session, visit.browser)
        standing = _standing(session, asked)
    proven = asked is not None and asked.evidence_id is not None
    return _progress_page(visit, standing, asked, again="/consent/again", proven=proven)


@router.post("/progress")
async def relay_again(visit: OwnForm) -> Response:
    """Signal the workflow once more what this very browser proved; for when it stayed pending."""
    entry = await run_in_threadpool(_enqueue_again, visit)
    if isinstance(entry, Response):
        return entry
    relayed = await relay(visit.rooms, entry)
    return visit.go_to("/consent/progress") if relayed else kept(visit)


@router.get("/again")
def look_again(visit: AVisit) -> Response:
    """Show how far it is to whoever opens the address of that form."""
    return visit.go_to("/consent/progress")


@router.post("/again")
def again(visit: OwnForm) -> Response:
    """Send this browser's administrator to the organisation-wide consent page once more."""
    with visit.rooms.sessions.begin() as session:
        asked = authorization_requests.newest_consent(session, visit.browser)
    if asked is None or asked.go_live_id is None:
        return nothing_to_show(visit)
    return to_consent(visit, asked.go_live_id, asked.link_id, asked.link_version)


@router.get("/{token}")
def ask(visit: AVisit, token: str) -> Response:
    """Explain what the administrator is about to allow. Opening this changes nothing."""
    link = _link(visit, token)
    if not isinstance(link, PersonalLink):
        return dead_link(visit, LinkPurpose.CONSENT, token, link)
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, link.go_live_id)
    if found is None:
        return has_ended(visit, link.go_live_id)
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
    with visit.rooms.sessions.begin() as session:
        row = hand_off.genuine_consent_link(session, visit.rooms.signer, token)
        standing = _standing(session, row)
        asked = authorization_requests.newest_consent(session, visit.browser)
    now = standing.progress if standing else None
    # Once the consent is given, every link to it leads here: the one that was handed on as well.
    given = link is Refusal.LINK_USED or (
        now is not None and now.stage is GoLiveStage.USERS_MIGRATED
    )
    if row is None or not (given or isinstance(link, PersonalLink)):
        return dead_link(
            visit, LinkPurpose.CONSENT, token, link if isinstance(link, Refusal) else None
        )
    if standing is None:
        return has_ended(visit, row.go_live_id)
    # What a browser has proven is its own to repeat; the link alone proves nothing.
    own = asked if asked and asked.go_live_id == row.go_live_id else None
    return _progress_page(
        visit,
        standing,
        own,
        again=f"/consent/{token}",
        proven=given,
        here=f"/consent/{token}/progress",
    )


@router.post("/{token}")
def go(visit: OwnForm, token: str) -> Response:
    """Send the administrator to Microsoft's consent page of the organisation's own tenant."""
    link = _link(visit, token)
    if not isinstance(link, PersonalLink):
        return dead_link(visit, LinkPurpose.CONSENT, token, link)
    return to_consent(visit, link.go_live_id, link.id)


def enqueue_consent(session: Session, evidence: ConsentEvidence, at: datetime) -> int | None:
    """Keep the consent for the go-live; the link is used up by the proof, so clicks can repeat.

    None = the go-live has ended, or has heard of this account often enough today.
    """
    found = sign_in.open_go_live_of(session, evidence.go_live_id)
    # Our own number of it: the audit trail keeps none of Microsoft's that leads to somebody.
    who = f"evidence:{evidence.id}"
    if found is None or not records.may_be_told(session, evidence.go_live_id, who, at):
        return None
    records.write_audit(session, at, "system", records.CONSENT_TOLD, go_live=found[0], subject=who)
    proven = ConsentReported(str(evidence.tenant_id), str(evidence.administrator_object_id))
    return outbox.enqueue(session, evidence.go_live_id, proven, at)


def not_consented(
    visit: Visit, asked: AuthorizationRequest, ending: Ending
) -> tuple[Response, int | None]:
    """Return the page for a consent that Microsoft ended, and its entry in the outbox if new."""
    entry = None
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, asked.go_live_id) if asked.go_live_id else None
        _audit(session, visit, found[0] if found else None, ending.refusal)
        # Anybody who knows an address can begin on the login page, so only who came by a personal
        # link is heard; and each reason once a day, however often somebody presses "Cancel".
        if (
            found is not None
            and authorization_requests.came_by_a_living_link(session, asked)
            and not records.was_told_lately(session, found[0].id, ending.refusal, visit.at)
        ):
            told = ConsentNotGiven(ending.refusal, ending.said_no)
            entry = outbox.enqueue(session, found[0].id, told, visit.at)
            records.write_audit(
                session,
                visit.at,
                "system",
                records.REFUSAL_TOLD,
                go_live=found[0],
                reason=ending.refusal,
            )
    if found is None:
        return has_ended(visit, asked.go_live_id), None
    return refused(visit, ending.refusal, link=start_of(visit, asked)), entry


def not_believed(
    visit: Visit, asked: AuthorizationRequest, refusal: Refusal, status: int = 400
) -> Response:
    """Return the page for an answer that proves nothing: a line in the audit trail, no word."""
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, asked.go_live_id) if asked.go_live_id else None
        _audit(session, visit, found[0] if found else None, refusal)
    return refused(visit, refusal, link=start_of(visit, asked), status=status)


def _come_back(visit: Visit) -> tuple[Response, int | None]:
    """Look at `error` first: a failure also says `admin_consent=True`.

    Source: Microsoft Learn, *Admin consent on the Microsoft identity platform*, read 2026-11-23.
    """
    returned = read_returned(visit.request.scope["query_string"])
    if returned is None or not returned.state:
        return _unbound(visit, returned), None
    with visit.rooms.sessions.begin() as session:
        asked = authorization_requests.end(
            session,
            state=returned.state,
            browser=visit.browser,
            purposes={"consent"},
            at=visit.at,
        )
        if isinstance(asked, Refusal):
            note_stray(session, visit)
            _audit(session, visit, None, asked)
    if isinstance(asked, Refusal):
        return no_authorization_request(visit, returned.state, asked), None
    if returned.error:
        return not_consented(visit, asked, ending_of(returned.error, returned.codes))
    if not returned.admin_consent or not returned.tenant:
        return not_believed(visit, asked, Refusal.MALFORMED), None
    if asked.tenant_id is None or returned.tenant != str(asked.tenant_id):
        return not_believed(visit, asked, Refusal.WRONG_TENANT), None
    with visit.rooms.sessions.begin() as session:
        found = sign_in.open_go_live_of(session, asked.go_live_id) if asked.go_live_id else None
    if found is None:
        return has_ended(visit, asked.go_live_id), None
    try:
        return to_login(visit, asked.tenant_id, "consent_sign_in", asked=asked), None
    except GraphError as error:
        _log.warning("Microsoft could not be asked: %s", type(error).__name__)
        return not_believed(visit, asked, Refusal.MICROSOFT_NOT_ASKED, 503), None


def _unbound(visit: Visit, returned: Returned | None) -> Response:
    """Answer what carries no state, which Microsoft leaves out of some errors. It proves nothing.

    The browser's own cookie says which consent it may have been about.
    """
    if returned is None:
        refusal = Refusal.MALFORMED
    elif returned.error:
        refusal = Refusal.ERROR_WITHOUT_STATE
    else:
        refusal = Refusal.STATE_UNKNOWN
    with visit.rooms.sessions.begin() as session:
        note_stray(session, visit)
        asked = authorization_requests.open_consent(session, visit.browser, visit.at)
        of = asked.go_live_id if asked else None
        found = sign_in.open_go_live_of(session, of) if of else None
        _audit(session, visit, found[0] if found else None, refusal)
    return refused(visit, refusal, link=start_of(visit, asked))


def _audit(session: Session, visit: Visit, go_live: GoLive | None, refusal: Refusal) -> None:
    CONSENTS_REFUSED.labels(refusal).inc()
    records.write_audit(
        session, visit.at, "system", "consent_refused", go_live=go_live, reason=refusal
    )


def _link(visit: Visit, token: str) -> PersonalLink | Refusal | None:
    with visit.rooms.sessions.begin() as session:
        return hand_off.consent_link(session, visit.rooms.signer, token, visit.at)


def _standing(session: Session, row: AuthorizationRequest | PersonalLink | None) -> Standing | None:
    """Return how far the go-live of a consent is, also once it has ended."""
    go_live = session.get(GoLive, row.go_live_id) if row and row.go_live_id else None
    if go_live is None:
        return None
    organisation = session.get_one(Organisation, go_live.organisation_id)
    standing = reading.standing_of(session, organisation.slug)
    return standing if standing and standing.go_live_id == go_live.id else None


def _progress_page(
    visit: Visit,
    standing: Standing | None,
    asked: AuthorizationRequest | None,
    *,
    again: str,
    proven: bool,
    here: str = "/consent/progress",
) -> Response:
    """Show a go-live; `asked` is this browser's own consent in it, `again` where one is given."""
    if standing is None or standing.progress is None:
        return nothing_to_show(visit)
    now = standing.progress
    with visit.rooms.sessions.begin() as session:
        zone = session.get_one(Preference, standing.organisation_id).time_zone
    waits = now.outcome is None and now.wait is Wait.ADMIN_CONSENT
    refused_or_stuck = (
        now.outcome is None
        and now.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
        and (now.attention is not None or now.refusal is not None)
    )
    evident = asked is not None and asked.evidence_id is not None
    return visit.page(
        "consent_progress.html",
        standing=standing,
        told=customer.told(now, zone),
        # Only who has come through the first three checks is told that they are through.
        checks=consent_checks(now) if proven else [],
        moving=is_moving(now),
        ended=now.outcome is not None and now.outcome is not GoLiveOutcome.LIVE,
        check_again=waits and evident,
        again=again if refused_or_stuck or (waits and not evident) else "",
        here=here,
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


def _enqueue_again(visit: Visit) -> int | Response:
    """Keep what this very browser proved, for another try."""
    with visit.rooms.sessions.begin() as session:
        asked = authorization_requests.newest_consent(session, visit.browser)
        evidence = authorization_requests.evidence_of(session, asked, visit.at) if asked else None
        standing = _standing(session, asked)
        now = standing.progress if standing else None
        # While it is being proven, the run has nothing to learn from hearing of it again.
        proving = now is not None and now.wait is Wait.MICROSOFT
        entry = enqueue_consent(session, evidence, visit.at) if evidence and not proving else None
    if asked is None:
        return nothing_to_show(visit)
    if evidence is None:
        # It proved nothing, or so long ago that it no longer counts.
        return refused(visit, Refusal.SIGN_IN_TOO_OLD, status=409, action="/consent/again")
    # None = there is nothing to tell it now; the page says how far it is.
    return visit.go_to("/consent/progress") if entry is None else entry
