"""Which Microsoft Entra ID tenant an e-mail domain belongs to; needs no permission and no consent.

Source: Microsoft Learn, *OpenID Connect on the Microsoft identity platform* (tenant in the issuer),
read 2026-11-23.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import httpx2

from contracts.addresses import ascii_domain
from contracts.clouds import Cloud, cloud_of
from graph.errors import (
    DomainInAnotherCloudError,
    DomainNotOnEntraError,
    MicrosoftUnreachableError,
    TenantUnknownError,
    UnexpectedAnswerError,
)
from graph.transport import checked_endpoint, discovery_document, same_origin, send

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant that Microsoft names for outlook.com and its like: personal accounts, no
organisation."""


class DomainsOutcome(StrEnum):
    """What several e-mail domains of one organisation have in common."""

    ONE_TENANT = "one_tenant"
    """Every domain belongs to the same tenant."""
    PARTLY_ON_ENTRA = "partly_on_entra"
    """One tenant, but some domains are not on Entra ID: people there cannot use SSO."""
    NOT_ON_ENTRA = "not_on_entra"
    """No domain is on Entra ID."""
    DIFFERENT_TENANTS = "different_tenants"
    """The domains belong to more than one tenant: one consent cannot cover them."""


@dataclass(frozen=True)
class DomainDiscovery:
    """One domain and its tenant."""

    domain: str
    tenant_id: str | None
    """None when the domain is not on Entra ID, or in another cloud."""
    cloud: Cloud | None = None
    """The cloud that its tenant is in, if that is not the one served here."""


@dataclass(frozen=True)
class TenantOfDomains:
    """The answer for all e-mail domains of one organisation, in the order asked."""

    domains: tuple[DomainDiscovery, ...]

    @property
    def tenant_ids(self) -> frozenset[str]:
        """Every tenant that was found."""
        return frozenset(found.tenant_id for found in self.domains if found.tenant_id)

    @property
    def tenant_id(self) -> str | None:
        """The one tenant, or None when there is none or more than one."""
        return next(iter(self.tenant_ids)) if len(self.tenant_ids) == 1 else None

    @property
    def outcome(self) -> DomainsOutcome:
        """What the findings mean together."""
        if not self.tenant_ids:
            return DomainsOutcome.NOT_ON_ENTRA
        if len(self.tenant_ids) > 1:
            return DomainsOutcome.DIFFERENT_TENANTS
        if any(found.tenant_id is None for found in self.domains):
            return DomainsOutcome.PARTLY_ON_ENTRA
        return DomainsOutcome.ONE_TENANT


def is_tenant_id(text: str) -> bool:
    """Tell whether a text has the form of a tenant id: a GUID in lower case."""
    return _GUID.fullmatch(text) is not None


def discover_tenant(http: httpx2.Client, authority: str, domain: str) -> str:
    """Return the id of the tenant that holds an e-mail domain, a GUID in lower case.

    Raises:
        DomainNotOnEntraError: no tenant holds it, it is not a domain name, or it is for personal
            accounts only.
        DomainInAnotherCloudError: the tenant lives in another cloud than the configured
            authority's.
        UnexpectedAnswerError: the answer names an issuer that is none of Microsoft's.
        MicrosoftUnreachableError, ThrottledError: as usual.
    """
    name = ascii_domain(domain)
    if name is None:
        raise DomainNotOnEntraError
    return _discovered(http, authority, name)


def discover_tenant_named(http: httpx2.Client, authority: str, name: str) -> str:
    """Return the id of the tenant with this id or domain; otherwise as `discover_tenant`."""
    wanted = name.strip().lower()
    return (
        _discovered(http, authority, wanted)
        if is_tenant_id(wanted)
        else discover_tenant(http, authority, wanted)
    )


def _discovered(http: httpx2.Client, authority: str, name: str) -> str:
    base = checked_endpoint(authority)
    response = send(http, "GET", f"{base}/{name}/v2.0/.well-known/openid-configuration")
    try:
        issuer = discovery_document(response).get("issuer")
    except TenantUnknownError:
        raise DomainNotOnEntraError from None
    if not isinstance(issuer, str):
        raise MicrosoftUnreachableError("Microsoft's discovery document was incomplete.")
    cloud = cloud_of(issuer)
    if cloud is not None and cloud is not (cloud_of(base) or Cloud.WORLDWIDE):
        raise DomainInAnotherCloudError(cloud)
    if not same_origin(issuer, base):
        raise UnexpectedAnswerError("The tenant of this domain belongs to another Microsoft cloud.")
    tenant_id = issuer.removeprefix(f"{base}/").split("/", 1)[0].lower()
    if not is_tenant_id(tenant_id):
        raise MicrosoftUnreachableError("Microsoft's discovery document names no tenant.")
    if tenant_id == _PERSONAL_ACCOUNTS:
        raise DomainNotOnEntraError
    return tenant_id


def discover_tenants(
    http: httpx2.Client, authority: str, domains: Iterable[str]
) -> TenantOfDomains:
    """Ask for each domain of an organisation; one that is not here is a finding, not an error.

    Raises:
        UnexpectedAnswerError, MicrosoftUnreachableError, ThrottledError: as for one domain.
    """
    found: list[DomainDiscovery] = []
    for domain in domains:
        try:
            found.append(DomainDiscovery(domain, discover_tenant(http, authority, domain)))
        except DomainNotOnEntraError:
            found.append(DomainDiscovery(domain, None))
        except DomainInAnotherCloudError as error:
            found.append(DomainDiscovery(domain, None, error.cloud))
    return TenantOfDomains(tuple(found))
