"""Activities that read and write the app database, and nothing else."""

from dataclasses import replace
from uuid import UUID

from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from contracts.business_hours import (
    into_business_hours,
    morning_of,
    next_working_morning,
    spread_over_business_hours,
)
from contracts.directory import GoLiveRef
from contracts.errors import ErrorType
from contracts.records import Closing, MoveDate, Position, Prerequisites, Recorded
from database.consent import sso_connections
from database.engine import Sessions
from database.go_live import positions, prerequisites, records
from database.mail import mail_facts
from database.models import Preference
from database.moves import plans, staging


class RecordActivities:
    """Every activity here is idempotent.

    Each ends in an instant, so a cancelled one finishes its statement and does not stop within it.
    """

    def __init__(self, sessions: Sessions, public_url: str) -> None:
        """Use this database; `public_url` is the address of our pages, for links to the console."""
        self._sessions = sessions
        self._public_url = public_url

    @activity.defn(no_thread_cancel_exception=True)
    def read_prerequisites(self, reference: GoLiveRef) -> Prerequisites:
        """Return what the database already knows of the organisation."""
        with self._sessions.begin() as session:
            found = prerequisites.read_prerequisites(
                session, UUID(reference.go_live_id), reference.at
            )
            slug = mail_facts.facts(session, UUID(reference.go_live_id)).slug
        return replace(found, console_url=f"{self._public_url}/console/{slug}")

    @activity.defn(no_thread_cancel_exception=True)
    def record_position(self, position: Position) -> Recorded:
        """Record the run's position, and move reminders into their readers' business hours.

        Two reminders are at least a day apart, so that nobody gets two at once.

        Raises:
            ApplicationError: final `RECORD_AHEAD`: the run was reset and knows less than the
                record.
        """
        go_live_id, progress = UUID(position.go_live_id), position.progress
        with self._sessions.begin() as session:
            zones = {
                audience: mail_facts.time_zones(session, go_live_id, audience)
                for audience in {one.audience for one in position.reminders}
            }
            moments = spread_over_business_hours(
                [(one.at, zones[one.audience]) for one in position.reminders]
            )
            if moments:
                first, due_at = moments[0], progress.due_at
                in_time = due_at is None or first < due_at
                progress = replace(progress, reminder_at=first if in_time else None)
            try:
                positions.record_position(
                    session,
                    go_live_id,
                    replace(position, progress=progress),
                    activity.info().workflow_run_id,
                )
            except positions.RecordAheadError:
                raise ApplicationError(
                    "The record is ahead of this run.",
                    type=ErrorType.RECORD_AHEAD,
                    non_retryable=True,
                ) from None
        return Recorded(moments)

    @activity.defn(no_thread_cancel_exception=True)
    def offer_sso(self, reference: GoLiveRef) -> None:
        """Put "Login with SSO" on the organisation's login page."""
        with self._sessions.begin() as session:
            sso_connections.offer_sso(session, UUID(reference.go_live_id), reference.at)

    @activity.defn(no_thread_cancel_exception=True)
    def check_for_plan(self, reference: GoLiveRef) -> bool:
        """Tell whether this go-live has had a plan, so that users may have to be moved back."""
        with self._sessions.begin() as session:
            return plans.is_planned(session, UUID(reference.go_live_id))

    @activity.defn(no_thread_cancel_exception=True)
    def withdraw_sso(self, reference: GoLiveRef) -> None:
        """Undo `offer_sso` if it was done: revoke links and restore the earlier connection."""
        with self._sessions.begin() as session:
            sso_connections.withdraw_sso(session, UUID(reference.go_live_id), reference.at)

    @activity.defn(no_thread_cancel_exception=True)
    def decide_move_date(self, question: MoveDate) -> MoveDate:
        """Return when users start to move: the agreed date, else the next working morning there."""
        with self._sessions.begin() as session:
            go_live = records.go_live_by_id(session, UUID(question.go_live_id), lock=True)
            preference = self._preference(session, question.go_live_id)
            # A new run does not know which date the one before it agreed on.
            agreed = (
                question.chosen
                or go_live.move_at
                or (
                    morning_of(preference.go_live_date, preference.time_zone)
                    if preference.go_live_date
                    else None
                )
            )
            if agreed is not None and question.shifted:
                agreed = into_business_hours(max(agreed, question.at), preference.time_zone)
            if agreed is None or agreed <= question.at:
                agreed = next_working_morning(question.at, preference.time_zone)
            go_live.move_at, told = agreed, go_live.announced_move_at
            session.add(go_live)
        return MoveDate(question.go_live_id, agreed, question.chosen, announced=told)

    @activity.defn(no_thread_cancel_exception=True)
    def close_record(self, closing: Closing) -> None:
        """Record the outcome and delete the staged directory, whatever the outcome."""
        with self._sessions.begin() as session:
            staging.delete_staging(session, UUID(closing.go_live_id))
            records.close_go_live(session, UUID(closing.go_live_id), closing.outcome, closing.at)

    def _preference(self, session: Session, go_live_id: str) -> Preference:
        go_live = records.go_live_by_id(session, UUID(go_live_id))
        return session.get_one(Preference, go_live.organisation_id)
