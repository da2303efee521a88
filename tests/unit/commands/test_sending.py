"""How an order is sent while Temporal answers in every way it can; no server."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from commands import sending
from commands.errors import RefusedError, UnansweredError
from commands.sending import MESSAGES, Argument, SentOrder, answer_of, give
from contracts.go_live import GoLiveStage, Pause, Progress, Wait
from contracts.orders import Order, OrderRefusal
from contracts.problems import Problem
from tests.bounds import LONGEST_WAIT
from wording import shell

ID = UUID("0b54a6c6-9d1c-4d5e-8a53-4b2f0c1de001")
ANSWER = Progress(
    "acme", 1, GoLiveStage.IT_NOTIFIED, Wait.NOTHING, datetime(2026, 11, 24, tzinfo=UTC)
)


def rpc(status: RPCStatusCode) -> RPCError:
    return RPCError("as the server says it", status, b"")


TOO_LATE = WorkflowUpdateRPCTimeoutOrCancelledError()
REFUSED = WorkflowUpdateFailedError(
    ApplicationError("This go-live is not paused.", type=OrderRefusal.NOT_PAUSED)
)
NOT_CONNECTED = RuntimeError("Failed client connect: nobody there")


class Temporal:
    """Answers each attempt with the next of these; the last one stands for all that follow."""

    def __init__(self, *answers: Progress | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, object, str]] = []

    def get_workflow_handle(self, workflow_id: str) -> Any:
        assert workflow_id == "sso-go-live/acme"
        return SimpleNamespace(
            execute_update=self.execute_update,
            get_update_handle=lambda id, result_type: SimpleNamespace(result=self.answer),
        )

    async def execute_update(self, name: str, message: object, *, id: str, **_: object) -> Progress:
        self.sent.append((name, message, id))
        return await self.answer()

    async def answer(self) -> Progress:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ANSWER_WITHIN_SECONDS", 0.2)
    monkeypatch.setattr(sending, "AGAIN_AFTER_SECONDS", 0.01)


def order(*, perhaps_before: bool = False) -> SentOrder:
    return SentOrder("acme", Order.PAUSE, ID, Pause("dana", 7), perhaps_before)


AWAY = [
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.ABORTED,
    RPCStatusCode.DEADLINE_EXCEEDED,
]
NEVER = [
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.FAILED_PRECONDITION,
]


@pytest.mark.parametrize("trouble", [*map(rpc, AWAY), TOO_LATE, TimeoutError(), NOT_CONNECTED])
async def test_while_temporal_is_briefly_away_the_same_order_is_sent_again(
    trouble: Exception,
) -> None:
    temporal = Temporal(trouble, trouble, ANSWER)
    assert await give(temporal, order()) == ANSWER  # type: ignore[arg-type]
    assert temporal.sent == [("pause", Pause("dana", 7), str(ID))] * 3


@pytest.mark.parametrize("trouble", [*map(rpc, AWAY), TOO_LATE, NOT_CONNECTED])
async def test_after_as_long_as_people_wait_it_is_said_that_it_may_still_be_carried_out(
    trouble: Exception,
) -> None:
    with pytest.raises(UnansweredError) as caught:
        await give(Temporal(trouble), order())  # type: ignore[arg-type]
    said = caught.value.words(shell.said_of)
    assert "may still be carried out" in said
    assert f"--order-id {ID}" in said
    assert "nothing is done twice" in said


async def test_a_server_that_says_nothing_is_waited_for_as_long() -> None:
    async def silent() -> Progress:
        await asyncio.Event().wait()
        return ANSWER

    temporal = Temporal(ANSWER)
    temporal.answer = silent  # type: ignore[method-assign]
    async with asyncio.timeout(LONGEST_WAIT):
        with pytest.raises(UnansweredError, match=Problem.NO_WORKER_ANSWERS):
            await give(temporal, order())  # type: ignore[arg-type]


async def test_what_the_go_live_refuses_is_refused_however_often_it_was_sent() -> None:
    for answers in ([REFUSED], [rpc(RPCStatusCode.UNAVAILABLE), REFUSED]):
        with pytest.raises(RefusedError) as caught:
            await give(Temporal(*answers), order())  # type: ignore[arg-type]
        assert caught.value.words(shell.said_of) == "acme: This go-live is not paused."
        assert caught.value.problem is OrderRefusal.NOT_PAUSED


async def test_without_a_run_it_is_refused_also_where_it_was_sent_before() -> None:
    gone = rpc(RPCStatusCode.NOT_FOUND)
    for answers in ([gone], [TOO_LATE, gone]):
        with pytest.raises(RefusedError, match=Problem.NOT_RUNNING):
            await give(Temporal(*answers), order())  # type: ignore[arg-type]


@pytest.mark.parametrize("status", NEVER)
async def test_what_temporal_refuses_is_refused_unless_it_may_have_arrived(
    status: RPCStatusCode,
) -> None:
    with pytest.raises(RefusedError, match=Problem.TEMPORAL_REFUSES) as caught:
        await give(Temporal(rpc(status)), order())  # type: ignore[arg-type]
    assert caught.value.facts["status"] == status.name
    with pytest.raises(UnansweredError):
        await give(Temporal(TOO_LATE, rpc(status)), order())  # type: ignore[arg-type]
    with pytest.raises(UnansweredError):
        await give(Temporal(rpc(status)), order(perhaps_before=True))  # type: ignore[arg-type]


async def test_an_order_that_was_sent_before_is_asked_about() -> None:
    ask: Callable[..., Any] = lambda *answers: answer_of(Temporal(*answers), "acme", ID)  # type: ignore[arg-type]  # noqa: E731
    assert await ask(ANSWER) == ANSWER
    assert await ask(rpc(RPCStatusCode.NOT_FOUND)) is None
    assert await ask(rpc(RPCStatusCode.UNAVAILABLE), ANSWER) == ANSWER
    with pytest.raises(RefusedError):
        await ask(REFUSED)
    with pytest.raises(UnansweredError):
        await ask(rpc(RPCStatusCode.PERMISSION_DENIED))


async def test_whoever_stops_waiting_is_not_held() -> None:
    asked = asyncio.Event()

    async def cancelled() -> Progress:
        asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            # As the client of Temporal does.
            raise WorkflowUpdateRPCTimeoutOrCancelledError from None
        return ANSWER

    temporal = Temporal(ANSWER)
    temporal.answer = cancelled  # type: ignore[method-assign]
    waiting = asyncio.create_task(give(temporal, order()))  # type: ignore[arg-type]
    await asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_error_of_our_own_is_no_trouble_of_temporals() -> None:
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        await give(Temporal(RuntimeError("a mistake of ours")), order())  # type: ignore[arg-type]


def test_every_order_of_staff_can_be_said() -> None:
    assert set(MESSAGES) == set(Order)
    given = Argument(datetime(2027, 1, 4, 9, tzinfo=UTC), "1a2b")
    said = {order: message("dana", 7, given) for order, message in MESSAGES.items()}
    assert all(message.by == "dana" for message in said.values())  # type: ignore[attr-defined]
