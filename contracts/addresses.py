"""What an e-mail address is and how two are compared, the same for ours and Microsoft's."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import idna

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})+")
_TOP_LEVEL = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)
"""A single letter or digits alone are none: `acme.c` is a domain that was cut off."""
_MAIL_ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\"\\\x00-\x20]+"
)
_BLANK_BY_DESIGN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\ufffd\U0001d159"
)
"""Letters that show nothing though their category says otherwise: fillers, an empty Braille cell.
Source: Unicode's `Default_Ignorable_Code_Point`, and those that only print nothing: U+2800, U+FFFC
and U+1D159. U+FFFD stands for a letter that a program could not read."""
_UNSEEN = frozenset({"Cf", "Cc", "Cn", "Co", "Cs", "Zs", "Zl", "Zp"})
"""Categories of format and control characters, of what has no letter, and of spaces."""
_LIKE_LATIN = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "FULLWIDTH", "MATHEMATICAL")
"""Alphabets with letters that look Latin, as Unicode's names begin. Source: UTS 39, 5.2."""


class AddressFault(StrEnum):
    """Why a text is no address that mail can be written to."""

    NOT_AN_ADDRESS = "not_an_address"
    INVISIBLE_LETTER = "invisible_letter"
    LETTER_OF_ANOTHER_ALPHABET = "letter_of_another_alphabet"
    """A letter that can look like a Latin one, among Latin ones."""
    SIGN_OF_TYPESETTING = "sign_of_typesetting"
    """Such as the apostrophe or hyphen that a word processor puts where the keyboard's belongs."""
    DOT_IN_NAME = "dot_in_name"
    """A dot begins or ends the part before the @, or follows another one."""
    LETTER_IN_DOMAIN = "letter_in_domain"
    """A letter that a domain cannot have, or not at this place."""
    NETWORK_ADDRESS = "network_address"
    """Numbers, as of an IP address, stand where the domain should."""


@dataclass(frozen=True)
class AddressProblem:
    """What is wrong with an address, and where."""

    fault: AddressFault
    letter: str = ""
    """The one letter that is at fault, if one is."""
    place: int = 0
    """Of that letter, counted from 1."""


def address_problem(text: str) -> AddressProblem | None:
    """Return what keeps this from being one complete e-mail address, None if it is one.

    RFC 5322 allows a name part in quotes, but many relays refuse it, and so do we everywhere. A
    domain is one of the public DNS: at least two labels of letters, digits and inner hyphens
    (RFC 5321, 4.1.2 and RFC 1123, 2.1). Letters outside ASCII are fine on both sides of the @, if
    they can be seen and are not mixed with Latin ones that look the same; signs are not.
    """
    misread = (
        invisible_letter(text) or _letter_of_another_alphabet(text) or _sign_of_typesetting(text)
    )
    if misread is not None:
        return misread
    name, _, domain = text.rpartition("@")
    if _MAIL_ADDRESS.fullmatch(text) is None:
        return AddressProblem(AddressFault.NOT_AN_ADDRESS)
    dot = re.search(r"^\.|\.(?=\.)|\.$", name)
    if dot is not None:
        return AddressProblem(AddressFault.DOT_IN_NAME, ".", dot.start() + 1)
    if domain.replace(".", "").isdecimal():
        return AddressProblem(AddressFault.NETWORK_ADDRESS)
    odd = re.search(r"^[.-]|[.-](?=\.)|[.-]$|(?<=\.)-|[\x00-\x2c/:-@\[-`{-\x7f]", domain)
    if odd is not None:
        place = len(name) + 1 + odd.start() + 1
        return AddressProblem(AddressFault.LETTER_IN_DOMAIN, odd[0], place)
    labels = domain.split(".")
    if (
        len(labels) < 2
        or (labels[-1].isascii() and _TOP_LEVEL.fullmatch(labels[-1]) is None)
        or any(len(label) > 63 for label in labels)
        or (not domain.isascii() and ascii_domain(domain) is None)
        or len(text.encode("utf-8", "replace")) > 254  # RFC 5321, as a path without its brackets
    ):
        return AddressProblem(AddressFault.NOT_AN_ADDRESS)
    return None


def invisible_letter(text: str) -> AddressProblem | None:
    """Return the first letter that nobody sees, None if every letter shows.

    Such a letter makes two addresses that look the same and are not. Seen are no format characters
    (category Cf), no variation selectors, no spaces but the plain one, no fillers, and nothing that
    Unicode has no letter for.
    """
    if text.isascii():
        return None
    for place, letter in enumerate(text, start=1):
        if not letter.isascii() and (
            unicodedata.category(letter) in _UNSEEN
            or unicodedata.name(letter, "").startswith(("VARIATION SELECTOR", "MONGOLIAN FREE VAR"))
            or letter in _BLANK_BY_DESIGN
        ):
            return AddressProblem(AddressFault.INVISIBLE_LETTER, letter, place)
    return None


def _letter_of_another_alphabet(text: str) -> AddressProblem | None:
    """Return the first letter such as a Cyrillic `а` in a part that has Latin letters, too.

    A part is what dots and the @ separate: `иван@acme.example` is an address as any other.
    """
    if text.isascii():
        return None
    place = 1
    for part in re.split(r"[.@]", text):
        if re.search("[A-Za-z]", part):
            for letter in part:
                if not letter.isascii() and unicodedata.name(letter, "").startswith(_LIKE_LATIN):
                    at = place + part.index(letter)
                    return AddressProblem(AddressFault.LETTER_OF_ANOTHER_ALPHABET, letter, at)
        place += len(part) + 1
    return None


def _sign_of_typesetting(text: str) -> AddressProblem | None:
    """Return the first sign outside ASCII before the @, such as `’` in `o’brien`."""
    if text.isascii():
        return None
    name = text.rpartition("@")[0]
    for place, letter in enumerate(name, start=1):
        if not letter.isascii() and unicodedata.category(letter)[0] in "PS":
            return AddressProblem(AddressFault.SIGN_OF_TYPESETTING, letter, place)
    return None


def named_address(written: str) -> tuple[str, str]:
    """Return the name and the address of a contact as people and mail programs write it.

    Shape: `Ira Tee <ira@acme.example>`, with or without quotes; Outlook's `Tee, Ira <…>` is the
    same person; an address alone has no name.
    """
    named = re.fullmatch(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>", written.strip())
    if named is None:
        return "", written.strip()
    name, address = named["name"].strip().strip("\"'").strip(), named["address"].strip()
    last, comma, first = (part.strip() for part in name.partition(","))
    if comma and first and last and "," not in first:
        name = f"{first} {last}"
    # Without a name of its own, Outlook repeats the address.
    return ("" if address_key(name) == address_key(address) else name), address


def is_mail_address(text: str) -> bool:
    """Tell whether this is one complete e-mail address that mail can be written to."""
    return address_problem(text) is None


def address_key(address: str) -> str:
    """Return the form in which two spellings of one address are equal: NFC in lower case.

    The name in lower case and not case-folded, because `straße@` and `strasse@` are two mailboxes
    (see `folded_key`); the domain as `ascii_domain`, because `straße.example` and
    `strasse.example` are two domains. The key leaves out `SMTP:`/`smtp:` of a proxy address.
    """
    address = address.strip()
    if address.isascii():
        return address.lower()
    name, at, domain = unicodedata.normalize("NFC", address).rpartition("@")
    if not domain.isascii():
        domain = ascii_domain(domain) or domain
    return unicodedata.normalize("NFC", name.lower()) + at + domain.lower()


def folded_key(key: str) -> str:
    """Return the form in which two keys are equal that are perhaps two spellings of one name.

    Only the name is folded: `straße@acme.example` is `strasse@acme.example`, and their domains
    stay two. Keys that are equal in this form alone are ambiguous and never matched.
    """
    if key.isascii():
        return key
    name, at, domain = key.rpartition("@")
    return unicodedata.normalize("NFC", name.casefold()) + at + domain


def ascii_domain(domain: str) -> str | None:
    """Return the form in which a domain is asked for, compared and written to.

    `faß.de` is `xn--fa-hia.de`; Microsoft lists international domains in this form, too. None if it
    is no domain name, or one that the mapping would turn into another, such as `ﬁrm.de`.

    Source: RFC 5891 with the mapping of UTS 46, not transitional; Python's own codec is that of
    RFC 3490, which turns `faß.de` into `fass.de`, a domain of somebody else.
    """
    name = unicodedata.normalize("NFC", domain.strip().rstrip(".").lower())
    if not name.isascii():
        try:
            plain = idna.encode(name, uts46=True).decode("ascii")
            if idna.decode(plain) != name:
                return None
        except UnicodeError:
            return None
        name = plain
    return name if _DOMAIN.fullmatch(name) else None


def domain_of(address: str) -> str:
    """Return the domain of an address key, such as `acme.example`; empty when there is none."""
    return address_key(address).rpartition("@")[2] if "@" in address else ""


def proxy_address_key(proxy_address: str) -> str | None:
    """Return the key of an SMTP proxy address, None for X500, SIP and others."""
    kind, separator, address = proxy_address.partition(":")
    return address_key(address) if separator and kind.casefold() == "smtp" else None
