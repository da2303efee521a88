"""Many small questions in one request: JSON batches of twenty, with each item retried by itself.

Source: Microsoft Learn, *Combine multiple HTTP requests using JSON batching*, read 2026-11-23.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import httpx2

from graph.budget import charge
from graph.calls import GraphCalls, refuse
from graph.directory import ADDRESSES_PER_FILTER, PAGE_SIZE, USER_FIELDS
from graph.errors import MicrosoftUnreachable
from graph.transport import json_object, retry_after

BATCH_SIZE: Final = 20
"""The most requests in one batch."""
_LONGEST_FILTER: Final = 1_700
"""Characters of an encoded filter: with the rest of the URL it stays below 2,048."""
_LONGEST_PROXY: Final = 115
"""Characters of an address that can be asked for as a proxy: ``eq`` takes 120 with ``smtp:``."""
_MOST_FAILURES: Final = 3
"""How often one item may fail without a Retry-After before the call gives up."""
_WAIT_AFTER_FAILURE: Final = 1.0


@dataclass(frozen=True)
class BatchAnswer:
    """The answer to one request of a batch."""

    status: int
    """Never 401, 403, 429 or 5xx: those have been retried, or raised."""
    body: dict[str, Any] = field(repr=False)
    """The JSON of the answer; empty if it had none."""


def run_batch(
    calls: GraphCalls, tenant_id: str, paths: Sequence[str], permission: str
) -> list[BatchAnswer]:
    """Answer GET requests in their order; see ``GraphClient.batch``."""
    found: list[BatchAnswer] = []
    for start in range(0, len(paths), BATCH_SIZE):
        found.extend(_Batch(calls, tenant_id, paths[start : start + BATCH_SIZE], permission).run())
    return found


class _Batch:
    """At most twenty requests, sent again and again until each has its own answer."""

    def __init__(
        self, calls: GraphCalls, tenant_id: str, paths: Sequence[str], permission: str
    ) -> None:
        self._calls = calls
        self._tenant_id = tenant_id
        self._paths = paths
        self._permission = permission
        self._patience = calls.patience()
        self._answers: dict[int, BatchAnswer] = {}
        self._failures = [0] * len(paths)
        self._refreshed = False

    def run(self) -> list[BatchAnswer]:
        token = self._calls.token(self._tenant_id, self._patience)
        while pending := [i for i in range(len(self._paths)) if i not in self._answers]:
            response = self._send(pending, token)
            items: dict[int, Mapping[str, Any]] = {}
            refused = response.status_code if response.status_code in (401, 403) else None
            if refused is None:
                refuse(response.status_code, self._permission)
                items = _items(response)
            wait = 0.0
            for number in pending if refused is None else ():
                item = items.get(number, {})
                status = item.get("status")
                if status in (401, 403):
                    refused = status
                elif isinstance(status, int) and status < 500 and status not in (424, 429):
                    body = item.get("body")
                    self._answers[number] = BatchAnswer(
                        status, body if isinstance(body, dict) else {}
                    )
                else:
                    sent = response.headers.get("Date")
                    wait = max(wait, self._wait_for(number, item, sent))
            if refused is not None:
                if self._refreshed:
                    refuse(refused, self._permission)
                self._refreshed = True
                token = self._calls.token(self._tenant_id, self._patience, fresh=True)
            if wait:
                # The next request waits for the budget to open again, within this call's patience.
                self._calls.budget(self._tenant_id).close_for(wait)
        return [self._answers[number] for number in range(len(self._paths))]

    def _send(self, pending: list[int], token: str) -> httpx2.Response:
        requests = [
            {"id": str(number), "method": "GET", "url": self._paths[number]} for number in pending
        ]
        return self._calls.send(
            self._tenant_id,
            "POST",
            f"{self._calls.base}/$batch",
            token,
            self._patience,
            units=sum(charge(self._paths[number]) for number in pending),
            headers={"Content-Type": "application/json"},
            content=json.dumps({"requests": requests}).encode(),
        )

    def _wait_for(self, number: int, item: Mapping[str, Any], sent: str | None) -> float:
        headers = item.get("headers")
        given = headers.items() if isinstance(headers, dict) else ()
        named = {str(name).lower(): str(value) for name, value in given}
        seconds = retry_after(named.get("retry-after"), sent)
        if seconds is not None:
            return seconds
        self._failures[number] += 1
        if self._failures[number] >= _MOST_FAILURES:
            raise MicrosoftUnreachable("Graph keeps failing one request of a batch.")
        return _WAIT_AFTER_FAILURE


def _items(response: httpx2.Response) -> dict[int, Mapping[str, Any]]:
    listed = json_object(response).get("responses")
    if not isinstance(listed, list):
        raise MicrosoftUnreachable("Microsoft's answer was malformed.")
    # Order is not kept, so only the id says what an answer belongs to.
    return {
        int(item["id"]): item
        for item in listed
        if isinstance(item, dict) and str(item.get("id", "")).isdecimal()
    }


def look_up_paths(addresses: Iterable[str]) -> Iterator[str]:
    """Graph paths that together find every account with one of these addresses.

    Three per group of addresses: ``in`` covers ``mail`` and ``userPrincipalName``;
    ``proxyAddresses`` needs one ``any`` per address. Groups hold 15 addresses, fewer if they are so
    long that the URL would pass 2,048 characters. An address of more than 115 characters is not
    found as an alias.

    Source: Microsoft Graph, *Known issues: some limitations apply to query parameters*, read
    2026-11-23.
    """
    distinct = iter(dict.fromkeys(address.strip().casefold() for address in addresses))
    while group := list(islice(distinct, ADDRESSES_PER_FILTER)):
        yield from _paths_for([address for address in group if address])


def _paths_for(group: list[str]) -> Iterator[str]:
    if not group:
        return
    quoted = ["'" + address.replace("'", "''") + "'" for address in group]
    proxies = [
        "'smtp:" + address.replace("'", "''") + "'"
        for address in group
        if len(address) <= _LONGEST_PROXY
    ]
    filters = [
        f"mail in ({','.join(quoted)})",
        f"userPrincipalName in ({','.join(quoted)})",
        " or ".join(f"proxyAddresses/any(p:p eq {proxy})" for proxy in proxies),
    ]
    encoded = [quote(one, safe="(),:/'") for one in filters if one]
    if max(map(len, encoded)) > _LONGEST_FILTER and len(group) > 1:
        half = len(group) // 2
        yield from _paths_for(group[:half])
        yield from _paths_for(group[half:])
        return
    for one in encoded:
        yield f"/users?$select={USER_FIELDS}&$top={PAGE_SIZE}&$filter={one}"
