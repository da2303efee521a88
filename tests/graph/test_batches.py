import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from graph.batches import look_up_paths
from graph.client import GraphClient
from graph.errors import (
    ConsentNotVisibleError,
    ForeignLinkError,
    MicrosoftUnreachableError,
    PermissionMissingError,
    ThrottledError,
    UnexpectedAnswerError,
)
from tests.graph.scripted import TENANT, Answer, Request, ScriptedMicrosoft, SteppedClock

Respond = Callable[[dict[str, Any]], dict[str, Any] | None]
PATHS = [f"/users?$filter=mail eq '{n}'" for n in range(45)]


def answering(respond: Respond, sizes: list[int] | None = None) -> Callable[[Request], Answer]:
    """A $batch endpoint that answers items in reverse, as Graph may."""

    def route(request: Request) -> Answer:
        items = json.loads(request.body)["requests"]
        if sizes is not None:
            sizes.append(len(items))
        answers = [respond(item) for item in reversed(items)]
        return Answer(200, {"responses": [answer for answer in answers if answer is not None]})

    return route


def fine(item: dict[str, Any]) -> dict[str, Any]:
    return {"id": item["id"], "status": 200, "body": {"value": [], "asked": item["url"]}}


def failing_first(answer: dict[str, Any], times: int = 1) -> Respond:
    """Every third item is answered otherwise the first times it is asked."""
    seen: dict[str, int] = {}

    def respond(item: dict[str, Any]) -> dict[str, Any]:
        seen[item["url"]] = seen.get(item["url"], 0) + 1
        third = int(item["id"]) % 3 == 0
        return {"id": item["id"], **answer} if third and seen[item["url"]] <= times else fine(item)

    return respond


def test_answers_come_in_the_order_asked_in_batches_of_twenty(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    sizes: list[int] = []
    scripted.routes["/$batch"] = answering(fine, sizes)

    answers = client.batch(TENANT, PATHS)

    assert [answer.body["asked"] for answer in answers] == PATHS
    assert sizes == [20, 20, 5]


def test_no_questions_cause_no_call(client: GraphClient, scripted: ScriptedMicrosoft) -> None:
    assert client.batch(TENANT, []) == []
    assert scripted.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 429, "headers": {"Retry-After": "2.128"}},
        {"status": 429, "headers": {"retry-after": "2.128"}},
        {"status": 429},
        {"status": 424},
        {"status": 503},
        {"status": 500, "body": {}},
        {"status": "unreadable"},
        {"id": "unknown", "status": 200},
    ],
)
def test_only_the_items_that_failed_are_asked_again(
    client: GraphClient,
    scripted: ScriptedMicrosoft,
    clock: SteppedClock,
    answer: dict[str, Any],
) -> None:
    sizes: list[int] = []
    scripted.routes["/$batch"] = answering(failing_first(answer), sizes)

    answers = client.batch(TENANT, PATHS[:20])

    assert [a.body["asked"] for a in answers] == PATHS[:20]
    assert sizes == [20, 7]
    waited = 2.128 if answer.get("headers") else 1.0
    assert clock.pauses == [pytest.approx(waited)]


def test_the_longest_wait_of_an_item_counts_and_a_long_one_goes_back(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    def respond(item: dict[str, Any]) -> dict[str, Any]:
        return {"id": item["id"], "status": 429, "headers": {"Retry-After": item["id"]}}

    scripted.routes["/$batch"] = answering(respond)

    with pytest.raises(ThrottledError) as caught:
        client.batch(TENANT, PATHS[:20])

    assert caught.value.retry_after_seconds == pytest.approx(19)


def test_an_item_that_keeps_failing_ends_the_call(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    sizes: list[int] = []
    scripted.routes["/$batch"] = answering(failing_first({"status": 500}, times=99), sizes)

    with pytest.raises(MicrosoftUnreachableError):
        client.batch(TENANT, PATHS[:20])

    assert len(sizes) == 3


def test_an_item_that_is_never_answered_ends_the_call(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/$batch"] = answering(lambda item: None)

    with pytest.raises(MicrosoftUnreachableError):
        client.batch(TENANT, PATHS[:20])


def test_items_refused_for_their_token_are_asked_once_more_with_a_fresh_one(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/$batch"] = answering(failing_first({"status": 401}))

    assert len(client.batch(TENANT, PATHS[:20])) == 20
    assert scripted.count("/token") == 2


@pytest.mark.parametrize(
    ("status", "error"), [(401, ConsentNotVisibleError), (403, PermissionMissingError)]
)
def test_items_that_stay_refused_end_the_call(
    client: GraphClient, scripted: ScriptedMicrosoft, status: int, error: type[Exception]
) -> None:
    scripted.routes["/$batch"] = answering(failing_first({"status": status}, times=99))

    with pytest.raises(error):
        client.batch(TENANT, PATHS[:20])

    assert scripted.count("/$batch") == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(401, {}), ConsentNotVisibleError),
        (Answer(403, {}), PermissionMissingError),
        (Answer(400, {}), UnexpectedAnswerError),
        (Answer(502, {}), MicrosoftUnreachableError),
        (Answer(200, {"responses": "none"}), MicrosoftUnreachableError),
        (Answer(200, b"<html>"), MicrosoftUnreachableError),
        (Answer(429, {}, {"Retry-After": "60"}), ThrottledError),
    ],
)
def test_each_refusal_of_a_whole_batch_has_its_own_error(
    client: GraphClient, scripted: ScriptedMicrosoft, answer: Answer, error: type[Exception]
) -> None:
    scripted.routes["/$batch"] = lambda _: answer

    with pytest.raises(error):
        client.batch(TENANT, PATHS[:2])


def test_other_answers_are_the_callers_to_judge(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/$batch"] = answering(lambda item: {"id": item["id"], "status": 404})

    assert [a.status for a in client.batch(TENANT, PATHS[:2])] == [404, 404]


def test_every_item_is_charged(client: GraphClient, scripted: ScriptedMicrosoft) -> None:
    scripted.routes["/$batch"] = answering(fine)

    client.batch(TENANT, ["/users?$select=id&$top=1"] * 20 + ["/users"] * 5)

    assert client.charged(TENANT) == 30


def filters(addresses: list[str]) -> list[str]:
    paths = list(look_up_paths(addresses))
    assert all(len(path) < 2048 for path in paths)
    return [parse_qs(urlsplit(path).query)["$filter"][0] for path in paths]


def test_addresses_are_packed_by_fifteen_into_three_filters() -> None:
    assert filters(["Ada@x.example", "bob@x.example", "ADA@x.example "]) == [
        "mail in ('ada@x.example','bob@x.example')",
        "userPrincipalName in ('ada@x.example','bob@x.example')",
        "proxyAddresses/any(p:p eq 'smtp:ada@x.example')"
        " or proxyAddresses/any(p:p eq 'smtp:bob@x.example')",
    ]
    assert len(filters([f"user{n}@x.example" for n in range(16)])) == 6
    assert filters([]) == filters([" "]) == []


@pytest.mark.parametrize(
    "address",
    ["o'brien@x.example", "a+b@x.example", "a&b=c@x.example", "guest#EXT#@x.example",
     "50%@x.example", "jürgen@bücher.example", "a b@x.example", "x') or ('1' eq '1"],
)  # fmt: skip
def test_no_address_breaks_out_of_its_filter(address: str) -> None:
    quoted = address.casefold().replace("'", "''")

    assert filters([address])[0] == f"mail in ('{quoted}')"


def test_long_addresses_are_packed_into_more_filters() -> None:
    found = filters([f"{n:02}{'x' * 90}@long.example" for n in range(15)])

    assert len(found) == 6
    assert sum(one.count("@") for one in found) == 45


def test_an_address_too_long_for_eq_is_asked_for_by_in_alone() -> None:
    assert [one.split(" ")[0] for one in filters([f"{'x' * 110}@long.example"])] == [
        "mail",
        "userPrincipalName",
    ]


def test_an_account_found_by_several_addresses_comes_once(
    client: GraphClient, scripted: ScriptedMicrosoft
) -> None:
    ada = {"id": "ada", "userPrincipalName": "ada@x.example"}
    link = f"{scripted.url}/graph/v1.0/users?$skiptoken=2"

    def respond(item: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {"value": [ada]}
        if "skiptoken" in item["url"]:
            body = {"value": [{"id": "on-the-next-page"}]}
        if "mail%20in" in item["url"]:
            body["@odata.nextLink"] = link
        return {"id": item["id"], "status": 200, "body": body}

    scripted.routes["/$batch"] = answering(respond)

    found = list(client.users_by_address(TENANT, [f"user{n}@x.example" for n in range(200)]))

    assert [[user.object_id for user in users] for users in found] == [
        ["ada", "on-the-next-page"],
        [],
        [],
    ]
    assert scripted.count("/users") == 0


@pytest.mark.parametrize("link", ["https://evil.example/graph/v1.0/users", "{itself}"])
def test_links_inside_of_a_batch_are_checked_too(
    client: GraphClient, scripted: ScriptedMicrosoft, link: str
) -> None:
    def respond(item: dict[str, Any]) -> dict[str, Any]:
        named = link.format(itself=f"{scripted.url}/graph/v1.0{item['url']}")
        return {"id": item["id"], "status": 200, "body": {"value": [], "@odata.nextLink": named}}

    scripted.routes["/$batch"] = answering(respond)

    with pytest.raises((ForeignLinkError, UnexpectedAnswerError)):
        list(client.users_by_address(TENANT, ["ada@x.example"]))

    assert scripted.count("/$batch") == 1


def test_the_budget_slows_us_down_before_graph_has_to(
    client: GraphClient, scripted: ScriptedMicrosoft, clock: SteppedClock
) -> None:
    scripted.routes["/$batch"] = answering(fine)

    for _ in range(3):
        client.batch(TENANT, ["/users?$expand=manager"] * 400)

    assert client.charged(TENANT) == 3600
    assert sum(clock.pauses) == pytest.approx(100 / 350)
