"""How users are moved: plan, approve, a few first, then the rest; and all the way back."""

from temporalio import workflow

from workflows.waiting import Waiting

with workflow.unsafe.imports_passed_through():
    from activities.directory import DirectoryActivities
    from activities.notices import NoticeActivities
    from contracts.directory import (
        GoLiveRef,
        MigrationPlan,
        PlanToMake,
        Wave,
        WaveMoved,
        WaveToMove,
    )
    from contracts.go_live import Attention, StartGoLive, Wait
    from contracts.notices import Audience, Delivery, Message
    from workflows import policies
    from workflows.ladder import Ladder, Rung
    from workflows.policies import ALL_USERS_CALL, BULK_CALL


class Moving(Waiting):
    """The fifth stage's own machinery."""

    def __init__(self, start: StartGoLive) -> None:
        """Begin without a plan."""
        super().__init__(start)
        self._plan: MigrationPlan | None = None
        self._planned_at = workflow.now()
        self._sso_works = False
        """One of the first users, not the administrator, has signed in through SSO."""

    async def _plan_and_move(self, *, in_waves: bool) -> None:
        """Snapshot, plan, approve, apply, deliver; a plan that changed, or is old, starts over."""
        moved = False
        while not moved:
            plan = await self._approved_plan()
            moved = await self._move(plan, Wave.FIRST)
            others = plan.movable - plan.first_wave
            if moved and in_waves and plan.first_wave and others and not self._sso_works:
                await self._someone_signs_in()
            moved = moved and await self._move(plan, Wave.REST)

    async def _approved_plan(self) -> MigrationPlan:
        while True:
            self._replan = False
            plan = await self._make_plan()
            if plan.unsettled <= plan.threshold or self._approved_hash == plan.plan_hash:
                return plan
            await self._wait_for(
                Wait.APPROVAL,
                lambda wanted=plan.plan_hash: self._approved_hash == wanted or self._replan,  # type: ignore[misc]
                await self._approval_ladder(plan),
            )
            if not self._replan:
                return plan

    async def _approval_ladder(self, plan: MigrationPlan) -> Ladder:
        occasion = f"plan {plan.plan_hash[:12]} {workflow.now():%Y%m%d%H%M%S}"
        ask = self._sender(Message.APPROVAL_NEEDED, Audience.CUSTOMER_SUCCESS, occasion)
        return await self._ladder_of(
            None, *policies.APPROVAL_REMINDERS, first=self._at_once("approval needed", ask)
        )

    async def _make_plan(self) -> MigrationPlan:
        await self._board.record_work()
        read = await self._do(
            DirectoryActivities.snapshot_directory,
            self._reference,
            BULK_CALL,
            "read the Microsoft directory",
        )
        self._few = policies.are_few(read)
        plan = await self._do(
            DirectoryActivities.plan_migration,
            lambda: PlanToMake(self._start.go_live_id, workflow.now()),
            self._on_their_queue(ALL_USERS_CALL),
            "decide about every user",
        )
        self._plan, self._plan_hash = plan, plan.plan_hash
        self._planned_at = workflow.now()
        self._users_total, self._exceptions = plan.movable, plan.exceptions
        return plan

    async def _move(self, plan: MigrationPlan, wave: Wave) -> bool:
        """Move one wave and deliver its mail; False when the plan is no longer true, or old."""
        done: WaveMoved | None = None
        while done is None or done.paused:
            await self._not_paused()
            if self._plan_is_old():
                await self._tell_who_has_moved(done)
                return False
            await self._board.record_work()
            done = await self._do(
                DirectoryActivities.move_wave,
                lambda: WaveToMove(
                    self._start.go_live_id,
                    plan.plan_hash,
                    wave,
                    workflow.now(),
                    policies.PASSWORD_GRACE_DAYS,
                ),
                self._on_their_queue(ALL_USERS_CALL),
                "move a few users first" if wave is Wave.FIRST else "move the others",
            )
            self._users_done = done.moved
            self._users_total, self._exceptions = done.total, done.exceptions
        await self._board.record()
        if done.plan_changed:
            await self._tell_who_has_moved(done)
        else:
            await self._deliver()
        return not done.plan_changed

    async def _tell_who_has_moved(self, done: WaveMoved | None) -> None:
        """Let nobody who moved before a pause, or a kill, wait until another plan is approved."""
        if done is not None and done.moved:
            await self._deliver()

    def _plan_is_old(self) -> bool:
        """Tell whether people were waited for since the directory was read."""
        return workflow.now() - self._planned_at >= policies.PLAN_LIFE

    async def _deliver(self) -> None:
        """Deliver what the ledger holds for users, at the worker's pace."""
        paused = True
        while paused:
            await self._not_paused()
            delivered = await self._do(
                NoticeActivities.deliver,
                lambda: Delivery(self._start.go_live_id, workflow.now()),
                self._on_their_queue(ALL_USERS_CALL),
                "mail to the users",
            )
            paused = delivered.paused

    async def _someone_signs_in(self) -> None:
        """Hold the rest back until SSO has worked for one of the first, not the administrator."""
        while True:
            ladder = await self._ladder_of(
                policies.FIRST_SIGN_IN_WINDOW, *policies.FIRST_SIGN_IN_REMINDERS
            )
            ladder.rungs += [
                Rung(workflow.now() + after, "did someone sign in?", self._look)
                for after in policies.FIRST_SIGN_IN_LOOKS
            ]
            ladder.rungs.sort(key=lambda rung: rung.at)
            while await self._wait_for(Wait.FIRST_SIGN_IN, lambda: self._signed_in, ladder):
                if await self._has_someone_signed_in():
                    return
            if await self._has_someone_signed_in():
                return
            await self._needs_attention(Attention.NO_ONE_SIGNED_IN, unless=lambda: self._signed_in)
            if await self._has_someone_signed_in():
                return

    async def _look(self) -> None:
        self._signed_in = await self._has_someone_signed_in()

    async def _has_someone_signed_in(self) -> bool:
        self._signed_in = False
        signed_in = await self._ask(DirectoryActivities.count_sign_ins, self._reference())
        self._sso_works = signed_in.by_non_administrator > 0
        return self._sso_works

    async def _undo_moves(self) -> None:
        await self._do(
            DirectoryActivities.undo_moves,
            self._reference,
            self._on_their_queue(ALL_USERS_CALL),
            "undo: every user logs in as before",
        )
        self._users_done = 0
        await self._deliver()

    def _reference(self) -> GoLiveRef:
        return GoLiveRef(self._start.go_live_id, workflow.now())
