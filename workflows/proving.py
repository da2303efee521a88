"""How a consent is proven: read back from Microsoft, until it is there or somebody ends it."""

import asyncio
from contextlib import suppress
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, RetryState, is_cancelled_exception
from temporalio.workflow import ActivityConfig, ActivityHandle

from workflows.waiting import Waiting

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from contracts.directory import ConsentToVerify, ConsentVerdict
    from contracts.go_live import AdminConsented, Attention, Refusal, StartGoLive, Wait
    from workflows.cancelling import heed_cancelling
    from workflows.ladder import Ladder
    from workflows.policies import (
        AFTER_A_LOOK_CALL,
        LOOK_CALL,
        MAIL_GOES_FIRST,
        PROPAGATION_CALL,
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

        Anybody of the customer's can report a consent, so neither reminders nor deadline stop for
        it. False = it is not proven, or customer success has closed the go-live as declined
        meanwhile. Where the proof gave up, a new consent is as good as a *retry*.
        """
        self._refusal = None
        if not self._reminders_go_on:
            return await self._prove_alone()
        self._stuck, self._attention, self._attention_answer = None, None, None
        try:
            verdict = await self._read_back_beside(ladder)
        except ActivityError as error:
            if not self._closing:
                if is_cancelled_exception(error):
                    raise
                await self._give_up(attention_of(error), ladder)
            return False
        self._refusal = None if verdict.proven else refusal_of(verdict.refusal or "")
        return verdict.proven and not self._closing

    async def _read_back_beside(self, ladder: Ladder) -> ConsentVerdict:
        """Read it back while the ladder goes on; at its deadline, what has begun is still heard."""
        if self._board.work_is_recorded:
            verdict = await self._is_it_there(ladder)
            if verdict is not None:
                return verdict
        proof = self._begin_to_read_back(
            AFTER_A_LOOK_CALL if self._board.work_is_recorded else PROPAGATION_CALL
        )
        self._proving = self._consent
        try:
            if not await self._wait_for(
                Wait.MICROSOFT, lambda: proof.done() or self._closing, ladder
            ):
                await self._now_waits(Wait.MICROSOFT)
                self._board.list_at_rest()
            return await proof
        finally:
            proof.cancel()
            await asyncio.gather(proof, return_exceptions=True)
            self._proof = self._proving = None

    async def _is_it_there(self, ladder: Ladder) -> ConsentVerdict | None:
        """Look whether it is there already, and do nothing else; None = not within a minute."""
        look = self._begin_to_read_back(LOOK_CALL)
        self._proving, self._ladder, self._looking = self._consent, ladder, True
        try:
            await self._now_waits(Wait.MICROSOFT)
            return await look
        except ActivityError as error:
            if is_cancelled_exception(error) or error.retry_state is not RetryState.TIMEOUT:
                raise
            return None
        finally:
            look.cancel()
            await asyncio.gather(look, return_exceptions=True)
            self._proof = self._proving = self._ladder = None
            self._looking = False

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

    async def _prove_alone(self) -> bool:
        """Prove as runs do that began before reminders went on: nothing else happens meanwhile."""
        await self._now_waits(Wait.MICROSOFT)
        while not self._closing:
            try:
                verdict = await self._read_back()
            except ActivityError as error:
                if not self._closing:
                    await self._ask_for_help(
                        error, unless=lambda: bool(self._consents or self._closing)
                    )
            else:
                self._refusal = None if verdict.proven else refusal_of(verdict.refusal or "")
                return verdict.proven and not self._closing
        return False

    async def _read_back(self) -> ConsentVerdict:
        try:
            return await self._begin_to_read_back(PROPAGATION_CALL)
        finally:
            self._proof = None

    def _begin_to_read_back(self, call: ActivityConfig) -> ActivityHandle[ConsentVerdict]:
        config: ActivityConfig = {
            **call,
            "summary": "read the consent back; Microsoft may take minutes to apply it",
        }
        proof = workflow.start_activity_method(
            DirectoryActivities.verify_consent, self._newest_consent(), **config
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
        counted_from = [at for at in (self._consented_at, self._asked_at) if at is not None]
        return ConsentToVerify(
            self._start.go_live_id,
            self._consent.tenant_id,
            self._consent.administrator_object_id,
            workflow.now(),
            max(counted_from, default=None),
        )


def refusal_of(code: str) -> Refusal:
    """Return the reason that a code names; one of a newer version is `OTHER`."""
    return Refusal(code) if code in list(Refusal) else Refusal.OTHER
