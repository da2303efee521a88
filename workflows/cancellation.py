"""Makes sure that a roll back, or a cancelled run, stops the stages."""

import asyncio
from types import TracebackType
from typing import Any


def raise_if_cancelled() -> None:
    """Raise the cancellation of this task, if it was swallowed by what has just been awaited.

    An activity, and `asyncio.wait_for` before Python 3.12, return a result that is there in the
    same moment, and forget that they were cancelled.

    Raises:
        asyncio.CancelledError: the task is to stop.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class StoppedAfter:
    """Stops a task at the end of the block, and waits until it has stopped.

    Where the run is put out of memory in the midst of the block there is nothing to wait for:
    Python would complain of whoever does.
    """

    def __init__(self, task: asyncio.Future[Any]) -> None:
        """Stop this one."""
        self._task = task

    async def __aenter__(self) -> None:
        """Begin the block."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self._task.cancel()
        if kind is not GeneratorExit:
            await asyncio.gather(self._task, return_exceptions=True)
