"""Rate limits per network, on made-up links, domains and answers of Microsoft."""

from sqlmodel import Session

from contracts.addresses import domain_of
from database.go_live import repeated_events
from database.people import sign_in
from telemetry.metrics import SLOWED_DOWN
from web.visit import Visit
from wording.pages import RateLimit

MOST_UNKNOWN_LINKS = 30
"""Links that are not ours, from one network (`Visit.network`) within `rules.FAILURE_MINUTES`."""

MOST_LOOK_UPS = 120
"""Addresses of domains that are not ours; a mistyped one now and then is nobody's business."""

MOST_UNBOUND_ANSWERS = 30
"""Answers of Microsoft that belong to no request of the browser; a reload now and then does."""


class RateLimitExceededError(Exception):
    """One network has sent too many of something within `rules.FAILURE_MINUTES`."""

    def __init__(self, limit: RateLimit) -> None:
        """Take what the network sent too many of."""
        super().__init__(limit)
        self.limit = limit


def count_unknown_link(visit: Visit) -> None:
    """Count a link that was never one of ours; a genuine one opens however many were tried.

    Raises:
        RateLimitExceededError: this network address has tried too many.
    """
    subject = f"links:{visit.network}"
    with visit.dependencies.sessions.begin() as session:
        if sign_in.too_many_failures(session, {subject: MOST_UNKNOWN_LINKS}, visit.at):
            SLOWED_DOWN.labels("link").inc()
            raise RateLimitExceededError(RateLimit.LINKS)
        _count(session, visit, subject, MOST_UNKNOWN_LINKS, "links_guessed")


def way_in(session: Session, visit: Visit, address: str) -> sign_in.WayIn:
    """Return the way in for an address's domain, and count a domain that is not ours.

    A browser that has been signed in there asks about nothing it does not know, and is always
    answered: on the morning of a move a whole office comes by one network address.

    Raises:
        RateLimitExceededError: this network address has asked for too many that are not ours.
    """
    subject = f"look-ups:{visit.network}"
    if sign_in.too_many_failures(
        session, {subject: MOST_LOOK_UPS}, visit.at
    ) and not _was_signed_in_there(session, visit, address):
        SLOWED_DOWN.labels("domain").inc()
        raise RateLimitExceededError(RateLimit.DOMAINS)
    way = sign_in.way_in(session, address)
    if way.organisation_id is None:
        _count(session, visit, subject, MOST_LOOK_UPS, "domains_guessed")
    return way


def _was_signed_in_there(session: Session, visit: Visit, address: str) -> bool:
    known = sign_in.address_of_session(session, visit.session_token) if visit.session_token else ""
    return bool(known) and domain_of(known) == domain_of(address)


def count_unbound_answer(session: Session, visit: Visit) -> None:
    """Count an answer of Microsoft that belongs to no request of this browser.

    Raises:
        RateLimitExceededError: this network address has brought too many; nothing is written of it.
    """
    subject = f"strays:{visit.network}"
    if sign_in.too_many_failures(session, {subject: MOST_UNBOUND_ANSWERS}, visit.at):
        SLOWED_DOWN.labels("callback").inc()
        raise RateLimitExceededError(RateLimit.ANSWERS)
    _count(session, visit, subject, MOST_UNBOUND_ANSWERS, "callbacks_guessed")


def _count(session: Session, visit: Visit, subject: str, most: int, action: str) -> None:
    """Count one; the first that is too many gets an entry in the audit trail."""
    sign_in.record_failure(session, [subject], visit.at)
    if sign_in.too_many_failures(session, {subject: most}, visit.at):
        repeated_events.write_repeated(session, visit.at, action, network=visit.network)
