"""Invitation: who invites, to what, and one button that leads to Microsoft's login."""

from fastapi import APIRouter
from fastapi.responses import Response

from contracts.addresses import domain_of
from contracts.links import LinkPurpose
from contracts.sign_in import RequestPurpose
from database.links import verification
from database.models import PersonalLink
from database.people import sign_in
from web.customer.new_link import dead_link
from web.forms import OwnForm
from web.log_context import LOG_CONTEXT
from web.microsoft.authorization_request import to_login
from web.refusal_pages import invitation_is_over
from web.visit import AVisit, Visit

router = APIRouter(prefix="/invitation", dependencies=[LOG_CONTEXT])


@router.get("/{token}")
def show(visit: AVisit, token: str) -> Response:
    """Say who invites to what. Opening this uses nothing up."""
    found = _find(visit, token)
    if isinstance(found, Response):
        return found
    return visit.page("invitation.html", invited=found, action=f"/invitation/{token}")


@router.post("/{token}")
def accept(visit: OwnForm, token: str) -> Response:
    """Lead to Microsoft's login of the organisation's tenant; signing in there accepts."""
    found = _find(visit, token)
    if isinstance(found, Response):
        return found
    # Whose home is another tenant has an empty name, and the organisation's own login page does not
    # know them.
    lives_elsewhere = found.sign_in_name == ""
    return to_login(
        visit,
        found.tenant_id,
        RequestPurpose.INVITATION,
        login_hint=found.sign_in_name,
        domain_hint=None if lives_elsewhere else domain_of(found.address),
        link_id=found.link_id,
        link_version=found.link_version,
        organisation_id=found.organisation_id,
    )


def _find(visit: Visit, token: str) -> sign_in.Invited | Response:
    with visit.dependencies.sessions.begin() as session:
        link = verification.personal_link(
            session, visit.dependencies.signer, token, LinkPurpose.INVITATION, visit.at
        )
        if not isinstance(link, PersonalLink):
            return dead_link(visit, LinkPurpose.INVITATION, token, link)
        found = sign_in.invited(session, link)
        return found or invitation_is_over(visit, used=False, can_log_in=False)
