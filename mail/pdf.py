"""Writes a rendered mail as a PDF with the same text, for people who file and forward it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate

from mail.lines import one_line
from mail.rendering import RenderedMail

FONTS = Path(__file__).parent / "fonts"
_PLAIN, _BOLD = "DejaVu", "DejaVu-Bold"
_FILES = {_PLAIN: "DejaVuSans.ttf", _BOLD: "DejaVuSans-Bold.ttf"}
_MARGIN = 22 * mm - 6
"""Of the page; a frame keeps another six points free."""
_INDENT = 8 * mm
_SIZES = {"h1": 18.0, "h2": 13.0}
_PLAIN_SIZE = 10.0
_LEADING = 1.47
"""Of a line, for each point of its letters."""
_INK, _LINK_INK = HexColor("#1c2028"), "#1f5fd0"
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


_FONTS = {name: TTFont(name, str(FONTS / file)) for name, file in _FILES.items()}
for _font in _FONTS.values():
    pdfmetrics.registerFont(_font)
pdfmetrics.registerFontFamily(_PLAIN, normal=_PLAIN, bold=_BOLD)

_ONE_AT_A_TIME = Lock()
"""The fonts are read once, and every document notes in them which letters it uses."""


def pdf_of(mail: RenderedMail, at: datetime) -> bytes:
    """Return the mail as a PDF: its words, headings, lists and links, in its order.

    Letters that the font lacks (it has all Latin, Greek and Cyrillic ones) become a mark.
    `at` is what the file says about when it was made.
    """
    written = BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=one_line(mail.subject),
        lang="en",
    )
    paragraphs: list[Flowable] = [
        _paragraph(block)
        for block in _Blocks(mail.html).found
        if any(run.text.strip() for run in block.runs)
    ]

    def date(canvas: Canvas, _: object) -> None:
        canvas.setDateFormatter(lambda *_: f"D:{at.astimezone(UTC):%Y%m%d%H%M%S}+00'00'")

    with _ONE_AT_A_TIME:
        document.build(paragraphs, onFirstPage=date)
    return written.getvalue()


def _paragraph(block: _Block) -> Paragraph:
    size = _SIZES.get(block.tag, _PLAIN_SIZE)
    heading = block.tag in _SIZES
    height = size * _LEADING
    style = ParagraphStyle(
        block.tag,
        fontName=_BOLD if heading else _PLAIN,
        fontSize=size,
        leading=height,
        textColor=_INK,
        spaceBefore=height * 0.6 if heading else 0,
        spaceAfter=height * (0.25 if block.tag == "li" else 0.5),
        leftIndent=_INDENT if block.mark or block.indented else 0,
        bulletFontName=_PLAIN,
        bulletFontSize=_PLAIN_SIZE,
        keepWithNext=heading,
    )
    words = "".join(_markup(run, _BOLD if heading or run.bold else _PLAIN) for run in block.runs)
    return Paragraph(words, style, bulletText=block.mark or None)


def _markup(run: _Run, font: str) -> str:
    """Return words as `reportlab` reads them."""
    words = escape(_known(run.text, font)).replace("\n", "<br/>")
    if font == _BOLD:
        words = f"<b>{words}</b>"
    return f'<a href={quoteattr(run.link)} color="{_LINK_INK}">{words}</a>' if run.link else words


def _known(text: str, font: str) -> str:
    """Return the text with a mark in place of each run of letters that the font lacks."""
    letters = _FONTS[font].face.charToGlyph
    parts = groupby(text, lambda letter: letter == "\n" or ord(letter) in letters)
    return "".join("".join(part) if known else _NOT_IN_THE_FONT for known, part in parts)
