"""What is said of a text that is no e-mail address: what is wrong with it, and where."""

import unicodedata

from contracts.addresses import AddressFault, AddressProblem


def said_of(problem: AddressProblem) -> str:
    """Return what is wrong, to follow the text itself: `… is not an e-mail address`."""
    letter = problem.letter
    name = f"U+{ord(letter):04X} {unicodedata.name(letter, '')}".rstrip() if letter else ""
    match problem.fault:
        case AddressFault.INVISIBLE_LETTER:
            return (
                f"has a letter that cannot be seen ({name}) as letter {problem.place}; type it anew"
            )
        case AddressFault.LETTER_OF_ANOTHER_ALPHABET:
            return (
                f"has a letter of another alphabet ({name}) as letter {problem.place}, among Latin "
                "ones; type it anew"
            )
        case AddressFault.SIGN_OF_TYPESETTING:
            return (
                f"has a sign as word processors set it ({name}) as letter {problem.place}; type it "
                "anew"
            )
        case AddressFault.DOT_IN_NAME:
            return f"has a dot too many before the @, as letter {problem.place}"
        case AddressFault.LETTER_IN_DOMAIN:
            return (
                f"has {letter!r} as letter {problem.place}, where no domain after the @ can have it"
            )
        case AddressFault.NETWORK_ADDRESS:
            return "has an IP address after the @, where a domain such as acme.example belongs"
        case AddressFault.NOT_AN_ADDRESS:
            return "is not an e-mail address"
