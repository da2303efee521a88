"""Hand-off: whoever opened the consent link and is not the administrator passes it on."""

from fastapi import APIRouter
from fastapi.responses import Response

from contracts.go_live import Refusal
from contracts.links import LinkPurpose
from database.go_live import records
from database.links import hand_off as handing
from database.models import PersonalLink
from web.customer.new_link import dead_link
from web.forms import TICKED, OwnForm, Ticked
from web.log_context import LOG_CONTEXT
from web.refusal_pages import ButtonTarget, has_ended, message_page
from web.templating import PRODUCT_NAME
from web.visit import AVisit, Visit
from wording import pages, sentences

router = APIRouter(prefix="/hand-off", dependencies=[LOG_CONTEXT])


@router.get("/{token}")
def ask(visit: AVisit, token: str) -> Response:
    """Say what handing off does. Opening this changes nothing."""
    return _page(visit, token)


@router.post("/{token}")
def hand_on(visit: OwnForm, token: str, ticked: Ticked = "") -> Response:
    """Revoke this link, and make one for the administrator."""
    if ticked != TICKED:
        return _page(visit, token, problem=pages.TICK_THE_BOX)
    signer = visit.dependencies.signer
    with visit.dependencies.sessions.begin() as session:
        link = handing.genuine_consent_link(session, signer, token)
        if link is not None and records.open_go_live_of(session, link.go_live_id) is None:
            return has_ended(visit, link.go_live_id)
        try:
            new = handing.hand_off(session, signer, token, visit.at)
        except handing.TooManyHandOffsError:
            return message_page(
                visit, pages.NO_MORE_HAND_OFFS, ButtonTarget(f"/consent/{token}"), 429
            )
    if not isinstance(new, PersonalLink):
        return _dead(visit, token, new)
    new_token = signer.token(LinkPurpose(new.purpose), new.id, new.version)
    return visit.go_to(f"/hand-off/{new_token}/message")


@router.get("/{token}/message")
def message(visit: AVisit, token: str) -> Response:
    """Show the message to forward, with the link in it."""
    found = _find(visit, token)
    if not isinstance(found, PersonalLink):
        return _dead(visit, token, found)
    with visit.dependencies.sessions.begin() as session:
        open_one = records.open_go_live_of(session, found.go_live_id)
    if open_one is None:
        return has_ended(visit, found.go_live_id)
    return visit.page(
        "hand_off_message.html",
        organisation_name=open_one[1].name,
        message=pages.HAND_OFF.format(
            product=PRODUCT_NAME,
            organisation=open_one[1].name,
            link=visit.dependencies.url(f"/consent/{token}"),
            until=sentences.day(found.expires_at),
            support=visit.dependencies.settings.support_address,
        ),
    )


def _page(visit: Visit, token: str, *, problem: str = "") -> Response:
    found = _find(visit, token)
    if not isinstance(found, PersonalLink):
        return _dead(visit, token, found)
    return visit.page(
        "hand_off.html",
        status=400 if problem else 200,
        action=f"/hand-off/{token}",
        back=f"/consent/{token}",
        problem=problem,
    )


def _find(visit: Visit, token: str) -> PersonalLink | Refusal | None:
    with visit.dependencies.sessions.begin() as session:
        return handing.consent_link(session, visit.dependencies.signer, token, visit.at)


def _dead(visit: Visit, token: str, why: Refusal | None) -> Response:
    return dead_link(visit, LinkPurpose.CONSENT, token, why)
