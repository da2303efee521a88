"""Goldens: what people see, kept word for word, so that a change that should change nothing can
be held against it.

`check` compares; with `UPDATE_GOLDENS=1` it writes instead, and the test is skipped with the names
of what was written, so that nobody takes a run that compared nothing for a green one.
"""

import difflib
import os
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "files"
UPDATE = "UPDATE_GOLDENS"
MOST_DIFF_LINES = 60
"""Of one golden; whoever wants more renews it and looks at the difference in Git."""


def check(name: str, text: str) -> None:
    """Compare with the golden of this name, such as `schema.sql`."""
    _compare({name: text})


def check_folder(folder: str, texts: Mapping[str, str]) -> None:
    """Compare each text with its golden in a folder; one that nothing was made for is wrong too."""
    texts = {f"{folder}/{name}": text for name, text in texts.items()}
    kept = {str(path.relative_to(FILES)) for path in (FILES / folder).rglob("*") if path.is_file()}
    _compare(texts, left_over=sorted(kept - texts.keys()))


def _compare(texts: Mapping[str, str], left_over: list[str] | None = None) -> None:
    left_over = left_over or []
    differences = {
        name: difference
        for name, text in texts.items()
        if (difference := _difference(name, _ended(text)))
    }
    if os.environ.get(UPDATE):
        for name in differences:
            path = FILES / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_ended(texts[name]), encoding="utf-8")
        for name in left_over:
            (FILES / name).unlink()
        if differences or left_over:
            written = ", ".join(differences) or "none"
            removed = ", ".join(left_over) or "none"
            pytest.skip(f"{UPDATE}: written {written}; removed {removed}")
        return
    said = [
        *differences.values(),
        *(f"{name}: nothing is made for it any more" for name in left_over),
    ]
    if said:
        pytest.fail(
            "\n\n".join(
                [
                    f"{len(said)} of {len(texts)} goldens differ from what people see now.",
                    *said,
                    f"If the change is meant: {UPDATE}=1 .venv/bin/python -m pytest tests/golden",
                ]
            ),
            pytrace=False,
        )


def _ended(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"


def _difference(name: str, text: str) -> str:
    path = FILES / name
    if not path.exists():
        return f"{name}: there is no such golden yet"
    golden = path.read_text(encoding="utf-8")
    lines = list(
        difflib.unified_diff(
            golden.splitlines(),
            text.splitlines(),
            f"golden/{name}",
            f"now/{name}",
            lineterm="",
            n=2,
        )
    )
    more = len(lines) - MOST_DIFF_LINES
    return "\n".join(lines[:MOST_DIFF_LINES]) + (f"\n... and {more} lines more" if more > 0 else "")


# --- what is another one in every run ---------------------------------------------------------

_MONTH = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
)
_WEEKDAY = (
    "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
        (r'(name="form_token"[^>]* value=)"[0-9a-f]{64}"', r'\1"<form-token>"'),
        # A personal link: the row's id and its signature.
        (r"\b[0-9a-f]{32}\.[0-9a-f]{64}\b", "<token>"),
        (r"\b[0-9a-f]{64}\b", "<hash>"),
        (r"\b[0-9a-f]{12}\b(?!-)(?<!-[0-9a-f]{12})", "<hash>"),
        (r"\b(evidence|order):\d+\b", r"\1:<number>"),
        (r"\b(?:https?://)?(?:127\.0\.0\.1|localhost)(?::\d+)?", "<host>"),
        # An instant as people read it, in any time zone; the hour may be another in summer.
        (
            rf"\b{_WEEKDAY} \d{{1,2}} {_MONTH} \d{{4}}, \d\d:\d\d (?:[A-Z]{{2,5}}|[+-]\d+)",
            "<instant>",
        ),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", "<instant>"),
        (rf"\b(?:{_WEEKDAY} )?\d{{1,2}} {_MONTH} \d{{4}}\b", "<day>"),
        (r"\b\d{4}-\d\d-\d\d\b", "<day>"),
        # Columns are as wide as what stood in them.
        (r"(<(?:instant|day)>) {2,}", r"\1  "),
    )
)
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def normalised(text: str) -> str:
    """Return a text without what differs from run to run: tokens, ids, places, days and instants.

    Ids are numbered as they appear, so that it still shows where the same one stands twice.
    """
    seen: dict[str, str] = {}
    text = _ID.sub(lambda found: seen.setdefault(found.group(), f"<id-{len(seen) + 1}>"), text)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


# --- HTML as lines ----------------------------------------------------------------------------

_VOID = {"meta", "br", "hr", "img", "link", "input"}
_BLOCKS = {"p", "h1", "h2", "h3", "li", "tr", "td", "th", "div", "br", "pre", "table", "ul", "ol"}


class _Outline(HTMLParser):
    """One line for each element and each run of words, further in for each level."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._open: list[str] = []

    @property
    def _is_in_head(self) -> bool:
        # Of the head only the title is seen; the rest is the same on every page.
        return "head" in self._open and "title" not in self._open

    def _add(self, line: str) -> None:
        self.lines.append("  " * len(self._open) + line)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._is_in_head or tag == "title":
            said = "".join(
                f" {name}" if value is None else f' {name}="{" ".join(value.split())}"'
                for name, value in attrs
            )
            self._add(f"<{tag}{said}>")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "textarea":
            # The one place where people see line breaks as they are written.
            for line in filter(str.strip, data.splitlines()):
                self._add(line.strip())
        elif (words := " ".join(data.split())) and not self._is_in_head:
            self._add(words)


def outline(html: str) -> str:
    """Return a page as lines: every element with its attributes, and every word."""
    page = _Outline()
    page.feed(html)
    page.close()
    return "\n".join(page.lines)


def sorted_rows(page: str, part: str) -> str:
    """Return an outline in which the rows of the table in one part stand in alphabetical order."""
    before, start, rest = page.partition(f'data-part="{part}"')
    head, body, rows = rest.partition("<tbody>\n")
    if not body:
        return page
    level = re.match(" *", rows).group()  # type: ignore[union-attr]
    table = re.match(rf"(?:{level}.*\n)*", rows).group()  # type: ignore[union-attr]
    each = sorted(re.split(rf"(?m)^(?={level}<tr>)", table))
    return "".join([before, start, head, body, *each, rows.removeprefix(table)])


class _Reading(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._link: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.text += "\n"
        if tag == "a":
            self._link.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.text += "\n"
        if tag == "a":
            self.text += f" <{self._link.pop()}>"

    def handle_data(self, data: str) -> None:
        self.text += re.sub(r"\s+", " ", data)


def readable(html: str) -> str:
    """Return the words of a mail's HTML as they are read, each link's address behind its words."""
    mail = _Reading()
    mail.feed(html)
    mail.close()
    lines = (" ".join(line.split()) for line in mail.text.splitlines())
    return "\n".join(filter(None, lines))
