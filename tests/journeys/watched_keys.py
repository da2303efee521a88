"""What opens a door: links in mails, sessions, and the installation's own secrets."""

import re
from collections import defaultdict
from collections.abc import Iterable
from email import message_from_bytes
from pathlib import Path

from local.histories import found_in

_LINK = re.compile(r"/([a-z-]+)/([0-9a-f]{32}\.[\w-]+)")
"""As it stands in a mail: its purpose, and the token that opens it."""

_TOKEN = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}")
"""Whatever Microsoft signs begins so: an access or an ID token, of whomever."""

_ROUND_TRIP = re.compile(r"[?&](?:code|state|session_state|client_info)=[\w.~-]{8,}")
"""What a browser brings back from Microsoft."""


class Keys:
    """Everything that must stand nowhere, by kind."""

    def __init__(self) -> None:
        self.known: dict[str, set[str]] = defaultdict(set)

    def add(self, kind: str, *keys: str) -> None:
        self.known[kind].update(keys)

    def add_links_of(self, mailbox: Path) -> None:
        """Add the link of every mail that was ever sent, by its purpose."""
        for path in mailbox.glob("*.eml"):
            for part in message_from_bytes(path.read_bytes()).walk():
                if part.get_content_type() != "text/plain":
                    continue
                body = part.get_payload(decode=True)
                assert isinstance(body, bytes)
                for purpose, token in _LINK.findall(body.decode()):
                    # The id before the dot opens nothing; it is how a log may name a link.
                    self.add(f"link: {purpose}", token.partition(".")[2])

    def found_in(self, texts: Iterable[str]) -> list[str]:
        """Return the kinds of which something stands in any of these texts."""
        searched = list(texts)
        patterns = {"a token of Microsoft": _TOKEN, "a round trip": _ROUND_TRIP}
        return sorted(
            {kind for kind, keys in self.known.items() if found_in(searched, keys)}
            | {
                kind
                for kind, pattern in patterns.items()
                if any(pattern.search(text) for text in searched)
            }
        )
