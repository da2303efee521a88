"""Writes a rendered mail as a PDF with the same text, for people who file and forward it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from fpdf import FPDF

from mail.lines import one_line
from mail.rendering import RenderedMail

FONTS = Path(__file__).parent / "fonts"
_FAMILY = "DejaVu"
_MARGIN, _INDENT = 22.0, 8.0
"""Millimetres, like every length here."""
_SIZES = {"h1": 18.0, "h2": 13.0}
_PLAIN_SIZE = 10.0
_LINE_HEIGHT = 0.52
"""Of a line, in millimetres for each point of its letters."""
_INK, _LINK_INK = (28, 32, 40), (31, 95, 208)
_BLOCKS = {"h1", "h2", "p", "li", "td", "pre"}
_UNSEEN = {"head", "style", "script"}
_ALONE = {"br", "hr", "meta", "img", "input", "link"}
_NOT_IN_THE_FONT = "\N{REPLACEMENT CHARACTER}"


@dataclass
class _Run:
    """Words that look alike."""

    text: str
    bold: bool
    link: str


@dataclass
class _Block:
    """A heading, paragraph or list item."""

    tag: str
    mark: str = ""
    """What stands before a list item: a bullet or its number."""
    indented: bool = False
    runs: list[_Run] = field(default_factory=list)


class _Element(NamedTuple):
    tag: str
    unseen: bool
    block: _Block | None
    """The block that words inside it belong to."""


class _Blocks(HTMLParser):
    """Collects what a reader of one of our mails sees, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[_Block] = []
        self._open: list[_Element] = []
        self._links: list[str] = []
        self._numbers: list[int | None] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, or a different style inside one."""
        found = dict(attrs)
        if tag == "br":
            self._add("\n")
        if tag in _ALONE:
            return
        if tag == "a":
            self._links.append(found.get("href") or "")
        if tag in {"ol", "ul"}:
            self._numbers.append(0 if tag == "ol" else None)
        outer = self._open[-1] if self._open else _Element("", False, None)
        block = outer.block
        if tag in _BLOCKS:
            block = _Block(tag, self._mark(tag), any(one.tag == "blockquote" for one in self._open))
            self.found.append(block)
        hidden = tag in _UNSEEN or "display:none" in (found.get("style") or "")
        self._open.append(_Element(tag, outer.unseen or hidden, block))

    def handle_endtag(self, tag: str) -> None:
        """End what began last."""
        if tag in _ALONE:
            return
        self._open.pop()
        if tag == "a":
            self._links.pop()
        if tag in {"ol", "ul"}:
            self._numbers.pop()

    def handle_data(self, data: str) -> None:
        """Add words to the block at hand."""
        self._add(" ".join(f"|{data}|".split())[1:-1])

    def _mark(self, tag: str) -> str:
        if tag != "li":
            return ""
        number = self._numbers[-1]
        if number is None:
            return "•"
        self._numbers[-1] = number + 1
        return f"{number + 1}."

    def _add(self, text: str) -> None:
        here = self._open[-1] if self._open else None
        if here is None or here.unseen or here.block is None:
            return
        if here.block.runs and here.block.runs[-1].text == "\n":
            text = text.lstrip(" ")
        bold = any(one.tag in {"b", "th"} for one in self._open)
        here.block.runs.append(_Run(text, bold, self._links[-1] if self._links else ""))


def pdf_of(mail: RenderedMail, at: datetime) -> bytes:
    """Return the mail as a PDF: its words, headings, lists and links, in its order.

    Letters that the font lacks (it has all Latin, Greek and Cyrillic ones) become a mark.
    `at` is what the file says about when it was made.
    """
    pdf = FPDF(format="A4")
    pdf.set_creation_date(at)
    pdf.set_title(one_line(mail.subject))
    pdf.set_lang("en")
    pdf.add_font(_FAMILY, "", FONTS / "DejaVuSans.ttf")
    pdf.add_font(_FAMILY, "B", FONTS / "DejaVuSans-Bold.ttf")
    pdf.set_margins(_MARGIN, _MARGIN)
    pdf.set_auto_page_break(True, _MARGIN)
    pdf.add_page()
    for block in _Blocks(mail.html).found:
        if any(run.text.strip() for run in block.runs):
            _write(pdf, block)
    return bytes(pdf.output())


def _write(pdf: FPDF, block: _Block) -> None:
    size = _SIZES.get(block.tag, _PLAIN_SIZE)
    heading = block.tag in _SIZES
    height = size * _LINE_HEIGHT
    if heading:
        pdf.ln(height * 0.6)
        if pdf.will_page_break(height * 4):
            pdf.add_page()
    with _indented(pdf, block):
        for run in block.runs:
            pdf.set_font(_FAMILY, "B" if run.bold or heading else "", size)
            pdf.set_text_color(*(_LINK_INK if run.link else _INK))
            words = _known(pdf, run.text)
            room = pdf.w - pdf.r_margin - pdf.x
            if " " not in words and room < pdf.get_string_width(words) < pdf.epw - _INDENT:
                pdf.ln(height)
            pdf.write(height, words, run.link)
        pdf.ln(height)
    pdf.ln(height * (0.25 if block.tag == "li" else 0.5))


@contextmanager
def _indented(pdf: FPDF, block: _Block) -> Iterator[None]:
    margin = pdf.l_margin
    if block.mark:
        pdf.set_font(_FAMILY, "", _PLAIN_SIZE)
        pdf.set_text_color(*_INK)
        pdf.cell(_INDENT, _PLAIN_SIZE * _LINE_HEIGHT, block.mark)
    if block.mark or block.indented:
        pdf.set_left_margin(margin + _INDENT)
        pdf.set_x(margin + _INDENT)
    try:
        yield
    finally:
        pdf.set_left_margin(margin)
        pdf.set_x(margin)


def _known(pdf: FPDF, text: str) -> str:
    """Return the text with a mark in place of each run of letters that the font lacks."""
    letters: dict[int, object] = getattr(pdf.current_font, "cmap", {})
    parts = groupby(text, lambda letter: letter == "\n" or ord(letter) in letters)
    return "".join("".join(part) if known else _NOT_IN_THE_FONT for known, part in parts)
