"""The calendar file keeps to RFC 5545."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from mail.calendar import CalendarEvent, Method, Person, calendar_attachment, calendar_file

START = datetime(2026, 12, 10, 8, 0, tzinfo=timezone(timedelta(hours=1)))


def event(**changes: object) -> CalendarEvent:
    values: dict[str, object] = {
        "uid": "go-live-7@pulse.example",
        "starts_at": START,
        "ends_at": START + timedelta(hours=1),
        "written_at": datetime(2026, 12, 1, tzinfo=UTC),
        "summary": "Northwind moves to SSO",
        "description": "Line one\nLine two; with, signs \\ here",
        "organiser": Person("priya@pulse.example", 'Priya "P" Shah'),
        "attendees": (Person("maria@northwind.example", "Maria Jensen; IT"),),
    }
    return CalendarEvent(**{**values, **changes})  # type: ignore[arg-type]


def unfolded(text: str) -> list[str]:
    assert text.endswith("\r\n")
    return text.replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def unescaped(value: str) -> str:
    result, letters = "", iter(value)
    for letter in letters:
        if letter == "\\":
            letter = next(letters)
            letter = "\n" if letter in "nN" else letter
        result += letter
    return result


def property_of(text: str, name: str) -> str:
    [line] = [line for line in unfolded(text) if line.startswith((f"{name}:", f"{name};"))]
    return line.removeprefix(name)


def test_writes_the_date_in_utc() -> None:
    text = calendar_file(event())
    assert property_of(text, "DTSTART") == ":20261210T070000Z"
    assert property_of(text, "DTEND") == ":20261210T080000Z"
    assert property_of(text, "DTSTAMP") == ":20261201T000000Z"


def test_escapes_text_and_quotes_names() -> None:
    text = calendar_file(event(), Method.REQUEST)
    assert property_of(text, "DESCRIPTION") == r":Line one\nLine two\; with\, signs \\ here"
    assert property_of(text, "ORGANIZER") == ";CN=\"Priya ^'P^' Shah\":mailto:priya@pulse.example"
    assert property_of(text, "ATTENDEE").startswith(';CN="Maria Jensen; IT";PARTSTAT=')


def test_a_published_entry_asks_nobody() -> None:
    text = calendar_file(event())
    assert property_of(text, "METHOD") == ":PUBLISH"
    assert "ATTENDEE" not in text


def test_a_moved_or_cancelled_entry_is_the_same_entry() -> None:
    text = calendar_file(event(sequence=2), Method.CANCEL)
    assert property_of(text, "UID") == ":go-live-7@pulse.example"
    assert property_of(text, "SEQUENCE") == ":2"
    assert property_of(text, "STATUS") == ":CANCELLED"


@settings(database=None, deadline=None)
@given(
    words=st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), min_size=1, max_size=400
    )
)
def test_any_words_survive_folding_and_escaping(words: str) -> None:
    text = calendar_file(event(summary=words))
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    assert unescaped(property_of(text, "SUMMARY")[1:]) == words


def test_a_name_cannot_add_a_property() -> None:
    text = calendar_file(event(summary="Acme\r\nATTENDEE:mailto:x@y.example", location="a\nURL:b"))
    assert not [line for line in unfolded(text) if line.startswith(("ATTENDEE", "URL"))]


def test_the_attachment_says_what_it_is() -> None:
    attachment = calendar_attachment(event(), Method.REQUEST)
    assert attachment.content_type == "text/calendar; charset=utf-8; method=REQUEST"
    assert attachment.content.decode() == calendar_file(event(), Method.REQUEST)


@pytest.mark.parametrize(
    "changes",
    [{"starts_at": START.replace(tzinfo=None)}, {"ends_at": START}],
)
def test_an_impossible_entry_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="calendar entry"):
        event(**changes)


def test_a_kept_library_reads_the_same_back() -> None:
    [entry] = Calendar.from_ical(calendar_file(event(sequence=3), Method.CANCEL)).walk("VEVENT")
    assert entry["sequence"] == 3
    assert entry["dtstart"].dt == START
    assert entry["description"] == "Line one\nLine two; with, signs \\ here"
    assert entry["organizer"].params["CN"] == 'Priya "P" Shah'


def test_what_was_published_is_cancelled_without_attendees() -> None:
    assert "ATTENDEE" not in calendar_file(event(attendees=()), Method.CANCEL)


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        (timezone(timedelta(hours=5, minutes=45)), "20261209T181500Z"),
        (timezone(timedelta(hours=14)), "20261209T100000Z"),
        (timezone(timedelta(hours=-12)), "20261210T120000Z"),
    ],
)
def test_midnight_anywhere_is_the_right_instant(zone: timezone, written: str) -> None:
    midnight = datetime(2026, 12, 10, tzinfo=zone)
    text = calendar_file(event(starts_at=midnight, ends_at=midnight + timedelta(hours=1)))
    assert property_of(text, "DTSTART") == f":{written}"


@pytest.mark.parametrize("method", Method)
def test_each_method_has_what_calendars_ask_for(method: Method) -> None:
    [entry] = Calendar.from_ical(calendar_file(event(sequence=1), method)).walk("VEVENT")
    assert {"UID", "DTSTAMP", "DTSTART", "SEQUENCE", "ORGANIZER", "STATUS"} <= set(entry)


def test_a_name_in_any_script_and_with_quotes_reads_back() -> None:
    ours = Person("dana@pulse.example", 'Дана "Д" O\'Neil; IT, Größe')
    [entry] = Calendar.from_ical(calendar_file(event(organiser=ours))).walk("VEVENT")
    assert entry["organizer"].params["CN"] == ours.name


def test_a_request_needs_somebody_to_ask() -> None:
    with pytest.raises(ValueError, match="needs attendees"):
        calendar_file(event(attendees=()), Method.REQUEST)
