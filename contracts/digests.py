"""What the daily digest to customer success is asked for, and what it answers."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DigestRound:
    """One look whether somebody's working morning has come."""

    at: datetime | None = None
    """With time zone; None = when the round is made."""


@dataclass(frozen=True)
class DigestsSent:
    """What a round did."""

    sent: int = 0
    refused: int = 0
    """Addresses of ours that the relay refuses for good."""
    silent: int = 0
    """Managers who have nothing to hear today."""
    undelivered: bool = False
    """The relay took nothing all the time; the next round tries again."""
