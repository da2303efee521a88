"""One authorised call to Graph: token, budget, short waits, and what each refusal means."""

import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from graph.budget import Budget, charge
from graph.errors import (
    ConsentNotVisibleError,
    ConsentNotVisibleKind,
    ForeignLinkError,
    MicrosoftUnreachableError,
    PermissionMissingError,
    ThrottledError,
    UnexpectedAnswerError,
)
from graph.permissions import APPLICATION_PERMISSIONS
from graph.retry_budget import RetryBudget
from graph.tokens import EntraClient
from graph.transport import checked_endpoint, json_object, same_origin, send

_NEXT_LINK = "@odata.nextLink"


class GraphCalls:
    """Sends requests to the configured Graph and to nothing else; safe to use from many threads."""

    def __init__(
        self,
        http: httpx2.Client,
        graph_url: str,
        entra: EntraClient,
        *,
        pause: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        """Send nothing yet.

        Raises:
            ValueError: the Graph URL is neither https nor http on a loopback host.
        """
        self.base = checked_endpoint(graph_url)
        self._http = http
        self._entra = entra
        self._pause = pause
        self._clock = clock
        self._budgets: dict[str, Budget] = {}
        self._lock = threading.Lock()

    def budget(self, tenant_id: str) -> Budget:
        """Return the tenant's budget; one per tenant for the life of the process."""
        with self._lock:
            return self._budgets.setdefault(tenant_id, Budget(self._clock))

    @property
    def units(self) -> int:
        """Resource units that Graph charged since the start, all tenants together."""
        with self._lock:
            return sum(budget.charged for budget in self._budgets.values())

    @property
    def throttles(self) -> int:
        """Times that Graph asked us to wait, all tenants together."""
        with self._lock:
            return sum(budget.throttles for budget in self._budgets.values())

    def retry_budget(self) -> RetryBudget:
        """Return how long one call may still wait."""
        return RetryBudget(self._pause)

    def get(self, tenant_id: str, url: str) -> httpx2.Response:
        """GET with a kept token, and once more with a fresh one if it was refused.

        Tokens run out in the middle of a long listing, and one issued before the consent lacks its
        roles.

        Raises:
            as `send`; besides, whatever getting a token raises.
        """
        retry_budget = self.retry_budget()
        response = self.send(tenant_id, url, self.token(tenant_id, retry_budget), retry_budget)
        if response.status_code in (401, 403):
            fresh = self.token(tenant_id, retry_budget, fresh=True)
            response = self.send(tenant_id, url, fresh, retry_budget)
        return response

    def token(self, tenant_id: str, retry_budget: RetryBudget, *, fresh: bool = False) -> str:
        """Return an app-only token; wait shortly if the token endpoint asks for it.

        Raises:
            as `EntraClient.app_token`.
        """
        while True:
            try:
                return self._entra.app_token(tenant_id, fresh=fresh)
            except ThrottledError as throttled:
                retry_budget.wait(throttled.retry_after_seconds)

    def discard_token(self, tenant_id: str) -> None:
        """Drop a token that turned out to be of no use."""
        self._entra.discard_token(tenant_id)

    def send(
        self, tenant_id: str, url: str, token: str, retry_budget: RetryBudget
    ) -> httpx2.Response:
        """GET within the tenant's budget; returns any answer below 500 except 429.

        Raises:
            ThrottledError: Graph, or our own budget, asks for a longer wait than the call has left.
            MicrosoftUnreachableError: as usual; also a 400 in which Graph says that it is
                unavailable.
        """
        budget, units = self.budget(tenant_id), charge(url)
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        while True:
            if wait := budget.take(units):
                retry_budget.wait(wait)
                continue
            try:
                response = send(self._http, "GET", url, headers=headers)
            except ThrottledError as throttled:
                # The next take() tells this thread, and every other one on this tenant, to wait.
                budget.close_for(throttled.retry_after_seconds)
                continue
            actual = response.headers.get("x-ms-resource-unit", "")
            if actual.isdecimal() and int(actual) != units:
                budget.correct(int(actual) - units)
            if response.status_code == 400 and _is_unavailable(response):
                raise MicrosoftUnreachableError("Graph said that it is unavailable.")
            return response

    def next_link(self, answer: Mapping[str, Any]) -> str | None:
        """Return the checked link to the next page, or None after the last.

        Raises:
            ForeignLinkError: it leads outside the configured Graph URL.
        """
        link = answer.get(_NEXT_LINK)
        return None if link is None else self.checked_link(link)

    def checked_link(self, link: object) -> str:
        """Return the link, if it lies below the configured Graph URL.

        Raises:
            ForeignLinkError: it does not.
        """
        if not isinstance(link, str) or "\\" in link or not same_origin(link, self.base):
            raise ForeignLinkError
        path = urlsplit(link).path
        below = f"{urlsplit(self.base).path}/"
        if not path.startswith(below) or ".." in path or "%2e" in path.lower():
            raise ForeignLinkError
        return link


def _is_unavailable(response: httpx2.Response) -> bool:
    """Tell whether a 400 is a passing fault: Graph wraps some of its own in it.

    Source: recorded at `/users`, `{"code": "BadRequest", "message": "Service unavailable"}`.
    """
    error = json_object(response).get("error")
    said = (error.get("code"), error.get("message")) if isinstance(error, dict) else ()
    return any(
        "unavailable" in one.lower().replace("notavailable", "unavailable")
        for one in said
        if isinstance(one, str)
    )


def refuse(status: int, permission: str) -> None:
    """Turn a refusal that remains after a fresh token into an error.

    Raises:
        PermissionMissingError: 403.
        ConsentNotVisibleError: 401: a token that was just issued is not accepted.
        UnexpectedAnswerError: any other status but 200.
    """
    if status == 403:
        raise PermissionMissingError(permission)
    if status == 401:
        raise ConsentNotVisibleError(ConsentNotVisibleKind.TOKEN_REFUSED)
    if status != 200:
        raise UnexpectedAnswerError(f"Graph answered with status {status}.")


def refused_permissions(calls: GraphCalls, tenant_id: str) -> tuple[str, ...]:
    """Return the application permissions that are not in effect; one call each, new token.

    Raises:
        as `GraphClient.prove_grant`, except for what is missing.
    """
    retry_budget = calls.retry_budget()
    token = calls.token(tenant_id, retry_budget, fresh=True)
    refused: list[str] = []
    for permission in APPLICATION_PERMISSIONS:
        url = f"{calls.base}{permission.proof_path}"
        response = calls.send(tenant_id, url, token, retry_budget)
        if response.status_code in (401, 403):
            refused.append(permission.name)
        else:
            refuse(response.status_code, permission.name)
    if refused:
        calls.discard_token(tenant_id)
    return tuple(refused)


def prove(calls: GraphCalls, tenant_id: str) -> None:
    """Prove the grant; see `GraphClient.prove_grant`."""
    refused = refused_permissions(calls, tenant_id)
    if not refused:
        return
    if len(refused) == len(APPLICATION_PERMISSIONS):
        raise ConsentNotVisibleError(ConsentNotVisibleKind.TOKEN_WITHOUT_ROLES)
    raise PermissionMissingError(refused[0])
