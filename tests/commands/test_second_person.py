"""Orders that another member of staff confirms before they are given; no order needs it yet."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from commands import sending
from commands.errors import (
    CommandError,
    RefusedError,
    ToBeConfirmedError,
    UnansweredError,
    UsageError,
)
from commands.orders import Orders
from commands.sending import Argument
from contracts.go_live import GoLiveOutcome, Progress, Wait
from contracts.orders import ORDER_RULES, Order, OrderRefusal, Role
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import records
from database.people import staff
from local.browser import Browser
from tests.cluster import STAFF, Cluster, Organisation, changed_environment
from tests.commands.test_order_ids import lines, updates
from tests.house.test_privacy import personal_data
from tests.shell import plain, run
from tests.web.test_error_handlers import form_token_of
from web.app import create_app
from web.microsoft.staff_admission import STAFF_COOKIE
from web.visit import BROWSER_COOKIE
from wording import shell

SECOND = (Order.PAUSE, Order.EXTEND_DEADLINE, Order.ROLL_BACK, Order.RESUME)


@pytest.fixture(autouse=True)
def _a_second_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for order in SECOND:
        monkeypatch.setitem(ORDER_RULES, order, replace(ORDER_RULES[order], second_person=True))


@pytest.fixture(scope="module", autouse=True)
def _staff(cluster: Cluster) -> None:
    for handle in ("omar", "lee"):
        cluster.create_organisation(
            customer_success_handle=handle,
            customer_success_email=f"{handle}@clientshare.example",
        )


@pytest.fixture
async def organisation(cluster: Cluster) -> AsyncIterator[Organisation]:
    """One whose go-live asks for its entitlement; at the end it is declined."""
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    yield organisation
    if organisation.progress.outcome is None and organisation.progress.ending is None:
        await cluster.orders().decline_entitlement(organisation.slug)
    await organisation.ended()


def by(cluster: Cluster, handle: str) -> Orders:
    return Orders(cluster.engine, cluster.client, handle)


async def asked(order: Any) -> UUID:
    """Give an order that waits for a second person; return its id."""
    with pytest.raises(ToBeConfirmedError, match=Problem.TO_BE_CONFIRMED) as caught:
        await order
    # The last word of what the shell says.
    return UUID(caught.value.words(shell.said_of).split()[-1])


async def refusal(order: Any) -> str:
    with pytest.raises(CommandError) as caught:
        await order
    return caught.value.words(shell.said_of)


def made_earlier(cluster: Cluster, order_id: UUID, by_time: timedelta) -> None:
    cluster.rows(
        "UPDATE golive.order_request SET requested_at = requested_at - :by WHERE id = :id",
        by=by_time,
        id=order_id,
    )


async def test_an_order_waits_for_a_second_person_and_is_then_the_firsts_with_both_names(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug = organisation.slug
    order_id = await asked(cluster.orders().roll_back(slug, "A change of mind."))
    # Nothing is done, and nothing says that it was.
    assert organisation.progress.ending is None
    assert lines(organisation) == {"go_live_started": 1, "roll_back_requested": 1}
    assert await updates(organisation) == {}
    answer = await by(cluster, "omar").confirm(slug, order_id)
    assert isinstance(answer, Progress)
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    told = organisation.audit()
    assert [one for one in told if "roll_back" in one[1]] == [
        ("dana", "roll_back_requested", "A change of mind."),
        ("omar", "roll_back_confirmed", ""),
        ("dana", "roll_back", "A change of mind."),
    ]
    ids = cluster.rows(
        "SELECT actor FROM golive.audit_entry WHERE order_id = :id AND action = 'roll_back'",
        id=order_id,
    )
    assert [row.actor for row in ids] == ["dana"]
    assert await updates(organisation) == {"roll_back": 1}


async def test_it_is_asked_for_once_and_confirmed_once_however_often(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug, order_id = organisation.slug, uuid4()
    for _ in range(3):
        assert order_id == await asked(cluster.orders().pause(slug, order_id=order_id))
    twice = [by(cluster, "omar").confirm(slug, order_id) for _ in range(2)]
    assert [one.paused for one in await asyncio.gather(*twice)] == [True, True]
    # Whoever gave it and repeats it gets its answer.
    assert (await cluster.orders().pause(slug, order_id=order_id)).paused
    assert (await by(cluster, "omar").confirm(slug, order_id)).paused
    found = lines(organisation)
    assert (found["pause_requested"], found["pause_confirmed"], found["pause"]) == (1, 1, 1)
    assert await updates(organisation) == {"pause": 1}


async def test_what_was_confirmed_is_given_and_nothing_else(
    cluster: Cluster, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug, order_id = organisation.slug, uuid4()
    chosen = datetime.now(UTC) + timedelta(days=40)
    await asked(cluster.orders().extend(slug, chosen, order_id=order_id))

    async def lost(*_: object) -> Progress:
        raise UnansweredError(Problem.NO_WORKER_ANSWERS)

    with monkeypatch.context() as away:
        away.setattr(sending, "give", lost)
        with pytest.raises(UnansweredError):
            await by(cluster, "omar").confirm(slug, order_id)
    # It never arrived; the first person repeats it with another date.
    again = await cluster.orders().extend(slug, chosen + timedelta(days=100), order_id=order_id)
    assert again.due_at == chosen
    assert (await by(cluster, "omar").confirm(slug, order_id)).due_at == chosen
    assert await updates(organisation) == {"extend_deadline": 1}


async def test_what_may_not_be_confirmed_is_refused_in_words(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug = organisation.slug
    another = cluster.create_organisation()
    order_id = await asked(cluster.orders().pause(slug))
    own = await refusal(cluster.orders().confirm(slug, order_id))
    assert own == f"{slug}: You gave this order yourself; another member of staff confirms it."
    unknown = "No order with this id waits for a second person."
    assert unknown in await refusal(by(cluster, "omar").confirm(slug, uuid4()))
    assert unknown in await refusal(by(cluster, "omar").confirm(another.slug, order_id))
    assert "no known staff handle" in await refusal(by(cluster, "nobody").confirm(slug, order_id))
    assert "No organisation is called" in await refusal(
        by(cluster, "omar").confirm("none", order_id)
    )
    with pytest.raises(UsageError, match=Problem.ID_OF_ANOTHER_ORDER):
        await by(cluster, "omar").pause(slug, order_id=order_id)
    with pytest.raises(UsageError, match=Problem.ID_OF_ANOTHER_ORDER):
        await cluster.orders().roll_back(slug, "So.", order_id=order_id)
    await by(cluster, "omar").confirm(slug, order_id)
    assert "omar has confirmed this already" in await refusal(
        by(cluster, "lee").confirm(slug, order_id)
    )
    assert lines(organisation)["pause_confirmed"] == 1


async def test_after_an_hour_it_is_given_anew(cluster: Cluster, organisation: Organisation) -> None:
    slug = organisation.slug
    order_id = await asked(cluster.orders().pause(slug))
    made_earlier(cluster, order_id, timedelta(minutes=59))
    kept = await asked(cluster.orders().pause(slug, order_id=order_id))
    assert kept == order_id
    made_earlier(cluster, order_id, timedelta(minutes=1))
    for late in (
        by(cluster, "omar").confirm(slug, order_id),
        cluster.orders().pause(slug, order_id=order_id),
    ):
        assert "within an hour. Give it anew" in await refusal(late)
    anew = await asked(cluster.orders().pause(slug))
    assert (await by(cluster, "omar").confirm(slug, anew)).paused
    # Confirmed in time, it is answered for ever.
    made_earlier(cluster, anew, timedelta(days=3))
    assert (await by(cluster, "omar").confirm(slug, anew)).paused


async def test_what_the_go_live_would_not_take_waits_for_nobody(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug = organisation.slug
    for order, words in (
        (cluster.orders().resume(slug), "This go-live is not paused."),
        (cluster.orders().extend(slug, "2020-01-31"), "in the past"),
        (cluster.orders().roll_back(slug, " "), "Say why, with --reason"),
        (cluster.orders().pause(cluster.create_organisation().slug), "has no running go-live"),
    ):
        assert words in await refusal(order)
    assert lines(organisation) == {"go_live_started": 1}


async def test_what_is_refused_when_it_is_given_is_refused_to_both(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug = organisation.slug
    paused = await asked(cluster.orders().pause(slug))
    await by(cluster, "omar").confirm(slug, paused)
    await organisation.until(lambda now: now.paused)
    resumed, again = [await asked(cluster.orders().resume(slug)) for _ in range(2)]
    await by(cluster, "omar").confirm(slug, resumed)
    for order in (
        by(cluster, "omar").confirm(slug, again),
        by(cluster, "omar").confirm(slug, again),
        cluster.orders().resume(slug, order_id=again),
    ):
        with pytest.raises(RefusedError, match=OrderRefusal.NOT_PAUSED):
            await order
    assert lines(organisation)["order_refused"] == 1
    late = await asked(cluster.orders().pause(slug))
    await cluster.orders().decline_entitlement(slug)
    await organisation.ended()
    assert "has ended" in await refusal(by(cluster, "omar").confirm(slug, late))


async def test_a_request_holds_no_personal_data_and_a_date_as_it_was(
    cluster: Cluster, organisation: Organisation
) -> None:
    moment = datetime.now(UTC) + timedelta(days=3)
    order_id = await asked(
        cluster.orders().extend(
            organisation.slug, moment, reason=f"{organisation.address('anna')} asked."
        )
    )
    (row,) = cluster.rows("SELECT * FROM golive.order_request WHERE id = :id", id=order_id)
    held = " ".join(map(str, row))
    assert not [one for one in personal_data(cluster, organisation) if one in held]
    assert Argument.of_data(row.argument) == Argument(moment)
    for argument in (Argument(), Argument(plan_hash="1a2b"), Argument(moment, "1a2b")):
        assert Argument.of_data(argument.as_data()) == argument


async def test_the_shell_confirms(cluster: Cluster, organisation: Organisation) -> None:
    slug = organisation.slug
    order_id = await asked(cluster.orders().pause(slug))
    own = plain(await run(cluster, "confirm", slug, str(order_id)), 1)
    assert "You gave this order yourself" in own
    assert "confirmed; the order is given" in plain(
        await run(cluster, "confirm", slug, str(order_id), by="omar"), 0
    )
    assert (await organisation.until(Wait.ENTITLEMENT)).paused


async def test_the_console_lists_what_waits_and_another_member_of_staff_confirms_it(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug = organisation.slug
    page = f"{cluster.endpoints.web}/console/{slug}"
    await asked(cluster.orders().pause(slug))

    def come(account: str, *, press: bool) -> str:
        with Browser() as browser:
            browser.open(f"{cluster.endpoints.web}/console")
            browser.press("Login with SSO")
            browser.press("Sign in", login=f"{account}@clientshare.example")
            browser.open(page)
            if press:
                browser.press("Confirm: Pause")
                assert browser.status == 200
            return browser.text

    seen = await asyncio.to_thread(come, "dana", press=False)
    assert "dana ordered: Pause. Another member of staff confirms it until" in seen
    assert "Confirm: Pause" not in seen
    after = await asyncio.to_thread(come, "omar", press=True)
    assert "The order is confirmed and given." in after
    assert "dana ordered" not in after
    assert (await organisation.until(Wait.ENTITLEMENT)).paused


async def test_the_console_says_that_an_order_waits(
    cluster: Cluster, organisation: Organisation
) -> None:
    token, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with open_sessions(cluster.engine).begin() as session:
        dana = records.staff_by_handle(session, STAFF)
        staff.open_session(session, dana.id, token, Role.LEAD, datetime.now(UTC))
    form = {"form_token": form_token_of(cluster, browser), "order_id": str(uuid4())}

    def give() -> list[str]:
        # In this process, where the rule is another one than in the web of the cluster.
        with (
            changed_environment(cluster.environment),
            TestClient(create_app(cluster.settings), base_url=cluster.settings.public_url) as http,
        ):
            http.cookies.update({STAFF_COOKIE: token, BROWSER_COOKIE: browser})
            sent = [http.post(f"/console/{organisation.slug}/pause", data=form) for _ in range(2)]
            assert [one.status_code for one in sent] == [200, 200]
            return [one.text for one in sent]

    for page in await asyncio.to_thread(give):
        assert "Another member of staff confirms it within an hour" in page
        assert "dana ordered: Pause" in page
    assert lines(organisation) == {"go_live_started": 1, "pause_requested": 1}


async def test_the_id_of_a_request_is_taken_by_no_other_order(
    cluster: Cluster, organisation: Organisation
) -> None:
    """Else who confirms would be answered with an order that they never read."""
    slug = organisation.slug
    waiting = await asked(cluster.orders().pause(slug))
    with pytest.raises(UsageError):
        await by(cluster, "omar").acknowledge(slug, order_id=waiting)
    assert (await by(cluster, "omar").confirm(slug, waiting)).paused
