"""Worker processes that start in a moment and are killed without a word."""

import multiprocessing
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from temporalio.common import RetryPolicy

import worker
from local.ports import free_port
from local.readiness import answers_http
from tests.bounds import LONGEST_WAIT
from tests.forks import FORKS
from workflows import policies


def _shorten_timeouts() -> None:
    """Notice a dead worker within seconds, and try again as soon.

    Nothing else differs from `worker.py`.
    """
    # A killed worker's go-lives are taken over, by replay, after this time.
    worker.Worker = partial(  # type: ignore[misc]
        worker.Worker, sticky_queue_schedule_to_start_timeout=timedelta(seconds=1)
    )
    retry = RetryPolicy(
        initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=2)
    )
    calls: tuple[Any, ...] = (
        policies.RECORD_CALL,
        policies.GRAPH_CALL,
        policies.PROPAGATION_CALL,
        policies.FIRST_CHECK_CALL,
        policies.AFTER_FIRST_CHECK_CALL,
        policies.MAIL_CALL,
        policies.ALL_USERS_CALL,
        policies.BULK_CALL,
        policies.MAIL_TO_USERS_CALL,
        policies.SMALL_DATABASE_CALL,
    )
    for call in calls:
        call["retry_policy"] = retry
        if "heartbeat_timeout" in call:
            call["heartbeat_timeout"] = timedelta(seconds=5)
        else:
            call["start_to_close_timeout"] = timedelta(seconds=8)


def _work(environment: Mapping[str, str], log: str) -> None:
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    _shorten_timeouts()
    os._exit(worker.main())


class Workers:
    """A few workers, each in its slot."""

    def __init__(self, environment: Mapping[str, str], log: Path, count: int) -> None:
        self._environment, self._log = dict(environment), log
        self._slots: list[Any] = [None] * count
        self._ports = [free_port() for _ in range(count)]

    def start(self, slot: int) -> None:
        """Start a worker in this slot, without waiting for it."""
        process = FORKS.Process(
            target=_work,
            args=(
                {**self._environment, "GOLIVE_WORKER_HEALTH_PORT": str(self._ports[slot])},
                str(self._log),
            ),
            daemon=True,
        )
        process.start()
        self._slots[slot] = process

    def is_ready(self, slot: int) -> bool:
        """Tell whether the worker takes tasks; one that gave up is started again.

        A worker that finds no Temporal server ends, as an orchestrator expects of it.
        """
        if not self._slots[slot].is_alive():
            self.start(slot)
        return answers_http(f"http://127.0.0.1:{self._ports[slot]}/health/live")()

    def until_ready(self, slot: int) -> None:
        give_up = time.monotonic() + LONGEST_WAIT
        while not self.is_ready(slot):
            if time.monotonic() > give_up:
                raise AssertionError(f"Worker {slot} does not get ready; its log: {self._log}")
            time.sleep(0.02)

    def kill(self, slot: int) -> None:
        """End a worker by kill -9, whatever it is doing."""
        self._slots[slot].kill()
        self._slots[slot].join()

    def stop(self) -> None:
        """End all of them."""
        for process in self._slots:
            if process is not None:
                with suppress(ValueError):
                    process.kill()
                    process.join()
