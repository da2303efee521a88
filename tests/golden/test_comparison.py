"""A golden bites when a word changes, and only then."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.golden import golden
from tests.golden.golden import check, check_folder, normalised, outline, readable, sorted_rows
from wording import sentences


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(golden, "FILES", tmp_path)
    monkeypatch.delenv(golden.UPDATE, raising=False)
    return tmp_path


def test_a_changed_word_is_shown_as_a_difference(files: Path) -> None:
    (files / "greeting.txt").write_text("Hello,\nwelcome.\n", encoding="utf-8")
    check("greeting.txt", "Hello,\nwelcome.")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)-welcome\.\n\+goodbye\..*UPDATE_GOLDENS"):
        check("greeting.txt", "Hello,\ngoodbye.")


def test_a_golden_that_is_missing_or_left_over_is_named(files: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="no such golden"):
        check("greeting.txt", "Hello")
    (files / "mails").mkdir()
    (files / "mails/old.txt").write_text("Old\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"mails/old\.txt: nothing is made"):
        check_folder("mails", {})


def test_updating_writes_and_is_no_pass(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(golden.UPDATE, "1")
    with pytest.raises(pytest.skip.Exception, match=r"written greeting\.txt"):
        check("greeting.txt", "Hello")
    check("greeting.txt", "Hello")
    assert (files / "greeting.txt").read_text(encoding="utf-8") == "Hello\n"


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("day", [1, 7, 28])
@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/Sao_Paulo"])
def test_no_day_or_hour_is_left(month: int, day: int, zone: str) -> None:
    at = datetime(2027, month, day, 23, 59, 30, 5, tzinfo=UTC).astimezone(ZoneInfo(zone))
    said = (
        f"{sentences.instant(at)}. {sentences.day(at)}, {sentences.short_day(at)}; "
        f"{at.isoformat()} "
        f"{at.date()} {at:%Y-%m-%dT%H:%M} {at}\n  {sentences.instant(at):<28} Mail"
    )
    assert normalised(said) == (
        "<instant>. <day>, <day>; <instant> <day> <instant> <instant>\n  <instant>  Mail"
    )


def test_ids_are_numbered_and_secrets_are_named() -> None:
    one, other, signed = str(uuid4()), str(uuid4()), f"{uuid4().hex}.{'0f' * 32}"
    text = f"{one} {other} {one} http://127.0.0.1:8080/setup/{signed} {'ab' * 32} {'c1' * 6}"
    assert normalised(text) == "<id-1> <id-2> <id-1> <host>/setup/<token> <hash> <hash>"


def test_html_keeps_every_word_and_attribute() -> None:
    html = (
        "<head><title>A\n page</title><meta name=x></head><p>Read <a href='/x' aria-label='Y'>it"
        "</a> now</p><input name=a required>"
    )
    assert outline(html).split("\n") == [
        "<head>",
        "  <title>",
        "    A page",
        "<p>",
        "  Read",
        '  <a href="/x" aria-label="Y">',
        "    it",
        "  now",
        '<input name="a" required>',
    ]
    assert readable("<p>Read <a href='/x'>it</a>\n now</p><p>Bye</p>") == "Read it </x> now\nBye"


def test_rows_of_a_part_are_sorted() -> None:
    rows = "<tbody><tr><td>b</td></tr><tr><td>a</td></tr></tbody>"
    page = outline(f'<div data-part="mails"><table>{rows}</table></div><p>z</p>')
    words = [line.strip() for line in sorted_rows(page, "mails").splitlines() if "<" not in line]
    assert words == ["a", "b", "z"]
    assert sorted_rows(page, "audit") == page
