"""Makes sure that a roll back, or a cancelled run, stops the stages."""

import asyncio
from types import TracebackType
from typing import Any


def raise_if_cancelled() -> None:
    """Raise the cancellation of this task, if the last await swallowed it.

    If its result is there in the same moment, an activity (and `asyncio.wait_for` before Python
    3.12) returns the result and drops the cancellation.

    Raises:
        asyncio.CancelledError: the task was cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class StoppedAfter:
    """Cancels a task at the end of the block, and waits until it has stopped.

    When a worker evicts the run from memory within the block, it does not wait: Python does not
    allow an await then.
    """

    def __init__(self, task: asyncio.Future[Any]) -> None:
        """Cancel this task at the end."""
        self._task = task

    async def __aenter__(self) -> None:
        """Do nothing at the beginning."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cancel the task and wait for it."""
        self._task.cancel()
        if kind is not GeneratorExit:
            await asyncio.gather(self._task, return_exceptions=True)
