"""A workflow that has one activity done, for tests of how activities end.

Apart from them: the sandbox takes no workflow from a file that imports an HTTP client.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy


@dataclass(frozen=True)
class Asked:
    """Which activity, with what."""

    activity: str
    argument: dict[str, Any]


@workflow.defn
class AskOnce:
    @workflow.run
    async def run(self, asked: Asked) -> Any:
        return await workflow.execute_activity(
            asked.activity,
            asked.argument,
            start_to_close_timeout=timedelta(seconds=90),
            heartbeat_timeout=timedelta(seconds=30),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
