"""Whose fault each answer of a relay is, for every code of RFC 5321 and 3463."""

import pytest

from mail.replies import Meaning, Step, meaning_of

RCPT, DATA, MESSAGE = Step
TAKEN, AWAY = Meaning.TAKEN, Meaning.RELAY_AWAY
NOT_NOW, OURS = Meaning.NOT_NOW, Meaning.NOT_FROM_US
FULL, GONE, UNCLEAR = Meaning.ADDRESS_NOT_NOW, Meaning.ADDRESS_REFUSED, Meaning.UNCLEAR

BARE = {
    # RFC 5321, 4.2.3: at RCPT, at DATA, after the message.
    211: (TAKEN, AWAY, TAKEN),
    214: (TAKEN, AWAY, TAKEN),
    220: (TAKEN, AWAY, TAKEN),
    221: (TAKEN, AWAY, TAKEN),
    250: (TAKEN, AWAY, TAKEN),
    251: (TAKEN, AWAY, TAKEN),
    252: (TAKEN, AWAY, TAKEN),
    354: (AWAY, TAKEN, AWAY),
    421: (AWAY, AWAY, AWAY),
    450: (UNCLEAR, NOT_NOW, NOT_NOW),
    451: (NOT_NOW, NOT_NOW, NOT_NOW),
    452: (NOT_NOW, NOT_NOW, NOT_NOW),
    455: (NOT_NOW, NOT_NOW, NOT_NOW),
    500: (OURS, OURS, OURS),
    501: (OURS, OURS, OURS),
    502: (OURS, OURS, OURS),
    503: (OURS, OURS, OURS),
    504: (OURS, OURS, OURS),
    550: (UNCLEAR, OURS, OURS),
    551: (UNCLEAR, OURS, OURS),
    552: (OURS, OURS, OURS),
    553: (UNCLEAR, OURS, OURS),
    554: (OURS, OURS, OURS),
    555: (OURS, OURS, OURS),
    # RFC 3207 and 4954: TLS and log-ins. RFC 7504: a host, or a domain, that takes no mail.
    432: (NOT_NOW, NOT_NOW, NOT_NOW),
    454: (NOT_NOW, NOT_NOW, NOT_NOW),
    521: (OURS, OURS, OURS),
    530: (OURS, OURS, OURS),
    534: (OURS, OURS, OURS),
    535: (OURS, OURS, OURS),
    538: (OURS, OURS, OURS),
    556: (GONE, OURS, OURS),
}

ENHANCED = {
    # RFC 3463, 3.1 to 3.8, and what was registered since; as 4.x.x and as 5.x.x at RCPT.
    "0.0": (UNCLEAR, UNCLEAR),
    "1.0": (UNCLEAR, UNCLEAR),
    "1.1": (FULL, GONE),
    "1.2": (FULL, GONE),
    "1.3": (FULL, GONE),
    "1.4": (FULL, GONE),
    "1.6": (FULL, GONE),
    "1.7": (NOT_NOW, OURS),
    "1.8": (NOT_NOW, OURS),
    "1.10": (FULL, GONE),
    "2.0": (FULL, GONE),
    "2.1": (FULL, GONE),
    "2.2": (FULL, GONE),
    "2.3": (NOT_NOW, OURS),
    "2.4": (FULL, GONE),
    "4.1": (UNCLEAR, UNCLEAR),
    "4.4": (UNCLEAR, UNCLEAR),
    "6.7": (FULL, GONE),
    "7.17": (FULL, GONE),
    "7.18": (FULL, GONE),
}
ENHANCED |= dict.fromkeys(
    (
        *("3.0", "3.1", "3.2", "3.3", "3.4", "3.5"),
        *("4.0", "4.2", "4.3", "4.5", "4.6", "4.7"),
        *("5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6"),
        *("6.0", "6.1", "6.2", "6.3", "6.4", "6.5", "6.6"),
        *("7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7", "7.8", "7.13", "7.26"),
    ),
    (NOT_NOW, OURS),
)

SEEN = [
    # As relays write them; the first four blamed every customer's address.
    (RCPT, 504, "5.5.2 <web>: Helo command rejected: need fully-qualified hostname", OURS),
    (RCPT, 554, "5.7.1 Service unavailable; Client host [192.0.2.7] blocked", OURS),
    (RCPT, 554, "5.7.1 <a@b.example>: Sender address rejected: Access denied", OURS),
    (MESSAGE, 554, "Message rejected: Email address is not verified.", OURS),
    (RCPT, 550, "Relaying denied", OURS),
    (RCPT, 553, "5.7.1 relaying denied from your location", OURS),
    (RCPT, 550, "5.4.1 Recipient address rejected: Access denied", UNCLEAR),
    (RCPT, 550, "5.4.5 Daily sending quota exceeded", OURS),
    (RCPT, 550, "sorry, no mailbox here by that name", UNCLEAR),
    (RCPT, 550, "5.1.1 <a@b.example>: Recipient address rejected: User unknown", GONE),
    (RCPT, 550, "5.1.10 Recipient not found", GONE),
    (RCPT, 552, "5.2.2 The mailbox is full", GONE),
    (RCPT, 450, "4.2.0 Greylisted, try again in 300 seconds", FULL),
    (RCPT, 451, "4.7.1 Greylisting in action", NOT_NOW),
    (RCPT, 452, "4.2.2 The mailbox is over quota", FULL),
    (MESSAGE, 550, "5.1.1 No such user", GONE),
    (MESSAGE, 550, "5.7.26 Unauthenticated mail from b.example is not accepted", OURS),
    (MESSAGE, 552, "5.3.4 Message size exceeds fixed limit", OURS),
    (MESSAGE, 550, "5.4.1 No answer from host", OURS),
    (DATA, 554, "5.5.1 No valid recipients", OURS),
    (RCPT, 550, "5.1.1x is no enhanced code", UNCLEAR),
    (RCPT, 550, "5.1.0 Address rejected", UNCLEAR),
    (MESSAGE, 550, "5.1.0 (address) sender rejected", OURS),
    (RCPT, 551, "5.1.6 Recipient has moved", GONE),
    (RCPT, 552, "5.2.3 Message exceeds the limit of this mailbox", OURS),
    (RCPT, 554, "5.3.0 Other mail system problem", OURS),
    (RCPT, 452, "4.5.3 Too many recipients", NOT_NOW),
    (RCPT, 550, "5.5.3 Too many recipients", OURS),
    (RCPT, 421, "4.2.2 Mailbox full, closing the connection", AWAY),
    (RCPT, 450, "4.1.8 Sender address rejected: Domain not found", NOT_NOW),
    (RCPT, 450, "4.7.1 Client host rejected: cannot find your hostname", NOT_NOW),
    (RCPT, 550, "5.7.606 Access denied, banned sending IP [192.0.2.7]", OURS),
    (RCPT, 550, "5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup", OURS),
    (RCPT, 550, "5.4.4 Unable to route to domain", UNCLEAR),
    (RCPT, 501, "5.1.3 Bad recipient address syntax", GONE),
    (RCPT, 556, "5.1.10 Recipient address has null MX", GONE),
    (RCPT, 550, "Requested action not taken: mailbox unavailable", UNCLEAR),
    (RCPT, 550, "#5.1.0 Address rejected.", UNCLEAR),
    (RCPT, 550, "sorry, no mailbox here by that name. (#5.1.1)", GONE),
    (RCPT, 553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", OURS),
    (RCPT, 550, "relay.acme.example says: user unknown", UNCLEAR),
    (RCPT, 550, "mail-relay: user unknown", UNCLEAR),
    (RCPT, 550, "We do not relay.", OURS),
    (RCPT, 550, "see #5.1.1.7 of our manual", UNCLEAR),
]


@pytest.mark.parametrize("code", BARE)
def test_an_answer_that_comes_alone(code: int) -> None:
    assert tuple(meaning_of(step, code, "words") for step in Step) == BARE[code]


@pytest.mark.parametrize("enhanced", ENHANCED)
def test_an_answer_with_an_enhanced_code(enhanced: str) -> None:
    found = (
        meaning_of(RCPT, 450, f"4.{enhanced} words"),
        meaning_of(RCPT, 550, f"5.{enhanced} words"),
    )
    assert found == ENHANCED[enhanced]


@pytest.mark.parametrize(("step", "code", "text", "meaning"), SEEN)
def test_an_answer_as_relays_write_it(step: Step, code: int, text: str, meaning: Meaning) -> None:
    assert meaning_of(step, code, text) is meaning


def test_only_an_answer_about_the_recipient_blames_the_address() -> None:
    for step in Step:
        for code in range(400, 600):
            if code != 556:
                assert meaning_of(step, code, "words") not in {FULL, GONE}, code
