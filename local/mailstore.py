"""The received mail: one .eml file each in a folder, with an index of their headers in memory."""

import contextlib
import email
import email.policy
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

_FOLD = re.compile(r"\r?\n[ \t]+")
_HEADERS = BytesHeaderParser()


@dataclass(frozen=True)
class StoredMail:
    """What the index knows of one received message."""

    id: int
    """Counts up from 1 in the order of reception; never used twice while the server runs."""
    to: tuple[str, ...]
    """The recipients of the envelope (not of the header), in lower case."""
    sender: str
    """The From header, such as "Clientshare <sso@clientshare.example>"."""
    subject: str
    message_id: str
    received_at: str
    """UTC, such as "2026-11-24T03:07:00.123+00:00"."""


@dataclass(frozen=True)
class MailPart:
    """A part of a message that is neither its text nor its HTML, such as a calendar invitation."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class MailContent:
    """One message taken apart."""

    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    attachments: tuple[MailPart, ...]


class MailStore:
    """Keeps messages in a folder and finds them by number and recipient without reading it."""

    def __init__(self, folder: Path) -> None:
        """Read the headers of what the folder holds already; make it where it is missing."""
        self._folder = folder
        self._mails: dict[int, StoredMail] = {}
        self._by_address: dict[str, list[int]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("[0-9]*.eml")):
            # Headers alone: a mailbox of many thousand messages opens in seconds.
            headers = path.read_bytes().partition(b"\n\n")[0]
            self._remember(int(path.stem), headers, path.stat().st_mtime)
        self._next_id = max(self._mails, default=0) + 1

    def __len__(self) -> int:
        return len(self._mails)

    def add(self, sender: str, recipients: list[str], content: bytes) -> StoredMail:
        """Keep a message; it is in the folder, whole, when this returns."""
        # The lines that any mail server adds at delivery; they carry the envelope over a restart.
        # sendmail convention: line feeds alone inside files.
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {to}" for to in recipients)]
        whole = "\n".join(envelope).encode() + b"\n" + content.replace(b"\r\n", b"\n")
        number = self._next_id
        self._next_id += 1
        path = self._path(number)
        draft = path.with_suffix(".draft")
        draft.write_bytes(whole)
        draft.rename(path)
        return self._remember(number, whole.partition(b"\n\n")[0], path.stat().st_mtime)

    def get(self, number: int) -> StoredMail | None:
        """Return one message's entry, None if there is none of that number."""
        return self._mails.get(number)

    def oldest_first(self, to: str | None, after: int, limit: int) -> list[StoredMail]:
        """Return the messages numbered above `after`, to that very address if one is given."""
        numbers = self._mails if to is None else self._by_address.get(to.lower(), [])
        found: list[StoredMail] = []
        for number in numbers:
            if len(found) == limit:
                break
            if number > after:
                found.append(self._mails[number])
        return found

    def newest_first(self, containing: str, before: int | None, limit: int) -> list[StoredMail]:
        """Return the messages numbered below `before` whose recipients contain those letters."""
        letters = containing.lower()
        found: list[StoredMail] = []
        for number, mail in reversed(self._mails.items()):
            if len(found) == limit:
                break
            if (before is None or number < before) and any(letters in to for to in mail.to):
                found.append(mail)
        return found

    def source(self, number: int) -> bytes:
        """Return the message as it was received, under the lines that its delivery added.

        Raises:
            KeyError: there is none of that number.
        """
        if number not in self._mails:
            raise KeyError(number)
        return self._path(number).read_bytes()

    def content(self, number: int) -> MailContent:
        """Return the message taken apart.

        Raises:
            KeyError: there is none of that number.
        """
        message = email.message_from_bytes(self.source(number), policy=email.policy.default)
        text = message.get_body(("plain",))
        html = message.get_body(("html",))
        return MailContent(
            # From the compatible parser: the modern one refuses some malformed headers.
            headers=tuple(
                (name, _readable(value))
                for name, value in _HEADERS.parsebytes(self.source(number)).items()
            ),
            text=_text_of(text) if text is not None else None,
            html=_text_of(html) if html is not None else None,
            attachments=tuple(
                MailPart(
                    name=part.get_filename() or f"part.{part.get_content_subtype()}",
                    content_type=part.get_content_type(),
                    content=_bytes_of(part),
                )
                for part in message.walk()
                if not part.is_multipart() and part is not text and part is not html
            ),
        )

    def clear(self) -> int:
        """Delete every message; return how many there were."""
        count = len(self._mails)
        for number in self._mails:
            self._path(number).unlink(missing_ok=True)
        self._mails.clear()
        self._by_address.clear()
        return count

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}.eml"

    def _remember(self, number: int, header_block: bytes, received: float) -> StoredMail:
        headers = _HEADERS.parsebytes(header_block + b"\n\n")
        recipients: list[str] = []
        for name, value in headers.items():
            # Only ours, at the top: the message's own headers may hold such lines too.
            if name == "Delivered-To":
                recipients.append(value.strip().lower())
            elif name != "Return-Path":
                break
        mail = StoredMail(
            id=number,
            to=tuple(dict.fromkeys(recipients)),
            sender=_readable(headers.get("From", "")),
            subject=_readable(headers.get("Subject", "")),
            message_id=_readable(headers.get("Message-ID", "")),
            received_at=datetime.fromtimestamp(received, UTC).isoformat(timespec="milliseconds"),
        )
        self._mails[number] = mail
        for address in mail.to:
            self._by_address.setdefault(address, []).append(number)
        return mail


def _readable(value: object) -> str:
    text = _FOLD.sub(" ", str(value)).strip()
    if "=?" in text:
        with contextlib.suppress(MessageError, LookupError, ValueError):
            return str(make_header(decode_header(text)))
    return text


def _bytes_of(part: "Message[Any, Any]") -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text_of(part: "Message[Any, Any]") -> str:
    try:
        return _bytes_of(part).decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return _bytes_of(part).decode("utf-8", errors="replace")
