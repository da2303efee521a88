"""A go-live as a durable workflow, in the order of the help page."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows.consent import ConsentProof
from workflows.migration import FirstSignIn, Migration
from workflows.waits import Waits, opening

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from activities.records import RecordActivities
    from contracts import rules
    from contracts.directory import DomainsFinding
    from contracts.go_live import (
        AcknowledgeIt,
        ApproveMigration,
        Attention,
        CloseDeclined,
        ConfirmConsent,
        ConfirmEntitlement,
        ConsentNotGiven,
        ConsentReported,
        DeclineEntitlement,
        ExtendDeadline,
        GoLiveOutcome,
        GoLiveResult,
        GoLiveStage,
        ItAcknowledged,
        MailRequested,
        Pause,
        PeopleChanged,
        Progress,
        Replan,
        Resume,
        Retry,
        RollBack,
        Skip,
        StartGoLive,
        UserSignedIn,
        Wait,
    )
    from contracts.notices import Audience, Message
    from contracts.orders import Order, OrderPosition, refusal_of
    from contracts.records import Closing, MoveDate, Prerequisites
    from wording.orders import REFUSED
    from workflows.attention import AttentionRequests, RestartStagesError
    from workflows.calls import Calls
    from workflows.execution import ask_database
    from workflows.move_date import AnnouncedDate
    from workflows.notices import Notices, stamp
    from workflows.policies import GRAPH_CALL, RECORD_CALL
    from workflows.reminders import ReminderSchedule
    from workflows.state import RunState
    from workflows.status import StatusPublisher

_OWNER = Audience.CUSTOMER_SUCCESS
_EVERYONE = Audience.CUSTOMER_SUCCESS_AND_CONTACTS
_CONTACTS = Audience.EVERY_CONTACT
"""What only the contacts are mailed, customer success reads in its daily digest."""


class Answers:
    """People's answers to the questions of the first two stages."""

    def __init__(self) -> None:
        """Begin without an answer."""
        self.entitlement: ConfirmEntitlement | DeclineEntitlement | None = None
        self.is_acknowledged = False
        """Whether the IT team acknowledged the pack, or somebody skipped that."""
        self.date: datetime | None = None
        """The date chosen last; None = no date was chosen since the last `take_date`."""
        self._newest = 0
        """The entry of the audit trail that holds the newest acknowledgement."""

    def answer_entitlement(self, order: ConfirmEntitlement | DeclineEntitlement) -> None:
        """Take an answer about the agreement; the first answer counts."""
        self.entitlement = self.entitlement or order

    def skip_acknowledgement(self) -> None:
        """Stop waiting for the IT team's acknowledgement."""
        self.is_acknowledged = True

    def acknowledge(self, move_at: datetime | None, line: int) -> None:
        """Record that the IT team is ready, and the date that was chosen.

        `line`, the entry of the audit trail, orders them: an earlier date that arrives late does
        not count.
        """
        self.is_acknowledged = True
        if line >= self._newest:
            self._newest, self.date = line, move_at or self.date

    def take_date(self) -> datetime | None:
        """Return the date that was chosen since the last call, if any."""
        date, self.date = self.date, None
        return date

    @property
    def is_entitled(self) -> bool:
        """Whether SSO is in the agreement."""
        return isinstance(self.entitlement, ConfirmEntitlement)


@workflow.defn
class SsoGoLive:
    """Takes one organisation live with Microsoft single sign-on."""

    @workflow.init
    def __init__(self, start: StartGoLive) -> None:
        """Make every part in its first state; signals and orders may arrive from here on."""
        self._state = state = RunState(start)
        self._status = status = StatusPublisher(state, self.progress)
        self._notices = notices = Notices(state, status)
        self._attention = attention = AttentionRequests(state, status, notices)
        self._calls = calls = Calls(state, status, notices, attention)
        self._waits = waits = Waits(state, status, attention, calls)
        self._consent = ConsentProof(state, status, notices, attention, waits)
        first_sign_in = FirstSignIn(waits, calls, attention)
        self._migration = Migration(state, status, notices, calls, waits, first_sign_in)
        self._answers = Answers()
        self._roll_back: RollBack | None = None
        self._stages: asyncio.Task[GoLiveOutcome] | None = None

    @workflow.run
    async def run(self, _start: StartGoLive) -> GoLiveResult:
        """Go through the stages; whatever the outcome, leave nothing half done."""
        self._state.ownership.watch_for_resets()
        self._stages = asyncio.create_task(self._run_stages())
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

    async def _run_stages(self) -> GoLiveOutcome:
        while True:
            try:
                return await self._run_remaining_stages()
            except RestartStagesError:
                self._waits.release()
                self._attention.clear()

    async def _run_remaining_stages(self) -> GoLiveOutcome:
        known = await self._read_prerequisites()
        if not await self._entitlement_confirmed(known):
            return GoLiveOutcome.NOT_ENTITLED
        consented_before = await self._consent_still_stands(known)
        if not consented_before:
            await self._it_notified(known)
            await self._sso_activated()
            if not await self._admin_consent_awaited():
                return self._consent_ending()
        begun = known.moved_by_plan is not None
        if begun or not (consented_before and await self._everyone_has_moved()):
            await self._users_migrated(known)
        await self._aftercare()
        return GoLiveOutcome.LIVE

    # --- 1. Customer success confirms that SSO is in the subscription agreement ---------------

    async def _entitlement_confirmed(self, known: Prerequisites) -> bool:
        if known.entitled:
            return True
        schedule = self._waits.open(
            rules.ENTITLEMENT_WINDOW,
            *rules.ENTITLEMENT_REMINDERS,
            first=opening(Message.ENTITLEMENT_QUESTION, _OWNER),
        )
        await self._waits.until(
            Wait.ENTITLEMENT, lambda: self._answers.entitlement is not None, schedule
        )
        return self._answers.is_entitled

    # --- 2. The customer's IT team is notified, as SSO is an IT-led initiative ----------------

    async def _it_notified(self, known: Prerequisites) -> None:
        await self._waits.enter(GoLiveStage.IT_NOTIFIED)
        await self._tenant_discovered()
        if await self._calls.send(
            Message.IT_PACK,
            Audience.EVERY_CONTACT,
            link_expires_at=workflow.now() + self._state.consent_window,
            may_skip=True,
        ):
            self._consent.record_link_sent()
        if known.wants_to_acknowledge:
            schedule = self._waits.open(
                rules.ACKNOWLEDGEMENT_WINDOW, *rules.ACKNOWLEDGEMENT_REMINDERS
            )
            await self._waits.until(
                Wait.IT_ACKNOWLEDGEMENT, lambda: self._answers.is_acknowledged, schedule
            )

    async def _tenant_discovered(self) -> None:
        """Discover the tenant before anyone clicks, so that a wrong consent cannot start."""
        found = None
        while found is None or found.tenant_id is None:
            if found is not None:
                await self._attention.ask(
                    Attention.DIFFERENT_TENANTS
                    if found.finding is DomainsFinding.DIFFERENT_TENANTS
                    else Attention.TENANT_UNKNOWN
                )
            found = await self._calls.execute_required(
                DirectoryActivities.discover_tenant,
                self._calls.reference,
                GRAPH_CALL,
                "which Microsoft tenant the e-mail domains belong to",
            )

    # --- 3. We activate SSO: the login page offers it, passwords still work -------------------

    async def _sso_activated(self) -> None:
        await self._waits.enter(GoLiveStage.SSO_ACTIVATED)
        await self._calls.execute_required(
            RecordActivities.offer_sso,
            self._calls.reference,
            RECORD_CALL,
            "“Login with SSO” on the login page",
        )

    # --- 4. The Global Administrator consents on behalf of the organisation -------------------

    async def _admin_consent_awaited(self) -> bool:
        await self._waits.enter(GoLiveStage.ADMIN_CONSENT_AWAITED)
        return await self._consent.wait_for_proof()

    def _consent_ending(self) -> GoLiveOutcome:
        reports = self._consent.reports
        declined = reports.said_no or reports.closed
        return GoLiveOutcome.CONSENT_DECLINED if declined else GoLiveOutcome.CONSENT_EXPIRED

    async def _consent_still_stands(self, known: Prerequisites) -> bool:
        """Tell whether an earlier go-live's consent makes stages 2 to 4 unnecessary."""
        return known.tenant_proven is not None and await self._calls.execute_required(
            DirectoryActivities.verify_connection,
            self._calls.reference,
            GRAPH_CALL,
            "is the earlier consent still there?",
        )

    # --- 5. Existing users are moved to SSO, new users get an invitation ----------------------

    async def _users_migrated(self, known: Prerequisites) -> None:
        await self._waits.enter(GoLiveStage.USERS_MIGRATED)
        if known.moved_by_plan is None:
            await self._wait_for_move_date()
        else:
            self._migration.continue_plan(known.moved_by_plan)
        await self._migration.plan_and_move(in_waves=True)
        await self._calls.send(Message.RESULT, _EVERYONE, may_skip=True)

    async def _everyone_has_moved(self) -> bool:
        """Tell whether an earlier go-live left nothing to announce and nobody to move."""
        await self._waits.enter(GoLiveStage.USERS_MIGRATED)
        return (await self._migration.make_plan()).movable == 0

    async def _wait_for_move_date(self) -> None:
        """Announce the date and wait for it; a changed date is announced once it is settled.

        A date counts from when it is chosen, even before it is announced; nobody moves before the
        announcement.
        """
        await self._notices.until_resumed()
        decided = await self._decide_move_date(self._answers.take_date())
        date = AnnouncedDate(decided.at, workflow.now(), decided.announced)
        if not date.is_announced:
            await self._announce(date)
        schedule = date.schedule(chosen_at=None)
        while await self._wait_for_date_or_change(schedule, date):
            chosen = self._answers.take_date()
            shifted = chosen is None and schedule.shifted
            decided = await self._decide_move_date(chosen or schedule.deadline, shifted=shifted)
            date.set_date(decided.at, workflow.now(), shifted=shifted)
            schedule = date.schedule(chosen_at=workflow.now() if chosen else None)

    async def _decide_move_date(
        self, chosen: datetime | None, *, shifted: bool = False
    ) -> MoveDate:
        question = MoveDate(self._state.start.go_live_id, workflow.now(), chosen, shifted)
        return await ask_database(
            RecordActivities.decide_move_date, question, "when users start to move"
        )

    async def _wait_for_date_or_change(
        self, schedule: ReminderSchedule, date: AnnouncedDate
    ) -> bool:
        """Wait for the date, and announce it when that is due; True = it was changed before."""
        if await self._waits.until(
            Wait.MOVE_DATE,
            lambda: schedule.moved or self._answers.date is not None,
            self._waits.register(schedule),
            lambda: self._announce(date),
        ):
            return True
        if not date.is_announced:
            await self._announce(date)
        # A date that somebody chose while the announcement went out counts, too.
        return self._answers.date is not None

    async def _move_deadline_to_chosen_date(self) -> Progress:
        if self._state.wait is Wait.MOVE_DATE and (chosen := self._answers.take_date()):
            await self._waits.change_deadline(chosen)
        return self.progress()

    async def _announce(self, date: AnnouncedDate) -> None:
        announced = date.date
        idempotency_key = "first" if date.announced is None else stamp()
        date.begin_to_announce(workflow.now())
        until = announced + self._state.consent_window
        await self._calls.send(
            Message.MOVE_ANNOUNCEMENT, _CONTACTS, idempotency_key, link_expires_at=until
        )
        date.mark_announced(announced)

    # --- after the move, and the end ----------------------------------------------------------

    async def _aftercare(self) -> None:
        """Stay open for late sign-ins, exceptions and a roll back."""
        open_for = timedelta(days=self._state.start.aftercare_days)
        if not open_for:
            return
        schedule = self._waits.open(
            open_for,
            *(reminder for reminder in rules.STRAGGLER_REMINDERS if reminder.after < open_for),
        )
        while await self._waits.until(
            Wait.AFTERCARE, lambda: self._migration.is_replan_ordered, schedule
        ):
            await self._migration.plan_and_move(in_waves=False)

    def _begin_roll_back(self, order: RollBack) -> None:
        """Cancel the stages, once; an order that comes before they began counts as well."""
        if self._roll_back is None:
            self._roll_back = order
            if self._stages is not None:
                self._stages.cancel()

    async def _end(self, outcome: GoLiveOutcome) -> GoLiveResult:
        """Undo what must not stay, notify people, close the record."""
        self._state.begin_ending(outcome)
        self._waits.release()
        self._attention.clear()
        await self._notices.cancel_pending()
        if outcome is not GoLiveOutcome.LIVE:
            self._state.stop_waiting()
            await self._status.record()
            await self._undo()
            await self._announce_ending(outcome)
        await self._calls.execute_required(
            RecordActivities.close_record,
            lambda: Closing(self._state.start.go_live_id, outcome, workflow.now()),
            RECORD_CALL,
            "close the record",
        )
        self._state.end(outcome)
        self._status.show()
        await workflow.wait_condition(workflow.all_handlers_finished)
        plan = self._migration.plan
        return GoLiveResult(
            outcome,
            users_total=plan.total if plan else 0,
            users_linked=plan.link if plan else 0,
            users_invited=plan.invite if plan else 0,
            exceptions=self._migration.users.exceptions,
        )

    async def _announce_ending(self, outcome: GoLiveOutcome) -> None:
        undone = outcome in {GoLiveOutcome.ROLLED_BACK, GoLiveOutcome.CANCELLED}
        message = Message.ROLL_BACK_NOTICE if undone else Message.CLOSING_NOTICE
        # Before stage 2 the customer got no mail, so it needs no notice of the ending.
        before_notice = self._state.stage is GoLiveStage.ENTITLEMENT_CONFIRMED
        await self._calls.send(
            message, _OWNER if before_notice else _EVERYONE, outcome.value, may_skip=True
        )

    async def _undo(self) -> None:
        """Undo what this go-live changed, by its rows: users, login page, then mail."""
        planned = await ask_database(
            RecordActivities.check_for_plan, self._calls.reference(), "is there a move to undo?"
        )
        if planned:
            await self._migration.undo()
        await self._calls.execute_required(
            RecordActivities.withdraw_sso,
            self._calls.reference,
            RECORD_CALL,
            "undo: the login page as before",
        )
        if planned:
            await self._migration.deliver()

    async def _read_prerequisites(self) -> Prerequisites:
        await self._waits.enter(GoLiveStage.ENTITLEMENT_CONFIRMED)
        known = await self._calls.execute_required(
            RecordActivities.read_prerequisites,
            self._calls.reference,
            RECORD_CALL,
            "the subscription agreement, and what is already done",
        )
        self._status.link_to(known.console_url)
        return known

    # --- signals: facts, accepted at any time, any number of times ----------------------------

    @workflow.signal(description="An administrator came back from Microsoft with a consent")
    def consent_reported(self, fact: ConsentReported) -> None:
        """Record a report of a consent; the same report again only changes its time."""
        self._consent.reports.record_consent(fact)

    @workflow.signal(description="The person at Microsoft's consent form did not consent")
    def consent_not_given(self, fact: ConsentNotGiven) -> None:
        """Record that somebody declined, or could not consent; a consent still counts."""
        self._consent.reports.record_not_given(fact)

    @workflow.signal(description="A moved user signed in through SSO")
    def user_signed_in(self, _fact: UserSignedIn) -> None:
        """Record that somebody has signed in; the database knows who."""
        self._migration.first_sign_in.record_sign_in()

    @workflow.signal(description="The customer's IT team is ready, or chose another date")
    def it_acknowledged(self, fact: ItAcknowledged) -> None:
        """Continue, and move users at the time that the IT team chose."""
        self._answers.acknowledge(fact.move_at, fact.number)

    @workflow.signal(description="Somebody asked for a mail again, such as a new link")
    def mail_requested(self, fact: MailRequested) -> None:
        """Deliver it in the background; a go-live that ends delivers no more."""
        if self._state.goes_on:
            self._notices.deliver_in_background(fact.message, fact.idempotency_key)

    @workflow.signal(description="Somebody else looks after it, here or at the customer")
    def people_changed(self, fact: PeopleChanged) -> None:
        """Take the new owner; pending reminders move into their new readers' business hours."""
        self._waits.readers_changed()
        self._status.hand_over_to(fact.owner)

    # --- orders: a validator refuses an order that makes no sense now, before history has it --

    @workflow.update(description="SSO is in the subscription agreement")
    def confirm_entitlement(self, order: ConfirmEntitlement) -> Progress:
        """Continue with the next stage."""
        self._answers.answer_entitlement(order)
        return self._taken()

    @workflow.update(description="SSO is not in the subscription agreement")
    def decline_entitlement(self, order: DeclineEntitlement) -> Progress:
        """End as not entitled."""
        self._answers.answer_entitlement(order)
        return self._taken()

    @workflow.update(description="Customer success says that the customer's IT team is ready")
    async def acknowledge_it(self, order: AcknowledgeIt) -> Progress:
        """Continue, and move users at the time that the IT team chose, if it did."""
        self._state.count_order()
        self._answers.acknowledge(order.move_at, order.reason_id)
        return await self._move_deadline_to_chosen_date()

    @workflow.update(description="Move users by the plan with this hash")
    def approve_migration(self, order: ApproveMigration) -> Progress:
        """Apply the plan."""
        self._migration.approve(order.plan_hash)
        return self._taken()

    @workflow.update(description="Send nothing and move nobody until resumed")
    async def pause(self, _order: Pause) -> Progress:
        """Stop reminders and batches; signals still count."""
        self._state.count_order()
        self._state.pause()
        return await self._recorded()

    @workflow.update(description="Go on after a pause")
    async def resume(self, _order: Resume) -> Progress:
        """Continue; dates from before the pause move by its length, newer ones stay."""
        self._state.count_order()
        self._waits.resume(paused_at=self._state.resume())
        return await self._recorded()

    @workflow.update(description="Try again what needs attention")
    def retry(self, order: Retry) -> Progress:
        """Try again."""
        self._attention.answer(order)
        return self._taken()

    @workflow.update(description="Go on without what needs attention")
    def skip(self, order: Skip) -> Progress:
        """Continue without it, or without the IT team's acknowledgement."""
        if not self._attention.answer(order):
            self._answers.skip_acknowledgement()
        return self._taken()

    @workflow.update(description="Move the deadline of the present wait")
    async def extend_deadline(self, order: ExtendDeadline) -> Progress:
        """Move the deadline, to a later or an earlier time."""
        self._state.count_order()
        await self._waits.change_deadline(order.until)
        return self.progress()

    @workflow.update(description="Read the directory again and move who became possible")
    def replan(self, _order: Replan) -> Progress:
        """Plan again."""
        self._migration.replan()
        return self._taken()

    @workflow.update(description="The organisation wants the consent that stands already")
    def confirm_consent(self, order: ConfirmConsent) -> Progress:
        """Check at Microsoft whether it is there, as for a consent that a browser reported."""
        self._consent.reports.record_consent(order)
        return self._taken()

    @workflow.update(description="The customer declined for good")
    def close_declined(self, order: CloseDeclined) -> Progress:  # noqa: ARG002
        """End as declined, even while a consent is being proven."""
        self._consent.close()
        return self._taken()

    @workflow.update(description="Undo everything and end")
    def roll_back(self, order: RollBack) -> Progress:
        """Stop the stages, then undo users, login page and mail."""
        self._begin_roll_back(order)
        return self._taken()

    async def _recorded(self) -> Progress:
        await self._status.record()
        return self.progress()

    def _taken(self) -> Progress:
        """Count the order, as Temporal limits those of a run, and return the progress.

        A handler that awaits something counts first, so that its record names the order.
        """
        self._state.count_order()
        return self.progress()

    # --- what is refused: `contracts.orders` says when -----------------------------------------

    @confirm_entitlement.validator
    def _may_confirm(self, order: ConfirmEntitlement) -> None:  # noqa: ARG002  (the shape Temporal wants)
        self._refuse_unless_allowed(Order.CONFIRM_ENTITLEMENT)

    @decline_entitlement.validator
    def _may_decline(self, order: DeclineEntitlement) -> None:  # noqa: ARG002  (the shape Temporal wants)
        self._refuse_unless_allowed(Order.DECLINE_ENTITLEMENT)

    @acknowledge_it.validator
    def _may_acknowledge(self, order: AcknowledgeIt) -> None:
        self._refuse_unless_allowed(Order.ACKNOWLEDGE_IT, moment=order.move_at)

    @approve_migration.validator
    def _may_approve(self, order: ApproveMigration) -> None:
        self._refuse_unless_allowed(Order.APPROVE_MIGRATION, plan_hash=order.plan_hash)

    @pause.validator
    def _may_pause(self, _order: Pause) -> None:
        self._refuse_unless_allowed(Order.PAUSE)

    @resume.validator
    def _may_resume(self, _order: Resume) -> None:
        self._refuse_unless_allowed(Order.RESUME)

    @retry.validator
    def _may_retry(self, order: Retry) -> None:  # noqa: ARG002  (the shape Temporal wants)
        self._refuse_unless_allowed(Order.RETRY)

    @skip.validator
    def _may_skip(self, order: Skip) -> None:
        self._refuse_unless_allowed(Order.SKIP, reason_given=order.reason_id > 0)

    @extend_deadline.validator
    def _may_extend(self, order: ExtendDeadline) -> None:
        self._refuse_unless_allowed(Order.EXTEND_DEADLINE, moment=order.until)

    @replan.validator
    def _may_replan(self, _order: Replan) -> None:
        self._refuse_unless_allowed(Order.REPLAN)

    @confirm_consent.validator
    def _may_confirm_consent(self, order: ConfirmConsent) -> None:
        self._refuse_unless_allowed(Order.CONFIRM_CONSENT, reason_given=order.reason_id > 0)

    @close_declined.validator
    def _may_close_declined(self, order: CloseDeclined) -> None:
        self._refuse_unless_allowed(Order.CLOSE_DECLINED, reason_given=order.reason_id > 0)

    @roll_back.validator
    def _may_roll_back(self, order: RollBack) -> None:
        self._refuse_unless_allowed(Order.ROLL_BACK, reason_given=order.reason_id > 0)

    def _refuse_unless_allowed(
        self,
        order: Order,
        *,
        reason_given: bool = True,
        plan_hash: str | None = None,
        moment: datetime | None = None,
    ) -> None:
        refused = refusal_of(
            order,
            OrderPosition(
                self.progress(), self._answers.is_entitled if self._answers.entitlement else None
            ),
            reason_given=reason_given,
            plan_hash=plan_hash,
            moment=moment,
            now=workflow.now(),
        )
        if refused is not None:
            raise ApplicationError(REFUSED[refused], type=refused, non_retryable=True)

    # --- answers ------------------------------------------------------------------------------

    @workflow.query(description="Where it stands, why, and whom it waits on")
    def progress(self) -> Progress:
        """Return where the go-live stands."""
        state, schedule, users = self._state, self._waits.schedule, self._migration.users
        return Progress(
            slug=state.start.slug,
            number=state.start.number,
            stage=state.stage,
            wait=state.wait,
            since=state.since,
            due_at=schedule.deadline if schedule else None,
            reminder_at=self._waits.next_reminder(),
            attention=self._attention.why,
            may_skip=state.outcome is None and self._skippable(),
            paused=state.is_paused,
            refusal=self._consent.refusal,
            consent_not_given=state.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
            and self._consent.reports.not_given is not None,
            users_done=users.done,
            users_total=users.total,
            users_before=users.before,
            exceptions=users.exceptions,
            plan_hash=self._migration.plan_hash,
            ending=state.ending,
            outcome=state.outcome,
        )

    def _skippable(self) -> bool:
        if self._attention.why is not None:
            return self._attention.may_skip
        return self._state.wait is Wait.IT_ACKNOWLEDGEMENT


async def _uninterrupted(ending: Coroutine[object, object, GoLiveResult]) -> GoLiveResult:
    """Await an ending until it is done: cancelling a run that already ends changes nothing."""
    task = asyncio.ensure_future(ending)
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                raise
