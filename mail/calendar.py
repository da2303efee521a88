"""The agreed go-live date as a calendar file (RFC 5545), to go with a mail as an attachment.

A `PUBLISH` file is for information and asks for no answer; a `REQUEST` asks its attendees to
accept; a `CANCEL` takes an earlier one back. The same `uid` with a higher `sequence` moves
the entry instead of adding a second one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from mail.lines import one_line
from mail.outgoing import Attachment

if TYPE_CHECKING:
    from icalendar import vCalAddress

_PRODUCT = "-//Clientshare//SSO go-live//EN"


class Method(StrEnum):
    """What the calendar file asks of the reader's calendar."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Person:
    """Who invites or is invited."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One entry. All instants need a time zone and are written in UTC."""

    uid: str
    """Stays the same for the life of the entry, for example `go-live-<id>@pulse.example`."""
    starts_at: datetime
    ends_at: datetime
    written_at: datetime
    """When this version was made; the caller's clock decides."""
    summary: str
    description: str
    """May have several lines."""
    organiser: Person
    attendees: tuple[Person, ...] = ()
    location: str = ""
    url: str = ""
    sequence: int = 0
    """0 at first, one more with every change of the date."""

    def __post_init__(self) -> None:
        """Refuse an entry that a calendar would show at the wrong time."""
        for instant in (self.starts_at, self.ends_at, self.written_at):
            if instant.tzinfo is None:
                raise ValueError("An instant in a calendar entry needs a time zone.")
        if self.ends_at <= self.starts_at:
            raise ValueError("A calendar entry ends after it starts.")


def calendar_attachment(event: CalendarEvent, method: Method = Method.PUBLISH) -> Attachment:
    """Return the entry as the attachment `go-live.ics`.

    Raises:
        ValueError: a REQUEST without anybody to ask.
    """
    return Attachment(
        filename="go-live.ics",
        content_type=f"text/calendar; charset=utf-8; method={method}",
        content=calendar_file(event, method).encode("utf-8"),
    )


def calendar_file(event: CalendarEvent, method: Method = Method.PUBLISH) -> str:
    """Write the entry as RFC 5545 text with CRLF line ends and lines of at most 75 octets.

    Raises:
        ValueError: a REQUEST without anybody to ask.
    """
    # Imported here: its library takes long, which every command would wait for.
    from icalendar import Calendar, Event

    if method is Method.REQUEST and not event.attendees:
        raise ValueError("A calendar file with the method REQUEST needs attendees.")
    entry = Event()
    entry.add("uid", event.uid)
    entry.add("sequence", event.sequence)
    entry.add("dtstamp", event.written_at.astimezone(UTC))
    entry.add("dtstart", event.starts_at.astimezone(UTC))
    entry.add("dtend", event.ends_at.astimezone(UTC))
    entry.add("summary", one_line(event.summary))
    entry.add("description", _lines(event.description))
    entry.add("organizer", _person(event.organiser), encode=False)
    # RFC 5546 forbids attendees in a PUBLISH; what was published is cancelled without them.
    for person in event.attendees if method is not Method.PUBLISH else ():
        asked = {
            "ROLE": "REQ-PARTICIPANT",
            "PARTSTAT": "NEEDS-ACTION",
            "RSVP": "TRUE" if method is Method.REQUEST else "FALSE",
        }
        entry.add("attendee", _person(person, **asked), encode=False)
    if event.location:
        entry.add("location", one_line(event.location))
    if event.url:
        entry.add("url", one_line(event.url))
    entry.add("status", "CANCELLED" if method is Method.CANCEL else "CONFIRMED")
    # A go-live takes nobody's time, so the entry does not mark anybody as busy.
    entry.add("transp", "TRANSPARENT")
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    calendar.add_component(entry)
    written: bytes = calendar.to_ical()
    return written.decode("utf-8")


def _lines(text: str) -> str:
    return "\n".join(one_line(line) for line in text.splitlines())


def _person(person: Person, **parameters: str) -> "vCalAddress":
    from icalendar import vCalAddress

    written = vCalAddress(f"mailto:{one_line(person.address)}")
    if person.name:
        written.params["CN"] = one_line(person.name)
    written.params.update(parameters)
    return written
