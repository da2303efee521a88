"""A browser comes back from Microsoft's consent page: what its answer says, and what it leads to.

Checks 1 and 3 of the proof begin here: our state, and the tenant that was discovered beforehand.
An answer proves nothing: a person signs in next (`sign_in_callback`), and the run asks Microsoft.
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
    Refusal,
)
from contracts.registration import CONSENT_PATH
from contracts.sign_in import RequestPurpose
from database.consent import authorization_requests
from database.go_live import outbox, records, repeated_events
from database.models import (
    AuthorizationRequest,
    ConsentEvidence,
    GoLive,
)
from graph.errors import GraphError
from telemetry.metrics import CONSENTS_REFUSED
from web.log_context import LOG_CONTEXT
from web.microsoft.authorization_request import (
    no_authorization_request,
    start_of,
    to_login,
)
from web.microsoft.authorization_response import (
    AuthorizationResponse,
    EndedByMicrosoft,
    Ending,
    ending_of,
    read_response,
)
from web.outbox_relay import relay
from web.rate_limits import count_unbound_answer
from web.refusal_pages import ButtonTarget, has_ended, message_page, refused
from web.visit import AVisit, Visit
from wording import pages

router = APIRouter(dependencies=[LOG_CONTEXT])
_log = logging.getLogger(__name__)


@router.get(CONSENT_PATH)
async def callback(visit: AVisit) -> Response:
    """Take the answer of Microsoft's consent page; it proves nothing yet."""
    answer, entry = await run_in_threadpool(_come_back, visit)
    if entry is not None:
        await relay(visit.dependencies, entry)
    return answer


def enqueue_consent(session: Session, evidence: ConsentEvidence, at: datetime) -> int | None:
    """Enqueue the consent for the go-live; the proof uses the link up, so clicks can repeat.

    None = the go-live has ended, or was signalled often enough about this account today.
    """
    found = records.open_go_live_of(session, evidence.go_live_id)
    # Our own number of it: the audit trail keeps none of Microsoft's that leads to somebody.
    who = f"evidence:{evidence.id}"
    if found is None or not records.may_report_consent(session, evidence.go_live_id, who, at):
        return None
    action = records.CONSENT_REPORTED
    records.write_audit(session, at, "system", action, go_live=found[0], subject=who)
    proven = ConsentReported(str(evidence.tenant_id), str(evidence.administrator_object_id))
    return outbox.enqueue(session, evidence.go_live_id, proven, at)


def not_consented(
    visit: Visit,
    asked: AuthorizationRequest,
    ending: Ending,
    ended: EndedByMicrosoft | None = None,
) -> tuple[Response, int | None]:
    """Return the page for a consent that was not given or not proven, and its entry in the outbox.

    The entry is None if the go-live does not hear of it, or has heard it today.
    """
    entry = None
    with visit.dependencies.sessions.begin() as session:
        found = records.open_go_live_of(session, asked.go_live_id) if asked.go_live_id else None
        go_live = found[0] if found else None
        _audit(session, visit, go_live, ending.refusal, ended.subject if ended else "")
        # Anybody who knows an address can begin on the login page, so only who came by a personal
        # link is heard; and each reason once a day, however often somebody presses "Cancel".
        if (
            found is not None
            and ending.is_signalled
            and authorization_requests.began_with_valid_link(session, asked)
            and not records.was_refusal_reported(session, found[0].id, ending.refusal, visit.at)
        ):
            told = ConsentNotGiven(ending.refusal, ending.said_no)
            entry = outbox.enqueue(session, found[0].id, told, visit.at)
            records.write_audit(
                session,
                visit.at,
                "system",
                records.REFUSAL_REPORTED,
                go_live=found[0],
                reason=ending.refusal,
            )
    if found is None:
        return has_ended(visit, asked.go_live_id), None
    page = refused(
        visit,
        ending.refusal,
        link=start_of(visit, asked),
        number=ended.number if ended else None,
        because=ending_of(ended.cause).refusal
        if ended and ending.refusal is Refusal.PROOF_MISSING
        else None,
    )
    return page, entry


def not_believed(
    visit: Visit,
    asked: AuthorizationRequest,
    refusal: Refusal,
    status: int = 400,
    ended: EndedByMicrosoft | None = None,
) -> Response:
    """Return the page for an answer that proves nothing; it is in the audit trail only."""
    with visit.dependencies.sessions.begin() as session:
        found = records.open_go_live_of(session, asked.go_live_id) if asked.go_live_id else None
        subject = ended.subject if ended else ""
        _audit(session, visit, found[0] if found else None, refusal, subject)
    return refused(visit, refusal, link=start_of(visit, asked), status=status)


def _come_back(visit: Visit) -> tuple[Response, int | None]:
    """Look at `error` first: a failure also says `admin_consent=True`.

    Source: Microsoft Learn, *Admin consent on the Microsoft identity platform*, read 2026-11-23.
    """
    response = read_response(visit.request.scope["query_string"])
    if response is None or not response.state:
        return _unbound(visit, response), None
    with visit.dependencies.sessions.begin() as session:
        asked = authorization_requests.end(
            session,
            state=response.state,
            browser=visit.browser,
            purposes={RequestPurpose.CONSENT},
            at=visit.at,
        )
        if isinstance(asked, Refusal):
            count_unbound_answer(session, visit)
            _audit(session, visit, None, asked)
    if isinstance(asked, Refusal):
        return no_authorization_request(visit, response.state, asked), None
    if response.error:
        ended = response.ended
        return not_consented(visit, asked, ending_of(ended.cause), ended)
    if not response.admin_consent or not response.tenant:
        return not_believed(visit, asked, Refusal.MALFORMED), None
    if asked.tenant_id is None or response.tenant != str(asked.tenant_id):
        return not_believed(visit, asked, Refusal.WRONG_TENANT), None
    with visit.dependencies.sessions.begin() as session:
        found = records.open_go_live_of(session, asked.go_live_id) if asked.go_live_id else None
    if found is None:
        return has_ended(visit, asked.go_live_id), None
    try:
        return to_login(visit, asked.tenant_id, RequestPurpose.CONSENT_SIGN_IN, asked=asked), None
    except GraphError as error:
        _log.warning("Microsoft could not be asked: %s", type(error).__name__)
        return not_believed(visit, asked, Refusal.MICROSOFT_NOT_ASKED, 503), None


def _unbound(visit: Visit, response: AuthorizationResponse | None) -> Response:
    """Answer what carries no state, which Microsoft leaves out of some errors. It proves nothing.

    The browser's own cookie says which consent it may have been about.
    """
    if response is None:
        refusal = Refusal.MALFORMED
    elif response.error:
        refusal = Refusal.ERROR_WITHOUT_STATE
    else:
        refusal = Refusal.STATE_UNKNOWN
    with visit.dependencies.sessions.begin() as session:
        count_unbound_answer(session, visit)
        asked = authorization_requests.open_consent(session, visit.browser, visit.at)
        of = asked.go_live_id if asked else None
        found = records.open_go_live_of(session, of) if of else None
        _audit(session, visit, found[0] if found else None, refusal)
    return refused(visit, refusal, link=start_of(visit, asked))


def _audit(
    session: Session, visit: Visit, go_live: GoLive | None, refusal: Refusal, subject: str = ""
) -> None:
    CONSENTS_REFUSED.labels(refusal).inc()
    repeated_events.write_repeated(
        session,
        visit.at,
        "consent_refused",
        network=visit.network,
        go_live=go_live,
        note=subject,
        reason=refusal,
    )


def consent_pending(visit: Visit) -> Response:
    """Say that a consent is recorded although the go-live could not be signalled yet."""
    return message_page(visit, pages.CONSENT_PENDING, ButtonTarget("/consent/progress"), 202)
