"""A workflow that has one activity done, for tests of what becomes of its failures.

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
    async def run(self, asked: Asked) -> None:
        await workflow.execute_activity(
            asked.activity,
            asked.argument,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
