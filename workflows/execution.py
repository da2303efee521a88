"""The two ways a run executes an activity; each raises a cancellation that came meanwhile."""

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
    """Execute an activity; the timeline shows `summary`.

    Raises:
        ActivityError: it failed for good, or was cancelled.
    """
    config: ActivityConfig = {**policy, "summary": summary}
    result = await workflow.execute_activity_method(activity, argument, **config)
    raise_if_cancelled()
    return result


async def ask_database(
    activity: Callable[[Any, Argument], Result], argument: Argument, summary: str
) -> Result:
    """Run a small database activity: one row in the timeline, retried until it succeeds.

    The worker retries it as a local activity for most of a minute, which writes events as it goes.
    Then it runs as an ordinary activity, whose retries write no events, however long the database
    is unavailable.

    Raises:
        ApplicationError: the activity said that no retry would help.
    """
    try:
        local: LocalActivityConfig = {**SMALL_DATABASE_CALL, "summary": summary}
        answer = await workflow.execute_local_activity_method(activity, argument, **local)
    except FailureError as error:
        # A local activity fails with its own error, which does not say whether retries ran out.
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
