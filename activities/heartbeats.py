"""Heartbeats while one long statement runs, so that a busy database is not taken for a death."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

from temporalio import activity

BEAT_SECONDS = 5.0


@contextmanager
def heartbeating(*details: object) -> Iterator[None]:
    """Heartbeat every few seconds inside the block."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_SECONDS):
            activity.heartbeat(*details)

    activity.heartbeat(*details)
    beating = threading.Thread(target=copy_context().run, args=(beat,), daemon=True)
    beating.start()
    try:
        yield
    finally:
        done.set()
        beating.join()
