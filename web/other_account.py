"""Another account: has Microsoft ask which one, where it would sign the same one in once more."""

from fastapi import APIRouter
from fastapi.responses import Response

from database import round_trips, sign_in
from web.answers import OTHER_ACCOUNT, has_ended
from web.deps import OwnForm
from web.microsoft import to_login

router = APIRouter()


@router.post(OTHER_ACCOUNT)
def choose(visit: OwnForm) -> Response:
    """Repeat this browser's last sign-in with a choice of account.

    After a consent it is the sign-in that is repeated, not the consent: that one is Microsoft's to
    remember, and the proof looks whether it is there.
    """
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.newest_sign_in_trip(session, visit.browser)
        of = trip.go_live_id if trip else None
        ended = of is not None and sign_in.open_go_live_of(session, of) is None
    if trip is None or trip.tenant_id is None:
        return visit.go_to("/login")
    if ended:
        return has_ended(visit, of)
    return to_login(
        visit,
        trip.tenant_id,
        trip.purpose,
        trip=trip if trip.purpose == "consent_sign_in" else None,
        link_id=trip.link_id,
        organisation_id=trip.organisation_id,
        other_account=True,
    )
