"""Rate limits per network: made-up links, domains, answers of Microsoft, and requests to it."""

from uuid import UUID

from sqlmodel import Session

from database.go_live import repeated_events
from database.people import sign_in
from telemetry.metrics import SLOWED_DOWN
from web import known_browsers
from web.visit import Visit
from wording.pages import RateLimit

MOST_UNKNOWN_LINKS = 30
"""Links that are not ours, from one network (`Visit.network`) within `rules.FAILURE_MINUTES`."""

MOST_LOOK_UPS = 120
"""Addresses of domains that are not ours; a mistyped one now and then is nobody's business."""

MOST_UNBOUND_ANSWERS = 30
"""Answers of Microsoft that belong to no request of the browser; a reload now and then does."""


MOST_REQUESTS = 1_000
"""Browsers that are sent to Microsoft: on the morning of a move a whole office is."""

MOST_REQUESTS_OF_A_LINK = 100
"""The same by one personal link, which opens whatever others of the network do."""

SITE_NETWORKS = 3
"""Of IPv6: the networks up to a /48, the most that one site has. Of IPv4 the address alone."""


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
    with visit.dependencies.sessions.begin() as session:
        _refuse_too_many(session, visit, _limits(visit, "links", MOST_UNKNOWN_LINKS), "link")
        _count(session, visit, _limits(visit, "links", MOST_UNKNOWN_LINKS), "links_guessed")


def way_in(session: Session, visit: Visit, address: str) -> sign_in.WayIn:
    """Return the way in for an address's domain, and count a domain that is not ours.

    Raises:
        RateLimitExceededError: this network address has asked for too many that are not ours.
    """
    limits = _limits(visit, "look-ups", MOST_LOOK_UPS)
    _refuse_too_many(session, visit, limits, "domain")
    way = sign_in.way_in(session, address)
    if way.organisation_id is None:
        _count(session, visit, limits, "domains_guessed")
    return way


def count_unbound_answer(session: Session, visit: Visit) -> None:
    """Count an answer of Microsoft that belongs to no request of this browser.

    Raises:
        RateLimitExceededError: this network address has brought too many; nothing is written of it.
    """
    limits = _limits(visit, "strays", MOST_UNBOUND_ANSWERS)
    _refuse_too_many(session, visit, limits, "callback")
    _count(session, visit, limits, "callbacks_guessed")


def count_request(visit: Visit, link_id: UUID | None) -> None:
    """Count a browser that is about to be sent to Microsoft.

    Raises:
        RateLimitExceededError: this network address, or this personal link, has sent too many.
    """
    limits = _limits(visit, "requests", MOST_REQUESTS)
    if link_id is not None:
        limits = {f"requests of link:{link_id}": MOST_REQUESTS_OF_A_LINK}
    with visit.dependencies.sessions.begin() as session:
        _refuse_too_many(session, visit, limits, "request")
        _count(session, visit, limits, "requests_exceeded")


def _limits(visit: Visit, what: str, most: int) -> dict[str, int]:
    """Return what is counted, each with its limit.

    A browser by which an account has been signed in is counted by that account: on the morning of
    a move a whole office comes by one network address, and colleagues' mistakes shut nobody out.
    """
    account = known_browsers.tag_of(visit)
    if account:
        return {f"{what} of account:{account}": most}
    site = visit.networks[:SITE_NETWORKS] if ":" in visit.network else visit.networks[:1]
    return {
        f"{what}:{network}": most * sign_in.GROWTH**number for number, network in enumerate(site)
    }


_REFUSED = {
    "link": RateLimit.LINKS,
    "domain": RateLimit.DOMAINS,
    "callback": RateLimit.ANSWERS,
    "request": RateLimit.REQUESTS,
}


def _refuse_too_many(session: Session, visit: Visit, limits: dict[str, int], what: str) -> None:
    if sign_in.too_many_failures(session, limits, visit.at):
        SLOWED_DOWN.labels(what).inc()
        raise RateLimitExceededError(_REFUSED[what])


def _count(session: Session, visit: Visit, limits: dict[str, int], action: str) -> None:
    """Count one; the first that is too many gets an entry in the audit trail."""
    sign_in.record_failure(session, limits, visit.at)
    if sign_in.too_many_failures(session, limits, visit.at):
        repeated_events.write_repeated(session, visit.at, action, network=visit.network)
