"""The people of one organisation and of customer success, who try again as people do."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy.exc import DBAPIError
from temporalio.api.common.v1 import FastForwardConfig, TimeSkippingConfig, WorkflowExecution
from temporalio.api.workflow.v1 import WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionOptionsRequest
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from commands.errors import CommandError
from commands.orders import Orders
from contracts.go_live import Progress, Wait
from local import people
from tests.chaos.audit_trail import ActionLog
from tests.chaos.plan import Kind
from tests.cluster import Organisation

TROUBLE = (
    CommandError,
    DBAPIError,
    OSError,
    RPCError,
    RuntimeError,
    TemporalError,
    TimeoutError,
    httpx2.HTTPError,
    people.SceneFailedError,
)
"""What people meet while parts are away; they do the same again a moment later."""

AGAIN_AFTER = 0.4
"""Seconds until somebody tries again what did not work."""

POLL_AFTER = 0.3
"""Seconds until somebody looks again: ten who look all the time would keep a processor busy."""

LONGEST_ANSWER = 15.0
"""Seconds until somebody of ours repeats an order that seems to have had no effect."""


class Play:
    """Plays one go-live to its end."""

    def __init__(self, organisation: Organisation, kind: Kind) -> None:
        self.organisation, self.kind = organisation, kind
        self.troubles = 0
        """How often somebody had to try again."""
        self.attentions: list[str] = []
        self.actions = ActionLog()
        self._done: set[str] = set()
        """What a person was told is done: they never do it again, so it must not get lost."""
        self._ordered_at = 0.0

    async def to_the_end(self) -> None:
        """Return when the database says that the go-live has ended."""
        while True:
            try:
                progress = (await asyncio.to_thread(self.organisation.standing)).progress
                if progress is not None and progress.outcome is not None:
                    return
                await self._take_turn(progress)
            except TROUBLE:
                self.troubles += 1
                await asyncio.sleep(AGAIN_AFTER)
            await asyncio.sleep(POLL_AFTER)

    async def _take_turn(self, progress: Progress | None) -> None:
        organisation = self.organisation
        if "start" not in self._done:
            await organisation.start()
            self._done.add("start")
        if progress is None:
            return
        if progress.attention is not None:
            await self._retry(progress)
            return
        match progress.wait:
            case Wait.ENTITLEMENT if await asyncio.to_thread(self._was_asked):
                if self._may_order():
                    await self._order(Orders.decline_entitlement, "Not sold.")
            case Wait.ADMIN_CONSENT if "consent" not in self._done:
                with self._visit():
                    await asyncio.to_thread(self._consent)
                self._done.add("consent")
            case Wait.MOVE_DATE:
                await self._let_the_date_come()
            case Wait.FIRST_SIGN_IN if self.kind is Kind.ROLLED_BACK:
                if self._may_order():
                    await self._order(Orders.roll_back, "Not now.")
            case Wait.FIRST_SIGN_IN if "sign-in" not in self._done:
                with self._visit():
                    await organisation.sign_in("anna")
                self._done.add("sign-in")

    def _may_order(self) -> bool:
        """Whether an order was not given just now."""
        if time.monotonic() - self._ordered_at < LONGEST_ANSWER:
            return False
        self._ordered_at = time.monotonic()
        return True

    async def _order(self, order: Any, words: str) -> None:
        """Give an order, and keep whether it was answered."""
        reason = self.actions.reason(words)
        await order(self.organisation.cluster.orders(), self.organisation.slug, reason)
        self.actions.orders[reason] = True

    @contextmanager
    def _visit(self) -> Iterator[None]:
        """Keep how often somebody came to our pages in vain."""
        try:
            yield
        except TROUBLE:
            self.actions.in_vain += 1
            raise

    def _was_asked(self) -> bool:
        """Whether customer success has got the question that it answers."""
        sent = self.organisation.mails("entitlement_question")
        return any(state == "sent" for _, _, state in sent)

    async def _retry(self, progress: Progress) -> None:
        if self._may_order():
            self.attentions.append(str(progress.attention))
            await self._order(Orders.retry, "Again.")

    def _consent(self) -> None:
        try:
            people.consent(
                self.organisation.cluster.endpoints,
                self.organisation.contact,
                self.organisation.administrator,
            )
        except people.SceneFailedError as error:
            # The page promises that nothing more is to be done.
            if "Your consent is noted" not in str(error):
                raise

    async def _let_the_date_come(self) -> None:
        """Let time pass until the move is due.

        A request of which no answer came may have been carried out, and a second one would go past
        the date; the server says whether one is under way, and from where it would go on.
        """
        cluster, handle = self.organisation.cluster, self.organisation.handle
        progress = (await asyncio.to_thread(self.organisation.standing)).progress
        if progress is None or progress.due_at is None:
            return
        skipped = await cluster.skipper.get_time_skipping_info(handle)
        if skipped is None:
            now = datetime.now(UTC)
        else:
            if skipped.effective_config.enabled:
                return
            now = skipped.current_time.ToDatetime(UTC)
        left = progress.due_at - now + timedelta(seconds=1)
        if left > timedelta(0):
            await self._ask_to_skip(left)

    async def _ask_to_skip(self, duration: timedelta) -> None:
        """Ask once: what the SDK tries again by itself is added to what was done already."""
        client, handle = self.organisation.cluster.client, self.organisation.handle
        asked = FastForwardConfig(id=str(uuid4()))
        asked.duration.FromTimedelta(duration)
        await client.workflow_service.update_workflow_execution_options(
            UpdateWorkflowExecutionOptionsRequest(
                namespace=client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id),
                workflow_execution_options=WorkflowExecutionOptions(
                    time_skipping_config=TimeSkippingConfig(enabled=True, fast_forward_config=asked)
                ),
                update_mask=FieldMask(paths=["time_skipping_config"]),
                identity=client.identity,
            ),
            retry=False,
            timeout=timedelta(seconds=LONGEST_ANSWER),
        )
