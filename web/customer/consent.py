"""Consent: what is asked and why, the way to Microsoft, then how far the go-live is."""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from contracts.go_live import (
    Attention,
    GoLiveOutcome,
    GoLiveStage,
    Refusal,
    Wait,
)
from contracts.links import LinkPurpose
from database.consent import authorization_requests
from database.go_live import records, standings
from database.go_live.standings import Standing
from database.links import hand_off
from database.models import (
    AuthorizationRequest,
    PersonalLink,
    Preference,
)
from graph.permissions import APPLICATION_PERMISSIONS, DELEGATED_PERMISSIONS
from web.checklist import consent_checks, is_moving
from web.customer.new_link import dead_link
from web.forms import OwnForm
from web.log_context import LOG_CONTEXT
from web.microsoft.authorization_request import to_consent, to_sign_in_with_grant
from web.microsoft.consent_callback import consent_pending, enqueue_consent
from web.outbox_relay import relay
from web.refusal_pages import has_ended, nothing_to_show, refused
from web.visit import AVisit, Visit
from wording import customer
from wording.permissions import WHY

router = APIRouter(prefix="/consent", dependencies=[LOG_CONTEXT])


@router.get("/progress")
def progress(visit: AVisit) -> Response:
    """Show how far the go-live is that this browser consented for."""
    with visit.dependencies.sessions.begin() as session:
        asked = authorization_requests.newest_consent(session, visit.browser)
        standing = standings.standing_of_go_live(session, asked.go_live_id if asked else None)
    proven = asked is not None and asked.evidence_id is not None
    return _progress_page(visit, standing, asked, consent_action="/consent/again", proven=proven)


@router.post("/progress")
async def relay_evidence(visit: OwnForm) -> Response:
    """Signal the workflow once more what this very browser proved; for when it stayed pending."""
    entry = await run_in_threadpool(_enqueue_evidence, visit)
    if isinstance(entry, Response):
        return entry
    relayed = await relay(visit.dependencies, entry)
    return visit.go_to("/consent/progress") if relayed else consent_pending(visit)


@router.get("/again")
def redirect_to_progress(visit: AVisit) -> Response:
    """Lead to the progress page whoever opens the address of that form."""
    return visit.go_to("/consent/progress")


@router.post("/again")
def repeat_consent(visit: OwnForm) -> Response:
    """Send this browser's administrator to the organisation-wide consent page once more."""
    with visit.dependencies.sessions.begin() as session:
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
    with visit.dependencies.sessions.begin() as session:
        found = records.open_go_live_of(session, link.go_live_id)
    if found is None:
        return has_ended(visit, link.go_live_id)
    return visit.page(
        "consent.html",
        organisation_name=found[1].name,
        permissions=[
            {"name": one.name, "reason": WHY[one.name]}
            for one in (*DELEGATED_PERMISSIONS, *APPLICATION_PERMISSIONS)
        ],
        action=f"/consent/{token}",
        hand_off=f"/hand-off/{token}",
    )


@router.get("/{token}/progress")
def progress_of_link(visit: AVisit, token: str) -> Response:
    """Show how far the go-live is that this link belongs to, also once the link is used."""
    link = _link(visit, token)
    with visit.dependencies.sessions.begin() as session:
        row = hand_off.genuine_consent_link(session, visit.dependencies.signer, token)
        standing = standings.standing_of_go_live(session, row.go_live_id if row else None)
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
        consent_action=f"/consent/{token}",
        proven=given,
        here=f"/consent/{token}/progress",
    )


@router.post("/{token}/granted")
def go_on_with_grant(visit: OwnForm, token: str) -> Response:
    """Let the link's holder sign in, to go on with a grant that stood before."""
    link = _link(visit, token)
    if not isinstance(link, PersonalLink):
        return dead_link(visit, LinkPurpose.CONSENT, token, link)
    return to_sign_in_with_grant(visit, link)


@router.get("/{token}/granted")
def granted_again(visit: AVisit, token: str) -> Response:
    """Show the consent page where the address of that form is opened again."""
    return visit.go_to(f"/consent/{token}")


@router.post("/{token}")
def go(visit: OwnForm, token: str) -> Response:
    """Send the administrator to Microsoft's consent page of the organisation's own tenant."""
    link = _link(visit, token)
    if not isinstance(link, PersonalLink):
        return dead_link(visit, LinkPurpose.CONSENT, token, link)
    return to_consent(visit, link.go_live_id, link.id, link.version)


def _link(visit: Visit, token: str) -> PersonalLink | Refusal | None:
    with visit.dependencies.sessions.begin() as session:
        return hand_off.consent_link(session, visit.dependencies.signer, token, visit.at)


def _progress_page(
    visit: Visit,
    standing: Standing | None,
    asked: AuthorizationRequest | None,
    *,
    consent_action: str,
    proven: bool,
    here: str = "/consent/progress",
) -> Response:
    """Show a go-live; `asked` is this browser's own consent in it; `consent_action` begins one."""
    if standing is None or standing.progress is None:
        return nothing_to_show(visit)
    now = standing.progress
    with visit.dependencies.sessions.begin() as session:
        zone = session.get_one(Preference, standing.organisation_id).time_zone
    waits = now.outcome is None and now.wait is Wait.ADMIN_CONSENT
    refused_or_stuck = (
        now.outcome is None
        and now.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
        and (now.attention is not None or now.refusal is not None)
        # Another consent would not get further either.
        and now.attention is not Attention.CREDENTIAL_REFUSED
    )
    evident = asked is not None and asked.evidence_id is not None
    return visit.page(
        "consent_progress.html",
        standing=standing,
        customer_status=customer.customer_status(now, zone),
        # Only a browser that passed the first three checks sees that they are passed.
        checks=consent_checks(now) if proven else [],
        moving=is_moving(now),
        ended=now.outcome is not None and now.outcome is not GoLiveOutcome.LIVE,
        check_again=waits and evident,
        consent_action=consent_action if refused_or_stuck or (waits and not evident) else "",
        here=here,
    )


def _enqueue_evidence(visit: Visit) -> int | Response:
    """Enqueue what this very browser proved once more."""
    with visit.dependencies.sessions.begin() as session:
        asked = authorization_requests.newest_consent(session, visit.browser)
        evidence = authorization_requests.evidence_of(session, asked, visit.at) if asked else None
        standing = standings.standing_of_go_live(session, asked.go_live_id if asked else None)
        now = standing.progress if standing else None
        # While it is being proven, the run has nothing to learn from hearing of it again.
        proving = now is not None and now.wait is Wait.MICROSOFT
        entry = enqueue_consent(session, evidence, visit.at) if evidence and not proving else None
    if asked is None:
        return nothing_to_show(visit)
    if evidence is None:
        # It proved nothing, or so long ago that it no longer counts.
        return refused(visit, Refusal.SIGN_IN_TOO_OLD, status=409, action="/consent/again")
    # None = there is nothing to signal now; the page says how far it is.
    return visit.go_to("/consent/progress") if entry is None else entry
