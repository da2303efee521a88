"""Ends a process with its own exit status, every time."""

import contextlib
import logging
import os
import sys
import threading
from typing import NoReturn

_log = logging.getLogger(__name__)


def leave(status: int) -> NoReturn:
    """End the process now with this status.

    A process that used the Temporal client may abort with status 134 while the interpreter shuts
    down (temporalio/sdk-python#300), so this skips the shutdown. It flushes standard output and
    standard error first.
    """
    for stream in (sys.stdout, sys.stderr):
        # The reader of a pipe may have gone.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def leave_after(seconds: float) -> None:
    """End the process with status 1 if it has not ended by itself within this time.

    For a process that was asked to end: a thread of it may wait for a server that fell silent.
    """

    def give_up() -> None:
        _log.warning("Not everything ended within %g seconds; it is cut off", seconds)
        leave(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
