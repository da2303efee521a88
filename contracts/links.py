"""Personal links: their tokens are derived from a row's id and a secret, and never stored."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class LinkPurpose(StrEnum):
    """What a personal link opens."""

    CONSENT = "consent"
    SETUP = "setup"
    INVITATION = "invitation"
    HAND_OFF = "hand_off"


@dataclass(frozen=True)
class LinkSigner:
    """Makes and checks the token in a personal link, `<id>.<HMAC>`."""

    secret_key: bytes

    def token(self, purpose: LinkPurpose, link_id: UUID, version: int) -> str:
        """Return the URL-safe token of a link row; a higher version invalidates the older ones."""
        return f"{link_id.hex}.{self._signature(purpose, link_id, version)}"

    def claimed_id(self, token: str) -> UUID | None:
        """Return the row id that a token claims, None for a malformed one. It proves nothing."""
        identifier, _, signature = token.partition(".")
        if len(identifier) != 32 or not signature or not token.isascii():
            return None
        try:
            return UUID(hex=identifier)
        except ValueError:
            return None

    def is_genuine(self, token: str, purpose: LinkPurpose, link_id: UUID, version: int) -> bool:
        """Tell, in constant time, whether we made this token for this row."""
        return hmac.compare_digest(token.encode(), self.token(purpose, link_id, version).encode())

    def _signature(self, purpose: LinkPurpose, link_id: UUID, version: int) -> str:
        text = f"{purpose}:{link_id.hex}:{version}".encode()
        return hmac.new(self.secret_key, text, hashlib.sha256).hexdigest()
