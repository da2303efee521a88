"""An order is given once, however often it is sent: twice, without a worker, through an outage."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, Interceptor, OutboundInterceptor, StartWorkflowUpdateInput
from temporalio.worker import Worker

import worker
from commands import orders, sending
from commands.errors import CommandError, RefusedError, UnansweredError, UsageError
from commands.orders import Orders
from contracts.go_live import GoLiveOutcome, Wait
from contracts.orders import OrderRefusal
from contracts.problems import Problem
from local.browser import Browser
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation
from wording.shell import said_of
from workflows.payloads import DATA_CONVERTER

HOST = "127.0.0.1"


def lines(organisation: Organisation) -> Counter[str]:
    """How many entries of the audit trail there are of each kind."""
    return Counter(action for _, action, _ in organisation.audit())


async def updates(organisation: Organisation) -> Counter[str]:
    """How often the newest run took each update."""
    found: Counter[str] = Counter()
    async for event in organisation.handle.fetch_history_events():
        if event.HasField("workflow_execution_update_accepted_event_attributes"):
            accepted = event.workflow_execution_update_accepted_event_attributes.accepted_request
            found[accepted.input.name] += 1
    return found


@pytest.fixture
async def organisation(cluster: Cluster) -> AsyncIterator[Organisation]:
    """One whose go-live asks for its entitlement."""
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    yield organisation
    if organisation.standing().progress.outcome is None:  # type: ignore[union-attr]
        await cluster.orders().roll_back(organisation.slug, "The test is over.")
        await organisation.ended()


async def test_the_same_order_again_is_answered_and_not_given(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug, order_id = organisation.slug, uuid4()
    assert (await cluster.orders().pause(slug, order_id=order_id)).paused
    assert not (await cluster.orders().resume(slug)).paused
    # The answer of then, and nothing is paused now.
    assert (await cluster.orders().pause(slug, order_id=order_id)).paused
    assert not (await organisation.until(Wait.ENTITLEMENT)).paused
    assert lines(organisation)["pause"] == (await updates(organisation))["pause"] == 1
    assert cluster.rows(
        "SELECT action FROM golive.audit_entry WHERE order_id = :id", id=order_id
    ) == [("pause",)]


async def test_a_week_more_is_a_week_more_however_often_it_is_sent(
    cluster: Cluster, organisation: Organisation
) -> None:
    before = organisation.progress.due_at
    assert before is not None
    order_id = uuid4()
    given = [cluster.orders().extend(organisation.slug, order_id=order_id) for _ in range(3)]
    for answer in await asyncio.gather(*given):
        assert answer.due_at == before + timedelta(days=7)
    again = await cluster.orders().extend(organisation.slug, order_id=order_id)
    assert again.due_at == before + timedelta(days=7)
    assert lines(organisation)["extend_deadline"] == 1
    assert (await updates(organisation))["extend_deadline"] == 1


async def test_what_ended_the_go_live_is_answered_after_its_end_and_not_given_to_the_next(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug, order_id = organisation.slug, uuid4()

    def roll_back() -> Any:
        return cluster.orders().roll_back(slug, "No.", order_id=order_id)

    await roll_back()
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    await roll_back()
    assert lines(organisation)["roll_back"] == 1
    assert lines(organisation)["order_refused"] == 0
    await organisation.start()
    await organisation.until(lambda now: now.number == 2 and now.wait is Wait.ENTITLEMENT)
    with pytest.raises(CommandError, match=Problem.ORDER_OF_EARLIER_GO_LIVE):
        await roll_back()
    assert organisation.progress.ending is None


async def test_what_was_refused_is_refused_in_the_same_words_and_never_given_later(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug, order_id = organisation.slug, uuid4()
    resume: Callable[[], Any] = lambda: cluster.orders().resume(slug, order_id=order_id)  # noqa: E731
    answers = await asyncio.gather(*(resume() for _ in range(3)), return_exceptions=True)
    await cluster.orders().pause(slug)
    answers.append((await asyncio.gather(resume(), return_exceptions=True))[0])
    assert {type(one) for one in answers} == {RefusedError}
    assert {one.problem for one in answers} == {OrderRefusal.NOT_PAUSED}
    assert lines(organisation)["resume"] == lines(organisation)["order_refused"] == 1
    assert organisation.progress.paused


async def test_an_id_is_one_persons_and_one_orders(
    cluster: Cluster, organisation: Organisation
) -> None:
    slug, order_id = organisation.slug, uuid4()
    await cluster.orders().pause(slug, order_id=order_id)
    cluster.create_organisation(
        customer_success_handle="omar", customer_success_email="omar@clientshare.example"
    )
    another = cluster.create_organisation()
    for order in (
        cluster.orders().resume(slug, order_id=order_id),
        cluster.orders().pause(another.slug, order_id=order_id),
        cluster.orders().start(another.slug, order_id=order_id),
        Orders(cluster.engine, cluster.client, "omar").pause(slug, order_id=order_id),
    ):
        with pytest.raises(UsageError, match=Problem.ID_OF_ANOTHER_ORDER):
            await order
    assert lines(organisation)["pause"] == 1
    assert another.audit() == []


async def test_a_start_that_is_sent_again_starts_no_second_go_live(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    slug, order_id = organisation.slug, uuid4()
    both = await asyncio.gather(
        *(cluster.orders().start(slug, order_id=order_id) for _ in range(2))
    )
    assert {one.number for one in both} == {1}
    await organisation.until(Wait.ENTITLEMENT)
    await cluster.orders().decline_entitlement(slug)
    await organisation.ended()
    again = await cluster.orders().start(slug, order_id=order_id)
    assert (again.number, again.already_running) == (1, True)
    assert organisation.progress.outcome is GoLiveOutcome.NOT_ENTITLED
    assert lines(organisation)["go_live_started"] == 1


# --- no worker ------------------------------------------------------------------------------------


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> str:
    """Go-lives begin on a queue of this test, which nobody serves yet."""
    name = f"queue-{uuid4().hex}"
    monkeypatch.setattr(orders, "GO_LIVE_QUEUE", name)
    monkeypatch.setattr(worker, "GO_LIVE_QUEUE", name)
    return name


def working_on(cluster: Cluster, queue: str) -> Worker:
    """A worker of that queue alone, as `worker.py` builds it."""
    settings = cluster.settings.model_copy(update={"worker_queue": queue})
    (only,) = worker.build_workers(cluster.client, cluster.dependencies._replace(settings=settings))
    return only


async def test_without_a_worker_nothing_is_said_to_be_refused_and_later_it_is_done_once(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    slug, order_id = organisation.slug, uuid4()
    await organisation.start()
    with monkeypatch.context() as hurried:
        hurried.setattr(sending, "ANSWER_WITHIN_SECONDS", 2)
        for _ in range(2):
            with pytest.raises(UnansweredError, match=Problem.NO_WORKER_ANSWERS) as caught:
                await cluster.orders().pause(slug, order_id=order_id)
            assert "may still be carried out" in caught.value.words(said_of)
        with pytest.raises(UnansweredError) as caught:
            await cluster.orders().roll_back(slug, "Not now.")
    unnamed = UUID(caught.value.words(said_of).split("--order-id ")[1].split()[0])
    assert lines(organisation) == {"go_live_started": 1, "pause": 1, "roll_back": 1}
    async with working_on(cluster, queue):
        # Both were waiting for it; neither was given again.
        assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
        await cluster.orders().pause(slug, order_id=order_id)
        await cluster.orders().roll_back(slug, "Not now.", order_id=unnamed)
        assert await updates(organisation) == {"pause": 1, "roll_back": 1}
    assert lines(organisation)["pause"] == lines(organisation)["roll_back"] == 1
    assert lines(organisation)["order_refused"] == 0


async def test_the_console_says_so_too_and_repeats_the_very_same_order(
    cluster: Cluster, queue: str
) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    page = f"{cluster.endpoints.web}/console/{organisation.slug}"
    with Browser() as browser:
        await asyncio.to_thread(sign_in, browser, cluster)
        await asyncio.to_thread(browser.open, page)
        await asyncio.to_thread(browser.press, "Pause", reason="They asked.")
        assert browser.status == 503
        assert "It may still be carried out" in browser.text
        assert "nothing is done twice" in browser.text
        assert lines(organisation) == {"go_live_started": 1, "pause": 1}
        async with working_on(cluster, queue):
            await organisation.until(lambda now: now.paused)
            await asyncio.to_thread(browser.press, "Repeat it")
            assert browser.status == 200
            assert "The go-live is paused." in browser.text
            assert await updates(organisation) == {"pause": 1}
            await cluster.orders().roll_back(organisation.slug, "The test is over.")
            await organisation.ended()
    assert ("dana", "pause", "They asked.") in organisation.audit()
    assert lines(organisation)["pause"] == 1
    assert lines(organisation)["order_refused"] == 0


# --- a click, twice -------------------------------------------------------------------------------


def sign_in(browser: Browser, cluster: Cluster) -> None:
    browser.open(f"{cluster.endpoints.web}/console")
    browser.press("Login with SSO")
    browser.press("Sign in", login="dana@clientshare.example")


async def test_a_double_click_in_the_console_is_one_order_and_one_page(
    cluster: Cluster, organisation: Organisation
) -> None:
    page = f"{cluster.endpoints.web}/console/{organisation.slug}"

    def form_of(browser: Browser, button: str) -> Any:
        browser.open(page)
        return next(
            form
            for form in browser._page.forms
            if any(words == button for words, *_ in form.buttons)
        )

    with Browser() as browser:
        await asyncio.to_thread(sign_in, browser, cluster)
        form = await asyncio.to_thread(form_of, browser, "Move the deadline")
        UUID(form.fields["order_id"])
        send = lambda: browser._http.post(cluster.endpoints.web + form.action, data=form.fields)  # noqa: E731
        both = await asyncio.gather(*(asyncio.to_thread(send) for _ in range(2)))
        # A reload of the answer, much later, sends it once more.
        both.append(await asyncio.to_thread(send))
        assert [answer.status_code for answer in both] == [200] * 3
        assert {str(answer.url) for answer in both} == {f"{page}?done=extend"}
        assert lines(organisation)["extend_deadline"] == 1
        assert (await updates(organisation))["extend_deadline"] == 1

        # What is refused is refused once, on the same page.
        resume = {**form.fields, "order_id": str(uuid4())}
        refuse = lambda: browser._http.post(f"{page}/resume", data=resume)  # noqa: E731
        refused = await asyncio.gather(*(asyncio.to_thread(refuse) for _ in range(2)))
        assert [answer.status_code for answer in refused] == [409, 409]
        assert all("This go-live is not paused." in answer.text for answer in refused)
        assert lines(organisation)["order_refused"] == 1

        # The page shown again makes new orders.
        shown_again = await asyncio.to_thread(form_of, browser, "Move the deadline")
        assert shown_again.fields["order_id"] != form.fields["order_id"]
        ids = [
            one.fields.get("order_id") for one in browser._page.forms if "order_id" in one.fields
        ]
        assert len(ids) == len(set(ids)) > 3


# --- an outage ------------------------------------------------------------------------------------


@asynccontextmanager
async def behind(address: str) -> AsyncIterator[tuple[int, Callable[[bool], None]]]:
    """Stand before a server; what is returned cuts every connection, and lets them be again."""
    host, port = address.rsplit(":", 1)
    open_now: set[asyncio.StreamWriter] = set()
    is_cut = False

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65_536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if is_cut:
            writer.close()
            return
        there_reader, there = await asyncio.open_connection(host, int(port))
        open_now.update((writer, there))
        await asyncio.gather(copy(reader, there), copy(there_reader, writer))

    def cut(away: bool) -> None:
        nonlocal is_cut
        is_cut = away
        while away and open_now:
            open_now.pop().transport.abort()

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1], cut
    finally:
        cut(True)
        server.close()


class Tries(Interceptor):
    """Counts how often a client sends an order."""

    sent = 0

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        tries = self

        class Counting(OutboundInterceptor):
            async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> Any:
                tries.sent += 1
                return await super().start_workflow_update(input)

        return Counting(next)

    async def until(self, sent: int) -> None:
        async with asyncio.timeout(LONGEST_WAIT):
            while self.sent < sent:
                await asyncio.sleep(0.02)


async def test_the_same_order_is_sent_again_while_temporal_is_briefly_away(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    # People wait for less; a busy machine may take longer to run a worker.
    monkeypatch.setattr(sending, "ANSWER_WITHIN_SECONDS", LONGEST_WAIT)
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    async with behind(cluster.environment["TEMPORAL_ADDRESS"]) as (port, cut):
        tries = Tries()
        client = await Client.connect(
            f"{HOST}:{port}", data_converter=DATA_CONVERTER, interceptors=[tries]
        )
        order = asyncio.create_task(cluster.orders(client).pause(organisation.slug))
        await tries.until(1)
        # It is on its way, or has arrived: nobody knows. Then the client itself loses patience.
        cut(True)
        await tries.until(2)
        cut(False)
        async with working_on(cluster, queue):
            assert (await order).paused
            assert await updates(organisation) == {"pause": 1}
            assert lines(organisation) == {"go_live_started": 1, "pause": 1}
            await cluster.orders().roll_back(organisation.slug, "The test is over.")
            await organisation.ended()
