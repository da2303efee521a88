"""The two ways a run executes an activity; each heeds a cancellation that came meanwhile."""

from collections.abc import Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception
from temporalio.workflow import ActivityConfig, LocalActivityConfig

with workflow.unsafe.imports_passed_through():
    from workflows.cancellation import raise_if_cancelled
    from workflows.policies import DATABASE_AWAY_CALL, SMALL_DATABASE_CALL

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
    raise_if_cancelled()
    return result


async def ask_database(
    activity: Callable[[Any, Argument], Result], argument: Argument, summary: str
) -> Result:
    """Ask the database a small thing: one row in the timeline, tried until it answers.

    The worker tries by itself for most of a minute, which writes events as long as it goes on. Then
    Temporal tries, whose retries write none, however long the database is away.

    Raises:
        ApplicationError: the activity said that no retry would help.
    """
    try:
        local: LocalActivityConfig = {**SMALL_DATABASE_CALL, "summary": summary}
        answer = await workflow.execute_local_activity_method(activity, argument, **local)
    except FailureError as error:
        # A local activity fails with its own error, which says not whether its tries were used up.
        final = isinstance(error, ApplicationError) and error.non_retryable
        if final or is_cancelled_exception(error):
            raise
        config: ActivityConfig = {
            **DATABASE_AWAY_CALL,
            "summary": f"{summary}; the database is away",
        }
        answer = await workflow.execute_activity_method(activity, argument, **config)
    raise_if_cancelled()
    return answer
