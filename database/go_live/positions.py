"""The position of a run, as the database records it for everyone who reads it."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Refusal, Wait
from contracts.records import Position
from database.go_live.records import end_pause, go_live_by_id, write_audit
from database.models import ExecutedOrder, GoLive, PauseTime, StageTime

POSITION = """
    g.number, g.stage, g.wait, g.since, g.due_at, g.reminder_at, g.attention, g.may_skip,
    g.refusal, g.consent_not_given, g.paused, g.users_done, g.users_total, g.users_before,
    g.exceptions, g.plan_hash, g.ending, g.outcome
"""
"""What `progress_of` reads of a go-live `g`, besides its organisation's slug."""

_NOT_PROVEN = {
    Attention.MICROSOFT_NOT_CAUGHT_UP,
    Attention.SELF_ONLY,
    Attention.PERMISSION_MISSING,
    Attention.APPLICATION_DISABLED,
}
"""Kinds of attention that mean that the proof of a consent failed."""

_CARRIED_BY_LINKS = {Wait.IT_ACKNOWLEDGEMENT, Wait.ADMIN_CONSENT}
"""Waits that a contact ends by a personal link."""


class RecordAheadError(Exception):
    """The record is ahead of the run that was about to write it."""


def is_ahead(go_live: GoLive, progress: Progress) -> bool:
    """Tell whether the record is ahead of a run with this progress."""
    stages = list(GoLiveStage)
    return (
        go_live.closed_at is not None
        or (go_live.ending is not None and progress.ending is None)
        or stages.index(GoLiveStage(go_live.stage)) > stages.index(progress.stage)
        or go_live.users_done > progress.users_done
    )


def record_position(
    session: Session, go_live_id: UUID, position: Position, by: str | None = None
) -> None:
    """Record a run's position, and when it entered and left its stages.

    `by` is Temporal's id of the run. A failed proof of a consent gets one audit entry. Personal
    links of the present wait stay valid until its deadline.

    Raises:
        RecordAheadError: another run wrote the record, which is ahead and not to be taken over.
    """
    progress, at = position.progress, position.at
    go_live = go_live_by_id(session, go_live_id, lock=True)
    # Nobody has written it yet: None.
    by_another = go_live.recorded_by not in (None, by)
    if by_another and not position.takes_over and is_ahead(go_live, progress):
        raise RecordAheadError
    _record_executed(session, go_live_id, position)
    if go_live.closed_at is not None:
        return
    go_live.recorded_by = by
    proving = progress.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    if proving and progress.attention in _NOT_PROVEN and progress.attention != go_live.attention:
        write_audit(
            session, at, "workflow", "consent_refused", go_live=go_live, reason=progress.attention
        )
    go_live.stage = progress.stage
    go_live.wait = progress.wait
    go_live.since = progress.since
    go_live.due_at = progress.due_at
    go_live.reminder_at = progress.reminder_at
    go_live.attention = progress.attention
    go_live.may_skip = progress.may_skip
    go_live.refusal = progress.refusal
    go_live.consent_not_given = progress.consent_not_given
    go_live.run_events = position.events
    go_live.run_orders = position.orders
    if progress.paused and not go_live.paused:
        session.add(PauseTime(go_live_id=go_live_id, began_at=at))
    elif go_live.paused and not progress.paused:
        end_pause(session, go_live_id, at)
    go_live.paused = progress.paused
    go_live.users_total = progress.users_total
    go_live.users_before = progress.users_before
    go_live.exceptions = progress.exceptions
    go_live.plan_hash = progress.plan_hash
    go_live.ending = progress.ending
    session.add(go_live)
    session.execute(
        text(
            """
            UPDATE golive.stage_time SET ended_at = :at
            WHERE go_live_id = :go_live_id AND stage <> :stage AND ended_at IS NULL
            """
        ),
        {"at": at, "go_live_id": go_live_id, "stage": progress.stage},
    )
    session.execute(
        # A new run enters stages that the run before it had left.
        insert(StageTime)
        .values(go_live_id=go_live_id, stage=progress.stage, started_at=at)
        .on_conflict_do_update(
            index_elements=["go_live_id", "stage"],
            set_={"ended_at": None},
            where=col(StageTime.ended_at).is_not(None),
        )
    )
    if progress.wait in _CARRIED_BY_LINKS and progress.due_at is not None:
        # The links in people's mailboxes stay valid until the moved deadline.
        session.execute(
            text(
                """
                UPDATE golive.personal_link SET expires_at = :due_at
                WHERE go_live_id = :go_live_id AND purpose IN ('consent', 'setup')
                  AND revoked_at IS NULL AND expires_at < :due_at
                """
            ),
            {"due_at": progress.due_at, "go_live_id": go_live_id},
        )


def _record_executed(session: Session, go_live_id: UUID, position: Position) -> None:
    """Record the orders that the run carried out, each once, whoever sent them."""
    for one in position.executed:
        session.execute(
            insert(ExecutedOrder)
            .values(
                go_live_id=go_live_id,
                # Anybody who may write to the namespace chooses it, at any length.
                update_id=one.order_id[:100],
                order_id=_number(one.order_id),
                name=one.name,
                at=one.at,
            )
            .on_conflict_do_nothing()
        )


def _number(order_id: str) -> UUID | None:
    try:
        return UUID(order_id)
    except ValueError:
        return None


def progress_of(row: Any) -> Progress:
    """Return a go-live's progress, from a row that holds its slug and `POSITION`."""
    return Progress(
        slug=row.slug,
        number=row.number,
        stage=GoLiveStage(row.stage),
        wait=Wait(row.wait),
        since=row.since,
        due_at=row.due_at,
        reminder_at=row.reminder_at,
        attention=Attention(row.attention) if row.attention else None,
        may_skip=row.may_skip,
        paused=row.paused,
        refusal=Refusal(row.refusal) if row.refusal else None,
        consent_not_given=row.consent_not_given,
        users_done=row.users_done,
        users_total=row.users_total,
        users_before=row.users_before,
        exceptions=row.exceptions,
        plan_hash=row.plan_hash,
        ending=GoLiveOutcome(row.ending) if row.ending else None,
        outcome=GoLiveOutcome(row.outcome) if row.outcome else None,
    )
