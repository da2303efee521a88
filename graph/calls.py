"""One authorised call to Graph: token, budget, short waits, and what each refusal means."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from graph.budget import Budget, charge
from graph.errors import (
    ConsentNotVisible,
    ConsentNotVisibleKind,
    ForeignLink,
    PermissionMissing,
    Throttled,
    UnexpectedAnswer,
)
from graph.patience import Patience
from graph.permissions import APPLICATION_PERMISSIONS
from graph.tokens import EntraClient
from graph.transport import checked_endpoint, same_origin, send

_NEXT_LINK: Final = "@odata.nextLink"


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
        """Nothing is called yet.

        Raises:
            ValueError: The Graph URL is neither https nor http on a loopback host.
        """
        self.base = checked_endpoint(graph_url)
        self._http = http
        self._entra = entra
        self._pause = pause
        self._clock = clock
        self._budgets: dict[str, Budget] = {}
        self._lock = threading.Lock()

    def budget(self, tenant_id: str) -> Budget:
        """The tenant's budget; one per tenant for the life of the process."""
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

    def patience(self) -> Patience:
        """What one call may wait."""
        return Patience(self._pause)

    def get(
        self, tenant_id: str, url: str, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """GET with a kept token; a 401 or 403 causes one attempt with a fresh one.

        Raises:
            As ``send``; besides, whatever getting a token raises.
        """
        return self.with_kept_token(
            tenant_id,
            lambda token, patience: self.send(
                tenant_id, "GET", url, token, patience, units=charge(url), headers=headers
            ),
        )

    def with_kept_token(
        self, tenant_id: str, call: Callable[[str, Patience], httpx2.Response]
    ) -> httpx2.Response:
        """Make a call with a kept token, and once more with a fresh one if it was refused.

        Tokens run out in the middle of a long listing, and one issued before the consent lacks its
        roles.
        """
        patience = self.patience()
        response = call(self.token(tenant_id, patience), patience)
        if response.status_code in (401, 403):
            response = call(self.token(tenant_id, patience, fresh=True), patience)
        return response

    def token(self, tenant_id: str, patience: Patience, *, fresh: bool = False) -> str:
        """An app-only token, waiting shortly if the token endpoint asks for it.

        Raises:
            As ``EntraClient.app_token``.
        """
        while True:
            try:
                return self._entra.app_token(tenant_id, fresh=fresh)
            except Throttled as throttled:
                patience.wait(throttled.retry_after_seconds)

    def forget_token(self, tenant_id: str) -> None:
        """Drop a token that turned out to be of no use."""
        self._entra.forget(tenant_id)

    def send(
        self,
        tenant_id: str,
        method: str,
        url: str,
        token: str,
        patience: Patience,
        *,
        units: int,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        """Send one request within the tenant's budget; returns any answer below 500 except 429.

        Raises:
            Throttled: Graph, or our own budget, asks for a longer wait than patience allows.
            MicrosoftUnreachable: As usual.
        """
        budget = self.budget(tenant_id)
        sent = {"Authorization": f"Bearer {token}", "Accept": "application/json", **(headers or {})}
        while True:
            if wait := budget.take(units):
                patience.wait(wait)
                continue
            try:
                response = send(self._http, method, url, headers=sent, content=content)
            except Throttled as throttled:
                # The next take() tells this thread, and every other one on this tenant, to wait.
                budget.close_for(throttled.retry_after_seconds)
                continue
            actual = response.headers.get("x-ms-resource-unit", "")
            if actual.isdecimal() and int(actual) != units:
                budget.correct(int(actual) - units)
            return response

    def next_link(self, answer: Mapping[str, Any]) -> str | None:
        """The checked link to the next page, or None after the last.

        Raises:
            ForeignLink: It leads outside the configured Graph URL.
        """
        link = answer.get(_NEXT_LINK)
        return None if link is None else self.checked_link(link)

    def checked_link(self, link: object) -> str:
        """The link, if it lies below the configured Graph URL.

        Raises:
            ForeignLink: It does not.
        """
        if not isinstance(link, str) or "\\" in link or not same_origin(link, self.base):
            raise ForeignLink
        path = urlsplit(link).path
        below = f"{urlsplit(self.base).path}/"
        if not path.startswith(below) or ".." in path or "%2e" in path.lower():
            raise ForeignLink
        return link


def refuse(status: int, permission: str) -> None:
    """Turn a refusal that remains after a fresh token into an error.

    Raises:
        PermissionMissing: 403.
        ConsentNotVisible: 401: a token that was just issued is not accepted.
        UnexpectedAnswer: Any other status but 200.
    """
    if status == 403:
        raise PermissionMissing(permission)
    if status == 401:
        raise ConsentNotVisible(ConsentNotVisibleKind.TOKEN_REFUSED)
    if status != 200:
        raise UnexpectedAnswer(f"Graph answered with status {status}.")


def prove(calls: GraphCalls, tenant_id: str) -> None:
    """Prove the grant; see ``GraphClient.prove_grant``."""
    patience = calls.patience()
    token = calls.token(tenant_id, patience, fresh=True)
    refused: list[str] = []
    for permission in APPLICATION_PERMISSIONS:
        url = f"{calls.base}{permission.proof_path}"
        response = calls.send(tenant_id, "GET", url, token, patience, units=charge(url))
        if response.status_code in (401, 403):
            refused.append(permission.name)
        else:
            refuse(response.status_code, permission.name)
    if not refused:
        return
    calls.forget_token(tenant_id)
    if len(refused) == len(APPLICATION_PERMISSIONS):
        raise ConsentNotVisible(ConsentNotVisibleKind.TOKEN_WITHOUT_ROLES)
    raise PermissionMissing(refused[0])
