"""Ends a process with its own exit status, every time."""

import contextlib
import os
import sys
from typing import NoReturn


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
