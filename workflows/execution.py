"""The two ways a run executes an activity; each heeds a cancellation that came meanwhile."""

from collections.abc import Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from workflows.cancellation import heed_cancelling
    from workflows.policies import POSITION_CALL

Argument = TypeVar("Argument")
Result = TypeVar("Result")


async def execute(
    activity: Callable[[Any, Argument], Result],
    argument: Argument,
    policy: ActivityConfig,
    summary: str,
) -> Result:
    """Execute an activity, called `summary` in the timeline.

    Raises:
        ActivityError: it gave up, or was cancelled.
    """
    config: ActivityConfig = {**policy, "summary": summary}
    result = await workflow.execute_activity_method(activity, argument, **config)
    heed_cancelling()
    return result


async def ask_database(activity: Callable[[Any, Argument], Result], argument: Argument) -> Result:
    """Ask the database a small thing: one marker in the history, tried until it answers."""
    answer = await workflow.execute_local_activity_method(activity, argument, **POSITION_CALL)
    heed_cancelling()
    return answer
