"""What people and the outside may tell a go-live, and what it answers.

Signals are facts: they are only recorded, at any time, any number of times. Updates are orders:
a validator refuses what makes no sense now, before anything is written to history.
"""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from contracts.directory import ConsentVerdict
    from contracts.go_live import (
        AcknowledgeIt,
        AdminConsented,
        AdminDeclined,
        ApproveMigration,
        Attention,
        CloseDeclined,
        ConfirmEntitlement,
        DeclineEntitlement,
        ExtendDeadline,
        GoLiveOutcome,
        GoLiveStage,
        Pause,
        PeopleChanged,
        Progress,
        Refusal,
        Replan,
        Resume,
        Retry,
        RollBack,
        Skip,
        StartGoLive,
        UserSignedIn,
        Wait,
    )
    from workflows.ladder import Ladder
    from workflows.policies import FURTHEST_DATE
    from workflows.showing import Board


def _refuse(reason: str) -> ApplicationError:
    return ApplicationError(reason, type="refused", non_retryable=True)


class Conversation:
    """State that messages change, and the handlers that change it."""

    def __init__(self, start: StartGoLive) -> None:
        self._start = start
        self._stage = GoLiveStage.ENTITLEMENT_CONFIRMED
        self._wait = Wait.NOTHING
        self._since = workflow.now()
        self._ladder: Ladder | None = None
        self._ladders: list[Ladder] = []
        """Every ladder there has been: a pause moves those that are between two waits, too."""
        self._attention: Attention | None = None
        self._may_skip = False
        self._attention_answer: Retry | Skip | None = None
        self._paused_at: datetime | None = None
        self._entitlement: ConfirmEntitlement | DeclineEntitlement | None = None
        self._acknowledged: AcknowledgeIt | None = None
        self._acknowledgement_skipped = False
        self._consents: list[AdminConsented] = []
        self._consented_at: datetime | None = None
        self._declined: AdminDeclined | None = None
        self._closed_declined = False
        self._closing = False
        """Closed as declined, and whatever is being proven ends by it."""
        self._proof: asyncio.Task[ConsentVerdict] | None = None
        """What reads a consent back from Microsoft just now."""
        self._proving: AdminConsented | None = None
        """Whose consent that is, while reminders go on beside it."""
        self._looking = False
        """Whether a consent is there is looked for, and nothing else is done for a minute."""
        self._stuck: Attention | None = None
        """Why the last proof gave up; shown beside the wait for a consent."""
        self._refusal: Refusal | None = None
        self._signed_in = False
        self._approved_hash: str | None = None
        self._replan = False
        self._plan_hash: str | None = None
        self._users_total = 0
        self._users_done = 0
        self._exceptions = 0
        self._outcome: GoLiveOutcome | None = None
        self._ending: GoLiveOutcome | None = None
        self._roll_back: RollBack | None = None
        self._stages: asyncio.Task[GoLiveOutcome] | None = None
        self._board = Board(start, self.progress)

    # --- facts -------------------------------------------------------------------------------

    @workflow.signal(description="An administrator came back from Microsoft with a consent")
    def admin_consented(self, fact: AdminConsented) -> None:
        """Record a consent to be proven; the same one again changes nothing but its time."""
        if fact not in self._consents and fact != self._proving:
            self._consents.append(fact)
        self._consented_at = workflow.now()

    @workflow.signal(description="The person at Microsoft's consent form did not consent")
    def admin_declined(self, fact: AdminDeclined) -> None:
        """Record a refusal: reminders stop, customer success is told; a consent still counts."""
        self._declined = fact

    @workflow.signal(description="A moved user signed in through SSO")
    def user_signed_in(self, _fact: UserSignedIn) -> None:
        """Record that someone has signed in; who, the database knows."""
        self._signed_in = True

    @workflow.signal(description="Somebody else looks after it, here or at the customer")
    def people_changed(self, fact: PeopleChanged) -> None:
        """Name the new owner; reminders still to come keep to the new readers' working hours."""
        self._board.owner = fact.owner
        if self._ladder is not None and self._wait is not Wait.MOVE_DATE:
            self._ladder.moved = True
        self._board.show(self.progress())

    # --- orders ------------------------------------------------------------------------------

    @workflow.update(description="SSO is in the subscription agreement")
    def confirm_entitlement(self, order: ConfirmEntitlement) -> Progress:
        """Go on to the next stage."""
        self._entitlement = self._entitlement or order
        return self.progress()

    @workflow.update(description="SSO is not in the subscription agreement")
    def decline_entitlement(self, order: DeclineEntitlement) -> Progress:
        """End as not entitled."""
        self._entitlement = self._entitlement or order
        return self.progress()

    @confirm_entitlement.validator
    def _may_confirm(self, order: ConfirmEntitlement) -> None:
        self._check_entitlement_is_open(type(order))

    @decline_entitlement.validator
    def _may_decline(self, order: DeclineEntitlement) -> None:
        self._check_entitlement_is_open(type(order))

    def _check_entitlement_is_open(self, kind: type) -> None:
        self._check_running()
        if self._stage is not GoLiveStage.ENTITLEMENT_CONFIRMED:
            raise _refuse("The entitlement is already confirmed.")
        if self._entitlement is not None and not isinstance(self._entitlement, kind):
            raise _refuse("The entitlement was answered the other way a moment ago.")

    @workflow.update(description="The customer's IT team has read the pack")
    async def acknowledge_it(self, order: AcknowledgeIt) -> Progress:
        """Go on, and move users at the time the IT team chose, if it did."""
        if self._acknowledged is None or order.move_at is not None:
            self._acknowledged = order
        if self._wait is Wait.MOVE_DATE and order.move_at is not None:
            await self._change_deadline(order.move_at)
        return self.progress()

    @acknowledge_it.validator
    def _may_acknowledge(self, order: AcknowledgeIt) -> None:
        self._check_running()
        self._check_future(order.move_at)
        if self._stage is GoLiveStage.USERS_MIGRATED and self._wait is not Wait.MOVE_DATE:
            raise _refuse("Users are moving already; the date can no longer be chosen.")

    @workflow.update(description="Move users by the plan with this hash")
    def approve_migration(self, order: ApproveMigration) -> Progress:
        """Apply the plan."""
        self._approved_hash = order.plan_hash
        return self.progress()

    @approve_migration.validator
    def _may_approve(self, order: ApproveMigration) -> None:
        self._check_running()
        if self._wait is not Wait.APPROVAL:
            raise _refuse("No plan waits for approval now.")
        if order.plan_hash != self._plan_hash:
            raise _refuse("The plan has changed since you read it; read it again, then approve.")

    @workflow.update(description="Send nothing and move nobody until resumed")
    async def pause(self, _order: Pause) -> Progress:
        """Stop reminders and batches; facts still count."""
        self._paused_at = self._paused_at or workflow.now()
        await self._board.record()
        return self.progress()

    @pause.validator
    def _may_pause(self, _order: Pause) -> None:
        self._check_running()

    @workflow.update(description="Go on after a pause")
    async def resume(self, _order: Resume) -> Progress:
        """Go on; dates from before the pause move by it, those chosen during it stay."""
        if self._paused_at is not None:
            paused_at, self._paused_at = self._paused_at, None
            for ladder in self._ladders:
                ladder.shift(workflow.now() - paused_at, self._deadline_shift(ladder, paused_at))
        await self._board.record()
        return self.progress()

    @resume.validator
    def _may_resume(self, _order: Resume) -> None:
        self._check_running()
        if self._paused_at is None:
            raise _refuse("This go-live is not paused.")

    def _deadline_shift(self, ladder: Ladder, paused_at: datetime) -> timedelta:
        """Return by how much a pause moves a deadline: not at all if it was chosen during it.

        One that was, and has passed meanwhile, moves by the time since.
        """
        chosen, now = ladder.chosen_at, workflow.now()
        if chosen is None or chosen < paused_at:
            return now - paused_at
        passed = ladder.deadline is not None and ladder.deadline <= now
        return now - chosen if passed else timedelta()

    @workflow.update(description="Try again what needs attention")
    def retry(self, order: Retry) -> Progress:
        """Try again."""
        self._attention_answer = self._attention_answer or order
        return self.progress()

    @retry.validator
    def _may_retry(self, order: Retry) -> None:  # noqa: ARG002  (the shape Temporal wants)
        self._check_attention()

    @workflow.update(description="Go on without what needs attention")
    def skip(self, order: Skip) -> Progress:
        """Go on without it."""
        if self._attention is None:
            self._acknowledgement_skipped = True
        else:
            self._attention_answer = self._attention_answer or order
        return self.progress()

    @skip.validator
    def _check_skip(self, order: Skip) -> None:
        if self._attention is not None or self._wait is not Wait.IT_ACKNOWLEDGEMENT:
            self._check_attention()
        if not self._skippable():
            raise _refuse(
                "This cannot be skipped: entitlement, consent and migration are never skipped."
            )
        if order.reason_id <= 0:
            raise _refuse("Say why it is skipped.")

    def _skippable(self) -> bool:
        if self._attention is not None:
            return self._may_skip
        return self._wait is Wait.IT_ACKNOWLEDGEMENT

    @workflow.update(description="Move the deadline of the present wait")
    async def extend_deadline(self, order: ExtendDeadline) -> Progress:
        """Move the deadline, to later or to sooner."""
        await self._change_deadline(order.until)
        return self.progress()

    @extend_deadline.validator
    def _may_extend(self, order: ExtendDeadline) -> None:
        self._check_running()
        if self._ladder is None or self._ladder.deadline is None:
            raise _refuse("Nothing with a deadline is being waited for now.")
        self._check_future(order.until)

    async def _change_deadline(self, until: datetime) -> None:
        if self._ladder is None:
            return
        if self._paused_at is None:
            self._ladder.choose(until, workflow.now())
            if self._looking:
                await self._board.record()
            return
        # Nothing comes of it before the pause is over; but it is seen, and can be chosen again.
        self._ladder.choose(until, workflow.now(), heed_later=True)
        await self._board.record()

    def _check_future(self, moment: datetime | None) -> None:
        if moment is not None and moment.tzinfo is None:
            raise _refuse("The date lacks a time zone.")
        if moment is not None and moment <= workflow.now():
            raise _refuse("The chosen date lies in the past; choose a later one.")
        if moment is not None and moment > workflow.now() + FURTHEST_DATE:
            raise _refuse("The chosen date is more than a year away; choose an earlier one.")

    @workflow.update(description="Read the directory again and move who became possible")
    def replan(self, _order: Replan) -> Progress:
        """Plan again."""
        self._replan = True
        return self.progress()

    @replan.validator
    def _may_replan(self, _order: Replan) -> None:
        self._check_running()
        if self._wait not in {Wait.APPROVAL, Wait.AFTERCARE}:
            raise _refuse("A new plan can be made while a plan waits for approval or after a move.")

    @workflow.update(description="The customer declined for good")
    def close_declined(self, _order: CloseDeclined) -> Progress:
        """End as declined, also while a consent is being proven."""
        self._closed_declined = True
        self._closing = True
        if self._proof is not None:
            self._proof.cancel()
        return self.progress()

    @close_declined.validator
    def _may_close_declined(self, _order: CloseDeclined) -> None:
        self._check_running()
        if self._declined is None or self._stage is not GoLiveStage.ADMIN_CONSENT_AWAITED:
            raise _refuse("Nobody has declined the consent.")

    @workflow.update(description="Undo everything and end")
    def roll_back(self, order: RollBack) -> Progress:
        """Stop what is being done, then undo every stage in reverse order."""
        if self._roll_back is None:
            self._roll_back = order
            if self._stages is not None:
                self._stages.cancel()
        return self.progress()

    @roll_back.validator
    def _may_roll_back(self, order: RollBack) -> None:
        self._check_running()
        if order.reason_id <= 0:
            raise _refuse("Say why it is rolled back.")

    # --- answers -----------------------------------------------------------------------------

    @workflow.query(description="Where it stands, why, and whom it waits on")
    def progress(self) -> Progress:
        """Return where the go-live stands."""
        return Progress(
            slug=self._start.slug,
            number=self._start.number,
            stage=self._stage,
            wait=self._wait,
            since=self._since,
            due_at=self._ladder.deadline if self._ladder else None,
            reminder_at=self._next_reminder(),
            attention=self._attention,
            may_skip=self._outcome is None and self._skippable(),
            paused=self._paused_at is not None,
            refusal=self._refusal,
            users_done=self._users_done,
            users_total=self._users_total,
            exceptions=self._exceptions,
            plan_hash=self._plan_hash,
            ending=self._ending,
            outcome=self._outcome,
        )

    def _next_reminder(self) -> datetime | None:
        """Return when somebody is reminded next; what came due in a look goes out right after."""
        at = self._ladder.next_reminder() if self._ladder else None
        overdue = at is not None and at <= workflow.now()
        return None if self._wait is Wait.MICROSOFT and overdue else at

    def _check_running(self) -> None:
        if self._outcome is not None or self._ending is not None:
            raise _refuse("This go-live has ended or is being rolled back.")

    def _check_attention(self) -> None:
        if self._attention is None:
            raise _refuse("Nothing needs attention now.")
