"""Microsoft Graph: whose tenant is this, is the grant there, and who is in it.

Written by hand over HTTP and JSON: the official SDK lists about 190 users a second and does not
retry the items of a batch; this client lists as fast as JSON can be read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final
from urllib.parse import quote

import httpx2

from graph.batches import BATCH_SIZE, BatchAnswer, look_up_paths, run_batch
from graph.calls import GraphCalls, prove, refuse
from graph.directory import (
    PAGE_SIZE,
    USER_FIELDS,
    DirectoryUser,
    Organization,
    UserPage,
    organization_of,
    users_of,
)
from graph.errors import ListingExpired, MicrosoftUnreachable, UnexpectedAnswer
from graph.tokens import EntraClient
from graph.transport import json_object

_READ_USERS: Final = "User.Read.All"
_READ_ORGANIZATION: Final = "Organization.Read.All"
_MOST_EMPTY_PAGES: Final = 100
"""In a row."""


class GraphClient:
    """Reads customers' tenants with app-only tokens; safe to use from many threads.

    Every method may raise, besides what it names:

    - ``Throttled``: Graph, or our own budget for the tenant, asks for a wait of more than five
      seconds, or for more than fifteen in one call; shorter waits happen inside.
    - ``MicrosoftUnreachable``: network, 5xx, cut or malformed answers. Nothing is retried inside.
    - ``ConsentNotVisible``, ``TenantUnknown``, ``ApplicationDisabled``, ``CredentialRefused``: no
      token.
    - ``PermissionMissing``: 403 with a fresh token. ``UnexpectedAnswer``: anything else.
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
        """Nothing is called yet.

        Args:
            http: From ``graph.transport.open_http``.
            graph_url: ``https://graph.microsoft.com/v1.0``, or http on a loopback host.
            entra: Where tokens come from.
            pause: Waits that many seconds, for the short waits.
            clock: Seconds, moving forward, for the budget. It decides nothing else.

        Raises:
            ValueError: The Graph URL is neither https nor http on a loopback host.
        """
        self._calls = GraphCalls(http, graph_url, entra, pause=pause, clock=clock)

    def organization(self, tenant_id: str) -> Organization:
        """The tenant as it describes itself, with its verified domains.

        Raises:
            UnexpectedAnswer: Graph describes another tenant than the one asked for.
        """
        url = f"{self._calls.base}/organization?$select=id,displayName,verifiedDomains"
        response = self._calls.get(tenant_id, url)
        refuse(response.status_code, _READ_ORGANIZATION)
        organization = organization_of(json_object(response))
        if organization.tenant_id != tenant_id:
            raise UnexpectedAnswer("Graph described another tenant than the one asked for.")
        return organization

    def prove_grant(self, tenant_id: str) -> None:
        """Return only if every application permission is in effect in this tenant, now.

        One token that is certainly new, then one call per permission in ``graph.permissions``, each
        of which must answer 200. Application permissions are granted organisation-wide only, so
        this proves an organisation-wide consent. Not cached: each call asks Microsoft.

        Raises:
            ConsentNotVisible: No permission is in effect: not propagated yet, consented for one
                person only, or taken back. From outside these look the same.
            PermissionMissing: Some are in effect, and this one is not. Right after a renewed
                consent it may still appear, so a caller who waits for propagation waits for this
                one as well.
        """
        prove(self._calls, tenant_id)

    def user_pages(self, tenant_id: str, *, from_link: str | None = None) -> Iterator[UserPage]:
        """Every account of the tenant, page by page; holds one page at a time.

        A page may be empty, and an object may come twice when the directory changes meanwhile.

        Args:
            tenant_id: The tenant.
            from_link: ``next_link`` of the last page that was dealt with, to go on after it.

        Raises:
            ForeignLink: ``from_link``, or a link in an answer, leads outside the configured Graph.
            ListingExpired: The link is too old; start again without one.
            UnexpectedAnswer: The listing goes round in a circle.
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
                raise UnexpectedAnswer("The listing goes round in a circle.")
            url, resumed = page.next_link, True
            yield page
            # Otherwise this page would be kept while the next one is read.
            del page

    def _page(self, tenant_id: str, url: str, *, resumed: bool) -> UserPage:
        response = self._calls.get(tenant_id, url)
        if resumed and response.status_code in (400, 410):
            raise ListingExpired
        refuse(response.status_code, _READ_USERS)
        answer = json_object(response)
        return UserPage(users_of(answer), self._calls.next_link(answer))

    def user(self, tenant_id: str, object_id: str) -> DirectoryUser | None:
        """The account with this object id, None where the tenant has none.

        Args:
            tenant_id: The tenant.
            object_id: A UUID.
        """
        url = f"{self._calls.base}/users/{quote(object_id, safe='')}?$select={USER_FIELDS}"
        response = self._calls.get(tenant_id, url)
        if response.status_code == 404:
            return None
        refuse(response.status_code, _READ_USERS)
        return users_of({"value": [json_object(response)]})[0]

    def users_by_address(
        self, tenant_id: str, addresses: Iterable[str]
    ) -> Iterator[list[DirectoryUser]]:
        """Every account that has one of these addresses as mail, user principal name or SMTP proxy.

        Addresses are compared without regard to case. They travel in the bodies of batches, further
        pages too, never in a URL that is logged. Each account comes once; a list may be empty.
        Cheaper than the listing only for few addresses in a large tenant: see
        ``graph.directory.look_up_or_list``.
        """
        seen: set[str] = set()
        paths = look_up_paths(addresses)
        while group := list(islice(paths, BATCH_SIZE)):
            found: dict[str, DirectoryUser] = {}
            asked: set[str] = set()
            while group:
                asked.update(group)
                more: list[str] = []
                for answer in self.batch(tenant_id, group, _READ_USERS):
                    refuse(answer.status, _READ_USERS)
                    found.update((user.object_id, user) for user in users_of(answer.body))
                    link = self._calls.next_link(answer.body)
                    if link is not None:
                        more.append(link.removeprefix(self._calls.base))
                if not asked.isdisjoint(more):
                    raise UnexpectedAnswer("The look-up goes round in a circle.")
                group = more
            yield [user for user in found.values() if user.object_id not in seen]
            seen.update(found)

    def batch(
        self, tenant_id: str, paths: Sequence[str], permission: str = _READ_USERS
    ) -> list[BatchAnswer]:
        """Answers to GET requests, in their order; any number, sent in batches of twenty.

        Items that Graph throttles, fails or leaves out are asked again, and only those. Items are
        charged singly.

        Args:
            tenant_id: The tenant.
            paths: Paths below the Graph URL with their query, such as ``/users?$top=1&$select=id``.
            permission: The permission to name if an item is refused with 403.
        """
        return run_batch(self._calls, tenant_id, paths, permission)

    def user_count(self, tenant_id: str) -> int:
        """How many accounts the tenant has, roughly; also sizes the tenant's budget."""
        url = f"{self._calls.base}/users?$count=true&$top=1&$select=id"
        response = self._calls.get(tenant_id, url, {"ConsistencyLevel": "eventual"})
        refuse(response.status_code, _READ_USERS)
        count = json_object(response).get("@odata.count")
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise MicrosoftUnreachable("Microsoft's answer was malformed.")
        self._calls.budget(tenant_id).resize(count)
        return count

    def charged(self, tenant_id: str) -> int:
        """Resource units spent in this tenant since the process started."""
        return self._calls.budget(tenant_id).charged

    @property
    def units(self) -> int:
        """Resource units spent since the process started, all tenants together, for metrics."""
        return self._calls.units

    @property
    def throttles(self) -> int:
        """Times that Graph asked us to wait, all tenants together, for metrics."""
        return self._calls.throttles
