"""One worker that holds many go-lives waiting for a consent: its memory, and how fast one answers.

The worker is a process of its own, its activities do nothing, the server is in memory. Where not
all get there in 25 minutes, `waiting_go_lives` says how many did.
Run: `python -m benchmarks waiting` (ten thousand take many minutes), or
`python -m benchmarks.waiting 500`.
"""

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from typing import Any

import psutil  # type: ignore[import-untyped]
from temporalio.client import Client, WorkflowHandle

from benchmarks.go_lives import local_server, start_go_live, workers
from benchmarks.go_lives_no_op import NoOp
from bootstrap.exit import leave
from commands.setup import set_up_temporal
from contracts.go_live import Pause, Resume
from workflows.payloads import DATA_CONVERTER

WAITING, FEW, AT_ONCE, ANSWERS = 10_000, 10, 60, 40
WITHIN = 25 * 60.0
"""Seconds to bring them to their wait; those that are not there by then are not counted."""


def _work(target: str) -> None:
    asyncio.run(_worker(target))


async def _worker(target: str) -> None:
    first, second = workers(await Client.connect(target, data_converter=DATA_CONVERTER), NoOp())
    async with first, second:
        await asyncio.Event().wait()


async def _bring(client: Client, count: int) -> list[WorkflowHandle[Any, Any]]:
    """Return so many more that wait for a consent; fewer when `WITHIN` is over.

    Whether they do is asked of the list, not of each: a query would call each back into the
    worker's memory.
    """
    handles: list[WorkflowHandle[Any, Any]] = []
    before = reached = await _waiting(client)
    give_up = time.monotonic() + WITHIN
    while reached - before < count and time.monotonic() < give_up:
        room = min(AT_ONCE - (before + len(handles) - reached), count - len(handles))
        handles += await asyncio.gather(
            *(start_go_live(client, consented=False) for _ in range(room))
        )
        await asyncio.sleep(0.05)
        reached = await _waiting(client)
    return handles[: reached - before]


async def _waiting(client: Client) -> int:
    return (await client.count_workflows('WaitingOn = "administrator"')).count


async def _answer_seconds(handles: list[WorkflowHandle[Any, Any]]) -> float:
    """Return the median of an order's answer, asked of go-lives all over the list."""
    taken = []
    for number in range(ANSWERS):
        handle = handles[number * len(handles) // ANSWERS]
        began = time.perf_counter()
        await handle.execute_update("pause", Pause("dana"))
        taken.append(time.perf_counter() - began)
        await handle.execute_update("resume", Resume("dana"))
    return statistics.median(taken)


async def _measure(count: int) -> dict[str, float]:
    async with await local_server() as server:
        client = server.client
        await set_up_temporal(client)
        target = client.service_client.config.target_host
        worker = multiprocessing.get_context("spawn").Process(target=_work, args=(target,))
        worker.start()
        try:
            few = await _answer_seconds(await _bring(client, FEW))
            waiting = await _bring(client, count)
            many = await _answer_seconds(waiting)
            rss = psutil.Process(worker.pid).memory_info().rss / 2**20
        finally:
            worker.kill()
            worker.join()
    return {
        "waiting_go_lives": len(waiting),
        "waiting_10000_rss_mb": round(rss),
        "waiting_10_answer_ms": round(few * 1000, 1),
        "waiting_10000_answer_ms": round(many * 1000, 1),
        "waiting_10000_answer_ratio": round(many / few, 2),
    }


def measure(count: int = WAITING) -> dict[str, float]:
    """Return the figures; `waiting_go_lives` says how many were really waiting."""
    return asyncio.run(_measure(count))


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1])), indent=2))
    leave(0)
