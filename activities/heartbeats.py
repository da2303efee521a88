"""How a long activity heartbeats, and stops when it is cancelled.

Every activity is declared with `no_thread_cancel_exception`; otherwise the SDK would raise at any
point of its thread. In the middle of a statement, that leaves a connection that cannot be rolled
back; between the relay's reply and our record of it, it causes a mail to be sent twice.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

from temporalio import activity
from temporalio.exceptions import CancelledError

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


def stop_if_cancelled() -> None:
    """Stop a cancelled activity here, between two steps: each is complete or not begun.

    Raises:
        CancelledError: it was cancelled, or its worker is stopping.
    """
    if activity.is_cancelled():
        raise CancelledError("Cancelled between two steps.")
