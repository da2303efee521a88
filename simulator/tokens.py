"""The token endpoint: codes and refresh tokens become ID tokens, applications get access tokens.

Source: Microsoft Learn, *OAuth 2.0 authorization code flow*, *OAuth 2.0 client credentials
flow* and *ID token claims reference*, read 2026-11-23.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator import entra_errors
from simulator.answers import base_url, error_json, simulation_of, token_json
from simulator.clients import authenticate
from simulator.directory import Application, Tenant, User
from simulator.entra_errors import EntraError, missing_parameter
from simulator.faults import FaultKind
from simulator.state import Code, PropagationMode, Simulation

LIFETIME_SECONDS = 3_600
GRAPH_AUDIENCE = "https://graph.microsoft.com"
ROLE_TEMPLATES = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "Cloud Application Administrator": "158c047a-c907-4556-b7ef-446551a6b5f7",
    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
}
"""Directory roles by template id. Source: Microsoft Learn, *Built-in roles*, read 2026-11-23."""
NO_ROLE = "b79fbf4d-3ef9-4689-8143-76b194e85509"
"""What `wids` holds for a person without any directory role."""


async def token(request: Request) -> Response:
    """POST /{tenant}/oauth2/v2.0/token."""
    simulation = simulation_of(request)
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        return _answer(request, simulation, form)
    except EntraError as error:
        return error_json(simulation, error)


def _answer(request: Request, simulation: Simulation, form: Mapping[str, str]) -> JSONResponse:
    name = request.path_params["tenant"]
    shared = name.lower() in ("organizations", "common")
    tenant = simulation.tenant_named(name)
    if tenant is None and not shared:
        raise entra_errors.tenant_not_found(name)
    audience = f"{base_url(request)}{request.url.path}"
    application = authenticate(
        simulation, name, form, request.headers.get("authorization"), audience
    )
    match form.get("grant_type"):
        case None | "":
            raise missing_parameter("grant_type")
        case "authorization_code":
            return _for_code(request, simulation, application, tenant, form)
        case "refresh_token":
            return _for_refresh_token(request, simulation, application, tenant, form)
        case "client_credentials":
            if tenant is not None:
                return _for_application(simulation, application, tenant, form)
            raise EntraError(
                "invalid_request",
                50059,
                "No tenant-identifying information found in either the request or implied by any "
                "provided credentials.",
            )
        case other:
            raise EntraError(
                "unsupported_grant_type",
                70003,
                f"The app requested an unsupported grant type '{other}'.",
            )


def _for_application(
    simulation: Simulation, application: Application, tenant: Tenant, form: Mapping[str, str]
) -> JSONResponse:
    scope = form.get("scope")
    if not scope:
        raise missing_parameter("scope")
    if scope != f"{GRAPH_AUDIENCE}/.default":
        raise EntraError(
            "invalid_scope",
            1002012,
            f"The provided value for scope {scope} is not valid. Client credential flows must "
            "have a scope value with /.default suffixed to the resource identifier (application "
            "ID URI).",
        )
    grant = tenant.grants.get(application.client_id)
    mode = simulation.unfinished_propagation(tenant.id, application.client_id)
    at_home = application.home_tenant == tenant.id
    if mode is PropagationMode.TOKEN_REFUSED_401:
        raise entra_errors.service_principal_missing(application.client_id, tenant.id)
    if mode is PropagationMode.TOKEN_REFUSED_400 or (grant is None and not at_home):
        raise entra_errors.application_not_found(application.client_id, tenant.display_name)
    if grant is not None and not grant.enabled:
        raise entra_errors.application_disabled(application.client_id, application.display_name)
    roles = grant.application if grant and mode is None else ()
    principal = tenant.service_principal_id(application.client_id)
    claims = _access_claims(simulation, application, tenant) | {
        "idtyp": "app",
        "oid": principal,
        "sub": principal,
    }
    if roles:
        claims["roles"] = list(roles)
    return token_json(_bearer(simulation.keys.sign(claims)))


def _for_code(
    request: Request,
    simulation: Simulation,
    application: Application,
    tenant: Tenant | None,
    form: Mapping[str, str],
) -> JSONResponse:
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise missing_parameter(name)
    code = _redeem(simulation, application, tenant, form)
    return _for_person(request, simulation, application, code, form)


def _for_refresh_token(
    request: Request,
    simulation: Simulation,
    application: Application,
    tenant: Tenant | None,
    form: Mapping[str, str],
) -> JSONResponse:
    text = form.get("refresh_token")
    if not text:
        raise missing_parameter("refresh_token")
    kept = simulation.refresh_tokens.get(text)
    if kept is None or kept.client_id != application.client_id:
        raise EntraError(
            "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid."
        )
    if tenant is not None and tenant.id != kept.tenant_id:
        raise EntraError(
            "invalid_grant",
            700005,
            "Provided Authorization Code is intended to use against other tenant, thus rejected.",
        )
    home = simulation.tenants.get(kept.tenant_id)
    user = home.users.get(kept.user_id) if home else None
    for demand in home.sign_in_rules if home and user else ():
        if user and demand.stops(user.user_principal_name, user.roles, kept.circumstances):
            raise replace(demand.error(), error="invalid_grant")
    return _for_person(request, simulation, application, replace(kept, nonce=None), form)


def _for_person(
    request: Request,
    simulation: Simulation,
    application: Application,
    code: Code,
    form: Mapping[str, str],
) -> JSONResponse:
    home = simulation.tenants.get(code.tenant_id)
    user = home.users.get(code.user_id) if home else None
    if home is None or user is None or not user.enabled:
        raise EntraError("invalid_grant", 50057, "The user account is disabled.")
    if simulation.unfinished_propagation(home.id, application.client_id, sign_in=True):
        raise entra_errors.service_principal_missing(application.client_id, home.id)
    issuer = f"{base_url(request)}/{home.id}/v2.0"
    claims = id_claims(simulation, application, home, user, code, issuer)
    granted = [scope for scope in code.scopes if scope != "offline_access"]
    access = _access_claims(simulation, application, home) | {
        "idtyp": "user",
        "oid": user.id,
        "sub": subject(application.client_id, home.id, user.id),
        "scp": " ".join(granted),
        "upn": user.user_principal_name,
    }
    body = _bearer(simulation.keys.sign(access)) | {
        "scope": " ".join(granted),
        "id_token": _signed_id_token(request, simulation, home, claims),
    }
    if "offline_access" in code.scopes:
        # The one of before stays valid, as at Microsoft.
        body["refresh_token"] = f"1.{secrets.token_urlsafe(48)}"
        simulation.keep_refresh_token(body["refresh_token"], code)
    if form.get("client_info") == "1":
        body["client_info"] = _base64url(json.dumps({"uid": user.id, "utid": home.id}).encode())
    return token_json(body)


def _redeem(
    simulation: Simulation,
    application: Application,
    tenant: Tenant | None,
    form: Mapping[str, str],
) -> Code:
    text = form["code"]
    if text in simulation.used_codes:
        raise EntraError(
            "invalid_grant",
            54005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or "
            "use an existing refresh token.",
        )
    code = simulation.codes.get(text)
    if code is None:
        raise EntraError(
            "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid."
        )
    if code.client_id != application.client_id:
        raise EntraError(
            "invalid_grant",
            700005,
            "Provided Authorization Code is intended to use against other client.",
        )
    if tenant is not None and tenant.id != code.tenant_id:
        raise EntraError(
            "invalid_grant",
            700005,
            "Provided Authorization Code is intended to use against other tenant, thus rejected.",
        )
    # Whoever presents a code of this application uses it up, whether or not the rest is right.
    del simulation.codes[text]
    simulation.used_codes.add(text)
    if simulation.clock.now() > code.expires_at:
        raise EntraError(
            "invalid_grant",
            70008,
            "The provided authorization code or refresh token has expired due to inactivity. Send "
            "a new interactive authorization request for this user and resource.",
        )
    if form["redirect_uri"] != code.redirect_uri:
        raise EntraError(
            "invalid_grant",
            500112,
            "The reply address does not match the reply address provided when requesting "
            "Authorization code.",
        )
    _check_verifier(code, form.get("code_verifier"))
    return code


def _check_verifier(code: Code, verifier: str | None) -> None:
    if code.challenge is None:
        return
    if not verifier:
        raise missing_parameter("code_verifier")
    made = verifier
    if code.challenge_method == "S256":
        made = _base64url(sha256(verifier.encode()).digest())
    if not compare_digest(made.encode(), code.challenge.encode()):
        raise EntraError(
            "invalid_grant",
            501481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization "
            "request.",
        )


def id_claims(
    simulation: Simulation,
    application: Application,
    tenant: Tenant,
    user: User,
    code: Code,
    issuer: str,
) -> dict[str, Any]:
    """What an ID token says; without the scope `profile` it names neither tenant nor object id."""
    now = simulation.clock.wall_timestamp()
    claims: dict[str, Any] = {
        "aud": application.client_id,
        "iss": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_SECONDS,
        "sub": subject(application.client_id, tenant.id, user.id),
        "rh": "0.simulator",
        "uti": simulation.new_identifier(),
        "ver": "2.0",
    }
    if code.nonce is not None:
        claims["nonce"] = code.nonce
    if "profile" in code.scopes:
        claims |= {
            "name": user.display_name,
            "oid": user.id,
            "preferred_username": user.mail or user.user_principal_name
            if user.lives_elsewhere
            else user.user_principal_name,
            "tid": tenant.id,
        }
    if "email" in code.scopes and user.mail:
        claims["email"] = user.mail
    if user.is_guest:
        claims["idp"] = f"https://sts.windows.net/{_home_of_guest(simulation, user)}/"
    if "acct" in application.optional_claims:
        claims["acct"] = int(user.is_guest)
    if "login_hint" in application.optional_claims:
        # Opaque at Microsoft, too; it stands for the account.
        claims["login_hint"] = f"O.{_base64url(user.id.encode())}"
    if roles := user.app_roles.get(application.client_id):
        claims["roles"] = list(roles)
    if tenant.wids:
        held = [ROLE_TEMPLATES[role] for role in user.roles if role in ROLE_TEMPLATES]
        claims["wids"] = held or [NO_ROLE]
    return claims


def _signed_id_token(
    request: Request, simulation: Simulation, tenant: Tenant, claims: dict[str, Any]
) -> str:
    fault = simulation.faults.take(
        request.url.path, "POST", tenant.id, only=frozenset({FaultKind.ID_TOKEN})
    )
    if fault is None:
        return simulation.keys.sign(claims)
    for name, value in (fault.claims or {}).items():
        if value is None:
            claims.pop(name, None)
        else:
            claims[name] = value
    if fault.signature:
        return simulation.keys.sign_badly(claims, fault.signature)
    return simulation.keys.sign(claims)


def _home_of_guest(simulation: Simulation, guest: User) -> str:
    home = simulation.tenant_named((guest.mail or "").rpartition("@")[2])
    return home.id if home else "9188040d-6c67-4c5b-b112-36a304b66dad"


def _access_claims(
    simulation: Simulation, application: Application, tenant: Tenant
) -> dict[str, Any]:
    now: datetime = simulation.clock.now()
    issued = int(now.timestamp())
    return {
        "aud": GRAPH_AUDIENCE,
        "iss": f"https://sts.windows.net/{tenant.id}/",
        "iat": issued,
        "nbf": issued,
        "exp": issued + LIFETIME_SECONDS,
        "app_displayname": application.display_name,
        "appid": application.client_id,
        "appidacr": "1",
        "tid": tenant.id,
        "uti": simulation.new_identifier(),
        "ver": "1.0",
    }


def _bearer(access_token: str) -> dict[str, Any]:
    return {
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS - 1,
        "ext_expires_in": LIFETIME_SECONDS - 1,
        "access_token": access_token,
    }


def subject(client_id: str, tenant_id: str, user_id: str) -> str:
    """The pairwise subject: the same person is another one for another application."""
    return _base64url(uuid5(NAMESPACE_URL, f"{client_id}/{tenant_id}/{user_id}").bytes * 2)


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
