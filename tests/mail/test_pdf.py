"""The IT pack as a PDF: the mail's words, whatever letters an organisation is written with."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO

import pytest
from pypdf import PdfReader

from mail.messages import MESSAGES
from mail.pdf import pdf_of
from mail.rendering import RenderedMail, render

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
NAMES = (
    "Northwind Traders",
    "Žluťoučký “Kůň” Đặng & Søn’s ĲSSEL ŠÐÞ ẞ ﬁ",
    "Αθήνα «Δέλτα» Београд",
    "<b>Evil</b> {{ 7*7 }}",
)


class Seen(HTMLParser):
    """The words a reader of the mail sees, without how they are broken into lines."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self._unseen = "", 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "head" or "display:none" in (dict(attrs).get("style") or ""):
            self._unseen += 1

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and tag in {"head", "div"}:
            self._unseen -= 1

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words += data


def pack(**values: object) -> RenderedMail:
    return render("it_pack", {**MESSAGES["it_pack"].sample, **values})


def read(document: bytes) -> PdfReader:
    return PdfReader(BytesIO(document))


def without_spaces(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("name", NAMES)
def test_the_pdf_says_what_the_mail_says_in_its_order(name: str) -> None:
    mail = pack(organisation_name=name)
    pages = [page.extract_text() for page in read(pdf_of(mail, AT)).pages]
    # Bullets and list numbers stand in the PDF as letters; a browser adds them to HTML itself.
    said = re.sub(r"^(•|\d\.(?= (Agr|Your|SSO|Cons)))", "", "\n".join(pages), flags=re.MULTILINE)
    assert without_spaces(said) == without_spaces(Seen(mail.html).words)


def test_its_links_lead_where_the_mails_links_lead() -> None:
    mail = pack()
    annotations = [
        one.get_object() for page in read(pdf_of(mail, AT)).pages for one in page.get("/Annots", [])
    ]
    assert {str(one["/A"]["/URI"]) for one in annotations} == set(
        re.findall(r'href="([^"]+)"', mail.html)
    )


def test_it_has_a_title_a_language_and_the_mails_date() -> None:
    found = read(pdf_of(pack(), AT))
    assert found.metadata is not None
    assert found.metadata.title == pack().subject
    assert found.metadata.creation_date == AT
    assert found.trailer["/Root"]["/Lang"] == "en"


def test_letters_of_other_scripts_become_a_mark_and_nothing_fails() -> None:
    text = read(pdf_of(pack(organisation_name="株式会社 Nord"), AT)).pages[0].extract_text()
    assert "\N{REPLACEMENT CHARACTER} Nord is moving" in text
