"""Mail in the background: nothing waits for it, and an ending cancels what is not sent."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.execution import execute
from workflows.state import RunState
from workflows.status import StatusPublisher

with workflow.unsafe.imports_passed_through():
    from activities.notices import NoticeActivities
    from contracts.notices import Audience, Delivery, Message, Notice
    from workflows.policies import MAIL_CALL


def stamp() -> str:
    """Return the present time as an idempotency key."""
    return f"{workflow.now():%Y%m%d%H%M%S%f}"


def summary_of(message: Message, audience: Audience) -> str:
    """Return the timeline's summary of a message to an audience."""
    return f"{message.value.replace('_', ' ')} to {audience.value.replace('_', ' ')}"


class Notices:
    """Sends mail while the run continues."""

    def __init__(self, state: RunState, status: StatusPublisher) -> None:
        """Begin with no mail being sent."""
        self._state, self._status = state, status
        self._on_their_way: list[asyncio.Task[None]] = []

    async def until_resumed(self) -> None:
        """Return when the go-live is not paused."""
        if self._state.is_paused:
            self._status.update_visibility()
        await workflow.wait_condition(lambda: not self._state.is_paused)

    async def notify(
        self, message: Message, audience: Audience, *, link_expires_at: datetime | None = None
    ) -> None:
        """Send one message, after a pause if there is one; a failure of mail is ignored."""
        if self._state.is_paused:
            await self.until_resumed()
        with suppress(ActivityError):
            await execute(
                NoticeActivities.send_notice,
                Notice(
                    self._state.start.go_live_id,
                    message,
                    audience,
                    stamp(),
                    workflow.now(),
                    link_expires_at,
                ),
                MAIL_CALL,
                summary_of(message, audience),
            )

    def deliver_in_background(self, message: Message, idempotency_key: str) -> None:
        """Deliver what somebody asked for, also during a pause; a failure needs no attention.

        It is retried for a day; a request after that sends another mail.
        """
        self.send_in_background(self._deliver(message, idempotency_key))

    async def _deliver(self, message: Message, idempotency_key: str) -> None:
        with suppress(ActivityError):
            await execute(
                NoticeActivities.deliver_mail,
                Delivery(self._state.start.go_live_id, workflow.now(), message, idempotency_key),
                MAIL_CALL,
                f"{message.value.replace('_', ' ')} again",
            )

    def send_in_background(self, mail: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Send this mail in the background, at most until the run ends."""
        sending = asyncio.create_task(mail)
        self._on_their_way = [one for one in self._on_their_way if not one.done()] + [sending]
        return sending

    async def cancel_pending(self) -> None:
        """Cancel mail that is still being sent: the notice of the ending replaces it."""
        pending = [one for one in self._on_their_way if not one.done()]
        if pending:
            for one in pending:
                one.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
