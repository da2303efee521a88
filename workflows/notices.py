"""Mail that is told beside what goes on: nothing waits for it, and an ending takes it back."""

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
    """Return this moment as an idempotency key: what is sent for it is sent once."""
    return f"{workflow.now():%Y%m%d%H%M%S%f}"


def summary_of(message: Message, audience: Audience) -> str:
    """Return what the timeline calls a message to an audience."""
    return f"{message.value.replace('_', ' ')} to {audience.value.replace('_', ' ')}"


class Notices:
    """Sends what people are told of while the run goes on."""

    def __init__(self, state: RunState, status: StatusPublisher) -> None:
        """Begin with no mail on its way."""
        self._state, self._status = state, status
        self._on_their_way: list[asyncio.Task[None]] = []

    async def until_resumed(self) -> None:
        """Return at once, or when the pause is over."""
        if self._state.is_paused:
            self._status.update_visibility()
        await workflow.wait_condition(lambda: not self._state.is_paused)

    async def notify(
        self, message: Message, audience: Audience, *, link_expires_at: datetime | None = None
    ) -> None:
        """Send once, after a pause; where mail itself is the trouble, it is left at that."""
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
        """Deliver what somebody asked for, also during a pause; no person is asked for help.

        Where mail is the trouble, it is tried for a day; whoever asks after that is sent another.
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
        """Let this mail go out beside what is waited for, at most until the run ends."""
        sending = asyncio.create_task(mail)
        self._on_their_way = [one for one in self._on_their_way if not one.done()] + [sending]
        return sending

    async def cancel_pending(self) -> None:
        """Take back what is still on its way: the ending is told instead."""
        pending = [one for one in self._on_their_way if not one.done()]
        if pending:
            for one in pending:
                one.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
