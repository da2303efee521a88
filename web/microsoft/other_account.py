"""Another account: has Microsoft ask which one, where it would sign the same one in once more."""

from fastapi import APIRouter
from fastapi.responses import Response

from contracts.sign_in import RequestPurpose
from database.consent import authorization_requests
from database.go_live import records
from web.forms import OwnForm
from web.microsoft.authorization_request import to_login
from web.refusal_pages import OTHER_ACCOUNT, has_ended

router = APIRouter()


@router.post(OTHER_ACCOUNT)
def choose(visit: OwnForm) -> Response:
    """Repeat this browser's last sign-in with a choice of account.

    After a consent it is the sign-in that is repeated, not the consent: that one is Microsoft's to
    remember, and the proof looks whether it is there.
    """
    with visit.dependencies.sessions.begin() as session:
        asked = authorization_requests.newest_sign_in(session, visit.browser)
        of = asked.go_live_id if asked else None
        ended = of is not None and records.open_go_live_of(session, of) is None
    if asked is None or asked.tenant_id is None:
        return visit.go_to("/login")
    if ended:
        return has_ended(visit, of)
    return to_login(
        visit,
        asked.tenant_id,
        RequestPurpose(asked.purpose),
        asked=asked if asked.purpose == RequestPurpose.CONSENT_SIGN_IN else None,
        link_id=asked.link_id,
        # A newer link has gone to its owner, and to nobody who held the one before.
        link_version=asked.link_version,
        organisation_id=asked.organisation_id,
        other_account=True,
    )
