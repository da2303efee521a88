"""Imported before anything else, it lets Ctrl-C end a program that is still being imported.

What the local stack imports takes a second or two, and Python would answer with a traceback.
`local.ending` takes over where there is something to stop in order.
"""

import os
import signal
from types import FrameType

STATUS = 130
"""What a shell shows for a program that Ctrl-C ended."""


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"Stopped before anything was started.\n")
    os._exit(STATUS)


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
