"""What happens in a go-live, in order: the help page as a durable workflow."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.moving import Moving
from workflows.proving import Proving, refusal_of

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from activities.records import RecordActivities
    from contracts.directory import DomainsFinding
    from contracts.go_live import (
        AdminDeclined,
        Attention,
        ConfirmEntitlement,
        GoLiveOutcome,
        GoLiveResult,
        GoLiveStage,
        StartGoLive,
        Wait,
    )
    from contracts.notices import Audience, Message
    from contracts.records import Closing, MoveDate, Standing
    from workflows import policies
    from workflows.ladder import Ladder
    from workflows.policies import GRAPH_CALL, RECORD_CALL

_OWNER = Audience.CUSTOMER_SUCCESS
_EVERYONE = Audience.CUSTOMER_SUCCESS_AND_CONTACTS
_CONTACTS = Audience.EVERY_CONTACT
"""Of what the contacts are told here, customer success reads in its daily digest."""

_FOR_THE_ADMINISTRATOR = {
    Attention.SELF_ONLY,
    Attention.PERMISSION_MISSING,
    Attention.APPLICATION_DISABLED,
}
"""What only the customer's administrator can mend."""


@workflow.defn
class SsoGoLive(Proving, Moving):
    """Takes one organisation live with Microsoft single sign-on."""

    @workflow.init
    def __init__(self, start: StartGoLive) -> None:
        """Begin with nothing done; messages may arrive from here on."""
        super().__init__(start)
        self._compensations: list[Callable[[], Awaitable[object]]] = []
        self._pack_sent_at: datetime | None = None

    @workflow.run
    async def run(self, _start: StartGoLive) -> GoLiveResult:
        """Go through the stages; whatever the ending, leave nothing half-done."""
        self._stages = asyncio.create_task(self._go_through_stages())
        if self._roll_back is not None:
            self._stages.cancel()
        try:
            outcome = await self._stages
            if self._roll_back is not None:
                outcome = GoLiveOutcome.ROLLED_BACK
        except (asyncio.CancelledError, ActivityError) as error:
            if not is_cancelled_exception(error):
                raise
            outcome = GoLiveOutcome.ROLLED_BACK if self._roll_back else GoLiveOutcome.CANCELLED
        return await _uninterrupted(self._end(outcome))

    async def _go_through_stages(self) -> GoLiveOutcome:
        standing = await self._read_standing()
        if not await self._entitlement_confirmed(standing):
            return GoLiveOutcome.NOT_ENTITLED
        consented_before = await self._consent_still_stands(standing)
        if not consented_before:
            await self._it_notified(standing)
            await self._sso_activated()
            if not await self._admin_consent_awaited():
                return _consent_ending(declined=self._said_no or self._closing)
        if not (consented_before and await self._everyone_has_moved()):
            await self._users_migrated()
        await self._aftercare()
        return GoLiveOutcome.LIVE

    # --- 1. Customer success confirms that SSO is in the subscription agreement ---------------

    async def _entitlement_confirmed(self, standing: Standing) -> bool:
        if standing.entitled:
            return True
        question = self._sender(Message.ENTITLEMENT_QUESTION, _OWNER, "first")
        ladder = await self._ladder_of(
            policies.ENTITLEMENT_WINDOW,
            *policies.ENTITLEMENT_REMINDERS,
            first=self._at_once("entitlement question", question),
        )
        await self._wait_for(Wait.ENTITLEMENT, lambda: self._entitlement is not None, ladder)
        return isinstance(self._entitlement, ConfirmEntitlement)

    # --- 2. The customer's IT team is told, as SSO is an IT-led initiative --------------------

    async def _it_notified(self, standing: Standing) -> None:
        await self._move_to(GoLiveStage.IT_NOTIFIED)
        await self._tenant_discovered()
        if await self._send(
            Message.IT_PACK,
            Audience.EVERY_CONTACT,
            link_expires_at=workflow.now() + self._consent_window(),
            may_skip=True,
        ):
            self._pack_sent_at = workflow.now()
        if standing.wants_to_acknowledge:
            await self._wait_for(
                Wait.IT_ACKNOWLEDGEMENT,
                lambda: self._acknowledged is not None or self._acknowledgement_skipped,
                await self._ladder_of(
                    policies.ACKNOWLEDGEMENT_WINDOW, *policies.ACKNOWLEDGEMENT_REMINDERS
                ),
            )

    async def _tenant_discovered(self) -> None:
        """Know the tenant before anyone clicks, so that a wrong consent cannot even start."""
        found = None
        while found is None or found.tenant_id is None:
            if found is not None:
                await self._needs_attention(
                    Attention.DIFFERENT_TENANTS
                    if found.finding is DomainsFinding.DIFFERENT_TENANTS
                    else Attention.TENANT_UNKNOWN
                )
            found = await self._do(
                DirectoryActivities.discover_tenant,
                self._reference,
                GRAPH_CALL,
                "which Microsoft tenant the e-mail domains belong to",
            )

    # --- 3. We activate SSO: the login page offers it, passwords still work -------------------

    async def _sso_activated(self) -> None:
        await self._move_to(GoLiveStage.SSO_ACTIVATED)
        self._compensations.append(self._withdraw_sso)
        await self._do(
            RecordActivities.offer_sso,
            self._reference,
            RECORD_CALL,
            "“Login with SSO” on the login page",
        )

    # --- 4. The Global Administrator consents on behalf of the organisation -------------------

    async def _admin_consent_awaited(self) -> bool:
        await self._move_to(GoLiveStage.ADMIN_CONSENT_AWAITED)
        self._asked_at = workflow.now()
        ladder = await self._consent_ladder()
        told: AdminDeclined | None = None
        while True:
            answered = await self._wait_for(
                Wait.ADMIN_CONSENT,
                lambda told=told: bool(  # type: ignore[misc]
                    self._is_to_be_proven or self._closed_declined or self._declined != told
                ),
                ladder,
            )
            if self._closing:
                return False
            if self._is_to_be_proven:
                # Whoever tries again after a no is reminded again, unless it is proven now.
                ladder.remind_again(workflow.now())
                if await self._prove(ladder):
                    return True
            elif self._closed_declined or not answered:
                return False
            elif self._declined is not None:
                told = self._declined
                self._refusal = refusal_of(told.reason_code)
                self._hear_refusal(ladder)

    def _hear_refusal(self, ladder: Ladder) -> None:
        """Tell people of it beside the wait: a consent, or an order, may come meanwhile."""
        if self._said_no:
            ladder.stop_reminders()
            mail = self._tell(Message.CONSENT_DECLINED, _OWNER)
        else:
            ladder.remind_again(workflow.now())
            mail = self._tell(Message.CONSENT_TROUBLE, _CONTACTS, ladder.deadline)
        self._tell_beside(mail)

    async def _consent_ladder(self) -> Ladder:
        """Ask, unless the pack brought the consent link today; then remind."""
        ladder = await self._ladder_of(self._consent_window(), *policies.CONSENT_REMINDERS)
        sent_at = self._pack_sent_at
        if sent_at is None or workflow.now() - sent_at >= policies.SAME_DAY:
            request, contact = Message.CONSENT_REQUEST, Audience.FIRST_CONTACT
            ask = self._at_once(
                "consent request",
                lambda: self._send(request, contact, link_expires_at=ladder.deadline),
            )
            ladder.rungs.insert(0, ask)
        return ladder

    async def _consent_still_stands(self, standing: Standing) -> bool:
        """Tell whether an earlier go-live's consent makes stages 2 to 4 unnecessary."""
        return standing.tenant_proven is not None and await self._do(
            DirectoryActivities.verify_connection,
            self._reference,
            GRAPH_CALL,
            "is the earlier consent still there?",
        )

    # --- 5. Existing users are moved to SSO, new users get an invitation ----------------------

    async def _users_migrated(self) -> None:
        await self._move_to(GoLiveStage.USERS_MIGRATED)
        await self._agreed_date_comes()
        self._compensations.append(self._undo_moves)
        await self._plan_and_move(in_waves=True)
        await self._send(Message.RESULT, _EVERYONE, may_skip=True)

    async def _everyone_has_moved(self) -> bool:
        """Tell whether an earlier go-live left nothing to announce and nobody to move."""
        await self._move_to(GoLiveStage.USERS_MIGRATED)
        return (await self._make_plan()).movable == 0

    async def _agreed_date_comes(self) -> None:
        """Announce the date and wait for it; a date that is changed is announced again."""
        chosen = self._acknowledged.move_at if self._acknowledged else None
        announced, shifted = None, False
        changed = True
        while changed:
            await self._not_paused()
            question = MoveDate(self._start.go_live_id, workflow.now(), chosen, shifted)
            date = await self._ask(RecordActivities.decide_move_date, question)
            if announced is None or abs(date.at - announced) >= policies.OTHER_DATE:
                await self._announce(date.at, "first" if announced is None else "changed")
                announced = date.at
            ladder = Ladder(announced)
            self._ladders.append(ladder)
            changed = await self._wait_for(Wait.MOVE_DATE, lambda it=ladder: it.moved, ladder)  # type: ignore[misc]
            chosen, shifted = ladder.deadline, ladder.shifted

    async def _announce(self, date: datetime, occasion: str) -> None:
        if occasion != "first":
            occasion = f"{workflow.now():%Y%m%d%H%M%S}"
        until = date + self._consent_window()
        await self._send(Message.MOVE_ANNOUNCEMENT, _CONTACTS, occasion, link_expires_at=until)

    # --- after the move, and the end ----------------------------------------------------------

    async def _aftercare(self) -> None:
        """Stay open for stragglers, exceptions and a change of mind."""
        open_for = timedelta(days=self._start.aftercare_days)
        if not open_for:
            return
        ladder = await self._ladder_of(
            open_for,
            *(reminder for reminder in policies.STRAGGLER_REMINDERS if reminder.after < open_for),
        )
        while await self._wait_for(Wait.AFTERCARE, lambda: self._replan, ladder):
            await self._plan_and_move(in_waves=False)

    async def _end(self, outcome: GoLiveOutcome) -> GoLiveResult:
        """Undo what must not stay, tell people, close the record."""
        self._ending, self._ladder, self._paused_at = outcome, None, None
        self._attention = self._stuck = None
        await self._stop_telling()
        if outcome is not GoLiveOutcome.LIVE:
            self._wait, self._since = Wait.NOTHING, workflow.now()
            await self._board.record()
            for undo in reversed(self._compensations):
                await undo()
            await self._tell_ending(outcome)
        await self._do(
            RecordActivities.close,
            lambda: Closing(self._start.go_live_id, outcome, workflow.now()),
            RECORD_CALL,
            "close the record",
        )
        self._outcome, self._wait = outcome, Wait.NOTHING
        self._board.show(self.progress())
        await workflow.wait_condition(workflow.all_handlers_finished)
        return GoLiveResult(
            outcome,
            users_total=self._plan.total if self._plan else 0,
            users_linked=self._plan.link if self._plan else 0,
            users_invited=self._plan.invite if self._plan else 0,
            exceptions=self._exceptions,
        )

    async def _tell_ending(self, outcome: GoLiveOutcome) -> None:
        undone = outcome in {GoLiveOutcome.ROLLED_BACK, GoLiveOutcome.CANCELLED}
        message = Message.ROLL_BACK_NOTICE if undone else Message.CLOSING_NOTICE
        # Until stage 2 the customer has heard nothing, so there is nothing to take back.
        unheard = self._stage is GoLiveStage.ENTITLEMENT_CONFIRMED
        await self._send(message, _OWNER if unheard else _EVERYONE, outcome.value, may_skip=True)

    async def _withdraw_sso(self) -> None:
        await self._do(
            RecordActivities.withdraw_sso,
            self._reference,
            RECORD_CALL,
            "undo: the login page as before",
        )

    # --- small things -------------------------------------------------------------------------

    async def _read_standing(self) -> Standing:
        await self._move_to(GoLiveStage.ENTITLEMENT_CONFIRMED)
        standing = await self._do(
            RecordActivities.read_standing,
            self._reference,
            RECORD_CALL,
            "the subscription agreement, and what is already done",
        )
        self._board.console_url = standing.console_url
        return standing

    @property
    def _said_no(self) -> bool:
        return self._declined is not None and self._declined.said_no

    async def _tell_of_trouble(self, why: Attention) -> None:
        """Besides customer success, tell the contacts where only an administrator can help."""
        await super()._tell_of_trouble(why)
        if why in _FOR_THE_ADMINISTRATOR:
            until = workflow.now() + self._consent_window()
            await self._tell(Message.CONSENT_TROUBLE, _CONTACTS, until)

    def _consent_window(self) -> timedelta:
        return timedelta(days=self._start.consent_window_days)


def _consent_ending(*, declined: bool) -> GoLiveOutcome:
    return GoLiveOutcome.CONSENT_DECLINED if declined else GoLiveOutcome.CONSENT_EXPIRED


async def _uninterrupted(ending: Coroutine[object, object, GoLiveResult]) -> GoLiveResult:
    """Await an ending to its end: cancelling a run that already ends changes nothing."""
    task = asyncio.ensure_future(ending)
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                raise
