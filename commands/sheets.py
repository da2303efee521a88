"""Reads a table that a person filled in: CSV as programs write it, every fault by line and column.

Comma, semicolon, tab and bar separate cells, whichever the first line is read by; a line `sep=;`
above it, as Excel knows it, says so itself. Empty rows and empty columns at the end are nothing.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from contracts import rules
from contracts.addresses import address_problem, ascii_domain, invisible_letter
from wording import addresses

_SEPARATORS = ",;\t|"
_NAMES_ITS_SEPARATOR = re.compile(r'"?sep=(?P<separator>[^"\r\n])"?[,;\t]*', re.IGNORECASE)
_TURNS = {"LRE", "RLE", "LRO", "RLO", "LRI", "RLI", "FSI", "PDF", "PDI"}
"""Directions that a name could use to be read as another one."""
_DOMAIN = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}"
)
_EXCELS_ERROR = re.compile(r"#(?:#+|[¡¿]?[^\W\d_a-z]{2,}(?:/0)?[!?]|N/[A-Z]|NV|I/T)")
"""What Excel writes, in its user's language (`#REF!`, `#BEZUG!`, `#¿NOMBRE?`, `#NV`), for a cell
whose formula fails, or whose column is too narrow."""
_MICROSOFTS_USERS = frozenset({"userprincipalname", "primarysmtpaddress"})
"""Columns, without blanks in lower case, by which a list of users that Microsoft exports is known.

Sources: Microsoft Learn, *Download a list of users* (Entra), the admin center's *Export users*,
`Get-MgUser` and `Get-Mailbox`.
"""
_TYPE_OF_POWERSHELL = "#TYPE "
"""What the line begins with that `Export-Csv` of Windows PowerShell writes above the columns."""
MOST_LETTERS = 254
"""Of one value; no address is longer (RFC 5321, as a path without its brackets)."""


@dataclass(frozen=True)
class SourceFile:
    """A file that is to be imported: the name by which people know it, and all of its bytes."""

    name: str
    content: bytes


class TooManyFaultsError(Exception):
    """Reading on would only fill the memory: nobody reads so many faults."""


@dataclass
class Sheet:
    """One file while it is read, and the faults found in it."""

    name: str
    header: list[str] = field(default_factory=list)
    found: list[tuple[int, int, str]] = field(default_factory=list)

    def fault(self, line: int, column: str, problem: str) -> None:
        """Record a fault; a column that the file lacks stands after those that it has.

        Raises:
            TooManyFaultsError: the file has so many that it is another kind of file.
        """
        place = self.header.index(column) if column in self.header else len(self.header)
        self.found.append((line, place, f"{self.name} line {line}, {column}: {problem}"))
        if len(self.found) >= rules.MOST_FAULTS:
            raise TooManyFaultsError

    @property
    def faults(self) -> list[str]:
        """Every fault in words, as one finds it going through the file."""
        return [words for _, _, words in sorted(self.found, key=lambda fault: fault[:2])]


class SheetRow:
    """One row; every reading method records what is wrong and returns something harmless."""

    def __init__(self, sheet: Sheet, line: int, cells: dict[str, str]) -> None:
        """Read these cells, by column, of the line where the row ends."""
        self._sheet, self.line, self._cells = sheet, line, cells

    def fault(self, column: str, problem: str) -> None:
        """Record a fault of this row."""
        self._sheet.fault(self.line, column, problem)

    def has(self, column: str) -> bool:
        """Tell whether the file has this column."""
        return column in self._cells

    def cell(self, column: str) -> str | None:
        """Return what can be seen in a cell; None = it is at fault."""
        value = self._cells.get(column, "").strip()
        # Of what is printable nothing is one; looking at each letter takes long.
        if not value.isprintable() and any(map(_is_control, value)):
            self.fault(column, "has a line break or control character; remove it")
            return None
        if _EXCELS_ERROR.fullmatch(value):
            self.fault(column, f"has Excel's {value} instead of a value")
            return None
        if value.isascii() or not all(map(invisible_letter, value)):
            return value
        return ""

    def seen(self, column: str, *, default: str | None = None) -> str:
        """Return a cell by which others are found: every letter of it can be seen."""
        value = self.text(column, default=default)
        unseen = invisible_letter(value)
        if unseen is not None:
            self.fault(column, f"{value!r} {addresses.said_of(unseen)}")
        return value

    def text(self, column: str, *, default: str | None = None) -> str:
        """Return a cell without spaces around it; without a default it may not be empty."""
        value = self.cell(column)
        if value is None:
            return ""
        if len(value) > MOST_LETTERS:
            self.fault(column, f"has more than {MOST_LETTERS} letters")
            return ""
        if value:
            return value
        if default is None:
            self.fault(column, "is empty")
        return default or ""

    def matching(
        self, column: str, pattern: re.Pattern[str], example: str, *, default: str | None = None
    ) -> str:
        """Return a cell of this form."""
        value = self.text(column, default=default)
        if value and value != default and not pattern.fullmatch(value):
            self.fault(column, f"{value!r} is not of the form {example}")
        return value

    def one_of(self, column: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        """Return one of these words, in lower case."""
        value = self.text(column, default=default).casefold()
        if value and value not in allowed:
            self.fault(column, f"{value!r} must be one of: {', '.join(allowed)}")
        return value

    def yes(self, column: str, *, default: str | None = None) -> bool:
        """Tell whether the cell says yes."""
        return self.one_of(column, ("yes", "no", "true", "false"), default=default) in {
            "yes",
            "true",
        }

    def day(self, column: str, *, default: str | None = None) -> date | None:
        """Return a date of ISO 8601."""
        value = self.text(column, default=default)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            self.fault(column, f"{value!r} is not a date such as 2026-12-31")
            return None

    def count(self, column: str, *, default: int) -> int:
        """Return a whole number below ten million."""
        value = self.text(column, default=str(default))
        if not (value.isascii() and value.isdigit() and len(value) <= 7):
            self.fault(column, f"{value!r} is not a whole number such as 10")
            return default
        return int(value)

    def address(self, column: str, value: str) -> str:
        """Check an e-mail address of this column, and return it."""
        domain = value.rpartition("@")[2]
        problem = address_problem(value) if value else None
        if problem is not None:
            self.fault(column, f"{value!r} {addresses.said_of(problem)}")
        elif not domain.isascii():
            self.domain(column, domain)
        return value

    def domain(self, column: str, written: str) -> str:
        """Return a domain in lower case; `straße.example` is never taken for another's."""
        plain, unseen = ascii_domain(written), invisible_letter(written)
        if unseen is not None:
            self.fault(column, f"{written!r} {addresses.said_of(unseen)}")
        elif written.endswith("."):
            self.fault(column, f"{written!r} ends with a dot; write it without")
        elif not written.isascii() and plain:
            self.fault(column, f"{written!r} must be written as Microsoft lists it: {plain}")
        elif plain is None or not _DOMAIN.fullmatch(written.lower()):
            self.fault(column, f"{written!r} is not a domain such as acme.example")
        return written.lower()

    def several(self, column: str) -> list[str]:
        """Return the parts of a cell, which semicolons separate."""
        value = self.cell(column)
        parts = [part.strip() for part in (value or "").split(";") if part.strip()]
        if not parts and value is not None:
            self.fault(column, "is empty")
        return parts


def _is_control(character: str) -> bool:
    """Tell whether it breaks lines, steers a terminal, or turns the order of letters around.

    Joiners and direction marks, which some scripts need within a name, are letters here.
    """
    return unicodedata.category(character) in {"Cc", "Zl", "Zp"} or (
        unicodedata.bidirectional(character) in _TURNS
    )


def rows_of(
    sheet: Sheet, text: str, columns: Sequence[str], options: Sequence[str]
) -> Iterator[SheetRow]:
    """Yield the rows of a table with these columns; none where a needed column is missing."""
    # Old programs of the Macintosh end lines with a carriage return alone.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    separator, skipped = _separator_of(text, {*columns, *options})
    # As a file, not by `splitlines`: that breaks lines at characters that CSV does not.
    source = io.StringIO(text)
    for _ in range(skipped):
        source.readline()
    reader = csv.reader(source, delimiter=separator, strict=True)
    begins = skipped + 1
    try:
        # A second byte order mark stands where files were put together.
        header = [name.replace("\ufeff", "").strip() for name in next(reader, [])]
        while header and not header[-1]:
            header.pop()
        sheet.header = header
        if not _is_right_header(sheet, columns, options, begins):
            return
        begins, number = reader.line_num + skipped + 1, 0
        for cells in reader:
            line, begins = reader.line_num + skipped, reader.line_num + skipped + 1
            if not any(map(str.strip, cells)):
                continue
            number += 1
            if number > rules.MOST_IMPORTED_ROWS:
                most = f"{rules.MOST_IMPORTED_ROWS:,}"
                sheet.fault(line, "(whole file)", f"has more than {most} rows; split the file")
                return
            if any(map(str.strip, cells[len(header) :])):
                sheet.fault(line, "(end of line)", "has more cells than the first line")
            yield SheetRow(sheet, line, dict(zip(header, cells, strict=False)))
    except csv.Error as error:
        sheet.fault(
            begins,
            "(whole line)",
            f"is not CSV, mostly for a quotation mark that is not closed or one too many: {error}",
        )


def _separator_of(text: str, known: set[str]) -> tuple[str, int]:
    """Return what separates cells, and how many lines stand above the names of the columns."""
    skipped = 0
    lines = io.StringIO(text)
    first = lines.readline()
    while first and (
        not first.strip(f'{_SEPARATORS}" \n\ufeff')
        or first.lstrip('"\ufeff').startswith(_TYPE_OF_POWERSHELL)
    ):
        first, skipped = lines.readline(), skipped + 1
    named = _NAMES_ITS_SEPARATOR.fullmatch(first.rstrip("\n"))
    if named is not None:
        return named["separator"], skipped + 1

    def fits(separator: str) -> tuple[int, int]:
        names = [name.strip(' "\n\ufeff') for name in first.split(separator)]
        return sum(name in known for name in names), len(names)

    return max(_SEPARATORS, key=fits), skipped


def _is_right_header(
    sheet: Sheet, columns: Sequence[str], options: Sequence[str], line: int
) -> bool:
    """Tell whether every needed column is there; record every fault of the first line."""
    header = sheet.header
    if _MICROSOFTS_USERS & {name.replace(" ", "").casefold() for name in header}:
        sheet.fault(
            line,
            "(whole file)",
            "is a list of users as Microsoft exports it, and not read as it is. Make a "
            f"file with the columns {', '.join([*columns, *options])}: the e-mail address is what "
            "users log in to Pulse with, mostly Microsoft's mail or user principal name",
        )
        return False
    for name in header:
        if name not in (*columns, *options):
            sheet.fault(line, name or "(no name)", "is not a column of this file")
    for name in sorted({name for name in header if header.count(name) > 1}):
        sheet.fault(line, name, "stands twice in the first line")
    missing = [name for name in columns if name not in header]
    for name in missing:
        sheet.fault(line, name, "is missing from the first line")
    return not missing
