"""Slows down whoever tries one made-up link, domain or answer of Microsoft's after another."""

from sqlmodel import Session

from contracts.addresses import domain_of
from database.go_live import records
from database.people import sign_in
from telemetry.metrics import SLOWED_DOWN
from web.visit import Visit

MOST_MADE_UP = 30
"""Links that are not ours, from one network (`Visit.network`) within `rules.FAILURE_MINUTES`."""

MOST_LOOK_UPS = 120
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


def note_guess(visit: Visit) -> None:
    """Remember a link that was never one of ours; a genuine one is opened whatever was tried.

    Raises:
        TooManyGuessesError: this network address has tried too many.
    """
    guesser = f"links:{visit.network}"
    with visit.rooms.sessions.begin() as session:
        if sign_in.too_many_failures(session, {guesser: MOST_MADE_UP}, visit.at):
            SLOWED_DOWN.labels("link").inc()
            raise TooManyGuessesError
        _note(session, visit, guesser, MOST_MADE_UP, "links_guessed")


def look_up(session: Session, visit: Visit, address: str) -> sign_in.WayIn:
    """Return the way in for an address's domain.

    A browser that has been signed in there asks about nothing it does not know, and is always
    answered: on the morning of a move a whole office comes by one network address.

    Raises:
        TooManyLookUpsError: this network address has asked for too many that are not ours.
    """
    asking = f"look-ups:{visit.network}"
    if sign_in.too_many_failures(session, {asking: MOST_LOOK_UPS}, visit.at) and not _was_there(
        session, visit, address
    ):
        SLOWED_DOWN.labels("domain").inc()
        raise TooManyLookUpsError
    way = sign_in.way_in(session, address)
    if way.organisation_id is None:
        _note(session, visit, asking, MOST_LOOK_UPS, "domains_guessed")
    return way


def _was_there(session: Session, visit: Visit, address: str) -> bool:
    known = sign_in.address_of_session(session, visit.session_token) if visit.session_token else ""
    return bool(known) and domain_of(known) == domain_of(address)


def note_stray(session: Session, visit: Visit) -> None:
    """Remember an answer of Microsoft's that belongs to no request of this browser.

    Raises:
        TooManyStraysError: this network address has brought too many; nothing is written of it.
    """
    bringing = f"strays:{visit.network}"
    if sign_in.too_many_failures(session, {bringing: MOST_STRAYS}, visit.at):
        SLOWED_DOWN.labels("callback").inc()
        raise TooManyStraysError
    _note(session, visit, bringing, MOST_STRAYS, "callbacks_guessed")


def _note(session: Session, visit: Visit, subject: str, most: int, action: str) -> None:
    """Remember a guess; the one that is too many is told in the audit trail, once."""
    sign_in.record_failure(session, [subject], visit.at)
    if sign_in.too_many_failures(session, {subject: most}, visit.at):
        records.write_audit(session, visit.at, "system", action)
