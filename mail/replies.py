"""What a relay's answer means: whose fault it is that a mail was not taken, in one table.

Only an answer that speaks of the mailbox is the address's. Whatever speaks of us (client, sender,
content, size, quota, dialogue) would be said for every address of every customer.

Sources: RFC 5321, 4.2 and 4.3.2 (reply codes), RFC 3463 (enhanced status codes), and of those that
came later RFC 3207 and 4954 (TLS, log-in), 6531 (SMTPUTF8), 7293 (changed owner), 7504 (521 and
556), 7505 (null MX). RFC 2034 says where an enhanced code stands: first in the text.
"""

import re
from enum import StrEnum

_CODE = r"[245]\.(?P<subject>\d{1,3})\.(?P<detail>\d{1,3})"
_ENHANCED = re.compile(rf"{_CODE}(?!\S)")
_ENHANCED_BEHIND_A_HASH = re.compile(rf"#{_CODE}\b(?!\.\d)")
"""As qmail and Cisco's gateways write it, before their words or after them: `(#5.1.1)`."""
_RELAYING_REFUSED = re.compile(r"(?<![\w.-])relay(ing)?(?![\w-]|\.\w)", re.IGNORECASE)
"""The word, and not the name of a host such as relay.acme.example."""
_GOING_AWAY = 421


class Step(StrEnum):
    """Where in the dialogue an answer may speak of the recipient, or of the message."""

    RCPT = "RCPT"
    DATA = "DATA"
    MESSAGE = "message"
    """After the whole message."""


class Meaning(StrEnum):
    """Whose fault it is, and whether it may pass."""

    TAKEN = "taken"
    RELAY_AWAY = "relay_away"
    """This connection is over; nothing was taken."""
    NOT_NOW = "not_now"
    """Not this mail for the moment; says nothing against the address."""
    NOT_FROM_US = "not_from_us"
    """Refused for what we are, send or say: an operator's."""
    ADDRESS_NOT_NOW = "address_not_now"
    ADDRESS_REFUSED = "address_refused"
    UNCLEAR = "unclear"
    """Refused, and the answer does not say whether for the address or for us."""


class _About(StrEnum):
    MAILBOX = "mailbox"
    US = "us"
    EITHER = "either"


_BY_ENHANCED_CODE = {
    # X.0: nothing is said.
    (0, 0): _About.EITHER,
    # X.1: addresses. Some relays answer with X.1.0 about the sender, too.
    (1, 0): _About.EITHER,
    (1, 1): _About.MAILBOX,
    (1, 2): _About.MAILBOX,
    (1, 3): _About.MAILBOX,
    (1, 4): _About.MAILBOX,
    (1, 5): _About.EITHER,
    (1, 6): _About.MAILBOX,
    (1, 7): _About.US,
    (1, 8): _About.US,
    (1, 9): _About.US,
    (1, 10): _About.MAILBOX,
    # X.2: the mailbox. X.2.3 is the length of this very message.
    (2, 0): _About.MAILBOX,
    (2, 1): _About.MAILBOX,
    (2, 2): _About.MAILBOX,
    (2, 3): _About.US,
    (2, 4): _About.MAILBOX,
    # X.4.1, no answer from the host: Exchange Online says it of unknown recipients. X.4.4, no
    # route: to the recipient's domain, or to any.
    (4, 1): _About.EITHER,
    (4, 4): _About.EITHER,
    # X.6.7: only SMTPUTF8 can carry this address, and its server has none.
    (6, 7): _About.MAILBOX,
    # X.7.17 and X.7.18: the mailbox, or its domain, has another owner.
    (7, 17): _About.MAILBOX,
    (7, 18): _About.MAILBOX,
}
"""Subject and detail of an enhanced code; all others (X.3 to X.7) speak of systems, networks, the
dialogue, the content and policies: of us."""

_BY_CODE_AT_RCPT = {
    450: _About.EITHER,
    550: _About.EITHER,
    551: _About.EITHER,
    553: _About.EITHER,
    # RFC 7504: the recipient's domain takes no mail at all.
    556: _About.MAILBOX,
}
"""Answers to RCPT that come alone. All others (451, 452, 455, 500 to 504, 521, 530 to 538, 552,
554, 555) speak of the dialogue, of log-ins, of size and of quota."""


def meaning_of(step: Step, code: int, text: str) -> Meaning:
    """Return what an answer means; `text` is what stands after the code."""
    if 200 <= code < 300 and step is not Step.DATA:
        return Meaning.TAKEN
    if code == 354 and step is Step.DATA:
        return Meaning.TAKEN
    if code < 400 or code == _GOING_AWAY:
        return Meaning.RELAY_AWAY
    about = _about(step, code, text)
    if about is _About.EITHER:
        return Meaning.UNCLEAR
    if code < 500:
        return Meaning.ADDRESS_NOT_NOW if about is _About.MAILBOX else Meaning.NOT_NOW
    return Meaning.ADDRESS_REFUSED if about is _About.MAILBOX else Meaning.NOT_FROM_US


def _about(step: Step, code: int, text: str) -> _About:
    enhanced = _ENHANCED.match(text) or _ENHANCED_BEHIND_A_HASH.search(text)
    by_code = _BY_CODE_AT_RCPT.get(code, _About.US) if step is Step.RCPT else _About.US
    if enhanced is None:
        about = by_code
    else:
        key = int(enhanced["subject"]), int(enhanced["detail"])
        about = _BY_ENHANCED_CODE.get(key, _About.US)
        if about is _About.EITHER:
            about = by_code if key == (0, 0) or step is not Step.RCPT else about
    # "Relaying denied" comes as an answer to the recipient but speaks about us.
    if about is _About.EITHER and _RELAYING_REFUSED.search(text):
        return _About.US
    return about
