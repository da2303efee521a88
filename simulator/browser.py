"""What is remembered of a browser: who is signed in, and the page where people sign in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from simulator.answers import error_page, page, simulation_of
from simulator.directory import Application, Tenant, User
from simulator.entra_errors import EntraError, not_in_tenant
from simulator.sign_in_rules import Circumstances
from simulator.state import Session, Simulation

COOKIE = "simulator_session"
SHARED_TENANTS = frozenset({"organizations", "common"})
"""Names that stand for "the home tenant of whoever signs in"."""
_OWN_FIELDS = frozenset(
    {
        *("step", "login", "password", "action", "consent_on_behalf", "reason"),
        *("country", "device", "second_factor"),
    }
)

Account = tuple[Tenant, User]


class SignInError(Exception):
    """The name typed leads nowhere; the text is shown on the page."""


def fields_of(form: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the application's request, without what the page itself added."""
    return {name: value for name, value in form.items() if name not in _OWN_FIELDS}


def circumstances_of(form: Mapping[str, str]) -> Circumstances:
    """What the sign-in page was told of the sign-in."""
    return Circumstances(
        country=form.get("country", "").strip(),
        device=form.get("device", "").strip() or Circumstances.device,
        second_factor=bool(form.get("second_factor")),
    )


def circumstances(request: Request) -> Circumstances:
    """Those of this browser's latest sign-in."""
    session = simulation_of(request).sessions.get(request.cookies.get(COOKIE, ""))
    return session.circumstances if session else Circumstances()


def sign_in_page(
    application: Application,
    fields: Mapping[str, str],
    action: str,
    login: str = "",
    problem: str = "",
) -> Response:
    """The page that asks who signs in; its form comes back with step `sign_in`."""
    return page(
        "sign_in.html",
        application=application,
        fields=fields,
        action=action,
        login=login,
        problem=problem,
    )


def account_named(
    simulation: Simulation, tenant: Tenant | None, login: str, client: Application
) -> Account:
    """The account that signs in with this name; in the tenant asked for, else in its home tenant.

    Raises:
        SignInError: Nobody has this name.
        EntraError: The account exists, but in another tenant.
    """
    login = login.strip()
    home = simulation.home_account(login)
    if tenant is None:
        if home is None:
            raise SignInError(
                "This username may be incorrect. Make sure you typed it correctly. "
                "Otherwise, contact your admin."
            )
        return home
    for user in tenant.users.by_address(login):
        # Whose home is elsewhere signs in by the name of there, never by the one with #EXT# here.
        name = (user.mail or "") if user.lives_elsewhere else user.user_principal_name
        if name.lower() == login.lower():
            return tenant, user
    if home is not None:
        raise not_in_tenant(login, tenant.display_name, client.client_id, client.display_name)
    raise SignInError(
        "We couldn't find an account with that username. Try another, or get a new account."
        if not tenant.has_domain(login.rpartition("@")[2])
        else "This username may be incorrect. Make sure you typed it correctly. "
        "Otherwise, contact your admin."
    )


def check_usable(account: Account, application: Application) -> None:
    """Whether the person may sign in to this application at all.

    Raises:
        EntraError: The account is disabled, or the application is switched off in the tenant.
    """
    tenant, user = account
    if not user.enabled:
        raise EntraError("invalid_grant", 50057, "The user account is disabled.")
    grant = tenant.grants.get(application.client_id)
    if grant is not None and not grant.enabled:
        raise EntraError(
            "unauthorized_client",
            7000112,
            f"Application '{application.client_id}'({application.display_name}) is disabled.",
        )


def signed_in(request: Request, tenant: Tenant | None, hint: str = "") -> Account | None:
    """The account that this browser is signed in with and that suits the tenant; the latest one."""
    simulation = simulation_of(request)
    session = simulation.sessions.get(request.cookies.get(COOKIE, ""))
    for tenant_id, user_id in reversed(session.accounts if session else []):
        home = simulation.tenants.get(tenant_id)
        user = home.users.get(user_id) if home else None
        if home is None or user is None or (tenant is not None and tenant.id != tenant_id):
            continue
        if tenant is None and user.is_guest:
            continue
        if hint and hint.lower() not in (
            user.user_principal_name.lower(),
            (user.mail or "").lower(),
        ):
            continue
        return home, user
    return None


def remember(request: Request, response: Response, account: Account, where: Circumstances) -> None:
    """Note in this browser's session that somebody signed in, and from where."""
    simulation = simulation_of(request)
    name = request.cookies.get(COOKIE, "")
    if name not in simulation.sessions:
        name = secrets.token_urlsafe(24)
        simulation.sessions[name] = Session()
        response.set_cookie(COOKIE, name, httponly=True, samesite="lax", path="/")
    simulation.sessions[name].circumstances = where
    accounts = simulation.sessions[name].accounts
    entry = (account[0].id, account[1].id)
    if entry in accounts:
        accounts.remove(entry)
    accounts.append(entry)


def sign_out(request: Request, response: Response) -> None:
    """Sign everybody out of this browser."""
    simulation_of(request).sessions.pop(request.cookies.get(COOKIE, ""), None)
    response.delete_cookie(COOKIE, path="/")


def trouble(request: Request, error: EntraError) -> Response:
    """The page "Sorry, but we're having trouble signing you in"."""
    return error_page(simulation_of(request), error)
