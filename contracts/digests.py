"""Argument and result of the daily digest to customer success."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DigestRound:
    """One round of the digest: which managers' working morning has come."""

    at: datetime | None = None
    """With time zone; None = when the round is made."""


@dataclass(frozen=True)
class DigestsSent:
    """What a round did."""

    sent: int = 0
    refused: int = 0
    """Addresses of ours that the relay refuses for good."""
    silent: int = 0
    """Managers for whom there is nothing to report today."""
    undelivered: bool = False
    """The relay did not take all mail of this round; the next round tries again."""
