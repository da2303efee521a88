"""A new link for a dead one: one click, to the address on file and to no other."""

from datetime import timedelta
from enum import StrEnum

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage

from contracts.go_live import Refusal, Resend, go_live_id
from contracts.links import LinkPurpose
from database import hand_off, links, sign_in
from database.links import NewLink
from web.answers import refused, unknown_link
from web.deps import OwnForm, Visit
from workflows.go_live import SsoGoLive

router = APIRouter()

_ANSWER_WITHIN = timedelta(seconds=15)


class Renewable(StrEnum):
    """Links that a person can have renewed."""

    CONSENT = LinkPurpose.CONSENT
    SETUP = LinkPurpose.SETUP
    INVITATION = LinkPurpose.INVITATION


def dead_link(
    visit: Visit, purpose: LinkPurpose, token: str, why: Refusal | None, link: str = "/login"
) -> Response:
    """Say which kind of dead a link is, and offer a new one where that can help."""
    if why is None:
        return unknown_link(visit)
    renewable = why in {Refusal.LINK_EXPIRED, Refusal.LINK_REVOKED}
    action = f"/{purpose}/{token}/new-link" if renewable else ""
    return refused(visit, why, status=410, link=link, action=action)


@router.post("/{purpose}/{token}/new-link")
async def new_link(visit: OwnForm, purpose: Renewable, token: str) -> Response:
    """Send a new link to the person whose link this was."""
    found = await run_in_threadpool(_renew, visit, LinkPurpose(purpose.value), token)
    if isinstance(found, Response):
        return found
    try:
        await send(visit, *found)
    except WorkflowUpdateFailedError:
        return refused(visit, Refusal.LINK_REVOKED, status=410)
    return visit.page(
        "message.html",
        title="A new link is on its way",
        happened="We have sent a new link to the address we have on file.",
        to_do="Use the newest mail from us; the links in older ones no longer work.",
        link="/login",
        button="Go to the login page",
    )


async def send(visit: Visit, slug: str, renewed: NewLink) -> None:
    """Have the mail with a new link delivered.

    Told, not waited for: a relay may take its time. Where nobody can be told, the page of a
    failure says so, and the repeated click finds the same mail still waiting.

    Raises:
        WorkflowUpdateFailedError: the go-live is ending.
    """
    handle = visit.rooms.temporal.get_workflow_handle(go_live_id(slug))
    await handle.start_update(
        SsoGoLive.resend,
        Resend(renewed.asked_by, renewed.message, renewed.occasion),
        wait_for_stage=WorkflowUpdateStage.ACCEPTED,
        rpc_timeout=_ANSWER_WITHIN,
    )


def _renew(visit: Visit, purpose: LinkPurpose, token: str) -> tuple[str, NewLink] | Response:
    with visit.rooms.sessions.begin() as session:
        link = sign_in.genuine_link(session, visit.rooms.signer, token, purpose, lock=True)
        if link is None and purpose is LinkPurpose.CONSENT:
            link = hand_off.genuine_consent_link(session, visit.rooms.signer, token)
        if link is None:
            return unknown_link(visit)
        link = links.to_renew(session, link)
        if link.used_at is not None:
            return refused(visit, Refusal.LINK_USED, status=410, link=_progress(purpose, token))
        found = sign_in.open_go_live_of(session, link.go_live_id)
        if found is None or links.has_left(session, link):
            return refused(visit, Refusal.LINK_REVOKED, status=410)
        renewed = links.renew(session, link, found[0], visit.at)
    return (found[1].slug, renewed) if renewed else _enough(visit)


def _progress(purpose: LinkPurpose, token: str) -> str:
    return f"/consent/{token}/progress" if purpose is LinkPurpose.CONSENT else "/login"


def _enough(visit: Visit) -> Response:
    return visit.page(
        "message.html",
        status=429,
        title="A new link was sent already",
        happened="We have sent several new links today to the address we have on file.",
        to_do="Use the newest of those mails, also in the folder for junk; or try again tomorrow.",
        link="/login",
        button="Go to the login page",
    )
