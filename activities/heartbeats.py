"""What a long activity owes to Temporal: to say that it is alive, and to stop when it is told to.

Every activity here is declared with `no_thread_cancel_exception`: the SDK would else raise in the
midst of whatever its thread does. In a statement, that leaves a connection that cannot be rolled
back; between the relay's yes and our note of it, a mail that is sent again.
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
    """End a cancelled activity here, between two steps: each of them is whole or not begun.

    Raises:
        CancelledError: it was cancelled, or its worker is stopping.
    """
    if activity.is_cancelled():
        raise CancelledError("Cancelled between two steps.")
