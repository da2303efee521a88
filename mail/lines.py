"""Keeps values that people typed on one line, so that they can never start a header."""

import re

# Control characters, Unicode line breaks, and the marks that turn the reading direction round
# (an organisation's name could otherwise show an address backwards).
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_SPACES = re.compile(" {2,}")


def one_line(text: str) -> str:
    r"""Return the text with line breaks and control characters replaced by one space.

    Shape: `"Acme\r\nBcc: a@b.test"` becomes `"Acme Bcc: a@b.test"`.
    """
    if _BREAKS.search(text) is None:
        return text
    return _SPACES.sub(" ", _BREAKS.sub(" ", text)).strip()
