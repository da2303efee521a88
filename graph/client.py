"""Microsoft Graph: whose tenant is this, is the grant there, and who is in it.

Written by hand over HTTP and JSON: the official SDK lists about 190 users a second; this client
lists as fast as JSON can be read.
"""

import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx2

from graph.calls import GraphCalls, prove, refuse, refused_permissions
from graph.directory import (
    PAGE_SIZE,
    USER_FIELDS,
    DirectoryUser,
    Organization,
    UserPage,
    organization_of,
    users_of,
)
from graph.errors import ListingExpiredError, UnexpectedAnswerError
from graph.tokens import EntraClient
from graph.transport import json_object

_READ_USERS = "User.Read.All"
_READ_ORGANIZATION = "Organization.Read.All"
_MOST_EMPTY_PAGES = 100
"""In a row."""


class GraphClient:
    """Reads customers' tenants with app-only tokens; safe to use from many threads.

    Every method may raise, besides what it names:

    - `ThrottledError`: Graph, or our own budget for the tenant, asks for a wait of more than five
      seconds, or for more than fifteen in one call; shorter waits happen inside.
    - `MicrosoftUnreachableError`: network, 5xx, cut or malformed answers. Nothing is retried
      inside.
    - `ConsentNotVisibleError`, `TenantUnknownError`, `ApplicationDisabledError`,
      `CredentialRefusedError`: no token.
    - `PermissionMissingError`: 403 with a fresh token. `UnexpectedAnswerError`: anything else.
    """

    def __init__(
        self,
        http: httpx2.Client,
        graph_url: str,
        entra: EntraClient,
        *,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send nothing yet.

        Args:
            http: from `graph.transport.open_http`.
            graph_url: `https://graph.microsoft.com/v1.0`, or http on a loopback host.
            entra: where tokens come from.
            pause: waits that many seconds, for the short waits.
            clock: seconds, moving forward, for the budget. It decides nothing else.

        Raises:
            ValueError: the Graph URL is neither https nor http on a loopback host.
        """
        self._calls = GraphCalls(http, graph_url, entra, pause=pause, clock=clock)

    def organization(self, tenant_id: str) -> Organization:
        """Return the tenant as it describes itself, with its verified domains.

        Raises:
            UnexpectedAnswerError: Graph describes another tenant than the one asked for.
        """
        url = f"{self._calls.base}/organization?$select=id,displayName,verifiedDomains"
        response = self._calls.get(tenant_id, url)
        refuse(response.status_code, _READ_ORGANIZATION)
        organization = organization_of(json_object(response))
        if organization.tenant_id != tenant_id:
            raise UnexpectedAnswerError("Graph described another tenant than the one asked for.")
        return organization

    def prove_grant(self, tenant_id: str) -> None:
        """Return only if every application permission is in effect in this tenant, now.

        One token that is certainly new, then one call per permission in `graph.permissions`, each
        of which must answer 200. Application permissions are granted organisation-wide only, so
        this proves an organisation-wide consent. Not cached: each call asks Microsoft.

        Raises:
            ConsentNotVisibleError: no permission is in effect: not propagated yet, consented for
                one person only, or taken back. From outside these look the same.
            PermissionMissingError: some are in effect, and this one is not. Right after a renewed
                consent it may still appear, so a caller who waits for propagation waits for this
                one as well.
        """
        prove(self._calls, tenant_id)

    def refused_permissions(self, tenant_id: str) -> tuple[str, ...]:
        """Return by name which application permissions are not in effect in this tenant, now."""
        return refused_permissions(self._calls, tenant_id)

    def user_pages(self, tenant_id: str, *, from_link: str | None = None) -> Iterator[UserPage]:
        """Yield every account of the tenant, page by page; hold one page at a time.

        A page may be empty, and an object may come twice when the directory changes meanwhile.

        Args:
            tenant_id: the tenant.
            from_link: `next_link` of the last page that was dealt with, to go on after it.

        Raises:
            ForeignLinkError: `from_link`, or a link in an answer, leads outside the configured
                Graph.
            ListingExpiredError: the link is too old; start again without one.
            UnexpectedAnswerError: the listing goes round in a circle.
        """
        url: str | None = (
            f"{self._calls.base}/users?$select={USER_FIELDS}&$top={PAGE_SIZE}"
            if from_link is None
            else self._calls.checked_link(from_link)
        )
        resumed = from_link is not None
        empty = 0
        while url is not None:
            page = self._page(tenant_id, url, resumed=resumed)
            # Empty pages are usual, an endless row of them or a page that leads to itself is not.
            empty = 0 if page.users else empty + 1
            if empty > _MOST_EMPTY_PAGES or (page.users and page.next_link == url):
                raise UnexpectedAnswerError("The listing goes round in a circle.")
            url, resumed = page.next_link, True
            yield page
            # Otherwise this page would be kept while the next one is read.
            del page

    def _page(self, tenant_id: str, url: str, *, resumed: bool) -> UserPage:
        response = self._calls.get(tenant_id, url)
        if resumed and response.status_code in (400, 410):
            raise ListingExpiredError
        refuse(response.status_code, _READ_USERS)
        answer = json_object(response)
        return UserPage(users_of(answer), self._calls.next_link(answer))

    def user(self, tenant_id: str, object_id: str) -> DirectoryUser | None:
        """Return the account with this object id, None where the tenant has none.

        Args:
            tenant_id: the tenant.
            object_id: a UUID.
        """
        url = f"{self._calls.base}/users/{quote(object_id, safe='')}?$select={USER_FIELDS}"
        response = self._calls.get(tenant_id, url)
        if response.status_code == 404:
            return None
        refuse(response.status_code, _READ_USERS)
        return users_of({"value": [json_object(response)]})[0]

    @property
    def units(self) -> int:
        """Resource units spent since the process started, all tenants together, for metrics."""
        return self._calls.units

    @property
    def throttles(self) -> int:
        """Times that Graph asked us to wait, all tenants together, for metrics."""
        return self._calls.throttles
