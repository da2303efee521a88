"""What an e-mail address is and how two are compared, the same for ours and Microsoft's."""

import re
import unicodedata

_MAIL_ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\"\\\x00-\x20]+"
)


def is_mail_address(text: str) -> bool:
    """Tell whether this is one complete e-mail address that mail can be written to.

    RFC 5322 allows a name part in quotes, but many relays refuse it, and so do we everywhere.
    """
    return (
        _MAIL_ADDRESS.fullmatch(text) is not None
        and len(text.encode("utf-8", "replace")) <= 254  # RFC 5321, as a path without its brackets
    )


def address_key(address: str) -> str:
    """Return the form in which two spellings of one address are equal.

    Unicode NFC; the name case-folded, the domain in lower case only, because `straße.example` and
    `strasse.example` are two domains. The key leaves out `SMTP:`/`smtp:` of a proxy address.
    """
    address = address.strip()
    if address.isascii():
        return address.lower()
    name, at, domain = unicodedata.normalize("NFC", address).rpartition("@")
    return unicodedata.normalize("NFC", name.casefold()) + at + domain.lower()


def domain_of(address: str) -> str:
    """Return the domain of an address key, such as `acme.example`; empty when there is none."""
    return address_key(address).rpartition("@")[2] if "@" in address else ""


def proxy_address_key(proxy_address: str) -> str | None:
    """Return the key of an SMTP proxy address, None for X500, SIP and others."""
    kind, separator, address = proxy_address.partition(":")
    return address_key(address) if separator and kind.casefold() == "smtp" else None
