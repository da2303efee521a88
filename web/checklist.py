"""Checklists: which stages are done, now or next, and which checks a consent has passed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Wait
from contracts.stage_states import StageState, stage_state
from wording import sentences
from wording.checklist import CHECKS, UNDONE, WAS, WHAT, WHO


@dataclass(frozen=True)
class StageLine:
    """One line of a checklist."""

    stage: GoLiveStage
    words: str
    what: str
    who: str
    state: StageState


def stage_states(
    progress: Progress | None, reached: Collection[str] = frozenset()
) -> Sequence[StageLine]:
    """Return the checklist of a go-live, None for one that has not begun.

    `reached` names the stages that it went through itself: what an earlier go-live did, it passes
    over, and does not take back.
    """
    states = []
    for stage in GoLiveStage:
        state = stage_state(progress, stage, reached) if progress else StageState.NEXT
        what = {StageState.DONE: WAS, StageState.UNDONE: UNDONE}.get(state, {}).get(
            stage, WHAT[stage]
        )
        states.append(StageLine(stage, sentences.STAGES[stage], what, WHO[stage], state))
    return states


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
        # Nobody knows yet: it is looked at again by itself.
        Attention.CREDENTIAL_REFUSED,
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
