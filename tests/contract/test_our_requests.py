"""What our own client sends, and what it is answered, follow Microsoft's description of Graph.

The client is the product's, on the simulator's socket; every exchange is kept and held to the
description.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from openapi_core import OpenAPI

from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.permissions import APPLICATION_PERMISSIONS
from graph.tokens import EntraClient
from graph.transport import open_http
from tests.contract.test_contract import FULL, OURS, check, description, needs_the_full_description
from tests.simulator.pretend import BIG, CLIENT, CONTOSO, SECRET, Pretend


class Listener:
    """Keeps every exchange of a client with Graph."""

    def __init__(self, base: str) -> None:
        self.graph = f"{base}/graph/v1.0"
        self.heard: list[httpx2.Response] = []

    def __call__(self, response: httpx2.Response) -> None:
        if str(response.request.url).startswith(self.graph):
            response.read()
            self.heard.append(response)

    def paths(self) -> set[str]:
        return {one.request.url.path.removeprefix("/graph/v1.0") for one in self.heard}

    def hold_to(self, api: OpenAPI) -> None:
        """Every exchange follows the description."""
        for one in self.heard:
            check(api, one)


@pytest.fixture
def listener(pretend: Pretend) -> Listener:
    return Listener(pretend.base)


@pytest.fixture
def client(pretend: Pretend, listener: Listener) -> Iterator[GraphClient]:
    with open_http() as http:
        http.event_hooks = {"request": [], "response": [listener]}
        entra = EntraClient(
            authority=pretend.base,
            client_id=CLIENT,
            credential=ClientSecret(SECRET),
            http=http,
            clock=time.time,
        )
        yield GraphClient(http, f"{pretend.base}/graph/v1.0", entra)


def everything(client: GraphClient) -> None:
    """Call every method that the product has."""
    client.prove_grant(CONTOSO)
    assert client.organization(CONTOSO).verified_domains == ("contoso.example",)
    assert sum(len(page.users) for page in client.user_pages(CONTOSO)) > 0
    assert sum(len(page.users) for page in client.user_pages(BIG)) > 999
    first = next(client.user_pages(CONTOSO)).users[0]
    assert client.user(CONTOSO, first.object_id) == first


@pytest.mark.parametrize(
    "path", [OURS, pytest.param(FULL, marks=needs_the_full_description)], ids=["ours", "full"]
)
def test_every_call_of_the_client_follows_the_description(
    client: GraphClient, listener: Listener, pretend: Pretend, path: Path
) -> None:
    everything(client)
    first = next(client.user_pages(CONTOSO)).users[0]
    one = f"/users/{first.object_id}"
    assert listener.paths() == {"/organization", "/users", one}
    listener.hold_to(description(path, pretend.base))


def test_each_permission_is_proven_by_a_call_of_its_own(
    client: GraphClient, listener: Listener
) -> None:
    client.prove_grant(CONTOSO)
    asked = [
        one.request.url.raw_path.decode().removeprefix("/graph/v1.0") for one in listener.heard
    ]
    assert asked == [permission.proof_path for permission in APPLICATION_PERMISSIONS]


def test_refusals_that_the_client_meets_follow_the_description(
    client: GraphClient, listener: Listener, pretend: Pretend
) -> None:
    pretend.fault("throttle", "/graph/v1.0/users", times=1, retry_after="0.1")
    pretend.fault("throttle", "/graph/v1.0/users*", times=1, retry_after="0.1", inner=True)
    everything(client)
    assert 429 in {one.status_code for one in listener.heard}
    listener.hold_to(description(OURS, pretend.base))
