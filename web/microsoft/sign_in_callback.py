"""Microsoft sends a person back here: a user, a member of staff, or an administrator.

Check 2 of the proof of consent is here: an ID token that was validated, of the tenant in question.
"""

import logging
import secrets
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from contracts.go_live import Refusal, UserSignedIn
from contracts.registration import SIGN_IN_PATH
from contracts.sign_in import RequestPurpose, SignInAnswer
from database.consent import authorization_requests
from database.go_live import outbox, repeated_events
from database.models import AuthorizationRequest, PersonalLink
from database.people import sign_in
from graph.causes import Cause, Endpoint, cause_of
from graph.directory import known_sign_in_name
from graph.errors import (
    ApplicationDisabledError,
    ConsentNotVisibleError,
    CredentialRefusedError,
    GraphError,
    IdTokenRefusal,
    IdTokenRefusedError,
    SignInRefusedError,
    TenantUnknownError,
)
from graph.tokens import SignedInPerson
from telemetry.metrics import SIGN_INS_REFUSED
from web import known_browsers
from web.microsoft import consent_callback, staff_admission
from web.microsoft.authorization_request import no_authorization_request, start_of
from web.microsoft.authorization_response import (
    SIGN_IN_ANSWERS,
    EndedByMicrosoft,
    Ending,
    ending_of_proof,
    read_response,
)
from web.outbox_relay import relay
from web.rate_limits import count_unbound_answer
from web.refusal_pages import refused, sign_in_page
from web.visit import AVisit, Visit

router = APIRouter()
_log = logging.getLogger(__name__)

_PURPOSES = frozenset(RequestPurpose) - {RequestPurpose.CONSENT}


@dataclass(frozen=True)
class _Answer:
    response: Response
    entry: int | None = None
    """In the outbox: what the go-live is to be signalled."""
    pending: Response | None = None
    """The answer in place of the other where that could not be relayed yet."""


@router.get(SIGN_IN_PATH)
async def callback(visit: AVisit) -> Response:
    """Take the person Microsoft sends back; only an ID token says who it is."""
    answer = await run_in_threadpool(_come_back, visit)
    relayed = answer.entry is None or await relay(visit.dependencies, answer.entry)
    return answer.response if relayed or answer.pending is None else answer.pending


def _come_back(visit: Visit) -> _Answer:
    response = read_response(visit.request.scope["query_string"])
    if response is None:
        return _unbound(visit, "", Refusal.MALFORMED)
    with visit.dependencies.sessions.begin() as session:
        asked = authorization_requests.end(
            session,
            state=response.state,
            browser=visit.browser,
            purposes=_PURPOSES,
            at=visit.at,
        )
    if isinstance(asked, Refusal):
        return _unbound(visit, response.state, asked)
    parameters = {"state": response.state, "code": response.code}
    if response.error:
        parameters |= {"error": response.error}
    try:
        person = visit.dependencies.entra.complete_sign_in(asked.flow, parameters)
    except SignInRefusedError as error:
        ended = (
            response.ended
            if response.error
            else EndedByMicrosoft(
                cause_of(Endpoint.TOKEN, error.error, error.codes, error.subcode),
                error.codes,
                error.trace_id,
                error.correlation_id,
            )
        )
        if ended.cause is Cause.UNKNOWN and not response.error:
            # No error of Microsoft in the address: a missing, made-up or replayed code.
            answer = (
                SignInAnswer.FAILED if asked.purpose != RequestPurpose.CONSENT_SIGN_IN else None
            )
            return _not_believed(visit, asked, Refusal.ID_TOKEN_INVALID, answer)
        return _ended_by_microsoft(visit, asked, ended)
    except IdTokenRefusedError as error:
        if error.kind is IdTokenRefusal.TENANT:
            return _not_believed(
                visit, asked, Refusal.OTHER_TENANT_SIGNED_IN, SignInAnswer.OTHER_TENANT
            )
        return _not_believed(visit, asked, Refusal.ID_TOKEN_INVALID, None)
    except ConsentNotVisibleError as error:
        ended = EndedByMicrosoft(Cause.CONSENT_MISSING, error.codes)
        return _not_believed(
            visit, asked, Refusal.SIGN_IN_TOO_EARLY, SignInAnswer.NOT_ALLOWED, ended=ended
        )
    except ApplicationDisabledError as error:
        ended = EndedByMicrosoft(Cause.APPLICATION_DISABLED, error.codes)
        return _ended_by_microsoft(visit, asked, ended)
    except CredentialRefusedError as error:
        _log.error("Microsoft refuses our own secret or certificate: %s", error.codes)
        ended = EndedByMicrosoft(Cause.OUR_CREDENTIAL)
        return _ended_by_microsoft(visit, asked, ended)
    except TenantUnknownError:
        return _not_believed(visit, asked, Refusal.TENANT_UNKNOWN, SignInAnswer.NOT_ALLOWED)
    except GraphError as error:
        # State and code are spent by now, so this address leads nowhere: what helps is to begin
        # afresh, where it began.
        _log.warning("Microsoft could not be asked: %s", type(error).__name__)
        return _not_believed(
            visit, asked, Refusal.MICROSOFT_NOT_ASKED, SignInAnswer.MICROSOFT_NOT_ASKED, 503
        )
    if asked.purpose == RequestPurpose.CONSENT_SIGN_IN:
        return _consented(visit, asked, person)
    if asked.purpose == RequestPurpose.CONSOLE:
        return _Answer(staff_admission.admit(visit, asked, person))
    if asked.purpose == RequestPurpose.SETUP:
        return _back_to_setup(visit, asked, person)
    return _sign_in(visit, asked, person)


def _unbound(visit: Visit, state: str, refusal: Refusal) -> _Answer:
    with visit.dependencies.sessions.begin() as session:
        count_unbound_answer(session, visit)
        _audit(session, visit, None, refusal)
    return _Answer(no_authorization_request(visit, state, refusal))


def _consented(visit: Visit, asked: AuthorizationRequest, person: SignedInPerson) -> _Answer:
    """Checks 2 and 3: whose ID token this is, and that its tenant is the one that consented."""
    if person.tenant_id != str(asked.tenant_id):
        return _not_believed(visit, asked, Refusal.OTHER_TENANT_SIGNED_IN, None)
    if person.hinted_guest:
        return _Answer(*consent_callback.not_consented(visit, asked, Ending(Refusal.GUEST)))
    with visit.dependencies.sessions.begin() as session:
        evidence = authorization_requests.save_evidence(
            session, asked, UUID(person.tenant_id), UUID(person.object_id), visit.at
        )
        entry = consent_callback.enqueue_consent(session, evidence, visit.at) if evidence else None
    if evidence is None:
        # The link was replaced while its holder was at Microsoft.
        return _not_believed(visit, asked, Refusal.GRANTED_BEFORE, None)
    # No entry = there is nothing to tell the go-live now; the page says how far it is.
    return _Answer(
        visit.go_to("/consent/progress"), entry, pending=consent_callback.consent_pending(visit)
    )


def _sign_in(visit: Visit, asked: AuthorizationRequest, person: SignedInPerson) -> _Answer:
    token = secrets.token_urlsafe(32)
    with visit.dependencies.sessions.begin() as session:
        found = sign_in.person_of_identity(session, UUID(person.tenant_id), UUID(person.object_id))
        why = _why_not(session, asked, person, found)
        if why is not None or found is None:
            why = why or SignInAnswer.UNKNOWN
            _audit(session, visit, asked, why, subject=f"user:{found.user_id}" if found else "")
            return _Answer(sign_in_page(visit, why))
        sign_in.record_sso_sign_in(
            session,
            found.user_id,
            visit.at,
            known_sign_in_name(person.preferred_username),
            is_administrator=person.hinted_administrator,
        )
        sign_in.open_session(session, found.user_id, token, "sso", visit.at)
        session.flush()
        address = sign_in.address_of_session(session, token)
        entry = (
            outbox.enqueue(
                session, found.waiting_go_live_id, UserSignedIn(str(found.user_id)), visit.at
            )
            if found.waiting_go_live_id
            and found.first_time
            and sign_in.count_first_sign_in(session, found.waiting_go_live_id)
            else None
        )
    response = visit.sign_in(visit.go_to("/"), token)
    known_browsers.remember(visit, response, address)
    return _Answer(response, entry)


def _back_to_setup(visit: Visit, asked: AuthorizationRequest, person: SignedInPerson) -> _Answer:
    """Let a browser go on at the set-up page it came from, if it is somebody of the tenant's."""
    if person.tenant_id != str(asked.tenant_id) or person.hinted_guest:
        why = SignInAnswer.GUEST if person.hinted_guest else SignInAnswer.OTHER_TENANT
        return _not_believed(visit, asked, Refusal.OTHER_TENANT_SIGNED_IN, why)
    with visit.dependencies.sessions.begin() as session:
        authorization_requests.record_setup_sign_in(
            session, asked, UUID(person.object_id), visit.at
        )
    return _Answer(visit.go_to(start_of(visit, asked)))


def _why_not(
    session: Session,
    asked: AuthorizationRequest,
    person: SignedInPerson,
    found: sign_in.SsoPerson | None,
) -> SignInAnswer | None:
    if asked.tenant_id is not None and person.tenant_id != str(asked.tenant_id):
        return SignInAnswer.OTHER_TENANT
    if found is None:
        return SignInAnswer.GUEST if person.hinted_guest else SignInAnswer.UNKNOWN
    if found.status == "deactivated":
        return SignInAnswer.DEACTIVATED
    if asked.purpose == RequestPurpose.INVITATION and asked.link_id is not None:
        link = session.get_one(PersonalLink, asked.link_id)
        if link.user_id != found.user_id:
            return SignInAnswer.NOT_THE_INVITED
    return None


def _ended_by_microsoft(
    visit: Visit, asked: AuthorizationRequest, ended: EndedByMicrosoft
) -> _Answer:
    """Answer an error of Microsoft to a request of ours; a consent's go-live may hear of it."""
    if asked.purpose == RequestPurpose.CONSENT_SIGN_IN:
        ending = ending_of_proof(ended.cause)
        return _Answer(*consent_callback.not_consented(visit, asked, ending, ended))
    answer = SIGN_IN_ANSWERS[ended.cause]
    return _not_believed(visit, asked, Refusal.OTHER, answer, ended=ended)


def _not_believed(
    visit: Visit,
    asked: AuthorizationRequest,
    refusal: Refusal,
    answer: SignInAnswer | None,
    status: int | None = None,
    ended: EndedByMicrosoft | None = None,
) -> _Answer:
    """Answer with a page and an entry in the audit trail; nothing is signalled."""
    if asked.purpose == RequestPurpose.CONSENT_SIGN_IN:
        page = consent_callback.not_believed(visit, asked, refusal, status or 400, ended)
        return _Answer(page)
    with visit.dependencies.sessions.begin() as session:
        _audit(session, visit, asked, answer or refusal, note=ended.subject if ended else "")
    begin = start_of(visit, asked)
    if answer is None:
        return _Answer(refused(visit, refusal, link=begin, status=status or 400))
    number = ended.number if ended else None
    return _Answer(sign_in_page(visit, answer, link=begin, status=status or 403, number=number))


def _audit(
    session: Session,
    visit: Visit,
    asked: AuthorizationRequest | None,
    reason: SignInAnswer | Refusal,
    *,
    subject: str = "",
    note: str = "",
) -> None:
    """Record a sign-in that led nowhere, with its organisation where that is known."""
    SIGN_INS_REFUSED.labels(reason).inc()
    repeated_events.write_repeated(
        session,
        visit.at,
        "sign_in_refused",
        network=visit.network,
        organisation_id=asked.organisation_id if asked else None,
        subject=subject,
        reason=reason,
        note=note,
    )
