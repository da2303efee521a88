"""Signing in: discovery, the authorize endpoint with its pages, the key set, and signing out.

Source: Microsoft Learn, *OpenID Connect on the Microsoft identity platform* and *OAuth 2.0
authorization code flow*, read 2026-11-23.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator import consent, entra_errors, redirects
from simulator.answers import (
    base_url,
    error_json,
    error_parameters,
    page,
    send_back,
    simulation_of,
)
from simulator.browser import (
    SHARED_TENANTS,
    Account,
    SignInError,
    account_named,
    check_usable,
    circumstances,
    circumstances_of,
    fields_of,
    remember,
    sign_in_page,
    sign_out,
    signed_in,
    trouble,
)
from simulator.directory import Application, Tenant
from simulator.entra_errors import EntraError
from simulator.sign_in_rules import Circumstances
from simulator.state import Code, Simulation

_CODE_LIFETIME = timedelta(minutes=10)
_MODES = ("query", "form_post", "fragment")


@dataclass(frozen=True)
class SignIn:
    """A request to the authorize endpoint, once it is known where to send the browser back to."""

    tenant: Tenant | None
    """None for `organizations` and `common`."""
    application: Application
    redirect_uri: str
    response_mode: str
    state: str | None
    fields: Mapping[str, str]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The permissions asked, as the application wrote them."""
        return tuple(self.fields.get("scope", "").split())

    @property
    def prompts(self) -> frozenset[str]:
        """What the application wants shown whatever the session says."""
        return frozenset(self.fields.get("prompt", "").split())

    def back(self, parameters: Mapping[str, str]) -> Response:
        """Send the browser back with these parameters and the state."""
        state = {} if self.state is None else {"state": self.state}
        return send_back(self.redirect_uri, {**parameters, **state}, self.response_mode)


async def discovery(request: Request) -> Response:
    """GET /{tenant}/v2.0/.well-known/openid-configuration."""
    simulation, name = simulation_of(request), request.path_params["tenant"]
    tenant = simulation.tenant_named(name)
    if tenant is None and name.lower() not in SHARED_TENANTS:
        return error_json(simulation, entra_errors.tenant_not_found(name, "invalid_tenant"))
    base = base_url(request)
    # A domain's document names the tenant by id everywhere; this is how a tenant is discovered.
    here = f"{base}/{tenant.id if tenant else name.lower()}"
    elsewhere = tenant.authority if tenant else None
    issuer = f"{elsewhere or base}/{tenant.id if tenant else '{tenantid}'}/v2.0"
    return JSONResponse(
        {
            "token_endpoint": f"{here}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "private_key_jwt",
                "client_secret_basic",
            ],
            "jwks_uri": f"{here}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": issuer,
            "request_uri_parameter_supported": False,
            "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{here}/oauth2/v2.0/logout",
            "claims_supported": [
                "sub",
                "iss",
                "cloud_instance_name",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "acr",
                "nonce",
                "preferred_username",
                "name",
                "tid",
                "ver",
                "at_hash",
                "c_hash",
                "email",
            ],
            "tenant_region_scope": "EU" if tenant else None,
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": "graph.microsoft.com",
        }
    )


async def keys(request: Request) -> Response:
    """GET /{tenant}/discovery/v2.0/keys."""
    simulation, name = simulation_of(request), request.path_params["tenant"]
    tenant = simulation.tenant_named(name)
    if tenant is None and name.lower() not in SHARED_TENANTS:
        return error_json(simulation, entra_errors.tenant_not_found(name, "invalid_tenant"))
    owner = tenant.id if tenant else "{tenantid}"
    return JSONResponse(simulation.keys.key_set(f"{base_url(request)}/{owner}/v2.0"))


async def authorize(request: Request) -> Response:
    """GET and POST /{tenant}/oauth2/v2.0/authorize."""
    simulation = simulation_of(request)
    form = {k: v for k, v in (await request.form()).items() if isinstance(v, str)}
    fields = fields_of(form) or dict(request.query_params)
    try:
        asked = _read(simulation, request.path_params["tenant"], fields)
        problem = _problem(asked)
        if problem is not None:
            return asked.back(error_parameters(simulation, problem))
        match form.get("step"):
            case "sign_in":
                return _sign_in(request, simulation, asked, form)
            case "consent":
                return _after_consent(request, simulation, asked, form)
            case _:
                return _begin(request, simulation, asked)
    except EntraError as error:
        return trouble(request, error)


async def logout(request: Request) -> Response:
    """GET and POST /{tenant}/oauth2/v2.0/logout."""
    simulation = simulation_of(request)
    target = request.query_params.get("post_logout_redirect_uri", "")
    known = any(redirects.allowed(one, target) for one in simulation.applications.values())
    if target and known:
        state = request.query_params.get("state")
        response = send_back(target, {"state": state} if state else {})
    else:
        response = page("signed_out.html")
    sign_out(request, response)
    return response


def _read(simulation: Simulation, name: str, fields: Mapping[str, str]) -> SignIn:
    tenant = simulation.tenant_named(name)
    if tenant is None and name.lower() not in SHARED_TENANTS:
        raise entra_errors.tenant_not_found(name)
    client_id = fields.get("client_id")
    if not client_id:
        raise entra_errors.missing_parameter("client_id")
    application = simulation.applications.get(client_id.lower())
    if application is None:
        raise entra_errors.application_not_found(client_id, tenant.display_name if tenant else name)
    mode = fields.get("response_mode", "query")
    return SignIn(
        tenant=tenant,
        application=application,
        redirect_uri=redirects.check(application, fields.get("redirect_uri")),
        response_mode=mode if mode in _MODES else "query",
        state=fields.get("state"),
        fields=fields,
    )


def _problem(asked: SignIn) -> EntraError | None:
    """What is wrong with the request, to be told to the application itself."""
    kind = asked.fields.get("response_type", "")
    if not kind:
        return entra_errors.missing_parameter("response_type")
    if kind != "code":
        return EntraError(
            "unsupported_response_type",
            700051,
            f"response_type '{kind}' is not enabled for the application.",
        )
    if not asked.scopes:
        return entra_errors.missing_parameter("scope")
    if asked.fields.get("code_challenge_method", "S256") not in ("S256", "plain"):
        return EntraError(
            "invalid_request", 501491, "Invalid value for code_challenge_method: use S256."
        )
    return None


def _begin(request: Request, simulation: Simulation, asked: SignIn) -> Response:
    hint = asked.fields.get("login_hint", "")
    account = signed_in(request, asked.tenant, hint)
    if "none" in asked.prompts:
        return _silently(request, simulation, asked, account)
    if account is None or asked.prompts & {"login", "select_account"}:
        known = account or signed_in(request, asked.tenant)
        login = hint or (known[1].user_principal_name if known else "")
        return sign_in_page(asked.application, asked.fields, request.url.path, login)
    return _continue(request, simulation, asked, account, circumstances(request))


def _silently(
    request: Request, simulation: Simulation, asked: SignIn, account: Account | None
) -> Response:
    if account is None:
        error = EntraError(
            "login_required",
            50058,
            "A silent sign-in request was sent but no user is signed in.",
        )
    elif consent.missing_scopes(account, asked.application, asked.scopes):
        error = EntraError(
            "consent_required",
            65001,
            "The user or administrator has not consented to use the application with ID "
            f"'{asked.application.client_id}' named '{asked.application.display_name}'. Send an "
            "interactive authorization request for this user and resource.",
        )
    else:
        check_usable(account, asked.application)
        return _issue(simulation, asked, account, circumstances(request))
    return asked.back(error_parameters(simulation, error))


def _sign_in(
    request: Request, simulation: Simulation, asked: SignIn, form: Mapping[str, str]
) -> Response:
    login, where = form.get("login", ""), circumstances_of(form)
    try:
        account = account_named(simulation, asked.tenant, login, asked.application)
    except SignInError as failure:
        return sign_in_page(asked.application, asked.fields, request.url.path, login, str(failure))
    response = _continue(request, simulation, asked, account, where)
    remember(request, response, account, where)
    return response


def _continue(
    request: Request, simulation: Simulation, asked: SignIn, account: Account, where: Circumstances
) -> Response:
    check_usable(account, asked.application)
    for demand in account[0].sign_in_rules:
        if demand.stops(account[1].user_principal_name, account[1].roles, where):
            error = demand.error()
            if demand.redirect:
                return asked.back(error_parameters(simulation, error))
            return trouble(request, error)
    missing = consent.missing_scopes(account, asked.application, asked.scopes)
    if missing or "consent" in asked.prompts:
        return consent.sign_in_consent_page(
            account, asked.application, asked.scopes, asked.fields, request.url.path
        )
    return _issue(simulation, asked, account, where)


def _after_consent(
    request: Request, simulation: Simulation, asked: SignIn, form: Mapping[str, str]
) -> Response:
    account = signed_in(request, asked.tenant)
    if account is None:
        return sign_in_page(asked.application, asked.fields, request.url.path)
    action = form.get("action", "cancel")
    permitted = consent.may_consent_at_sign_in(account[1])
    if action != "accept" or not permitted:
        error = consent.refusal(
            account, asked.application, "return" if action == "accept" else action
        )
        return asked.back(error_parameters(simulation, error))
    consent.accept_at_sign_in(
        simulation,
        account,
        asked.application,
        asked.scopes,
        for_everyone=bool(form.get("consent_on_behalf")),
    )
    return _issue(simulation, asked, account, circumstances(request))


def _issue(
    simulation: Simulation, asked: SignIn, account: Account, where: Circumstances
) -> Response:
    tenant, user = account
    text = f"1.{secrets.token_urlsafe(48)}"
    simulation.codes[text] = Code(
        client_id=asked.application.client_id,
        redirect_uri=asked.redirect_uri,
        tenant_id=tenant.id,
        user_id=user.id,
        scopes=asked.scopes,
        nonce=asked.fields.get("nonce"),
        challenge=asked.fields.get("code_challenge"),
        challenge_method=asked.fields.get("code_challenge_method", "plain"),
        expires_at=simulation.clock.now() + _CODE_LIFETIME,
        circumstances=where,
    )
    return asked.back({"code": text, "session_state": simulation.new_identifier()})
