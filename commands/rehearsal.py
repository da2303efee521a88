"""Tells every mail and date of an organisation's own schedule without sending any."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import Session

from commands.errors import plain_database_errors
from commands.lookups import organisation_named
from contracts import rules
from contracts.business_hours import morning_of, next_working_morning, spread_over_business_hours
from contracts.notices import Audience, Message
from contracts.rules import ReminderRule
from database.engine import open_sessions
from database.mail import mail_facts
from database.models import Agreement, Organisation, Preference, Staff
from mail.messages import MESSAGES
from wording import sentences

_TO = {
    Audience.CUSTOMER_SUCCESS: "customer success",
    Audience.FIRST_CONTACT: "the first IT contact",
    Audience.EVERY_CONTACT: "every IT contact",
    Audience.CUSTOMER_SUCCESS_AND_CONTACTS: "customer success and every IT contact",
    Audience.USERS: "users who have not signed in",
}


@dataclass(frozen=True)
class Planned:
    """One thing that would happen."""

    part: str
    """Which wait it belongs to, and when that begins."""
    at: datetime
    what: str
    to: str


def rehearse(engine: Engine, slug: str, at: datetime) -> list[Planned]:
    """Return everything that would happen from `at` on, if each wait began then.

    Raises:
        CommandError: there is no such organisation.
    """
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        organisation = organisation_named(session, slug)
        return list(_rehearsal_of(session, organisation, at).everything())


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

    def everything(self) -> Iterator[Planned]:
        """Yield every mail and date, one wait after the other."""
        yield from self._entitlement()
        yield from self._notification()
        yield from self._consent()
        yield from self._approval()
        yield from self._move()
        yield from self._first_sign_in()

    def _entitlement(self) -> Iterator[Planned]:
        part, agreement = "The agreement does not include SSO, and nobody answers", self._agreement
        today = self._at.date()
        if (
            agreement
            and agreement.sso_included
            and agreement.starts_on <= today <= agreement.ends_on
        ):
            return
        yield self._mail(part, Message.ENTITLEMENT_QUESTION, Audience.CUSTOMER_SUCCESS)
        yield from self._reminders(part, *rules.ENTITLEMENT_REMINDERS)
        yield self._end(part, rules.ENTITLEMENT_WINDOW, "It ends as not entitled")

    def _notification(self) -> Iterator[Planned]:
        part = "Customer IT is told"
        yield self._mail(part, Message.IT_PACK, Audience.EVERY_CONTACT)
        if self._preference.it_acknowledgement:
            yield from self._reminders(part, *rules.ACKNOWLEDGEMENT_REMINDERS)
            yield self._end(part, rules.ACKNOWLEDGEMENT_WINDOW, "It goes on without them")

    def _consent(self) -> Iterator[Planned]:
        part = "The consent is awaited, and nobody answers"
        if self._preference.it_acknowledgement:
            yield self._mail(part, Message.CONSENT_REQUEST, Audience.FIRST_CONTACT)
        yield from self._reminders(part, *rules.CONSENT_REMINDERS)
        yield self._end(part, rules.CONSENT_WINDOW, "It ends as expired; people log in as before")

    def _approval(self) -> Iterator[Planned]:
        part = (
            f"More than {self._preference.exception_threshold} users cannot be moved, and nobody "
            "approves the plan"
        )
        yield self._mail(part, Message.APPROVAL_NEEDED, Audience.CUSTOMER_SUCCESS)
        yield from self._reminders(part, *rules.APPROVAL_REMINDERS)

    def _first_sign_in(self) -> Iterator[Planned]:
        part = "The first users have moved, and none of them signs in with SSO"
        yield from self._reminders(part, *rules.FIRST_SIGN_IN_REMINDERS)
        yield self._end(part, rules.FIRST_SIGN_IN_WINDOW, "It needs attention")

    def _move(self) -> Iterator[Planned]:
        part = "The consent is given now"
        yield self._mail(part, Message.MOVE_ANNOUNCEMENT, Audience.EVERY_CONTACT)
        agreed = self._preference.go_live_date
        moves_at = morning_of(agreed, self._preference.time_zone) if agreed else self._at
        if moves_at <= self._at:
            moves_at = next_working_morning(self._at, self._preference.time_zone)
        for message in (Message.SIGN_IN_WITH_SSO, Message.INVITATION):
            yield Planned(part, moves_at.astimezone(self._zone), _title(message), "users who move")
        after = Message.RESULT, Audience.CUSTOMER_SUCCESS_AND_CONTACTS
        yield Planned(part, moves_at.astimezone(self._zone), _title(after[0]), _TO[after[1]])
        yield from self._reminders(part, *rules.STRAGGLER_REMINDERS, since=moves_at)
        aftercare = timedelta(days=rules.AFTERCARE_DAYS)
        yield self._end(part, moves_at - self._at + aftercare, "The go-live closes as LIVE")

    def _mail(self, part: str, message: Message, audience: Audience) -> Planned:
        return Planned(part, self._at, _title(message), _TO[audience])

    def _reminders(
        self, part: str, *planned: ReminderRule, since: datetime | None = None
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
            yield Planned(
                part,
                moment.astimezone(self._zone),
                _title(reminder.message),
                _TO[reminder.audience],
            )

    def _end(self, part: str, window: timedelta, what: str) -> Planned:
        return Planned(part, self._at + window, what, "")


def _title(message: Message) -> str:
    purpose = MESSAGES[message].purpose.rstrip(".")
    return f"{message.value.replace('_', ' ')}: {purpose[0].lower()}{purpose[1:]}"


def lines(planned: list[Planned]) -> Iterator[str]:
    """Yield what to print: a heading for each part, a line for each mail and date."""
    yield "Each part is shown as if it began now; nothing is sent."
    part = ""
    for one in planned:
        if one.part != part:
            part = one.part
            yield f"{part}:"
        to = f" (to {one.to})" if one.to else ""
        yield f"  {sentences.instant(one.at):<28} {one.what}{to}"
