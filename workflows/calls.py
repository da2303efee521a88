"""The activity calls of the stages; a failed one waits for a person's *retry* or *skip*."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityConfig

from workflows.attention import AttentionRequests
from workflows.execution import Argument, Result, execute
from workflows.notices import Notices, summary_of
from workflows.state import RunState
from workflows.status import StatusPublisher

with workflow.unsafe.imports_passed_through():
    from activities.notices import NoticeActivities
    from contracts.directory import GoLiveRef, Snapshot
    from contracts.go_live import GO_LIVE_BULK_QUEUE
    from contracts.notices import Audience, Message, Notice
    from workflows.policies import MAIL_CALL, MAIL_TO_USERS_CALL, RECORD_CALL, are_few


class Calls:
    """Executes activities for the stages, and asks for a person's attention when one fails."""

    def __init__(
        self,
        state: RunState,
        status: StatusPublisher,
        notices: Notices,
        attention: AttentionRequests,
    ) -> None:
        """Assume many users until they are counted."""
        self._state, self._status = state, status
        self._notices, self._attention = notices, attention
        self._few = False
        """Whether users and directory are few, as of the last snapshot."""

    def reference(self) -> GoLiveRef:
        """Return this go-live's id, and the present time."""
        return GoLiveRef(self._state.start.go_live_id, workflow.now())

    def choose_queue(self, snapshot: Snapshot) -> None:
        """Choose the task queue for work on all users by the size of the snapshot."""
        self._few = are_few(snapshot)

    def on_chosen_queue(self, call: ActivityConfig) -> ActivityConfig:
        """Return this call for all users, on the bulk queue unless they are few."""
        return call if self._few else {**call, "task_queue": GO_LIVE_BULK_QUEUE}

    async def execute_required(
        self,
        activity: Callable[[Any, Argument], Result],
        argument: Callable[[], Argument],
        policy: ActivityConfig,
        summary: str,
    ) -> Result:
        """Return the activity's result, however many times a person has to order *retry*."""
        while True:
            await self._attention.check_for_reset()
            if policy is not RECORD_CALL:
                self._status.update_visibility()
            try:
                return await execute(activity, argument(), policy, summary)
            except ActivityError as error:
                await self._attention.ask_about(error)

    async def execute_skippable(
        self,
        activity: Callable[[Any, Argument], Result],
        argument: Callable[[], Argument],
        policy: ActivityConfig,
        summary: str,
    ) -> Result | None:
        """Like `execute_required`, but a person may also order *skip*: then None."""
        while True:
            await self._attention.check_for_reset()
            self._status.update_visibility()
            try:
                return await execute(activity, argument(), policy, summary)
            except ActivityError as error:
                if not await self._attention.ask_about(error, may_skip=True):
                    return None

    async def send(
        self,
        message: Message,
        audience: Audience,
        idempotency_key: str = "first",
        *,
        link_expires_at: datetime | None = None,
        may_skip: bool = False,
    ) -> bool:
        """Send one message to one audience, once per idempotency key; False = it was skipped."""
        send_notice = self.execute_skippable if may_skip else self.execute_required
        paused = True
        while paused:
            await self._notices.until_resumed()
            sent = await send_notice(
                NoticeActivities.send_notice,
                lambda: Notice(
                    self._state.start.go_live_id,
                    message,
                    audience,
                    idempotency_key,
                    workflow.now(),
                    link_expires_at,
                ),
                self.on_chosen_queue(MAIL_TO_USERS_CALL)
                if audience is Audience.USERS
                else MAIL_CALL,
                summary_of(message, audience),
            )
            paused = sent is not None and sent.paused
        return sent is not None
