"""Reads what the database knows of a go-live when a run begins, also after an earlier run."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, select

from contracts.go_live import GoLiveStage
from contracts.records import Prerequisites
from database.go_live.records import acknowledged_at, go_live_by_id
from database.models import Agreement, GoLive, Preference, SsoConnection, StageTime


def read_prerequisites(session: Session, go_live_id: UUID, at: datetime) -> Prerequisites:
    """Return what is already known; `at` decides whether the agreement is in force.

    Questions that an earlier run of this go-live has passed are not asked again.
    """
    go_live = go_live_by_id(session, go_live_id)
    agreement = session.get(Agreement, go_live.organisation_id)
    included = (
        agreement is not None
        and agreement.sso_included
        and agreement.starts_on <= at.date() <= agreement.ends_on
    )
    stages = list(GoLiveStage)
    reached = stages.index(furthest_stage(session, go_live))
    acknowledged = (
        reached > stages.index(GoLiveStage.IT_NOTIFIED)
        or acknowledged_at(session, go_live_id) is not None
    )
    connection = session.get(SsoConnection, go_live.organisation_id)
    preference = session.get_one(Preference, go_live.organisation_id)
    return Prerequisites(
        entitled=included or reached > stages.index(GoLiveStage.ENTITLEMENT_CONFIRMED),
        tenant_proven=str(connection.tenant_id) if connection else None,
        wants_to_acknowledge=preference.it_acknowledgement and not acknowledged,
        moved_by_plan=_moved_by_plan(session, go_live),
    )


def furthest_stage(session: Session, go_live: GoLive) -> GoLiveStage:
    """Return the furthest stage that any run of a go-live has entered."""
    entered = session.exec(select(StageTime.stage).where(StageTime.go_live_id == go_live.id)).all()
    return max(map(GoLiveStage, (go_live.stage, *entered)), key=list(GoLiveStage).index)


def _moved_by_plan(session: Session, go_live: GoLive) -> str | None:
    if not go_live.users_done:
        return None
    found: str | None = session.execute(
        text(
            """
            SELECT plan_hash FROM golive.plan WHERE go_live_id = :g AND made_at <= (
                SELECT max(moved_at) FROM golive.user_move
                WHERE go_live_id = :g AND undone_at IS NULL)
            ORDER BY made_at DESC LIMIT 1
            """
        ),
        {"g": go_live.id},
    ).scalar_one_or_none()
    # A plan that was made again since has a later date; an empty hash names no plan.
    return found or ""
