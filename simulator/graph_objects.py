"""Graph's other paths: organisation, domains, service principals, grants, roles, actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from simulator.directory import GRAPH_RESOURCE_ID, Application, Grant
from simulator.graph_call import GraphAnswer, GraphCall, bad_request, not_found, selected
from simulator.tokens import ROLE_TEMPLATES

_ORGANIZATION = frozenset(
    [
        "id",
        "displayName",
        "verifiedDomains",
        "countryLetterCode",
        "createdDateTime",
        "onPremisesSyncEnabled",
        "technicalNotificationMails",
        "tenantType",
        "assignedPlans",
        "deletedDateTime",
    ]
)
_DOMAIN = frozenset(
    [
        "id",
        "authenticationType",
        "availabilityStatus",
        "isAdminManaged",
        "isDefault",
        "isInitial",
        "isRoot",
        "isVerified",
        "manufacturer",
        "model",
        "passwordNotificationWindowInDays",
        "passwordValidityPeriodInDays",
        "state",
        "supportedServices",
    ]
)
_SERVICE_PRINCIPAL = frozenset(
    [
        "id",
        "accountEnabled",
        "appDisplayName",
        "appId",
        "appOwnerOrganizationId",
        "appRoleAssignmentRequired",
        "appRoles",
        "deletedDateTime",
        "disabledByMicrosoftStatus",
        "displayName",
        "isDisabled",
        "oauth2PermissionScopes",
        "replyUrls",
        "servicePrincipalNames",
        "servicePrincipalType",
        "signInAudience",
        "tags",
    ]
)
_SERVICES = ["Email", "OfficeCommunicationsOnline"]


def _collection(call: GraphCall, entity: str, value: list[dict[str, Any]]) -> GraphAnswer:
    body: dict[str, Any] = {"@odata.context": call.context(entity)}
    if call.eventual:
        body["@odata.count"] = len(value)
    return GraphAnswer(body=body | {"value": value})


def _picked(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values.get(name) for name in names}


def organization(call: GraphCall) -> GraphAnswer:
    """GET /organization: the one tenant of the token."""
    tenant = call.tenant
    whole = {
        "id": tenant.id,
        "deletedDateTime": None,
        "displayName": tenant.display_name,
        "countryLetterCode": None,
        "createdDateTime": "2019-05-02T08:00:00Z",
        "onPremisesSyncEnabled": None,
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "assignedPlans": [],
        "verifiedDomains": [
            {
                "capabilities": ", ".join(_SERVICES),
                "isDefault": domain.is_default,
                "isInitial": domain.is_initial,
                "name": domain.name,
                "type": "Managed",
            }
            for domain in tenant.domains
            if domain.is_verified
        ],
    }
    names = selected(call, _ORGANIZATION, tuple(whole), "organization")
    return _collection(call, "organization", [_picked(whole, names)])


def domains(call: GraphCall) -> GraphAnswer:
    """GET /domains: verified and unverified ones."""
    # Microsoft leaves `state` out too while nothing is under way with a domain.
    names = selected(call, _DOMAIN, tuple(sorted(_DOMAIN - {"state"})), "domain")
    value = [
        _picked(
            {
                "id": domain.name,
                "authenticationType": "Managed",
                "isAdminManaged": True,
                "isDefault": domain.is_default,
                "isInitial": domain.is_initial,
                "isRoot": True,
                "isVerified": domain.is_verified,
                "passwordNotificationWindowInDays": 14,
                "passwordValidityPeriodInDays": 2147483647,
                "supportedServices": _SERVICES if domain.is_verified else [],
            },
            names,
        )
        for domain in call.tenant.domains
    ]
    return _collection(call, "domains", value)


def _role(permission: str) -> dict[str, Any]:
    return {
        "allowedMemberTypes": ["Application"],
        "description": permission,
        "displayName": permission,
        "id": _role_id(permission),
        "isEnabled": True,
        "origin": "Application",
        "value": permission,
    }


def _role_id(permission: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"simulator/appRole/{permission}"))


def _principal(call: GraphCall, client_id: str) -> dict[str, Any] | None:
    """The service principal of an application in this tenant, None when it is not there."""
    tenant = call.tenant
    common: dict[str, Any] = {
        "id": tenant.service_principal_id(client_id),
        "deletedDateTime": None,
        "appId": client_id,
        "appRoleAssignmentRequired": False,
        "disabledByMicrosoftStatus": None,
        "isDisabled": None,
        "oauth2PermissionScopes": [],
        "servicePrincipalNames": [client_id],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMultipleOrgs",
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
    }
    if client_id == GRAPH_RESOURCE_ID:
        permissions = {
            name
            for application in call.simulation.applications.values()
            for name in application.application_permissions
        }
        return common | {
            "accountEnabled": True,
            "appDisplayName": "Microsoft Graph",
            "displayName": "Microsoft Graph",
            "appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
            "appRoles": [_role(name) for name in sorted(permissions)],
            "replyUrls": [],
            "tags": [],
        }
    application: Application | None = call.simulation.applications.get(client_id)
    grant = tenant.grants.get(client_id)
    if application is None or (grant is None and application.home_tenant != tenant.id):
        return None
    return common | {
        "accountEnabled": grant.enabled if grant else True,
        "appDisplayName": application.display_name,
        "displayName": application.display_name,
        "appOwnerOrganizationId": application.home_tenant or None,
        "appRoles": [],
        "replyUrls": list(application.redirect_uris),
    }


def _principals(call: GraphCall) -> list[dict[str, Any]]:
    clients = (*sorted(call.simulation.applications), GRAPH_RESOURCE_ID)
    return [found for client in clients if (found := _principal(call, client)) is not None]


def service_principals(call: GraphCall) -> GraphAnswer:
    """GET /servicePrincipals, also with `$filter=appId eq '...'`."""
    names = selected(
        call, _SERVICE_PRINCIPAL, tuple(sorted(_SERVICE_PRINCIPAL)), "servicePrincipal"
    )
    value = _principals(call)
    if text := call.query.get("$filter"):
        name, _, wanted = text.partition(" eq ")
        if name.strip().lower() != "appid" or not wanted.strip().startswith("'"):
            raise bad_request(
                "The simulator answers \"appId eq '...'\" only on service principals."
            )
        value = [one for one in value if one["appId"] == wanted.strip()[1:-1].lower()]
    return _collection(call, "servicePrincipals", [_picked(one, names) for one in value])


def service_principal(call: GraphCall, name: str) -> GraphAnswer:
    """GET /servicePrincipals/{id}."""
    names = selected(
        call, _SERVICE_PRINCIPAL, tuple(sorted(_SERVICE_PRINCIPAL)), "servicePrincipal"
    )
    found = _by_id(call, name)
    context = {"@odata.context": call.context("servicePrincipals/$entity")}
    return GraphAnswer(body=context | _picked(found, names))


def service_principal_of_application(call: GraphCall, client_id: str) -> GraphAnswer:
    """GET /servicePrincipals(appId='...')."""
    return service_principal(call, call.tenant.service_principal_id(client_id.lower()))


def _by_id(call: GraphCall, name: str) -> dict[str, Any]:
    for found in _principals(call):
        if found["id"] == name.lower():
            return found
    raise not_found(name)


def app_role_assignments(call: GraphCall, name: str) -> GraphAnswer:
    """GET /servicePrincipals/{id}/appRoleAssignments: the application permissions granted."""
    found = _by_id(call, name)
    grant = call.tenant.grants.get(found["appId"], Grant(found["appId"]))
    value = [
        {
            "id": str(uuid5(NAMESPACE_URL, f"{found['id']}/{permission}")),
            "deletedDateTime": None,
            "appRoleId": _role_id(permission),
            "createdDateTime": "2026-01-01T00:00:00Z",
            "principalDisplayName": found["displayName"],
            "principalId": found["id"],
            "principalType": "ServicePrincipal",
            "resourceDisplayName": "Microsoft Graph",
            "resourceId": call.tenant.service_principal_id(GRAPH_RESOURCE_ID),
        }
        for permission in grant.application
    ]
    return _collection(call, f"servicePrincipals('{name}')/appRoleAssignments", value)


def permission_grants(call: GraphCall, name: str | None = None) -> GraphAnswer:
    """GET /oauth2PermissionGrants, of the tenant or of one service principal."""
    of_one = None if name is None else _by_id(call, name)["appId"]
    value: list[dict[str, Any]] = []
    for client_id, grant in call.tenant.grants.items():
        if of_one not in (None, client_id):
            continue
        if grant.all_principals and grant.delegated:
            value.append(_permission_grant(call, client_id, None, grant.delegated))
        value += [
            _permission_grant(call, client_id, user_id, scopes)
            for user_id, scopes in grant.by_user.items()
        ]
    return _collection(call, "oauth2PermissionGrants", value)


def _permission_grant(
    call: GraphCall, client_id: str, user_id: str | None, scopes: tuple[str, ...]
) -> dict[str, Any]:
    principal = call.tenant.service_principal_id(client_id)
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{principal}/{user_id}")),
        "clientId": principal,
        "consentType": "Principal" if user_id else "AllPrincipals",
        "principalId": user_id,
        "resourceId": call.tenant.service_principal_id(GRAPH_RESOURCE_ID),
        "scope": " ".join(scopes),
    }


def role_members(call: GraphCall, template: str) -> GraphAnswer:
    """GET /directoryRoles(roleTemplateId='...')/members."""
    names = {number: role for role, number in ROLE_TEMPLATES.items()}
    role = names.get(template.lower())
    if role is None:
        raise not_found(template)
    value = [
        {"@odata.type": "#microsoft.graph.user"}
        | user.render(("id", "displayName", "mail", "userPrincipalName"))
        for user in call.tenant.users.listed()
        if role in user.roles
    ]
    return _collection(call, "directoryObjects", value)


def subscribed_skus(call: GraphCall) -> GraphAnswer:
    """GET /subscribedSkus: one product for everyone."""
    sku = "05e9a617-0261-4cee-bb44-138d3ef5d965"
    value = {
        "id": f"{call.tenant.id}_{sku}",
        "accountId": call.tenant.id,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": len(call.tenant.users),
        "prepaidUnits": {
            "enabled": len(call.tenant.users),
            "lockedOut": 0,
            "suspended": 0,
            "warning": 0,
        },
        "servicePlans": [],
        "skuId": sku,
        "skuPartNumber": "SPE_E3",
        "subscriptionIds": [],
    }
    return _collection(call, "subscribedSkus", [value])


def invite(call: GraphCall) -> GraphAnswer:
    """POST /invitations: answered, but no guest is made."""
    body = call.body if isinstance(call.body, dict) else {}
    if not body.get("invitedUserEmailAddress") or not body.get("inviteRedirectUrl"):
        raise bad_request("Invalid invitation: an address and a redirect URL are required.")
    return GraphAnswer(
        201,
        {
            "@odata.context": call.context("invitations/$entity"),
            "id": call.simulation.new_identifier(),
            "invitedUserEmailAddress": body["invitedUserEmailAddress"],
            "inviteRedirectUrl": body["inviteRedirectUrl"],
            "inviteRedeemUrl": f"{call.service}/redeem",
            "status": "PendingAcceptance",
        },
    )


def revoke_sessions(call: GraphCall, name: str) -> GraphAnswer:
    """POST /users/{id}/revokeSignInSessions: answered; sessions of this simulator stay."""
    _known_user(call, name)
    context = call.context("Edm.Boolean")
    return GraphAnswer(body={"@odata.context": context, "value": True})


def send_mail(call: GraphCall, name: str) -> GraphAnswer:
    """POST /users/{id}/sendMail: accepted and dropped."""
    _known_user(call, name)
    if not isinstance(call.body, dict) or "message" not in call.body:
        raise bad_request("A message is required.")
    return GraphAnswer(202)


def _known_user(call: GraphCall, name: str) -> None:
    users = call.tenant.users
    if users.get(name) is None and users.by_user_principal_name(name) is None:
        raise not_found(name)
