"""Checklists: which stages are done, now or next, and which checks a consent has passed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Wait
from wording import sentences
from wording.checklist import CHECKS, UNDONE, WAS, WHAT, WHO


@dataclass(frozen=True)
class StageState:
    """One line of a checklist."""

    stage: GoLiveStage
    words: str
    what: str
    who: str
    state: str
    """`done`, `now`, `next`, `being undone`, `undone` or `not reached`."""


def stage_states(
    progress: Progress | None, reached: Collection[str] = frozenset()
) -> Sequence[StageState]:
    """Return the checklist of a go-live, None for one that has not begun.

    `reached` names the stages that it went through itself: what an earlier go-live did, it passes
    over, and does not take back.
    """
    current = list(GoLiveStage).index(progress.stage) if progress else -1
    states = []
    for position, stage in enumerate(GoLiveStage):
        if progress is None:
            state = "next"
        elif progress.outcome is GoLiveOutcome.LIVE:
            state = "done"
        elif _is_taken_back(progress) and stage in reached and stage in UNDONE:
            # Without a plan nobody has moved.
            moved = stage is not GoLiveStage.USERS_MIGRATED or progress.plan_hash is not None
            undone = "undone" if progress.outcome is not None else "being undone"
            state = undone if moved else "not reached"
        elif position < current:
            state = "done"
        elif progress.outcome is not None:
            state = "not reached"
        else:
            state = "now" if position == current else "next"
        what = {"done": WAS, "undone": UNDONE}.get(state, {}).get(stage, WHAT[stage])
        states.append(StageState(stage, sentences.STAGES[stage], what, WHO[stage], state))
    return states


def _is_taken_back(progress: Progress) -> bool:
    ending = progress.outcome or progress.ending
    return ending is not None and ending is not GoLiveOutcome.LIVE


def consent_checks(progress: Progress) -> list[tuple[str, str]]:
    """Return the four checks of a consent that came back: `done`, `now`, `next` or `failed`.

    The first three are through before there is anything to show; the fourth is the workflow's,
    and is made in its own stage: a link in the pack may be used before that.
    """
    stages = list(GoLiveStage)
    ahead = stages.index(GoLiveStage.ADMIN_CONSENT_AWAITED) - stages.index(progress.stage)
    if ahead < 0 or progress.outcome is GoLiveOutcome.LIVE:
        last = "done"
    elif progress.outcome is not None:
        last = "failed"
    elif ahead > 0:
        last = "next"
    elif progress.refusal is not None or progress.attention not in {
        None,
        Attention.MICROSOFT_NOT_CAUGHT_UP,
        Attention.RECORD_AHEAD,
    }:
        last = "failed"
    else:
        last = "now"
    return [*((words, "done") for words in CHECKS[:3]), (CHECKS[3], last)]


def is_moving(progress: Progress) -> bool:
    """Tell whether the page may change within minutes, so that it is polled."""
    return progress.outcome is None and progress.wait in {
        Wait.NOTHING,
        Wait.MICROSOFT,
        Wait.ADMIN_CONSENT,
    }
