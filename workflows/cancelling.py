"""Lets no cancellation be lost: a roll back, or a cancelled run, stops the stages for certain."""

import asyncio

from temporalio import workflow

NEVER_LOST = "no-cancellation-is-lost"
"""The patch of runs that heed a cancellation which came as what they awaited was done."""


def heed_cancelling() -> None:
    """Raise the cancellation of this task, if it was swallowed by what has just been awaited.

    An activity, and `asyncio.wait_for` before Python 3.12, return a result that is there in the
    same moment, and forget that they were cancelled.

    Raises:
        asyncio.CancelledError: the task is to stop.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling() and workflow.patched(NEVER_LOST):
        raise asyncio.CancelledError
