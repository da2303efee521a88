"""Personal links: their tokens are derived from a row's id and a secret, and never stored."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

_SIGNED = re.compile(r"[0-9a-f]{32}\.[0-9a-f]{64}")


class LinkPurpose(StrEnum):
    """What a personal link opens."""

    CONSENT = "consent"
    SETUP = "setup"
    INVITATION = "invitation"
    HAND_OFF = "hand_off"


@dataclass(frozen=True)
class LinkSigner:
    """Makes and checks the token in a personal link, `<id>.<HMAC>`.

    The first key signs and every key verifies, so that a key can be replaced while links that it
    signed lie in people's mailboxes.
    """

    secret_keys: tuple[bytes, ...]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """What is stored of each key, the one that signs first; no key can be told from it."""
        return tuple(
            hmac.new(key, b"fingerprint", hashlib.sha256).hexdigest() for key in self.secret_keys
        )

    def token(self, purpose: LinkPurpose, link_id: UUID, version: int) -> str:
        """Return the URL-safe token of a link row; a higher version invalidates the older ones."""
        return f"{link_id.hex}.{_signature(self.secret_keys[0], purpose, link_id, version)}"

    def claimed_id(self, token: str) -> UUID | None:
        """Return the row id that a token claims, None for a malformed one. It proves nothing."""
        identifier, _, signature = token.partition(".")
        if len(identifier) != 32 or not signature or not token.isascii():
            return None
        try:
            return UUID(hex=identifier)
        except ValueError:
            return None

    def looks_signed(self, token: str) -> bool:
        """Tell whether a token has the form of ours. It proves nothing."""
        return _SIGNED.fullmatch(token) is not None

    def is_genuine(self, token: str, purpose: LinkPurpose, link_id: UUID, version: int) -> bool:
        """Tell, in constant time for each key, whether we made this token for this row."""
        return any(
            hmac.compare_digest(
                token.encode(),
                f"{link_id.hex}.{_signature(key, purpose, link_id, version)}".encode(),
            )
            for key in self.secret_keys
        )


def _signature(key: bytes, purpose: LinkPurpose, link_id: UUID, version: int) -> str:
    text = f"{purpose}:{link_id.hex}:{version}".encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()
