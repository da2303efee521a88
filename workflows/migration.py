"""How users are moved: plan, approve, a few first, then the rest; and all the way back."""

from dataclasses import dataclass, replace

from temporalio import workflow

from workflows.waits import Waits, opening

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from activities.notices import NoticeActivities
    from contracts import rules
    from contracts.directory import MigrationPlan, PlanToMake, Wave, WaveMoved, WaveToMove
    from contracts.go_live import Attention, Wait
    from contracts.notices import Audience, Delivery, Message
    from workflows.attention import AttentionRequests
    from workflows.calls import Calls
    from workflows.execution import ask_database
    from workflows.notices import Notices, stamp
    from workflows.policies import ALL_USERS_CALL, BULK_CALL
    from workflows.reminders import Reminder
    from workflows.state import RunState
    from workflows.status import StatusPublisher


@dataclass(frozen=True)
class UserCounts:
    """Users that move by the newest plan, have moved, cannot be moved, and had moved before."""

    total: int = 0
    done: int = 0
    exceptions: int = 0
    before: int = 0
    """Moved by an earlier go-live."""


class FirstSignIn:
    """Waits until SSO has worked for one of the first users, before the rest moves."""

    def __init__(self, waits: Waits, calls: Calls, attention: AttentionRequests) -> None:
        """Begin without a sign-in."""
        self._waits, self._calls, self._attention = waits, calls, attention
        self._reported = False
        """Whether a sign-in was signalled since the database was last checked."""
        self.sso_works = False
        """Whether one of the first users, not the administrator, has signed in through SSO."""

    def record_sign_in(self) -> None:
        """Record that somebody has signed in; the database knows who."""
        self._reported = True

    async def wait(self) -> None:
        """Wait until one of the first users, not the administrator, has signed in."""
        while True:
            schedule = self._waits.open(rules.FIRST_SIGN_IN_WINDOW, *rules.FIRST_SIGN_IN_REMINDERS)
            opened = workflow.now()
            schedule.add(
                [
                    Reminder(opened + after, "did someone sign in?", in_business_hours=False)
                    for after in rules.FIRST_SIGN_IN_CHECKS
                ]
            )
            while await self._waits.until(
                Wait.FIRST_SIGN_IN, self._is_reported, schedule, self._check
            ):
                if await self._has_worked():
                    return
            if await self._has_worked():
                return
            await self._attention.ask(Attention.NO_ONE_SIGNED_IN, unless=self._is_reported)
            if await self._has_worked():
                return

    def _is_reported(self) -> bool:
        return self._reported

    async def _check(self) -> None:
        self._reported = await self._has_worked()

    async def _has_worked(self) -> bool:
        self._reported = False
        signed_in = await ask_database(
            DirectoryActivities.count_sign_ins,
            self._calls.reference(),
            "has one of the first users signed in?",
        )
        self.sso_works = signed_in.by_non_administrator > 0
        return self.sso_works


class Migration:
    """Makes plans, has them approved, and moves users by them."""

    def __init__(
        self,
        state: RunState,
        status: StatusPublisher,
        notices: Notices,
        calls: Calls,
        waits: Waits,
        first_sign_in: FirstSignIn,
    ) -> None:
        """Begin without a plan."""
        self._state, self._status, self._notices = state, status, notices
        self._calls, self._waits = calls, waits
        self.first_sign_in = first_sign_in
        self.plan: MigrationPlan | None = None
        """The newest one."""
        self.users = UserCounts()
        self._planned_at = workflow.now()
        self._approved_hash: str | None = None
        self._replan = False

    @property
    def plan_hash(self) -> str | None:
        """The hash by which an approval names the newest plan."""
        return self.plan.plan_hash if self.plan else None

    @property
    def is_replan_ordered(self) -> bool:
        """Whether somebody ordered another plan."""
        return self._replan

    def approve(self, plan_hash: str) -> None:
        """Approve exactly this plan."""
        self._approved_hash = plan_hash

    def continue_plan(self, plan_hash: str) -> None:
        """Continue the plan by which an earlier run moved users; some may have signed in."""
        self._approved_hash = plan_hash
        self.first_sign_in.record_sign_in()

    def replan(self) -> None:
        """Order another plan, from a new snapshot of the directory."""
        self._replan = True

    # --- planning ----------------------------------------------------------------------------

    async def make_plan(self) -> MigrationPlan:
        """Read the directory and decide about every user."""
        await self._status.record_if_changed()
        read = await self._calls.execute_required(
            DirectoryActivities.snapshot_directory,
            self._calls.reference,
            BULK_CALL,
            "read the Microsoft directory",
        )
        self._calls.choose_queue(read)
        plan = await self._calls.execute_required(
            DirectoryActivities.plan_migration,
            lambda: PlanToMake(self._state.start.go_live_id, workflow.now()),
            self._calls.on_chosen_queue(ALL_USERS_CALL),
            "decide about every user",
        )
        self.plan, self._planned_at = plan, workflow.now()
        self.users = UserCounts(plan.movable, self.users.done, plan.exceptions, plan.already_linked)
        return plan

    async def _approved_plan(self) -> MigrationPlan:
        while True:
            self._replan = False
            plan = await self.make_plan()
            if plan.unsettled <= plan.threshold or self._approved_hash == plan.plan_hash:
                return plan
            idempotency_key = f"plan {plan.plan_hash[:12]} {stamp()}"
            question = opening(Message.APPROVAL_NEEDED, Audience.CUSTOMER_SUCCESS, idempotency_key)
            await self._waits.until(
                Wait.APPROVAL,
                lambda wanted=plan.plan_hash: self._approved_hash == wanted or self._replan,  # type: ignore[misc]
                self._waits.open(None, *rules.APPROVAL_REMINDERS, first=question),
            )
            if not self._replan:
                return plan

    def _plan_is_old(self) -> bool:
        """Tell whether the snapshot of the directory is too old to move users by."""
        return workflow.now() - self._planned_at >= rules.PLAN_LIFE

    # --- moving ------------------------------------------------------------------------------

    async def plan_and_move(self, *, in_waves: bool) -> None:
        """Snapshot, plan, approve, move, deliver; start over if the plan changed or is too old."""
        moved = False
        while not moved:
            plan = await self._approved_plan()
            moved = await self._move(plan, Wave.FIRST)
            others = plan.movable - plan.first_wave
            sso_works = self.first_sign_in.sso_works
            if moved and in_waves and plan.first_wave and others and not sso_works:
                await self.first_sign_in.wait()
            moved = moved and await self._move(plan, Wave.REST)

    async def _move(self, plan: MigrationPlan, wave: Wave) -> bool:
        """Move one wave and deliver its mail; False = the plan has changed or is too old."""
        done: WaveMoved | None = None
        while done is None or done.paused:
            await self._notices.until_resumed()
            if self._plan_is_old():
                await self._notify_moved_users(done)
                return False
            await self._status.record_if_changed()
            done = await self._calls.execute_required(
                DirectoryActivities.move_wave,
                lambda: WaveToMove(
                    self._state.start.go_live_id,
                    plan.plan_hash,
                    wave,
                    workflow.now(),
                    rules.PASSWORD_GRACE_DAYS,
                ),
                self._calls.on_chosen_queue(ALL_USERS_CALL),
                "move a few users first" if wave is Wave.FIRST else "move the others",
            )
            self.users = UserCounts(done.total, done.moved, done.exceptions, plan.already_linked)
        await self._status.record()
        if done.plan_changed:
            await self._notify_moved_users(done)
        else:
            await self.deliver()
        return not done.plan_changed

    async def _notify_moved_users(self, done: WaveMoved | None) -> None:
        """Deliver mail of users who moved before a pause or a crash, before another plan."""
        if done is not None and done.moved:
            await self.deliver()

    async def deliver(self) -> None:
        """Deliver queued mail to users, at the worker's rate limit."""
        paused = True
        while paused:
            await self._notices.until_resumed()
            delivered = await self._calls.execute_required(
                NoticeActivities.deliver_mail,
                lambda: Delivery(self._state.start.go_live_id, workflow.now()),
                self._calls.on_chosen_queue(ALL_USERS_CALL),
                "mail to the users",
            )
            paused = delivered.paused

    async def undo(self) -> None:
        """Restore exactly what each moved user had; `deliver` sends the mail about it."""
        await self._calls.execute_required(
            DirectoryActivities.undo_moves,
            self._calls.reference,
            self._calls.on_chosen_queue(ALL_USERS_CALL),
            "undo: every user logs in as before",
        )
        self.users = replace(self.users, done=0)
