"""Sends a browser to Microsoft, and back to where it began.

What it was sent with is kept on our side, by its state.
"""

import logging
import secrets
from enum import Enum, auto
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi.responses import Response

from contracts.go_live import Refusal
from contracts.links import LinkPurpose
from contracts.registration import CONSENT_PATH, SIGN_IN_PATH
from contracts.sign_in import RequestPurpose
from database.consent import authorization_requests, sso_connections
from database.go_live import records, repeated_events
from database.models import AuthorizationRequest, GoLive, PersonalLink, Preference
from database.people import sign_in, staff
from graph.errors import (
    ConsentNotVisibleError,
    CredentialRefusedError,
    GraphError,
    PermissionMissingError,
    TenantUnknownError,
)
from telemetry.metrics import CONSENTS_REFUSED
from web.microsoft.staff_admission import STAFF_COOKIE
from web.rate_limits import count_request
from web.refusal_pages import (
    ButtonTarget,
    already_back,
    has_ended,
    message_page,
    nothing_came_of_it,
    refused,
)
from web.visit import Visit
from wording import pages, sentences

_log = logging.getLogger(__name__)


def to_login(
    visit: Visit,
    tenant_id: UUID,
    purpose: RequestPurpose,
    *,
    login_hint: str | None = None,
    domain_hint: str | None = None,
    asked: AuthorizationRequest | None = None,
    link_id: UUID | None = None,
    link_version: int | None = None,
    organisation_id: UUID | None = None,
    go_live_id: UUID | None = None,
    other_account: bool = False,
) -> Response:
    """Send the browser to a tenant's login; `asked` is the consent it goes on from, if any.

    `login_hint` is the directory's own sign-in name, and only for whoever holds a personal link;
    `domain_hint` is a domain of the organisation. `link_version` is that of the link the browser
    holds.
    `other_account` has Microsoft ask which account, even where only one is signed in.
    """
    count_request(visit, asked.link_id if asked else link_id)
    of = asked.go_live_id if asked else go_live_id
    try:
        request = visit.dependencies.entra.begin_sign_in(
            str(tenant_id),
            visit.dependencies.url(SIGN_IN_PATH),
            login_hint=login_hint or None,
            domain_hint=domain_hint or None,
            prompt="select_account" if other_account else None,
            # The console asks for the role again while somebody works there.
            renewable=purpose == "console",
        )
    except TenantUnknownError:
        is_of_consent = purpose == RequestPurpose.CONSENT_SIGN_IN
        with visit.dependencies.sessions.begin() as session:
            repeated_events.write_repeated(
                session,
                visit.at,
                "consent_refused" if is_of_consent else "sign_in_refused",
                network=visit.network,
                go_live=session.get(GoLive, of) if of else None,
                organisation_id=organisation_id,
                reason=Refusal.TENANT_UNKNOWN,
            )
        return refused(visit, Refusal.TENANT_UNKNOWN, status=409)
    with visit.dependencies.sessions.begin() as session:
        authorization_requests.begin(
            session,
            state=request.state,
            browser=visit.browser,
            purpose=purpose,
            at=visit.at,
            flow=request.flow,
            organisation_id=asked.organisation_id if asked else organisation_id,
            go_live_id=of,
            link_id=asked.link_id if asked else link_id,
            tenant_id=tenant_id,
            link_version=asked.link_version if asked else link_version,
            grant_was_absent=asked.grant_was_absent if asked else False,
        )
    return visit.go_to(request.url)


class _Grant(Enum):
    """Whether a tenant grants us everything just now."""

    ABSENT = auto()
    STANDS = auto()
    UNKNOWN = auto()


def to_consent(
    visit: Visit, go_live_id: UUID, link_id: UUID | None, link_version: int | None = None
) -> Response:
    """Send the browser to the consent page of the tenant that was discovered beforehand.

    Before it leaves, we look whether the grant is there: one that stands already is nobody's new
    consent, and only the holder of a personal link goes on with it. `link_version` is that of the
    link the browser holds.
    """
    count_request(visit, link_id)
    with visit.dependencies.sessions.begin() as session:
        found = records.open_go_live_of(session, go_live_id)
        if found is None:
            return has_ended(visit, go_live_id)
        go_live, organisation = found
        absent = authorization_requests.left_without_grant(session, visit.browser, go_live_id)
        link = session.get_one(PersonalLink, link_id) if link_id else None
    if go_live.tenant_id is None:
        return _not_begun(visit, go_live, Refusal.TENANT_UNKNOWN)
    try:
        grant = _Grant.ABSENT if absent else _look_for_grant(visit, go_live.tenant_id)
    except TenantUnknownError:
        return _not_begun(visit, go_live, Refusal.TENANT_UNKNOWN)
    except CredentialRefusedError:
        # Nobody is sent there in vain: the sign-in that proves the consent would fail, too.
        return _not_begun(visit, go_live, Refusal.OUR_REGISTRATION, status=503)
    if grant is _Grant.STANDS and link is not None:
        return _granted_before(visit, go_live, link, link_version or 0)
    if grant is not _Grant.ABSENT and link is None:
        stands = grant is _Grant.STANDS
        why = Refusal.GRANTED_BEFORE if stands else Refusal.GRANT_NOT_LOOKED_FOR
        return _not_begun(visit, go_live, why, status=409 if stands else 503)
    state = secrets.token_urlsafe(32)
    with visit.dependencies.sessions.begin() as session:
        authorization_requests.begin(
            session,
            state=state,
            browser=visit.browser,
            purpose=RequestPurpose.CONSENT,
            at=visit.at,
            organisation_id=organisation.id,
            go_live_id=go_live_id,
            link_id=link_id,
            tenant_id=go_live.tenant_id,
            link_version=link_version,
            grant_was_absent=grant is _Grant.ABSENT,
        )
    return visit.go_to(
        visit.dependencies.entra.admin_consent_url(
            str(go_live.tenant_id), visit.dependencies.url(CONSENT_PATH), state
        )
    )


def to_sign_in_with_grant(visit: Visit, link: PersonalLink) -> Response:
    """Send the holder of a valid link to sign in, to go on with a grant that stands already."""
    with visit.dependencies.sessions.begin() as session:
        found = records.open_go_live_of(session, link.go_live_id)
    if found is None:
        return has_ended(visit, link.go_live_id)
    go_live, organisation = found
    if go_live.tenant_id is None:
        return _not_begun(visit, go_live, Refusal.TENANT_UNKNOWN)
    return to_login(
        visit,
        go_live.tenant_id,
        RequestPurpose.CONSENT_SIGN_IN,
        link_id=link.id,
        link_version=link.version,
        organisation_id=organisation.id,
        go_live_id=go_live.id,
    )


def _look_for_grant(visit: Visit, tenant_id: UUID) -> _Grant:
    try:
        visit.dependencies.graph.prove_grant(str(tenant_id))
    except PermissionMissingError:
        return _Grant.ABSENT
    except (TenantUnknownError, CredentialRefusedError):
        raise
    except GraphError as error:
        if isinstance(error, ConsentNotVisibleError) and error.is_certain:
            return _Grant.ABSENT
        # An application that is switched off, for one, may have its grant all the same.
        _log.warning("The grant could not be looked for: %s", type(error).__name__)
        return _Grant.UNKNOWN
    return _Grant.STANDS


def _granted_before(visit: Visit, go_live: GoLive, link: PersonalLink, version: int) -> Response:
    """Show the grant openly; going on with it takes one more click and a sign-in."""
    token = visit.dependencies.signer.token(LinkPurpose(link.purpose), link.id, version)
    with visit.dependencies.sessions.begin() as session:
        proven_at = sso_connections.proven_before(session, go_live)
        zone = session.get_one(Preference, go_live.organisation_id).time_zone
    proven_on = sentences.day(proven_at.astimezone(ZoneInfo(zone))) if proven_at else ""
    target = ButtonTarget(action=f"/consent/{token}/granted")
    return message_page(visit, pages.granted_before(proven_on), target, 200)


def _not_begun(visit: Visit, go_live: GoLive, why: Refusal, *, status: int = 409) -> Response:
    CONSENTS_REFUSED.labels(why).inc()
    with visit.dependencies.sessions.begin() as session:
        repeated_events.write_repeated(
            session,
            visit.at,
            "consent_refused",
            network=visit.network,
            go_live=go_live,
            reason=why,
        )
    return refused(visit, why, status=status)


def start_of(visit: Visit, asked: AuthorizationRequest | None) -> str:
    """Return the page where the same can be begun afresh: an answer of Microsoft's counts once."""
    if asked is not None and asked.purpose == RequestPurpose.CONSOLE:
        return "/console"
    if asked is None or asked.link_id is None:
        return "/login"
    with visit.dependencies.sessions.begin() as session:
        link = session.get_one(PersonalLink, asked.link_id)
    # The link it began with, even if a newer one has gone to its owner meanwhile.
    version = asked.link_version or 0
    token = visit.dependencies.signer.token(LinkPurpose(link.purpose), link.id, version)
    of_itself = {RequestPurpose.INVITATION, RequestPurpose.SETUP}
    room = asked.purpose if asked.purpose in of_itself else "consent"
    return f"/{room}/{token}"


def no_authorization_request(visit: Visit, state: str, refusal: Refusal) -> Response:
    """Answer a browser that came back too late, a second time, or from nowhere."""
    with visit.dependencies.sessions.begin() as session:
        asked = authorization_requests.of_browser(session, state, visit.browser)
        consent = authorization_requests.newest_consent(session, visit.browser)
    if refusal is not Refusal.STATE_USED or asked is None:
        return refused(visit, refusal, link=start_of(visit, asked))
    if consent is not None and consent.go_live_id == asked.go_live_id:
        return refused(visit, refusal)
    if _is_signed_in(visit, asked):
        of_link = asked.purpose == RequestPurpose.SETUP
        back = "/console" if asked.purpose == RequestPurpose.CONSOLE else "/"
        return already_back(visit, start_of(visit, asked) if of_link else back)
    # It was refused, or we went away in the middle of it.
    return nothing_came_of_it(visit, start_of(visit, asked))


def _is_signed_in(visit: Visit, asked: AuthorizationRequest) -> bool:
    """Tell whether this browser has what such a sign-in gives, which is all that counts."""
    if asked.purpose in {RequestPurpose.CONSENT, RequestPurpose.CONSENT_SIGN_IN}:
        return False  # what a consent has proven is found before
    if asked.purpose == RequestPurpose.SETUP:
        return asked.signed_in_object_id is not None
    with visit.dependencies.sessions.begin() as session:
        if asked.purpose == RequestPurpose.CONSOLE:
            return staff.of_session(session, visit.cookie(STAFF_COOKIE), visit.at) is not None
        person, _ = sign_in.session_of(session, visit.session_token, visit.at)
    return person is not None and person.method == "sso"
