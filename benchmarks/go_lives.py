"""How much the workflow costs, against a bare one with as many no-op activities.

Both run on one in-memory server with one worker process; rounds alternate, so that a busy machine
slows both, and each ratio is the median of its rounds.
Run: `python -m benchmarks go_lives`.
"""

import asyncio
import shutil
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from benchmarks.go_lives_floor import Bare, nothing
from benchmarks.go_lives_no_op import TENANT, NoOp
from commands.setup import set_up_temporal
from contracts.go_live import GO_LIVE_BULK_QUEUE, GO_LIVE_QUEUE, ConsentReported, StartGoLive
from worker import WORKFLOWS_IN_MEMORY, compile_workflows
from workflows import search_attributes
from workflows.go_live import SsoGoLive
from workflows.payloads import DATA_CONVERTER
from workflows.sandbox import SandboxWithoutContexts

GO_LIVES, AT_ONCE, ROUNDS, SIGNALS = 40, 20, 7, 60
THREADS = 20
"""Threads that run activities; the same for both workflows."""
CONSENT = ConsentReported(TENANT, TENANT)


def started_by(name: str) -> StartGoLive:
    """Return what a go-live without users and aftercare is started with."""
    return StartGoLive(name, name, name, 1, "dana", aftercare_days=0)


async def start_go_live(client: Client, *, consented: bool) -> WorkflowHandle[SsoGoLive, object]:
    """Start one that ends by itself where the consent is there already."""
    name = f"b{uuid4().hex}"
    start = started_by(name)
    handle = await client.start_workflow(
        SsoGoLive.run,
        start,
        id=name,
        task_queue=GO_LIVE_QUEUE,
        search_attributes=search_attributes.at_start(start),
    )
    if consented:
        await handle.signal(SsoGoLive.consent_reported, CONSENT)
    return handle


def workers(client: Client, no_op: NoOp) -> list[Worker]:
    """Return workers whose activities do nothing."""
    compile_workflows()
    threads = ThreadPoolExecutor(THREADS)
    return [
        Worker(
            client,
            task_queue=queue,
            workflows=[SsoGoLive, Bare] if queue == GO_LIVE_QUEUE else [],
            workflow_runner=SandboxWithoutContexts(),
            max_cached_workflows=WORKFLOWS_IN_MEMORY,
            activities=[*no_op.all(), nothing],
            activity_executor=threads,
        )
        for queue in (GO_LIVE_QUEUE, GO_LIVE_BULK_QUEUE)
    ]


def local_server() -> Awaitable[WorkflowEnvironment]:
    """Start an in-memory Temporal server."""
    temporal = shutil.which("temporal", path=str(Path(sys.executable).parent))
    return WorkflowEnvironment.start_local(
        data_converter=DATA_CONVERTER, dev_server_existing_path=temporal
    )


async def _rate(run: Callable[[], Awaitable[object]]) -> float:
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            await run()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(GO_LIVES)))
    return GO_LIVES / (time.perf_counter() - began)


async def _go_live(client: Client) -> WorkflowHandle[SsoGoLive, object]:
    handle = await start_go_live(client, consented=True)
    await handle.result()
    return handle


async def _bare(client: Client, counts: tuple[int, int]) -> None:
    handle = await client.start_workflow(Bare.run, counts, id=uuid4().hex, task_queue=GO_LIVE_QUEUE)
    await handle.signal(Bare.go_on)
    await handle.result()


async def _counts(handle: WorkflowHandle[SsoGoLive, object]) -> tuple[int, int]:
    events = (await handle.fetch_history()).events
    return (
        sum(event.HasField("activity_task_scheduled_event_attributes") for event in events),
        sum(
            event.marker_recorded_event_attributes.marker_name == "core_local_activity"
            for event in events
        ),
    )


async def _signal_to_activity(handle: WorkflowHandle[object, object]) -> float:
    """Return the server's own seconds between a signal and the start of the next activity."""
    signalled = 0
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_execution_signaled_event_attributes"):
            signalled = event.event_time.ToNanoseconds()
        elif signalled and event.HasField("activity_task_started_event_attributes"):
            return (event.event_time.ToNanoseconds() - signalled) / 1e9
    raise SystemExit("No activity ran after the signal.")


async def _consent_seconds(client: Client) -> float:
    handle = await start_go_live(client, consented=False)
    while (await handle.query(SsoGoLive.progress)).due_at is None:
        await asyncio.sleep(0.01)
    await handle.signal(SsoGoLive.consent_reported, CONSENT)
    await handle.result()
    return await _signal_to_activity(handle)  # type: ignore[arg-type]


async def _bare_seconds(client: Client) -> float:
    handle = await client.start_workflow(Bare.run, (2, 1), id=uuid4().hex, task_queue=GO_LIVE_QUEUE)
    while not any(
        [
            event.HasField("activity_task_completed_event_attributes")
            async for event in handle.fetch_history_events()
        ]
    ):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    await handle.signal(Bare.go_on)
    await handle.result()
    return await _signal_to_activity(handle)  # type: ignore[arg-type]


async def _measure() -> dict[str, float]:
    no_op = NoOp()
    async with await local_server() as server:
        client = server.client
        await set_up_temporal(client)
        first, second = workers(client, no_op)
        async with first, second:
            counts = await _counts(await _go_live(client))
            await _bare(client, counts)
            ours, bare = [], []
            for _ in range(ROUNDS):
                ours.append(await _rate(lambda: _go_live(client)))
                bare.append(await _rate(lambda: _bare(client, counts)))
            consents, signals = [], []
            for _ in range(SIGNALS):
                consents.append(await _consent_seconds(client))
                signals.append(await _bare_seconds(client))
    ratios = [mine / floor for mine, floor in zip(ours, bare, strict=True)]
    consent, signal = statistics.median(consents), statistics.median(signals)
    return {
        "go_live_activities": counts[0],
        "go_live_local_activities": counts[1],
        "go_lives_per_s": round(statistics.median(ours), 2),
        "bare_workflows_per_s": round(statistics.median(bare), 2),
        "go_live_vs_bare_ratio": round(statistics.median(ratios), 2),
        "consent_to_next_activity_ms": round(consent * 1000, 1),
        "signal_to_next_activity_ms": round(signal * 1000, 1),
        "consent_to_next_activity_ratio": round(consent / signal, 2),
    }


def measure() -> dict[str, float]:
    """Return completed go-lives per second and the answer to a consent, each beside its floor."""
    return asyncio.run(_measure())
