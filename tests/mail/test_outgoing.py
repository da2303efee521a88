"""What we write on the wire reads back with the standard library's parser."""

import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail.errors import AddressUnusableError
from mail.outgoing import (
    Attachment,
    OutgoingMail,
    compose,
    mailbox,
    message_id_for,
    parse_address,
)

Make = Callable[..., OutgoingMail]
ANY_LINE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), max_size=300)
ANY_TEXT = st.lists(ANY_LINE, min_size=1, max_size=8).map("\n".join)


def written(mail: OutgoingMail) -> bytes:
    return compose(mail, parse_address(mail.sender), parse_address(mail.recipient))


def read_back(mail: OutgoingMail) -> EmailMessage:
    message = email.message_from_bytes(written(mail), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
    return message


def content(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def make(**changes: object) -> OutgoingMail:
    values: dict[str, object] = {
        "message_id": message_id_for(1, "pulse.example"),
        "sender": "go-live@pulse.example",
        "recipient": "maria@northwind.example",
        "subject": "Hello",
        "text": "Hello\n",
        "html": "<p>Hello</p>",
        "date": datetime(2026, 12, 3, 8, 0, tzinfo=UTC),
    }
    return OutgoingMail(**{**values, **changes})  # type: ignore[arg-type]


def test_carries_the_headers_of_a_polite_automatic_mail(a_mail: Make) -> None:
    message = read_back(a_mail(headers={"Reply-To": "owner@pulse.example"}))
    assert message["From"] == "Clientshare Pulse <go-live@pulse.example>"
    assert message["To"].addresses[0].display_name == "Maria Jensen"
    assert message["Date"].datetime == datetime(2026, 12, 3, 8, 0, tzinfo=UTC)
    assert message["Message-ID"] == "<go-live.1@pulse.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "en"
    assert message["Reply-To"] == "owner@pulse.example"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@settings(database=None, deadline=None, max_examples=150)
@given(subject=ANY_LINE, name=ANY_LINE, text=ANY_TEXT, html=ANY_TEXT)
def test_any_words_read_back_as_written(subject: str, name: str, text: str, html: str) -> None:
    mail = make(
        subject=subject,
        text=text,
        html=html,
        recipient=mailbox(name[:60], "maria@northwind.example"),
    )
    raw = written(mail)
    message = read_back(mail)
    raw.decode("ascii")
    assert raw.replace(b"\r\n", b"").count(b"\n") == raw.replace(b"\r\n", b"").count(b"\r") == 0
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert " ".join(str(message["Subject"]).split()) == " ".join(subject.split())
    assert message["To"].addresses[0].addr_spec == "maria@northwind.example"
    assert content(message, "plain").split() == text.split()
    assert content(message, "html").split() == html.split()
    lines = content(message, "plain").rstrip().splitlines()
    assert lines == text.rstrip().splitlines()


@pytest.mark.parametrize(
    "subject",
    [
        "Grüße an Łódź: log in with SSO",
        "Ελληνικά " * 12,
        "=?utf-8?q?Bcc:_x?= hidden",
        "x" * 900,
        "a subject of ordinary words " * 7,
    ],
)
def test_subjects_of_every_kind_survive(subject: str) -> None:
    message = read_back(make(subject=subject))
    assert str(message["Subject"]).replace(" ", "") == subject.replace(" ", "")


def test_line_breaks_never_start_a_header() -> None:
    message = read_back(
        make(
            subject="Hello\r\nBcc: a@b.example",
            headers={"Reply-To": "owner@pulse.example\r\nCc: c@d.example"},
            recipient=mailbox("Maria\r\nCc: e@f.example", "maria@northwind.example"),
        )
    )
    assert message["Bcc"] is None
    assert message["Cc"] is None
    assert message["Subject"] == "Hello Bcc: a@b.example"


@pytest.mark.parametrize("name", ['Jensen, "Maj"', "O'Hara; Ann", "Back\\slash", "Zoë", "a <b>"])
def test_names_of_every_kind_belong_to_one_address(name: str) -> None:
    message = read_back(make(recipient=mailbox(name, "maria@northwind.example")))
    [address] = message["To"].addresses
    assert address.addr_spec == "maria@northwind.example"
    assert address.display_name == name.replace("<", "").replace(">", "")


def test_attachments_stand_beside_text_and_html() -> None:
    data = bytes(range(256)) * 20
    attachment = Attachment("go-live.ics", "text/calendar; charset=utf-8; method=PUBLISH", data)
    message = read_back(make(attachments=(attachment,)))
    assert message.get_content_type() == "multipart/mixed"
    assert content(message, "plain") == "Hello\n"
    [part] = message.iter_attachments()
    assert part.get_filename() == "go-live.ics"
    assert part["Content-Type"].params["method"] == "PUBLISH"
    assert part.get_payload(decode=True) == data


def test_an_address_that_needs_it_is_written_in_utf_8() -> None:
    raw = written(make(recipient="пелин@northwind.example"))
    assert "To: пелин@northwind.example\r\n".encode() in raw


@pytest.mark.parametrize(
    "changes",
    [
        {"date": datetime(2026, 12, 3)},  # noqa: DTZ001
        {"message_id": "go-live"},
        {"message_id": "<a@b>\r\nBcc: <c@d>"},
        {"headers": {"Bcc": "a@b.example"}},
        {"headers": {"X: y\r\nZ": "a"}},
    ],
)
def test_malformed_mails_are_refused_when_made(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"date|Message-ID|header"):
        make(**changes)


@pytest.mark.parametrize(
    ("filename", "content_type"), [('a".ics', "text/calendar"), ("a.ics", "text/x\r\nBcc: y")]
)
def test_malformed_attachments_are_refused(filename: str, content_type: str) -> None:
    with pytest.raises(ValueError, match="attachment"):
        Attachment(filename, content_type, b"")


def test_the_message_id_of_a_ledger_row_never_changes() -> None:
    assert message_id_for("7/a b", "pulse.example") == "<go-live.7.a.b@pulse.example>"
    assert message_id_for(7, "pulse.example") == message_id_for("7", "pulse.example")
    for bad in (("", "pulse.example"), ("7", "pulse example"), ("7", "")):
        with pytest.raises(ValueError, match="Message-ID"):
            message_id_for(*bad)


def test_an_address_with_a_line_break_is_refused() -> None:
    with pytest.raises(AddressUnusableError):
        parse_address("maria@northwind.example\r\nRCPT TO:<x@y.example>")
