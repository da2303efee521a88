"""Login: the address's domain leads to the right way in; Microsoft sign-in comes back here."""

import logging
import secrets
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from temporalio.service import RPCError

from contracts.addresses import address_key
from contracts.go_live import Refusal, UserSignedIn, go_live_id
from database import records, round_trips, sign_in
from database.models import ConsentEvidence, MicrosoftRoundTrip, PersonalLink
from graph.errors import IdTokenRefused, SignInRefused
from graph.tokens import SignedInPerson
from web import consent, staff
from web.answers import SignInAnswer, refused, sign_in_page
from web.deps import SESSION_COOKIE, AVisit, OwnForm, Visit
from web.microsoft import to_consent, to_login
from workflows.go_live import SsoGoLive

router = APIRouter()

_HASHER = PasswordHasher()
_NOBODYS_HASH = _HASHER.hash(secrets.token_urlsafe())
"""Verified where there is no account, so that an unknown address takes as long as a known one."""

Address = Annotated[str, Form(max_length=320)]
_log = logging.getLogger(__name__)


@router.get("/")
def home(visit: AVisit) -> Response:
    """Show who is signed in and how, or the login page."""
    with visit.rooms.sessions.begin() as session:
        person, ended_because = sign_in.session_of(session, visit.session_token, visit.at)
    if person is None:
        return visit.page("login.html", ended_because=ended_because)
    return visit.page("home.html", person=person)


@router.get("/login")
def login(visit: AVisit) -> Response:
    """Ask for the e-mail address."""
    with visit.rooms.sessions.begin() as session:
        _, ended_because = sign_in.session_of(session, visit.session_token, visit.at)
    return visit.page("login.html", ended_because=ended_because)


@router.post("/login")
def ways_in(visit: OwnForm, email: Address = "") -> Response:
    """Show the ways in for the address's domain; the same whether or not it has an account."""
    with visit.rooms.sessions.begin() as session:
        way = sign_in.way_in(session, email)
    return visit.page("ways_in.html", email=email.strip(), way=way)


@router.post("/login/password")
def with_password(
    visit: OwnForm, email: Address = "", password: Annotated[str, Form(max_length=1000)] = ""
) -> Response:
    """Sign in by password, as long as it counts for this person."""
    client = visit.request.client
    subjects = [f"address:{address_key(email)}", f"network:{client.host if client else ''}"]
    with visit.rooms.sessions.begin() as session:
        if sign_in.too_many_failures(session, subjects, visit.at):
            return visit.page("too_many.html", status=429, email=email)
        users = sign_in.users_with_password(session, email)
        user = next((user for user, known in users if _is(known, password)), None)
        if not users:
            _is(_NOBODYS_HASH, password)
        if user is None:
            sign_in.note_failure(session, subjects, visit.at)
            way = sign_in.way_in(session, email)
            return visit.page("ways_in.html", status=401, email=email, way=way, wrong=True)
        if not sign_in.password_counts(user, visit.at):
            way = sign_in.way_in(session, email)
            return visit.page("ways_in.html", status=403, email=email, way=way, use_sso=True)
        token = secrets.token_urlsafe(32)
        sign_in.open_session(session, user.id, token, "password", visit.at)
    return visit.sign_in(visit.go_to("/"), token)


def _is(known: str, password: str) -> bool:
    try:
        return _HASHER.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False


@router.post("/logout")
def logout(visit: OwnForm) -> Response:
    """End the session in the database and in the browser."""
    with visit.rooms.sessions.begin() as session:
        sign_in.end_session(session, visit.session_token, visit.at)
    response = visit.go_to("/login")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.post("/auth/microsoft")
def to_microsoft(
    visit: OwnForm, email: Address = "", i_am: Literal["", "administrator", "user"] = Form("")
) -> Response:
    """Lead to Microsoft's login; before the consent is proven, ask who is asking."""
    with visit.rooms.sessions.begin() as session:
        way = sign_in.way_in(session, email)
    if way.tenant_id is not None and way.sso_offered:
        return to_login(visit, way.tenant_id, "sign_in", login_hint=email.strip())
    if way.go_live_id is not None and i_am == "administrator":
        return to_consent(visit, way.go_live_id, None)
    if way.sso_offered and i_am != "user":
        return visit.page("who_are_you.html", email=email.strip(), way=way)
    return visit.page("ways_in.html", email=email.strip(), way=way, not_yet=way.sso_offered)


@router.get("/auth/microsoft/callback")
async def callback(visit: AVisit) -> Response:
    """Take the person Microsoft sends back: a user, or an administrator who has consented."""
    answer = await run_in_threadpool(_come_back, visit)
    if answer.consented is not None:
        return await consent.tell_workflow(visit, answer.consented)
    if answer.first_sign_in is not None:
        slug, user_id = answer.first_sign_in
        handle = visit.rooms.temporal.get_workflow_handle(go_live_id(slug))
        try:
            await handle.signal(SsoGoLive.user_signed_in, UserSignedIn(str(user_id)))
        except RPCError as error:
            # The sign-in stands in the database, where the workflow looks again by itself.
            _log.warning("A first sign-in could not be signalled: %s", error.status.name)
    return answer.response


@dataclass(frozen=True)
class _Answer:
    response: Response
    consented: ConsentEvidence | None = None
    first_sign_in: tuple[str, UUID] | None = None


def _come_back(visit: Visit) -> _Answer:
    query = visit.request.query_params
    states = query.getlist("state")
    with visit.rooms.sessions.begin() as session:
        trip = round_trips.end_round_trip(
            session,
            state=states[0] if len(states) == 1 else "",
            browser=visit.browser,
            purposes={"sign_in", "consent_sign_in", "invitation", "console"},
            at=visit.at,
        )
        if isinstance(trip, Refusal):
            records.write_audit(session, visit.at, "system", "sign_in_refused", reason=trip)
    if isinstance(trip, Refusal):
        return _Answer(refused(visit, trip))
    try:
        person = visit.rooms.entra.complete_sign_in(trip.flow, dict(query))
    except IdTokenRefused:
        return _Answer(_refuse(visit, trip, Refusal.ID_TOKEN_INVALID))
    except SignInRefused:
        return _Answer(_refuse(visit, trip, Refusal.OTHER))
    if trip.purpose == "consent_sign_in":
        return _consented(visit, trip, person)
    if trip.purpose == "console":
        return _Answer(staff.admit(visit, trip, person))
    return _sign_in(visit, trip, person)


def _consented(visit: Visit, trip: MicrosoftRoundTrip, person: SignedInPerson) -> _Answer:
    """Checks 2 and 3: whose ID token this is, and that its tenant is the one that consented."""
    if person.tenant_id != str(trip.tenant_id):
        return _Answer(_refuse(visit, trip, Refusal.OTHER_TENANT_SIGNED_IN))
    with visit.rooms.sessions.begin() as session:
        evidence = round_trips.save_evidence(
            session, trip, UUID(person.tenant_id), UUID(person.object_id), visit.at
        )
    return _Answer(visit.go_to("/consent/progress"), consented=evidence)


def _sign_in(visit: Visit, trip: MicrosoftRoundTrip, person: SignedInPerson) -> _Answer:
    token = secrets.token_urlsafe(32)
    with visit.rooms.sessions.begin() as session:
        found = sign_in.person_of_identity(session, UUID(person.tenant_id), UUID(person.object_id))
        why = _why_not(session, trip, person, found)
        if why is None and found is not None:
            sign_in.record_sso_sign_in(session, found.user_id, visit.at)
            sign_in.open_session(session, found.user_id, token, "sso", visit.at)
    if why is not None or found is None:
        return _Answer(sign_in_page(visit, why or SignInAnswer.UNKNOWN))
    waits = (found.organisation_slug, found.user_id) if found.go_live_waits else None
    return _Answer(visit.sign_in(visit.go_to("/"), token), first_sign_in=waits)


def _why_not(
    session: Session,
    trip: MicrosoftRoundTrip,
    person: SignedInPerson,
    found: sign_in.SsoPerson | None,
) -> SignInAnswer | None:
    if trip.tenant_id is not None and person.tenant_id != str(trip.tenant_id):
        return SignInAnswer.OTHER_TENANT
    if found is None:
        return SignInAnswer.UNKNOWN
    if found.status == "deactivated":
        return SignInAnswer.DEACTIVATED
    if trip.purpose == "invitation" and trip.link_id is not None:
        link = session.get_one(PersonalLink, trip.link_id)
        if link.user_id != found.user_id:
            return SignInAnswer.NOT_THE_INVITED
    return None


def _refuse(visit: Visit, trip: MicrosoftRoundTrip, refusal: Refusal) -> Response:
    with visit.rooms.sessions.begin() as session:
        open_one = sign_in.open_go_live_of(session, trip.go_live_id) if trip.go_live_id else None
        records.write_audit(
            session,
            visit.at,
            "system",
            "consent_refused" if trip.purpose == "consent_sign_in" else "sign_in_refused",
            go_live=open_one[0] if open_one else None,
            reason=refusal,
        )
    return refused(visit, refusal)
