"""A worker for single activities, with every activity of ours and what a test gives it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from temporalio.worker import Worker

from activities.redaction import RedactingInterceptor
from contracts.go_live import GO_LIVE_BULK_QUEUE, GO_LIVE_QUEUE
from tests.cluster import Cluster
from tests.one_activity import AskOnce
from worker import WorkerDependencies, activities


def every_activity(
    dependencies: WorkerDependencies, like: str = GO_LIVE_BULK_QUEUE
) -> dict[str, Callable[..., Any]]:
    """Every activity of ours, by its name; what both queues are asked for as `like` does it."""
    asked = activities(dependencies)
    other = GO_LIVE_QUEUE if like == GO_LIVE_BULK_QUEUE else GO_LIVE_BULK_QUEUE
    found = {one.__name__: one for one in (*asked[other], *asked[like])}
    assert len(found) >= 18, found
    return found


def activity_worker(
    cluster: Cluster,
    dependencies: WorkerDependencies,
    queue: str,
    *,
    like: str = GO_LIVE_BULK_QUEUE,
) -> Worker:
    """Do what `AskOnce` asks, as the queue `like` does it; hear at once that it is cancelled."""
    return Worker(
        cluster.client,
        task_queue=queue,
        workflows=[AskOnce],
        activities=list(every_activity(dependencies, like).values()),
        activity_executor=ThreadPoolExecutor(4, "asked"),
        interceptors=[RedactingInterceptor()],
        max_heartbeat_throttle_interval=timedelta(milliseconds=100),
    )
