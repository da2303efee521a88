"""The daily digest to customer success, as a durable schedule."""

from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from activities.digests import DigestActivities
    from contracts.digests import DigestRound, DigestsSent
    from workflows.policies import DIGEST_CALL

SCHEDULE_ID = "staff-digest"
"""The id of the schedule; Temporal adds the hour for the ids of its runs."""


@workflow.defn
class StaffDigest:
    """Runs one round every hour; each manager gets the digest in the first round of a morning."""

    @workflow.run
    async def run(self, asked: DigestRound) -> DigestsSent:
        """Send what is due; if the relay takes nothing, the next round tries again."""
        config: ActivityConfig = {
            **DIGEST_CALL,
            "summary": "the digest to everyone whose working morning has come",
        }
        try:
            return await workflow.execute_activity_method(
                DigestActivities.send_digests,
                replace(asked, at=asked.at or workflow.now()),
                **config,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return DigestsSent(undelivered=True)
