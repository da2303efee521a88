"""What has become of each stage of a go-live: done, now, next, or taken back."""

from collections.abc import Collection
from enum import StrEnum

from contracts.go_live import GoLiveOutcome, GoLiveStage, Progress


class StageState(StrEnum):
    """What has become of one stage."""

    DONE = "done"
    NOW = "now"
    NEXT = "next"
    BEING_UNDONE = "being undone"
    UNDONE = "undone"
    NOT_REACHED = "not reached"


TAKEN_BACK = {GoLiveStage.SSO_ACTIVATED, GoLiveStage.USERS_MIGRATED}
"""The stages that change something here; a go-live that does not end as live takes it back."""


def stage_state(
    progress: Progress, stage: GoLiveStage, reached: Collection[str] | None = None
) -> StageState:
    """Return what has become of a stage.

    `reached` names the stages that the go-live went through itself: what an earlier go-live did, it
    passes over, and does not take back. None = every stage up to the present one.
    """
    stages = list(GoLiveStage)
    position, current = stages.index(stage), stages.index(progress.stage)
    was_reached = position <= current if reached is None else stage in reached
    if progress.outcome is GoLiveOutcome.LIVE:
        return StageState.DONE
    if _is_taken_back(progress) and was_reached and stage in TAKEN_BACK:
        # Without a plan nobody has moved.
        if stage is GoLiveStage.USERS_MIGRATED and progress.plan_hash is None:
            return StageState.NOT_REACHED
        return StageState.BEING_UNDONE if progress.outcome is None else StageState.UNDONE
    if position < current:
        return StageState.DONE
    if progress.outcome is not None:
        return StageState.NOT_REACHED
    return StageState.NOW if position == current else StageState.NEXT


def _is_taken_back(progress: Progress) -> bool:
    ending = progress.outcome or progress.ending
    return ending is not None and ending is not GoLiveOutcome.LIVE
