"""What goes out every hour whatever go-lives run: digests, and notices about accounts."""

from dataclasses import replace
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from activities.digests import DigestActivities
    from activities.notices import NoticeActivities
    from contracts.digests import DigestRound, DigestsSent
    from contracts.notices import AccountNotices
    from workflows.policies import ACCOUNT_NOTICES_CALL, DIGEST_CALL

SCHEDULE_ID = "staff-digest"
"""The id of the schedule; Temporal adds the hour for the ids of its runs."""


@workflow.defn
class StaffDigest:
    """Runs one round every hour; each manager gets the digest in the first round of a morning."""

    @workflow.run
    async def run(self, asked: DigestRound) -> DigestsSent:
        """Send what is due; if the relay takes nothing, the next round tries again."""
        at = asked.at or workflow.now()
        notified = await self._tell_of_accounts(at)
        config: ActivityConfig = {
            **DIGEST_CALL,
            "summary": "the digest to everyone whose working morning has come",
        }
        try:
            done = await workflow.execute_activity_method(
                DigestActivities.send_digests, replace(asked, at=at), **config
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return DigestsSent(undelivered=True)
        return replace(done, undelivered=not notified)

    async def _tell_of_accounts(self, at: datetime) -> bool:
        """Tell people of accounts that staff replaced; False = not everybody could be told."""
        config: ActivityConfig = {
            **ACCOUNT_NOTICES_CALL,
            "summary": "to whom it concerns: the account of a user was replaced",
        }
        try:
            await workflow.execute_activity_method(
                NoticeActivities.send_account_notices, AccountNotices(at), **config
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return False
        return True
