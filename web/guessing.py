"""Slows down whoever tries one made-up link, domain or answer of Microsoft's after another."""

from sqlmodel import Session

from database import records, sign_in
from telemetry.metrics import SLOWED_DOWN
from web.deps import AVisit, Visit

MOST_MADE_UP = 30
"""Links that are not ours, from one network (`Visit.network`) within a quarter of an hour."""

MOST_LOOK_UPS = 60
"""Addresses of domains that are not ours; a mistyped one now and then is nobody's business."""

MOST_STRAYS = 30
"""Answers of Microsoft's that belong to no request of the browser; a reload now and then does."""


class TooManyGuessesError(Exception):
    """Somebody tries one after another."""

    what = "links that are not ours"


class TooManyLookUpsError(TooManyGuessesError):
    """Somebody looks for our customers, one e-mail domain after another."""

    what = "e-mail addresses of organisations that are not with us"


class TooManyStraysError(TooManyGuessesError):
    """Somebody writes answers of Microsoft's by hand, each a line in the audit trail for good."""

    what = "answers of Microsoft that belong to no request of ours"


def not_guessing(visit: AVisit) -> None:
    """Let a request through unless its network address has been guessing links.

    Raises:
        TooManyGuessesError: it has.
    """
    with visit.rooms.sessions.begin() as session:
        if sign_in.too_many_failures(session, [_guesser(visit)], visit.at, most=MOST_MADE_UP):
            SLOWED_DOWN.labels("link").inc()
            raise TooManyGuessesError


def note_guess(visit: Visit) -> None:
    """Remember a link that was never one of ours."""
    with visit.rooms.sessions.begin() as session:
        _note(session, visit, _guesser(visit), MOST_MADE_UP, "links_guessed")


def look_up(session: Session, visit: Visit, address: str) -> sign_in.WayIn:
    """Return the way in for an address's domain.

    Raises:
        TooManyLookUpsError: this network address has asked for too many that are not ours.
    """
    asking = f"look-ups:{visit.network}"
    if sign_in.too_many_failures(session, [asking], visit.at, most=MOST_LOOK_UPS):
        SLOWED_DOWN.labels("domain").inc()
        raise TooManyLookUpsError
    way = sign_in.way_in(session, address)
    if way.organisation_id is None:
        _note(session, visit, asking, MOST_LOOK_UPS, "domains_guessed")
    return way


def note_stray(session: Session, visit: Visit) -> None:
    """Remember an answer of Microsoft's that belongs to no request of this browser.

    Raises:
        TooManyStraysError: this network address has brought too many; nothing is written of it.
    """
    bringing = f"strays:{visit.network}"
    if sign_in.too_many_failures(session, [bringing], visit.at, most=MOST_STRAYS):
        SLOWED_DOWN.labels("callback").inc()
        raise TooManyStraysError
    _note(session, visit, bringing, MOST_STRAYS, "callbacks_guessed")


def _note(session: Session, visit: Visit, subject: str, most: int, action: str) -> None:
    """Remember a guess; the one that is too many is told in the audit trail, once."""
    sign_in.note_failure(session, [subject], visit.at)
    if sign_in.too_many_failures(session, [subject], visit.at, most=most):
        records.write_audit(session, visit.at, "system", action)


def _guesser(visit: Visit) -> str:
    return f"links:{visit.network}"
