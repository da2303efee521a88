"""The agreed go-live date as a calendar file (RFC 5545), to go with a mail as an attachment.

A `PUBLISH` file is for information and asks for no answer; a `REQUEST` asks its attendees to
accept; a `CANCEL` takes an earlier one back. The same `uid` with a higher `sequence` moves
the entry instead of adding a second one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from mail.lines import one_line
from mail.outgoing import Attachment

_LONGEST_LINE = 75
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
        ValueError: a REQUEST or CANCEL without anybody to ask.
    """
    return Attachment(
        filename="go-live.ics",
        content_type=f"text/calendar; charset=utf-8; method={method}",
        content=calendar_file(event, method).encode("utf-8"),
    )


def calendar_file(event: CalendarEvent, method: Method = Method.PUBLISH) -> str:
    """Write the entry as RFC 5545 text with CRLF line ends and lines of at most 75 octets.

    Raises:
        ValueError: a REQUEST or CANCEL without anybody to ask.
    """
    if method is not Method.PUBLISH and not event.attendees:
        raise ValueError(f"A calendar file with the method {method} needs attendees.")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{_escaped(event.uid)}",
        f"SEQUENCE:{event.sequence}",
        f"DTSTAMP:{_utc(event.written_at)}",
        f"DTSTART:{_utc(event.starts_at)}",
        f"DTEND:{_utc(event.ends_at)}",
        f"SUMMARY:{_escaped(one_line(event.summary))}",
        f"DESCRIPTION:{_escaped(event.description)}",
        f"ORGANIZER{_named(event.organiser)}:mailto:{one_line(event.organiser.address)}",
    ]
    # RFC 5546 forbids attendees in a PUBLISH.
    if method is not Method.PUBLISH:
        lines += [
            f"ATTENDEE{_named(person)};ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;"
            f"RSVP={'TRUE' if method is Method.REQUEST else 'FALSE'}"
            f":mailto:{one_line(person.address)}"
            for person in event.attendees
        ]
    if event.location:
        lines.append(f"LOCATION:{_escaped(one_line(event.location))}")
    if event.url:
        lines.append(f"URL:{one_line(event.url)}")
    # A go-live takes nobody's time, so the entry does not mark anybody as busy.
    lines += [
        f"STATUS:{'CANCELLED' if method is Method.CANCEL else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    """Write a TEXT value (RFC 5545, 3.3.11)."""
    lines = [one_line(line) for line in text.splitlines()]
    escaped = "\n".join(lines).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _named(person: Person) -> str:
    """Write the CN parameter; quotes and carets as RFC 6868 has them."""
    if not person.name:
        return ""
    name = one_line(person.name).replace("^", "^^").replace('"', "^'")
    return f';CN="{name}"'


def _folded(line: str) -> str:
    """Fold a line so that no piece is longer than 75 octets, and no letter is cut in two."""
    if len(line.encode("utf-8")) <= _LONGEST_LINE:
        return line
    pieces: list[str] = []
    piece, size = "", 0
    for letter in line:
        width = len(letter.encode("utf-8"))
        # The space that starts a continuation line counts as one octet.
        if size + width > _LONGEST_LINE - bool(pieces):
            pieces.append(piece)
            piece, size = "", 0
        piece += letter
        size += width
    return "\r\n ".join([*pieces, piece])
