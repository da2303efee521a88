"""Activities of a go-live that do nothing, for measuring the workflow alone."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import activity

from contracts.directory import (
    ConsentToVerify,
    ConsentVerdict,
    Discovery,
    DomainsFinding,
    GoLiveRef,
    MigrationPlan,
    PlanToMake,
    Snapshot,
    WaveMoved,
    WaveToMove,
)
from contracts.notices import Delivered, Delivery, Notice
from contracts.records import Closing, MoveDate, Position, Prerequisites, Recorded

TENANT = "11111111-2222-3333-4444-555555555555"


class NoOp:
    """Says what lets a go-live pass every stage at once; remembers when it was asked to verify."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self.asked_at: dict[str, float] = {}

    def all(self) -> list[Callable[..., Any]]:
        """Return every activity."""
        return [
            self.read_prerequisites, self.record_position, self.check_for_plan, self.offer_sso,
            self.decide_move_date, self.close_record, self.send_notice, self.discover_tenant,
            self.verify_consent, self.snapshot_directory, self.plan_migration, self.move_wave,
            self.deliver_mail,
        ]  # fmt: skip

    @activity.defn
    def read_prerequisites(self, _: GoLiveRef) -> Prerequisites:
        """Entitled, nothing proven."""
        return Prerequisites(entitled=True, tenant_proven=None, wants_to_acknowledge=False)

    @activity.defn
    def record_position(self, position: Position) -> Recorded:
        """Write nothing; every hour is a working hour."""
        return Recorded([one.at for one in position.reminders])

    @activity.defn
    def check_for_plan(self, _: GoLiveRef) -> bool:
        """Nobody has moved."""
        return False

    @activity.defn
    def offer_sso(self, _: GoLiveRef) -> None:
        """Offer nothing."""

    @activity.defn
    def decide_move_date(self, question: MoveDate) -> MoveDate:
        """Users move now."""
        return MoveDate(question.go_live_id, question.at - timedelta(seconds=1))

    @activity.defn
    def close_record(self, _: Closing) -> None:
        """Write nothing."""

    @activity.defn
    def send_notice(self, _: Notice) -> Delivered:
        """Send nothing."""
        return Delivered(1, 0)

    @activity.defn
    def discover_tenant(self, _: GoLiveRef) -> Discovery:
        """Return one tenant."""
        return Discovery(TENANT, DomainsFinding.ONE_TENANT)

    @activity.defn
    def verify_consent(self, consent: ConsentToVerify) -> ConsentVerdict:
        """Believe it."""
        self.asked_at[consent.go_live_id] = time.perf_counter()
        return ConsentVerdict(proven=True)

    @activity.defn
    def snapshot_directory(self, _: GoLiveRef) -> Snapshot:
        """Read nothing, of nobody."""
        return Snapshot(0, 0, users=0)

    @activity.defn
    def plan_migration(self, _: PlanToMake) -> MigrationPlan:
        """Move nobody."""
        return MigrationPlan("0" * 64, 0, 0, 0, 0, 0, 0, 0, 0)

    @activity.defn
    def move_wave(self, _: WaveToMove) -> WaveMoved:
        """Move nobody."""
        return WaveMoved(0)

    @activity.defn
    def deliver_mail(self, _: Delivery) -> Delivered:
        """Send nothing."""
        return Delivered(0, 0)
