"""How a consent is proven: read back from Microsoft, until it is there or somebody ends it."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState, is_cancelled_exception
from temporalio.workflow import ActivityConfig, ActivityHandle

from workflows.waiting import Waiting

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from contracts.directory import ConsentToVerify, ConsentVerdict
    from contracts.go_live import AdminConsented, Attention, Refusal, StartGoLive, Wait
    from workflows.cancelling import StoppedAfter, heed_cancelling
    from workflows.ladder import Ladder
    from workflows.policies import (
        AFTER_A_LOOK_CALL,
        LOOK,
        LOOK_CALL,
        MAIL_GOES_FIRST,
        NEARLY_A_LOOK,
        SAME_DAY,
    )
    from workflows.troubles import attention_of


class Proving(Waiting):
    """The fourth stage's own machinery."""

    def __init__(self, start: StartGoLive) -> None:
        """Begin without a consent."""
        super().__init__(start)
        self._consent: AdminConsented | None = None
        self._troubles_told: dict[Attention, datetime] = {}
        self._telling: asyncio.Task[None] | None = None
        """The mail about a trouble, or about a refusal, that is on its way beside the wait."""
        self._asked_at: datetime | None = None
        """When this stage began: a consent that came earlier ages from then on."""

    async def _prove(self, ladder: Ladder) -> bool:
        """Read the truth back from Microsoft; a redirect proves nothing.

        Anybody of the customer's can report a consent, so reminders and deadline stop for a minute
        at most. False = it is not proven, or customer success has closed the go-live as declined
        meanwhile. Where the proof gave up, a new consent is as good as a *retry*.
        """
        self._refusal = None
        self._stuck, self._attention, self._attention_answer = None, None, None
        try:
            verdict = await self._read_back_beside(ladder)
        except ActivityError as error:
            if not self._closing:
                if is_cancelled_exception(error):
                    raise
                await self._give_up(attention_of(error), ladder)
            return False
        if verdict is None:
            return False
        self._refusal = None if verdict.proven else refusal_of(verdict.refusal or "")
        return verdict.proven and not self._closing

    async def _read_back_beside(self, ladder: Ladder) -> ConsentVerdict | None:
        """Read it back while the ladder goes on; at its deadline, what has begun is still heard.

        None = the go-live was closed as declined before there was an answer.
        """
        consent = self._newest_consent()
        verdict = await self._is_it_there(consent, ladder)
        if verdict is not None or self._closing:
            return verdict
        # Whoever reports another consent meanwhile does not take this one's place: it comes when
        # this one is not proven.
        proof = self._begin_to_read_back(replace(consent, at=workflow.now()), AFTER_A_LOOK_CALL)
        self._proving = self._consent
        try:
            async with StoppedAfter(proof):
                if not await self._wait_for(
                    Wait.MICROSOFT, lambda: proof.done() or self._closing, ladder
                ):
                    await self._now_waits(Wait.MICROSOFT)
                    self._board.list_at_rest()
                return await proof
        finally:
            self._proof = self._proving = None

    async def _is_it_there(self, consent: ConsentToVerify, ladder: Ladder) -> ConsentVerdict | None:
        """Look whether it is there already, and do nothing else; None = not within a minute."""
        look = self._begin_to_read_back(consent, LOOK_CALL)
        self._proving, self._ladder, self._looking = self._consent, ladder, True
        try:
            async with StoppedAfter(look):
                await self._now_waits(Wait.MICROSOFT)
                if self._board.lists_a_trouble:
                    self._board.list_at_rest()
                return await look
        except ActivityError as error:
            if is_cancelled_exception(error) or error.retry_state is not RetryState.TIMEOUT:
                raise
            await self._rest_of_the_look()
            return None
        finally:
            self._proof = self._proving = self._ladder = None
            self._looking = False

    async def _rest_of_the_look(self) -> None:
        """Wait for its end where the next try, as Microsoft asks for a pause, lies beyond it."""
        rest = self._since + LOOK - workflow.now()
        if rest > NEARLY_A_LOOK and not self._closing:
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: self._closing, timeout=rest, timeout_summary="the rest of a look"
                )
            heed_cancelling()

    async def _give_up(self, why: Attention, ladder: Ladder) -> None:
        """Show what is wrong beside the wait for the consent, and tell people once a day.

        Who reported a consent meanwhile stands in the other's place, but is no reason to be silent.
        """
        now = workflow.now()
        if self._consents:
            self._take_newest()
        if self._paused_at is None and ladder.is_over(now):
            # No other proof begins after the deadline, however often a consent is reported.
            return
        self._stuck = self._attention = why
        self._may_skip, self._ladder = False, ladder
        await self._now_waits(Wait.ADMIN_CONSENT)
        told = self._troubles_told.get(why)
        if told is None or now - told >= SAME_DAY:
            self._troubles_told[why] = now
            self._telling = self._tell_beside(self._tell_of_trouble(why))
            # The mail says what is wrong now, so what comes next waits for it; but not for long,
            # and it is not taken back.
            self._board.list_at_rest()
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: self._telling is None or self._telling.done() or self._closing,
                    timeout=MAIL_GOES_FIRST,
                    timeout_summary="mail about the trouble goes first",
                )
            heed_cancelling()

    @property
    def _is_to_be_proven(self) -> bool:
        """Whether a consent has come, or a person said *retry* for one whose proof gave up."""
        return bool(self._consents) or (
            self._stuck is not None
            and self._attention is self._stuck
            and self._attention_answer is not None
        )

    def _begin_to_read_back(
        self, consent: ConsentToVerify, call: ActivityConfig
    ) -> ActivityHandle[ConsentVerdict]:
        config: ActivityConfig = {
            **call,
            "summary": "read the consent back; Microsoft may take minutes to apply it",
        }
        proof = workflow.start_activity_method(
            DirectoryActivities.verify_consent, consent, **config
        )
        self._proof = proof
        return proof

    def _take_newest(self) -> None:
        self._consent = self._consents.pop()
        self._consents.clear()

    def _newest_consent(self) -> ConsentToVerify:
        """Return the consent at hand; one that came meanwhile stands in its place."""
        if self._consents:
            self._take_newest()
        assert self._consent is not None  # noqa: S101  (proving begins with one)
        assert self._consented_at is not None  # noqa: S101
        assert self._asked_at is not None  # noqa: S101
        return ConsentToVerify(
            self._start.go_live_id,
            self._consent.tenant_id,
            self._consent.administrator_object_id,
            workflow.now(),
            max(self._consented_at, self._asked_at),
        )


def refusal_of(code: str) -> Refusal:
    """Return the reason that a code names; one of a newer version is `OTHER`."""
    return Refusal(code) if code in list(Refusal) else Refusal.OTHER
