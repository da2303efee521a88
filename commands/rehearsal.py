"""Tells every mail and date of an organisation's own schedule without sending any."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import Session

from commands.errors import plain_database_errors
from commands.lookups import organisation_named
from contracts import rules
from contracts.business_hours import morning_of, next_working_morning, spread_over_business_hours
from contracts.notices import Audience, Message
from contracts.rehearsals import PartEnd, Planned, PlannedEnd, PlannedMail, RehearsalPart, Rehearsed
from contracts.rules import ReminderRule
from database.engine import open_sessions
from database.mail import mail_facts
from database.models import Agreement, Organisation, Preference, Staff
from mail.messages import MESSAGES
from wording import rehearsal as wording


def rehearse(engine: Engine, slug: str, at: datetime) -> Rehearsed:
    """Return everything that would happen from `at` on, if each wait began then.

    Raises:
        CommandError: there is no such organisation.
    """
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        organisation = organisation_named(session, slug)
        return _rehearsal_of(session, organisation, at).everything()


def _rehearsal_of(session: Session, organisation: Organisation, at: datetime) -> "Rehearsal":
    preference = session.get_one(Preference, organisation.id)
    return Rehearsal(
        preference,
        session.get(Agreement, organisation.id),
        at,
        owner_zone=session.get_one(Staff, preference.owner_id).time_zone,
        contact_zones=[one.time_zone for one in mail_facts.contacts_of(session, organisation.id)],
    )


class Rehearsal:
    """The schedule of one organisation, worked out from what is known of it."""

    def __init__(
        self,
        preference: Preference,
        agreement: Agreement | None,
        at: datetime,
        *,
        owner_zone: str | None = None,
        contact_zones: Sequence[str] = (),
    ) -> None:
        """Let each wait begin at `at`; contacts are in the order in which they are asked."""
        self._preference = preference
        self._agreement = agreement
        ours = [preference.time_zone]
        self._zones = {
            Audience.CUSTOMER_SUCCESS: [owner_zone] if owner_zone else ours,
            Audience.FIRST_CONTACT: contact_zones[:1] or ours,
            Audience.EVERY_CONTACT: contact_zones or ours,
        }
        self._ours = ours
        self._zone = ZoneInfo(preference.time_zone)
        self._at = at.astimezone(self._zone)

    def everything(self) -> Rehearsed:
        """Return every mail and date, one wait after the other."""
        planned = (
            *self._entitlement(),
            *self._notification(),
            *self._consent(),
            *self._approval(),
            *self._move(),
            *self._first_sign_in(),
        )
        return Rehearsed(self._preference.exception_threshold, list(planned))

    def _entitlement(self) -> Iterator[Planned]:
        part, agreement = RehearsalPart.NOT_ENTITLED, self._agreement
        today = self._at.date()
        if (
            agreement
            and agreement.sso_included
            and agreement.starts_on <= today <= agreement.ends_on
        ):
            return
        yield self._mail(part, Message.ENTITLEMENT_QUESTION, Audience.CUSTOMER_SUCCESS)
        yield from self._reminders(part, *rules.ENTITLEMENT_REMINDERS)
        yield self._end(part, rules.ENTITLEMENT_WINDOW, PartEnd.NOT_ENTITLED)

    def _notification(self) -> Iterator[Planned]:
        part = RehearsalPart.IT_NOTIFIED
        yield self._mail(part, Message.IT_PACK, Audience.EVERY_CONTACT)
        if self._preference.it_acknowledgement:
            yield from self._reminders(part, *rules.ACKNOWLEDGEMENT_REMINDERS)
            yield self._end(part, rules.ACKNOWLEDGEMENT_WINDOW, PartEnd.GOES_ON)

    def _consent(self) -> Iterator[Planned]:
        part = RehearsalPart.CONSENT_AWAITED
        if self._preference.it_acknowledgement:
            yield self._mail(part, Message.CONSENT_REQUEST, Audience.FIRST_CONTACT)
        yield from self._reminders(part, *rules.CONSENT_REMINDERS)
        yield self._end(part, rules.CONSENT_WINDOW, PartEnd.CONSENT_EXPIRED)

    def _approval(self) -> Iterator[Planned]:
        part = RehearsalPart.TOO_MANY_EXCEPTIONS
        yield self._mail(part, Message.APPROVAL_NEEDED, Audience.CUSTOMER_SUCCESS)
        yield from self._reminders(part, *rules.APPROVAL_REMINDERS)

    def _first_sign_in(self) -> Iterator[Planned]:
        part = RehearsalPart.FIRST_SIGN_IN_AWAITED
        yield from self._reminders(part, *rules.FIRST_SIGN_IN_REMINDERS)
        yield self._end(part, rules.FIRST_SIGN_IN_WINDOW, PartEnd.NEEDS_ATTENTION)

    def _move(self) -> Iterator[Planned]:
        part = RehearsalPart.CONSENT_GIVEN
        yield self._mail(part, Message.MOVE_ANNOUNCEMENT, Audience.EVERY_CONTACT)
        agreed = self._preference.go_live_date
        moves_at = morning_of(agreed, self._preference.time_zone) if agreed else self._at
        if moves_at <= self._at:
            moves_at = next_working_morning(self._at, self._preference.time_zone)
        for message in (Message.SIGN_IN_WITH_SSO, Message.INVITATION):
            yield self._mail(part, message, Audience.USERS, moves_at, is_on_move=True)
        yield self._mail(part, Message.RESULT, Audience.CUSTOMER_SUCCESS_AND_CONTACTS, moves_at)
        yield from self._reminders(part, *rules.STRAGGLER_REMINDERS, since=moves_at)
        aftercare = timedelta(days=rules.AFTERCARE_DAYS)
        yield self._end(part, moves_at - self._at + aftercare, PartEnd.LIVE)

    def _mail(
        self,
        part: RehearsalPart,
        message: Message,
        audience: Audience,
        at: datetime | None = None,
        *,
        is_on_move: bool = False,
    ) -> Planned:
        moment = (at or self._at).astimezone(self._zone)
        purpose = MESSAGES[message].purpose
        return PlannedMail(part, moment, message, purpose, audience, is_on_move)

    def _reminders(
        self, part: RehearsalPart, *planned: ReminderRule, since: datetime | None = None
    ) -> Iterator[Planned]:
        moments = spread_over_business_hours(
            [
                (
                    (since or self._at) + reminder.after,
                    self._zones.get(reminder.audience, self._ours),
                )
                for reminder in planned
            ]
        )
        for reminder, moment in zip(planned, moments, strict=True):
            yield self._mail(part, reminder.message, reminder.audience, moment)

    def _end(self, part: RehearsalPart, window: timedelta, end: PartEnd) -> Planned:
        return PlannedEnd(part, self._at + window, end)


def as_data(rehearsed: Rehearsed) -> list[dict[str, object]]:
    """Return the same as JSON-ready data."""
    return [
        {
            "part": wording.part(one.part, rehearsed.threshold),
            "at": one.at,
            "what": wording.what(one),
            "to": wording.to(one),
        }
        for one in rehearsed.planned
    ]
