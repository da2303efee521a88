"""What a rehearsal consists of: its parts, what each ends with, and everything in between."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts.notices import Audience, Message


class RehearsalPart(StrEnum):
    """A part of the schedule; each is shown as if it began now."""

    NOT_ENTITLED = "not_entitled"
    IT_NOTIFIED = "it_notified"
    CONSENT_AWAITED = "consent_awaited"
    TOO_MANY_EXCEPTIONS = "too_many_exceptions"
    CONSENT_GIVEN = "consent_given"
    FIRST_SIGN_IN_AWAITED = "first_sign_in_awaited"


class PartEnd(StrEnum):
    """What happens at the end of a part."""

    NOT_ENTITLED = "not_entitled"
    GOES_ON = "goes_on"
    CONSENT_EXPIRED = "consent_expired"
    NEEDS_ATTENTION = "needs_attention"
    LIVE = "live"


@dataclass(frozen=True)
class PlannedMail:
    """A mail that would go out."""

    part: RehearsalPart
    at: datetime
    message: Message
    purpose: str
    """What the mail is for, as `mail/messages.py` says it in one sentence."""
    audience: Audience
    is_on_move: bool = False
    """Each user gets it who moves then."""


@dataclass(frozen=True)
class PlannedEnd:
    """The end of a part that would come."""

    part: RehearsalPart
    at: datetime
    end: PartEnd


Planned = PlannedMail | PlannedEnd


@dataclass(frozen=True)
class Rehearsed:
    """Everything that would happen, one part after the other."""

    threshold: int
    """How many exceptions the organisation accepts."""
    planned: list[Planned]
