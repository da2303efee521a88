"""Lets Ctrl-C, SIGTERM and a closed terminal end a program in order, once."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody asked this program to end; like KeyboardInterrupt, it is no Exception."""


@contextlib.contextmanager
def stop_on_signal() -> Iterator[None]:
    """Raise StopRequested inside the block at the first signal; ignore further ones.

    Ignoring them until the block has ended lets the parts be stopped in their order however
    impatiently the keys are pressed. For the main thread.
    """
    # Under nohup the closing of the terminal is to be survived.
    ending = [number for number in _ENDING if number != signal.SIGHUP or not _is_ignored(number)]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in ending:
            signal.signal(number, signal.SIG_IGN)
        raise StopRequested

    before = {number: signal.signal(number, stop) for number in ending}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
