"""Log context: each line of a request names the organisation of its page, never its link.

A made-up link names none: otherwise anybody could write about any organisation.
"""

from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from database.consent import authorization_requests
from database.links import renewal
from telemetry.logs import set_organisation
from web.visit import AVisit, Visit


async def _name_organisation(visit: AVisit) -> None:
    # Here and not in the thread: a context variable set there does not reach the request.
    set_organisation(await run_in_threadpool(_slug, visit))


def _slug(visit: Visit) -> str:
    token = visit.request.path_params.get("token")
    with visit.dependencies.sessions.begin() as session:
        if token is None:
            return authorization_requests.organisation_of_consent(session, visit.browser)
        return renewal.organisation_of(session, visit.dependencies.signer, token)


LOG_CONTEXT = Depends(_name_organisation)
"""For the pages of personal links, and for what a consent begun by one leads to."""
