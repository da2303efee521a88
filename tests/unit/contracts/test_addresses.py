"""What counts as an e-mail address, wherever one is typed, imported or written to."""

import unicodedata

import pytest

from contracts.addresses import (
    AddressFault,
    address_key,
    address_problem,
    domain_of,
    folded_key,
    is_mail_address,
    named_address,
)
from mail.errors import AddressUnusableError
from mail.outgoing import parse_address
from wording import addresses


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example",
        "o'neil+pulse@acme.example",
        "anna_b@acme.example",
        "_anna-@acme.example",
        "jürgen@acme.example",
        "a" * 64 + "@b.ex",
        "a@1.a-b--c.3com.example",
        "a@xn--fa-hia.example",
        "आ@acme.example",
        "иван@acme.example",
        "αγγελος.smith@acme.example",
    ],
)
def test_an_address_that_is_one_can_be_written_to(address: str) -> None:
    assert is_mail_address(address)
    assert parse_address(address).address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "anna@",
        "@acme.example",
        "a b@acme.example",
        '"a b"@acme.example',
        "a@b@acme.example",
        "a@acme.example,b@acme.example",
        "a@acme.example\nBcc: b@acme.example",
        "a" * 65 + "@acme.example",
        "a@" + "b" * 250 + ".example",
    ],
)
def test_what_mail_could_not_be_written_to_is_no_address_anywhere(address: str) -> None:
    assert not is_mail_address(address)
    with pytest.raises(AddressUnusableError):
        parse_address(address)


INVISIBLE = {
    "\u00ad": "SOFT HYPHEN",
    "\u00a0": "NO-BREAK SPACE",
    "\u034f": "COMBINING GRAPHEME JOINER",
    "\u200b": "ZERO WIDTH SPACE",
    "\u200d": "ZERO WIDTH JOINER",
    "\u200e": "LEFT-TO-RIGHT MARK",
    "\u202e": "RIGHT-TO-LEFT OVERRIDE",
    "\u2060": "WORD JOINER",
    "\u2800": "BRAILLE PATTERN BLANK",
    "\u3164": "HANGUL FILLER",
    "\ufe0f": "VARIATION SELECTOR-16",
    "\ufeff": "ZERO WIDTH NO-BREAK SPACE",
    "\U000e0100": "VARIATION SELECTOR-17",
    "\U000e0061": "TAG LATIN SMALL LETTER A",
    "\u061c": "ARABIC LETTER MARK",
    "\u180b": "MONGOLIAN FREE VARIATION SELECTOR ONE",
    "\u2062": "INVISIBLE TIMES",
    "\u3000": "IDEOGRAPHIC SPACE",
    "\U0001d159": "MUSICAL SYMBOL NULL NOTEHEAD",
    "\ufffd": "REPLACEMENT CHARACTER",
}
UNNAMED = {
    "\u0085": "a control character",
    "\u2065": "kept free for format characters",
    "\ue000": "for private use",
    "\ufdd0": "no character",
    "\ud800": "half of a letter",
}


@pytest.mark.parametrize(("letter", "name"), INVISIBLE.items(), ids=INVISIBLE.values())
@pytest.mark.parametrize("form", ["{}anna@a.example", "an{}na@a.example", "anna@a{}.example"])
def test_a_letter_that_nobody_sees_is_named_with_its_place(
    letter: str, name: str, form: str
) -> None:
    problem = address_problem(form.format(letter))
    assert problem is not None
    assert problem.fault is AddressFault.INVISIBLE_LETTER
    assert problem.place == form.index("{") + 1
    said = addresses.said_of(problem)
    assert f"(U+{ord(letter):04X} {name}) as letter {problem.place};" in said


@pytest.mark.parametrize("letter", UNNAMED, ids=UNNAMED.values())
def test_what_has_no_name_and_no_letter_is_seen_by_nobody_either(letter: str) -> None:
    problem = address_problem(f"an{letter}na@a.example")
    assert problem is not None
    said = addresses.said_of(problem)
    assert f"(U+{ord(letter):04X}) as letter 3;" in said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("\u0430nna@a.example", "(U+0430 CYRILLIC SMALL LETTER A) as letter 1,"),
        ("ann\u03b1@a.example", "(U+03B1 GREEK SMALL LETTER ALPHA) as letter 4,"),
        ("an.n\uff41@a.example", "(U+FF41 FULLWIDTH LATIN SMALL LETTER A) as letter 5,"),
        ("anna@\u0430cme.example", "(U+0430 CYRILLIC SMALL LETTER A) as letter 6,"),
    ],
)
def test_a_letter_that_looks_latin_among_latin_ones_is_named(written: str, said: str) -> None:
    problem = address_problem(written)
    assert problem is not None
    assert problem.fault is AddressFault.LETTER_OF_ANOTHER_ALPHABET
    assert said in addresses.said_of(problem)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("o\u2019brien@a.example", "(U+2019 RIGHT SINGLE QUOTATION MARK) as letter 2;"),
        ("ann\u2011lee@a.example", "(U+2011 NON-BREAKING HYPHEN) as letter 4;"),
        ("anna\u00b4s@a.example", "(U+00B4 ACUTE ACCENT) as letter 5;"),
        ("anna\u00b7b@a.example", "(U+00B7 MIDDLE DOT) as letter 5;"),
    ],
)
def test_a_sign_that_no_keyboard_types_into_an_address_is_named(written: str, said: str) -> None:
    problem = address_problem(written)
    assert problem is not None
    assert problem.fault is AddressFault.SIGN_OF_TYPESETTING
    assert said in addresses.said_of(problem)


MALFORMED = {
    ".anna@acme.example": "a dot too many before the @, as letter 1",
    "anna.@acme.example": "a dot too many before the @, as letter 5",
    "an..na@acme.example": "a dot too many before the @, as letter 3",
    "anna@acme.example.": "'.' as letter 18,",
    "anna@.acme.example": "'.' as letter 6,",
    "anna@acme..example": "'.' as letter 10,",
    "anna@-acme.example": "'-' as letter 6,",
    "anna@acme-.example": "'-' as letter 10,",
    "anna@acme.-example": "'-' as letter 11,",
    "anna@acme.example-": "'-' as letter 18,",
    "anna@ac_me.example": "'_' as letter 8,",
    "anna@ac!me.example": "'!' as letter 8,",
    "anna@straße-.example": "'-' as letter 12,",
    "anna@192.0.2.7": "an IP address after the @",
    "anna@acme.7": "is not an e-mail address",
    "anna@acme": "is not an e-mail address",
    "anna@acme.c": "is not an e-mail address",
    "anna@[192.0.2.7]": "is not an e-mail address",
    "anna@acme:25.example": "is not an e-mail address",
    "anna@acme.example/": "'/' as letter 18,",
    "anna@*.acme.example": "'*' as letter 6,",
    "mailto:anna@acme.example": "is not an e-mail address",
    "anna@" + "a" * 64 + ".example": "is not an e-mail address",
}


@pytest.mark.parametrize(("written", "said"), MALFORMED.items(), ids=MALFORMED)
def test_what_is_malformed_is_named_with_its_place(written: str, said: str) -> None:
    problem = address_problem(written)
    assert problem is not None
    assert said in addresses.said_of(problem)


class TestKeys:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Anna@ACME.example", "anna@acme.EXAMPLE"),
            (" anna@acme.example ", "anna@acme.example"),
            ("JÜRGEN@acme.example", "jürgen@acme.example"),
            (unicodedata.normalize("NFD", "é@acme.example"), "é@acme.example"),
        ],
    )
    def test_of_two_spellings_of_one_address_are_equal(self, one: str, other: str) -> None:
        assert address_key(one) == address_key(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("straße@a.example", "strasse@a.example"),
            ("ﬁnn@a.example", "finn@a.example"),
            ("ſam@a.example", "sam@a.example"),
            ("ας@a.example", "ασ@a.example"),
        ],
    )
    def test_of_two_mailboxes_are_equal_only_when_folded(self, one: str, other: str) -> None:
        first, second = address_key(one), address_key(other)
        assert first != second
        assert folded_key(first) == folded_key(second)

    def test_of_two_domains_stay_two_when_folded(self) -> None:
        assert folded_key("a@straße.example") != folded_key("a@strasse.example")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ira@a.example", ""),
        ("<ira@a.example>", ""),
        ("Ira Tee <ira@a.example>", "Ira Tee"),
        (' "Ira Tee" <ira@a.example> ', "Ira Tee"),
        ("Tee, Ira <ira@a.example>", "Ira Tee"),
        ('"Tee, Ira" <ira@a.example>', "Ira Tee"),
        ("Tee, Ira, Dr. <ira@a.example>", "Tee, Ira, Dr."),
        ("'ira@a.example' <ira@a.example>", ""),
        ("Ira O'Neil <ira@a.example>", "Ira O'Neil"),
    ],
)
def test_a_contact_is_read_as_mail_programs_write_it(written: str, name: str) -> None:
    assert named_address(written) == (name, "ira@a.example")


@pytest.mark.parametrize(
    ("address", "written_to"),
    [
        ("it@faß.example", "it@xn--fa-hia.example"),
        ("it@βόλος.example", "it@xn--nxasmm1c.example"),
        ("it@MÜNCHEN.example", "it@xn--mnchen-3ya.example"),
        ("it@xn--fa-hia.example", "it@xn--fa-hia.example"),
    ],
)
def test_mail_goes_to_the_domain_that_was_named_and_to_no_other(
    address: str, written_to: str
) -> None:
    assert is_mail_address(address)
    assert parse_address(address).address == written_to
    assert address_key(address) == written_to
    assert domain_of(address) == written_to.partition("@")[2]


@pytest.mark.parametrize(
    "domain",
    ["ﬁrm.example", "ac\u00adme.example", "acme。example", "ac\u200bme.example", "ü_b.example"],
)
def test_a_domain_that_would_become_another_one_is_refused_where_it_comes_in(domain: str) -> None:
    assert not is_mail_address(f"it@{domain}")
    with pytest.raises(AddressUnusableError):
        parse_address(f"it@{domain}")
