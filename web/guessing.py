"""Slows down whoever tries one made-up link after another."""

from database import sign_in
from web.deps import AVisit, Visit

MOST_MADE_UP = 30
"""Links that are not ours, from one network address within a quarter of an hour."""


class TooManyLinksError(Exception):
    """Somebody tries one made-up link after another."""


def not_guessing(visit: AVisit) -> None:
    """Let a request through unless its network address has been guessing links.

    Raises:
        TooManyLinksError: it has.
    """
    with visit.rooms.sessions.begin() as session:
        if sign_in.too_many_failures(session, [_guesser(visit)], visit.at, most=MOST_MADE_UP):
            raise TooManyLinksError


def note_guess(visit: Visit) -> None:
    """Remember a link that was never one of ours."""
    with visit.rooms.sessions.begin() as session:
        sign_in.note_failure(session, [_guesser(visit)], visit.at)


def _guesser(visit: Visit) -> str:
    client = visit.request.client
    return f"links:{client.host if client else ''}"
