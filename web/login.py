"""Login: the address's domain leads to the right way in; Microsoft sign-in comes back here."""

import secrets
from typing import Annotated, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter, Form
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from contracts.addresses import domain_of
from contracts.sign_in import RequestPurpose
from database.models import AppUser
from database.people import sign_in
from telemetry.metrics import SLOWED_DOWN
from web import known_browsers
from web.forms import OwnForm
from web.microsoft.authorization_request import to_consent, to_login
from web.rate_limits import way_in
from web.visit import SESSION_COOKIE, AVisit, Visit

router = APIRouter()

_HASHER = PasswordHasher()
_NOBODYS_HASH = _HASHER.hash(secrets.token_urlsafe())
"""Verified where there is no account, so that an unknown address takes as long as a known one."""

Address = Annotated[str, Form(max_length=320)]


@router.get("/")
def home(visit: AVisit) -> Response:
    """Show who is signed in and how, or the login page."""
    if visit.session_token:
        with visit.dependencies.sessions.begin() as session:
            person, _ = sign_in.session_of(session, visit.session_token, visit.at)
        if person is not None:
            return visit.page("home.html", person=person)
    return _login_page(visit)


@router.get("/login")
def login(visit: AVisit, logged_out: str = "") -> Response:
    """Ask for the e-mail address."""
    return _login_page(visit, "logged_out" if logged_out else None)


def _login_page(visit: Visit, ended_because: str | None = None) -> Response:
    """Say why this browser's session ended, if it did; whoever was moved needs one button only."""
    moved_address = ""
    # Most people come without a session: nothing has to be looked up for them.
    if visit.session_token:
        with visit.dependencies.sessions.begin() as session:
            _, ended_because = sign_in.session_of(session, visit.session_token, visit.at)
            if ended_because == "moved_to_sso":
                moved_address = sign_in.address_of_session(session, visit.session_token)
    return visit.page("login.html", ended_because=ended_because, moved_address=moved_address)


@router.post("/login")
def ways_in(visit: OwnForm, email: Address = "") -> Response:
    """Show the ways in for the address's domain; the same whether or not it has an account."""
    with visit.dependencies.sessions.begin() as session:
        way = way_in(session, visit, email)
    return visit.page("ways_in.html", email=email.strip(), way=way)


@router.post("/login/password")
async def with_password(
    visit: OwnForm, email: Address = "", password: Annotated[str, Form(max_length=1000)] = ""
) -> Response:
    """Sign in by password, as long as it counts for this person.

    The password is checked between two transactions, in one of few places: it takes long.
    """
    places = visit.dependencies.slow_work
    with places.waiting_for_password(visit.network):
        counted, users = await run_in_threadpool(_begin_try, visit, email)
        if counted is None:
            return visit.page("too_many.html", status=429, email=email)
        matched = await places.check_password(visit.network, lambda: _matched(users, password))
    return await run_in_threadpool(_checked, visit, email, matched, counted)


def _begin_try(visit: Visit, email: str) -> tuple[list[int] | None, list[tuple[AppUser, str]]]:
    """Count a try before it is made, and return the accounts of an address with their hashes.

    None in place of the count after too many wrong passwords.
    """
    known = known_browsers.number_for(visit, email)
    tries = sign_in.password_tries(email, visit.networks, known)
    with visit.dependencies.sessions.begin() as session:
        counted = sign_in.begin_try(session, tries, visit.at)
        if counted is None:
            SLOWED_DOWN.labels("password").inc()
            return None, []
        return counted, sign_in.users_with_password(session, email)


def _matched(users: list[tuple[AppUser, str]], password: str) -> str | None:
    """Return the hash that this is the password of."""
    if not users:
        _is_password(_NOBODYS_HASH, password)
    return next((known for _, known in users if _is_password(known, password)), None)


def _checked(visit: Visit, email: str, matched: str | None, counted: list[int]) -> Response:
    """Sign the user in whose password it is, if it still counts; None: it was wrong."""
    with visit.dependencies.sessions.begin() as session:
        # It may have been changed, or its owner deactivated, while it was checked.
        users = sign_in.users_with_password(session, email)
        user = next((user for user, known in users if known == matched), None)
        if user is None:
            way = sign_in.way_in(session, email)
            return visit.page("ways_in.html", status=401, email=email, way=way, wrong=True)
        sign_in.take_back(session, counted)
        if not sign_in.password_counts(session, user, visit.at):
            way = sign_in.way_in(session, email)
            return visit.page("ways_in.html", status=403, email=email, way=way, use_sso=True)
        if sign_in.too_many_log_ins(session, email, visit.at):
            SLOWED_DOWN.labels("password").inc()
            return visit.page("too_many.html", status=429, email=email)
        token = secrets.token_urlsafe(32)
        sign_in.open_session(session, user.id, token, "password", visit.at)
    response = visit.sign_in(visit.go_to("/"), token)
    known_browsers.remember(visit, response, email)
    return response


def _is_password(known: str, password: str) -> bool:
    try:
        return _HASHER.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False


@router.post("/logout")
def logout(visit: OwnForm) -> Response:
    """End the session in the database and in the browser."""
    with visit.dependencies.sessions.begin() as session:
        sign_in.end_session(session, visit.session_token, visit.at)
    response = visit.go_to("/login?logged_out=yes")
    visit.delete_cookie(response, SESSION_COOKIE)
    return response


@router.post("/auth/microsoft")
def to_microsoft(
    visit: OwnForm, email: Address = "", i_am: Literal["", "administrator", "user"] = Form("")
) -> Response:
    """Lead to Microsoft's login; while a consent is awaited, ask who is asking.

    An earlier go-live's connection may be there already: whoever is not the administrator signs
    in by it, as before.
    """
    with visit.dependencies.sessions.begin() as session:
        way = way_in(session, visit, email)
    if way.go_live_id is not None and i_am == "administrator":
        return to_consent(visit, way.go_live_id, None)
    awaited = way.tenant_id is None or way.go_live_id is not None
    if way.sso_offered and awaited and i_am != "user":
        return visit.page("who_are_you.html", email=email.strip(), way=way)
    if way.sso_offered and way.tenant_id is not None:
        return to_login(
            visit,
            way.tenant_id,
            RequestPurpose.SIGN_IN,
            login_hint=_name_for_known_browser(visit, way, email),
            domain_hint=domain_of(email),
            organisation_id=way.organisation_id,
        )
    return visit.page("ways_in.html", email=email.strip(), way=way, not_yet=way.sso_offered)


def _name_for_known_browser(visit: Visit, way: sign_in.WayIn, email: str) -> str | None:
    """Return the directory's name of a person who has been signed in by this very browser.

    Anybody may type an address here, and the name would tell a stranger who has an account. The
    address itself is never sent: Microsoft need not know it.
    """
    if way.tenant_id is None or not known_browsers.number_for(visit, email):
        return None
    with visit.dependencies.sessions.begin() as session:
        return sign_in.sign_in_name(session, way.tenant_id, email)
