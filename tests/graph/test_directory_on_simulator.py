"""Reading a directory, against the real simulator process and its troubles."""

import tracemalloc
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx2
import pytest

from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.errors import (
    ForeignLinkError,
    MicrosoftUnreachableError,
    ThrottledError,
    UnexpectedAnswerError,
)
from graph.tokens import EntraClient
from tests.graph.scripted import SteppedClock
from tests.graph.simulated import (
    CONTOSO,
    LARGE,
    LARGE_SIZE,
    SECRET,
    Simulator,
    entra_with,
    listed,
)


@pytest.fixture
def entra(simulator: Simulator, http: httpx2.Client) -> EntraClient:
    return entra_with(simulator, http, ClientSecret(SECRET))


@pytest.fixture
def client(
    simulator: Simulator, http: httpx2.Client, entra: EntraClient, clock: SteppedClock
) -> GraphClient:
    return GraphClient(http, simulator.graph_url, entra, pause=clock.pause, clock=clock)


def test_every_kind_of_account_is_listed_as_it_is(client: GraphClient) -> None:
    users = {user.object_id[-1]: user for user in listed(client, CONTOSO)}

    assert len(users) == 5
    assert users["2"].addresses() == {"grace@contoso.example", "g.hopper@contoso.example"}
    assert (users["3"].mail, users["3"].proxy_addresses) == (None, ())
    assert [user.object_id[-1] for user in users.values() if not user.enabled] == ["4"]
    assert [user.object_id[-1] for user in users.values() if user.is_guest] == ["5"]


def test_a_large_directory_comes_whole_and_in_few_requests(
    client: GraphClient, simulator: Simulator
) -> None:
    users = listed(client, LARGE)

    expected = {str(uuid5(NAMESPACE_URL, f"{LARGE}/1/{k}")) for k in range(LARGE_SIZE)}
    assert {user.object_id for user in users} == expected
    assert len(users) == LARGE_SIZE
    assert len(simulator.requests("/users")) == 3


def test_a_listing_resumes_after_the_last_page_that_was_dealt_with(
    client: GraphClient, simulator: Simulator
) -> None:
    whole = [user.object_id for user in listed(client, LARGE)]
    first = next(client.user_pages(LARGE))

    rest = [
        u.object_id for p in client.user_pages(LARGE, from_link=first.next_link) for u in p.users
    ]

    assert [user.object_id for user in first.users] + rest == whole


def test_an_empty_page_in_between_ends_nothing(client: GraphClient, simulator: Simulator) -> None:
    simulator.fault("empty_page", after=1)

    pages = list(client.user_pages(LARGE))

    assert 0 in [len(page.users) for page in pages]
    assert len({user.object_id for page in pages for user in page.users}) == LARGE_SIZE


def test_objects_that_come_twice_are_all_there(client: GraphClient, simulator: Simulator) -> None:
    simulator.fault("duplicate_users", times=None)

    users = listed(client, LARGE)

    assert len(users) > LARGE_SIZE
    assert len({user.object_id for user in users}) == LARGE_SIZE


@pytest.mark.parametrize(
    "url", ["https://evil.example/v1.0/users", "http://169.254.169.254/latest/meta-data"]
)
def test_a_link_to_a_foreign_host_is_not_followed(
    client: GraphClient, simulator: Simulator, url: str
) -> None:
    simulator.fault("foreign_next_link", url=url)

    with pytest.raises(ForeignLinkError):
        listed(client, LARGE)


@pytest.mark.parametrize(
    ("kind", "parameters", "error"),
    [
        ("server_error", {"status": 503, "retry_after": None}, MicrosoftUnreachableError),
        ("server_error", {"status": 500}, MicrosoftUnreachableError),
        ("cut", {}, MicrosoftUnreachableError),
        ("malformed", {}, MicrosoftUnreachableError),
        ("not_found", {}, UnexpectedAnswerError),
        ("throttle", {"retry_after": "120"}, ThrottledError),
    ],
)
def test_a_listing_that_fails_on_its_second_page_goes_on_from_there(
    client: GraphClient,
    simulator: Simulator,
    clock: SteppedClock,
    kind: str,
    parameters: dict[str, Any],
    error: type[Exception],
) -> None:
    simulator.fault(kind, after=1, **parameters)
    pages = client.user_pages(LARGE)
    first = next(pages)

    with pytest.raises(error):
        next(pages)

    clock.now += 121
    rest = [u for page in client.user_pages(LARGE, from_link=first.next_link) for u in page.users]
    assert len({user.object_id for user in first.users + rest}) == LARGE_SIZE


def test_a_fractional_retry_after_is_waited_for_inside(
    client: GraphClient, simulator: Simulator, clock: SteppedClock
) -> None:
    simulator.fault("throttle", retry_after="2.128")

    assert len(listed(client, LARGE)) == LARGE_SIZE
    assert clock.pauses == [pytest.approx(2.128)]


def test_a_server_that_says_when_it_is_back_is_waited_for_inside(
    client: GraphClient, simulator: Simulator, clock: SteppedClock
) -> None:
    simulator.fault("server_error", status=503, retry_after="4")

    assert len(listed(client, CONTOSO)) == 5
    assert clock.pauses == [pytest.approx(4)]


def test_a_throttled_token_endpoint_is_waited_for_inside(
    client: GraphClient, simulator: Simulator, clock: SteppedClock
) -> None:
    simulator.fault("throttle", f"/{CONTOSO}/oauth2/v2.0/token", retry_after="3")

    assert len(listed(client, CONTOSO)) == 5
    assert clock.pauses == [3.0]


def test_our_account_of_charges_is_microsofts(client: GraphClient, simulator: Simulator) -> None:
    client.organization(LARGE)
    listed(client, LARGE)
    client.prove_grant(LARGE)

    assert client.units == simulator.charged() == 1 + 3 + 2


def test_no_address_and_no_secret_is_logged(
    client: GraphClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="httpx2")
    caplog.set_level("DEBUG", logger="msal")

    addresses = {address for user in listed(client, CONTOSO) for address in user.addresses()}

    assert caplog.records
    assert addresses
    assert [address for address in addresses if address in caplog.text.casefold()] == []
    assert SECRET not in caplog.text


def test_page_links_are_not_logged(client: GraphClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    listed(client, LARGE)

    assert "skiptoken" not in caplog.text


def test_a_listing_needs_no_more_memory_for_its_last_page_than_for_its_first(
    client: GraphClient,
) -> None:
    client.prove_grant(LARGE)
    peaks: list[int] = []
    tracemalloc.start()
    for page in client.user_pages(LARGE):
        peaks.append(tracemalloc.get_traced_memory()[1])
        del page
        tracemalloc.reset_peak()
    tracemalloc.stop()

    assert len(peaks) == 3
    assert max(peaks) < 1.2 * peaks[0]
