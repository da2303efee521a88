"""A new link for a dead one: one click, to the address on file and to no other."""

from enum import StrEnum

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from contracts.go_live import GoLiveOutcome, GoLiveStage, Refusal
from contracts.links import LinkPurpose
from database.go_live import records
from database.links import hand_off, renewal, verification
from database.links.renewal import NewLink
from database.models import GoLive, PersonalLink
from database.people import sign_in
from web import outbox_relay
from web.forms import OwnForm
from web.log_context import LOG_CONTEXT
from web.refusal_pages import (
    ButtonTarget,
    has_ended,
    has_left,
    invitation_is_over,
    message_page,
    refused,
    unknown_link,
)
from web.visit import Visit
from wording import pages

router = APIRouter(dependencies=[LOG_CONTEXT])


class Renewable(StrEnum):
    """Links that a person can have renewed."""

    CONSENT = LinkPurpose.CONSENT
    SETUP = LinkPurpose.SETUP
    INVITATION = LinkPurpose.INVITATION


def dead_link(visit: Visit, purpose: LinkPurpose, token: str, why: Refusal | None) -> Response:
    """Say why a link no longer works, and offer a new one where one can be sent."""
    if why is None:
        return unknown_link(visit)
    with visit.dependencies.sessions.begin() as session:
        link = _genuine_or_outdated_link(session, visit, purpose, token)
        instead = _page_instead(session, visit, purpose, token, link) if link else None
    return instead or refused(visit, why, status=410, action=f"/{purpose}/{token}/new-link")


def _page_instead(
    session: Session, visit: Visit, purpose: LinkPurpose, token: str, link: PersonalLink
) -> Response | None:
    """Return the page for a person whom a new link would not help, None for all others."""
    go_live = session.get_one(GoLive, link.go_live_id)
    is_used = link.used_at is not None
    if purpose is LinkPurpose.INVITATION and (is_used or go_live.outcome == GoLiveOutcome.LIVE):
        can_log_in = sign_in.invited(session, link) is not None
        return invitation_is_over(visit, used=is_used, can_log_in=can_log_in)
    if go_live.closed_at is not None:
        return has_ended(visit, go_live.id)
    if renewal.has_left(session, link):
        return has_left(visit)
    is_consented = is_used or go_live.stage == GoLiveStage.USERS_MIGRATED
    if purpose is LinkPurpose.CONSENT and is_consented:
        return _consented_page(session, visit, token)
    return None


def _consented_page(session: Session, visit: Visit, token: str) -> Response:
    link = hand_off.genuine_consent_link(session, visit.dependencies.signer, token)
    # A link that proves nothing shows nothing; this browser may have consented itself.
    progress = f"/consent/{token}/progress" if link else "/consent/progress"
    return refused(visit, Refusal.LINK_USED, status=410, link=progress)


def _genuine_or_outdated_link(
    session: Session, visit: Visit, purpose: LinkPurpose, token: str
) -> PersonalLink | None:
    """Return the link that a new one is for; what an outdated one shows, all of these do."""
    signer = visit.dependencies.signer
    purposes = hand_off.CONSENT_LINKS if purpose is LinkPurpose.CONSENT else (purpose,)
    for find in (verification.genuine_link, verification.outdated_link):
        for one in purposes:
            link = find(session, signer, token, one)
            if link is not None:
                return link
    return None


def _opens(session: Session, visit: Visit, link: PersonalLink, token: str) -> bool:
    """Tell whether the link is valid still: its page offers no new one, and the old one stays."""
    signer, purpose = visit.dependencies.signer, LinkPurpose(link.purpose)
    found = verification.personal_link(session, signer, token, purpose, visit.at)
    return isinstance(found, PersonalLink)


@router.post("/{purpose}/{token}/new-link")
async def new_link(visit: OwnForm, purpose: Renewable, token: str) -> Response:
    """Send a new link to the person whose link this was."""
    found = await run_in_threadpool(_renew, visit, LinkPurpose(purpose.value), token)
    if isinstance(found, Response):
        return found
    if not await outbox_relay.send_again(visit.dependencies, *found):
        return message_page(visit, pages.NEW_LINK_PENDING, ButtonTarget(), 202)
    return message_page(visit, pages.NEW_LINK_SENT, ButtonTarget(), 200)


def _renew(visit: Visit, purpose: LinkPurpose, token: str) -> tuple[str, NewLink] | Response:
    with visit.dependencies.sessions.begin() as session:
        link = _genuine_or_outdated_link(session, visit, purpose, token)
        if link is None:
            return unknown_link(visit)
        # Before the link, as an ending takes the two in this order.
        records.go_live_by_id(session, link.go_live_id, lock=True)
        session.refresh(link, with_for_update=True)
        instead = _page_instead(session, visit, purpose, token, link)
        if instead is not None:
            return instead
        if _opens(session, visit, link, token):
            return visit.go_to(f"/{purpose}/{token}")
        link = renewal.to_renew(session, link)
        if link.used_at is not None:
            return _consented_page(session, visit, token)
        found = records.open_go_live_of(session, link.go_live_id)
        if found is None:
            return has_ended(visit, link.go_live_id)
        renewed = renewal.renew(session, link, found[0], visit.at)
    return (
        (found[1].slug, renewed)
        if renewed
        else message_page(visit, pages.NO_MORE_LINKS, ButtonTarget(), 429)
    )
