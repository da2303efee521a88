"""Consent: the admin consent endpoint, and the pages that ask for permissions during a sign-in.

Source: Microsoft Learn, *Admin consent on the Microsoft identity platform* and *Consent
experience for applications*, read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from simulator import entra_errors, redirects
from simulator.answers import error_parameters, page, send_back, simulation_of
from simulator.browser import (
    Account,
    SignInError,
    account_named,
    check_usable,
    circumstances_of,
    fields_of,
    remember,
    sign_in_page,
    signed_in,
    trouble,
)
from simulator.directory import Application, Grant, Tenant, User
from simulator.entra_errors import EntraError
from simulator.state import ForcedEnding, Simulation

GRAPH = "https://graph.microsoft.com/"
PERMISSION_TITLES = {
    "openid": "Sign users in",
    "profile": "View users' basic profile",
    "email": "View users' email address",
    "offline_access": "Maintain access to data you have given it access to",
    "User.Read": "Sign in and read user profile",
    "User.Read.All": "Read all users' full profiles",
    "Organization.Read.All": "Read organization information",
}
"""What the consent page says for a permission; others are shown by their name."""
_ANYTHING = frozenset({"Global Administrator", "Privileged Role Administrator"})
_ALL_BUT_GRAPH_ROLES = frozenset({"Cloud Application Administrator", "Application Administrator"})


@dataclass(frozen=True)
class ConsentRequest:
    """A request to the admin consent endpoint that says where to send the browser back to."""

    tenant: Tenant | None
    application: Application
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]


def may_consent_for_everyone(user: User, application: Application) -> bool:
    """Whether a person's directory roles allow consent for the organisation to what is asked."""
    if _ANYTHING.intersection(user.roles):
        return True
    return not application.application_permissions and bool(
        _ALL_BUT_GRAPH_ROLES.intersection(user.roles)
    )


def may_consent_at_sign_in(user: User) -> bool:
    """Whether a person may grant delegated permissions; here only administrators may."""
    return bool((_ANYTHING | _ALL_BUT_GRAPH_ROLES).intersection(user.roles))


def missing_scopes(account: Account, application: Application, scopes: Iterable[str]) -> bool:
    """Whether some requested delegated permission is not granted to this person yet."""
    tenant, user = account
    grant = tenant.grants.get(application.client_id)
    held = grant.delegated_for(user.id) if grant else frozenset()
    # Microsoft adds offline_access to what people consent to; nobody is asked for it alone.
    wanted = set(scopes) - {"offline_access"}
    return not wanted <= held


def titles(permissions: Iterable[str]) -> list[str]:
    """Permissions as the pages word them."""
    return [PERMISSION_TITLES.get(name, name) for name in permissions]


def sign_in_consent_page(
    account: Account,
    application: Application,
    scopes: Iterable[str],
    fields: Mapping[str, str],
    action: str,
) -> Response:
    """Who may consent sees what is requested, everybody else that an administrator is needed."""
    tenant, user = account
    if may_consent_at_sign_in(user):
        return page(
            "permissions.html",
            application=application,
            user=user,
            tenant=tenant,
            titles=titles(scopes),
            fields=fields,
            action=action,
            for_organisation=False,
            # Shown to Global Administrators only, and off by default.
            offers_everyone="Global Administrator" in user.roles,
        )
    return _administrator_needed(account, application, fields, action)


def _administrator_needed(
    account: Account, application: Application, fields: Mapping[str, str], action: str
) -> Response:
    tenant, user = account
    name = "approval_required.html" if tenant.admin_consent_workflow else "need_approval.html"
    return page(
        name, application=application, user=user, tenant=tenant, fields=fields, action=action
    )


def refusal(account: Account, application: Application, action: str) -> EntraError:
    """What the application hears when no consent was given."""
    if action == "request":
        return entra_errors.approval_requested()
    if action == "return":
        return entra_errors.administrator_needed(application.display_name, account[0].display_name)
    return entra_errors.declined()


def accept_at_sign_in(
    simulation: Simulation,
    account: Account,
    application: Application,
    scopes: Iterable[str],
    *,
    for_everyone: bool,
) -> None:
    """Grant what a sign-in asked for: to this person alone unless the box was ticked."""
    tenant, user = account
    grant = tenant.grants.get(application.client_id) or Grant(
        application.client_id, all_principals=False
    )
    wanted = set(scopes) - {"offline_access"}
    if for_everyone and "Global Administrator" in user.roles:
        before = grant.delegated if grant.all_principals else ()
        grant = replace(grant, delegated=tuple(sorted({*before, *wanted})), all_principals=True)
        simulation.consented(tenant.id, application.client_id)
    else:
        grant = grant.with_user(user.id, wanted)
    tenant.grants[application.client_id] = grant


async def admin_consent(request: Request) -> Response:
    """GET and POST /{tenant}/v2.0/adminconsent."""
    simulation = simulation_of(request)
    form = {k: v for k, v in (await request.form()).items() if isinstance(v, str)}
    fields = fields_of(form) if "step" in form else dict(request.query_params)
    try:
        asked = _read(simulation, request.path_params["tenant"], fields)
        if form.get("step") == "sign_in":
            return _sign_in(request, simulation, asked, fields, form)
        account = signed_in(request, asked.tenant)
        if account is None:
            return sign_in_page(asked.application, fields, request.url.path)
        check_usable(account, asked.application)
        if form.get("step") == "consent":
            return _end(simulation, asked, account, form.get("action", "cancel"))
        return _ask(account, asked, fields, request.url.path)
    except EntraError as error:
        return trouble(request, error)


def _read(simulation: Simulation, name: str, fields: Mapping[str, str]) -> ConsentRequest:
    tenant = simulation.tenant_named(name)
    if name.lower() == "common":
        raise EntraError(
            "invalid_request",
            90133,
            "Device Code flow and admin consent are not supported under /common. Use the tenant "
            "id or 'organizations'.",
        )
    if tenant is None and name.lower() != "organizations":
        raise entra_errors.tenant_not_found(name)
    client_id = fields.get("client_id")
    if not client_id:
        raise entra_errors.missing_parameter("client_id")
    application = simulation.applications.get(client_id.lower())
    if application is None:
        raise entra_errors.application_not_found(client_id, name)
    redirect_uri = redirects.check(application, fields.get("redirect_uri"))
    scopes = tuple(fields.get("scope", "").split())
    if not scopes:
        raise entra_errors.missing_parameter("scope")
    return ConsentRequest(tenant, application, redirect_uri, fields.get("state"), scopes)


def _sign_in(
    request: Request,
    simulation: Simulation,
    asked: ConsentRequest,
    fields: Mapping[str, str],
    form: Mapping[str, str],
) -> Response:
    login = form.get("login", "")
    try:
        account = account_named(simulation, asked.tenant, login, asked.application)
    except SignInError as failure:
        return sign_in_page(asked.application, fields, request.url.path, login, str(failure))
    check_usable(account, asked.application)
    response = _ask(account, asked, fields, request.url.path)
    remember(request, response, account, circumstances_of(form))
    return response


def _ask(
    account: Account, asked: ConsentRequest, fields: Mapping[str, str], action: str
) -> Response:
    tenant, user = account
    if not may_consent_for_everyone(user, asked.application):
        return _administrator_needed(account, asked.application, fields, action)
    application, delegated = _asked_permissions(asked)
    return page(
        "permissions.html",
        application=asked.application,
        user=user,
        tenant=tenant,
        titles=titles((*application, *delegated)),
        fields=fields,
        action=action,
        for_organisation=True,
        offers_everyone=False,
    )


def _asked_permissions(asked: ConsentRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if f"{GRAPH}.default" in asked.scopes:
        return asked.application.application_permissions, asked.application.delegated_permissions
    return (), tuple(scope.removeprefix(GRAPH) for scope in asked.scopes)


def _end(simulation: Simulation, asked: ConsentRequest, account: Account, action: str) -> Response:
    tenant = account[0]
    forced = simulation.forced_ending(tenant.id)
    permitted = may_consent_for_everyone(account[1], asked.application)
    # Microsoft writes admin_consent=True into failures as well.
    parameters = {"admin_consent": "True", "tenant": tenant.id}
    if forced is not None and forced.ending:
        parameters |= _forced_error(simulation, forced)
        if forced.grant:
            _grant(simulation, tenant, asked, None)
    elif forced is not None or (action == "accept" and permitted):
        granted = _grant(simulation, tenant, asked, forced)
        parameters["scope"] = " ".join(f"{GRAPH}{name}" for name in granted)
    else:
        if action == "accept":
            action = "return"
        parameters |= error_parameters(simulation, refusal(account, asked.application, action))
    if asked.state is not None:
        parameters["state"] = asked.state
    for name in forced.omit if forced else ():
        parameters.pop(name, None)
    return send_back(asked.redirect_uri, parameters)


def _forced_error(simulation: Simulation, forced: ForcedEnding) -> dict[str, str]:
    error = EntraError(forced.ending or "", 0, "", subcode=forced.error_subcode)
    parameters = error_parameters(simulation, error)
    parameters.pop("error_uri")
    parameters["error_description"] = forced.error_description or "AADSTS90013: Invalid input."
    return parameters


def _grant(
    simulation: Simulation, tenant: Tenant, asked: ConsentRequest, forced: ForcedEnding | None
) -> tuple[str, ...]:
    """Consenting again replaces the grant for everyone; what single people granted stays."""
    application, delegated = _asked_permissions(asked)
    if forced is not None and forced.application is not None:
        application = forced.application
    before = tenant.grants.get(asked.application.client_id)
    tenant.grants[asked.application.client_id] = Grant(
        client_id=asked.application.client_id,
        application=application,
        delegated=delegated,
        all_principals=True,
        by_user=before.by_user if before else {},
    )
    simulation.consented(tenant.id, asked.application.client_id)
    return (*application, *delegated)
