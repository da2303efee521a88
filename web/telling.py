"""Tells go-lives what stands in the outbox (`database.facts`): at once, else later.

The same loop forgets what browsers left behind, so that no login has to.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from temporalio.service import RPCError, RPCStatusCode

from commands.connections import is_first_connection
from contracts.clock import wall_clock
from contracts.go_live import (
    ConsentNotGiven,
    ConsentReported,
    ItAcknowledged,
    MailRequested,
    UserSignedIn,
    go_live_id,
)
from database import authorization_requests, facts
from database.facts import AnyFact, UntoldFact
from database.links import NewLink
from telemetry.logs import note_organisation
from web.deps import Rooms
from workflows.go_live import SsoGoLive

_log = logging.getLogger(__name__)

ANSWER_WITHIN = timedelta(seconds=5)
"""A person waits for this; Temporal takes a signal in milliseconds."""

LOOK_SECONDS = 5.0
"""Between two looks for what could not be told."""

LOOKS_FOR_THE_REST = 3
"""Every so many looks, what is over is forgotten."""

LEFT_ALONE = timedelta(seconds=10)
"""A fact this young is still being told by the request that noted it."""

_HANDLERS: dict[type[AnyFact], Callable[[SsoGoLive, Any], None]] = {
    ConsentReported: SsoGoLive.consent_reported,
    ConsentNotGiven: SsoGoLive.consent_not_given,
    ItAcknowledged: SsoGoLive.it_acknowledged,
    MailRequested: SsoGoLive.mail_requested,
    UserSignedIn: SsoGoLive.user_signed_in,
}
_KINDS = {facts.SIGNALS[kind]: kind for kind in _HANDLERS}


async def tell(rooms: Rooms, number: int) -> bool:
    """Tell the go-live this fact; False = not now, `keep_telling` does it later."""
    untold = await run_in_threadpool(_untold, rooms, wall_clock(), number)
    return all([await _told(rooms, fact) for fact in untold])


async def keep_telling(rooms: Rooms) -> None:
    """Tell what could not be told, until cancelled. Any number of processes may do it."""
    for look in count(1):
        note_organisation("")
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if look % LOOKS_FOR_THE_REST == 0:
                await run_in_threadpool(_forget_what_is_over, rooms)
            for fact in await run_in_threadpool(_untold, rooms, wall_clock() - LEFT_ALONE, None):
                if not await _told(rooms, fact):
                    break
        except Exception as error:
            # The database is away, perhaps: its text may quote values, its kind says enough.
            _log.warning("The look for what is left to do failed: %s", type(error).__name__)


async def send_again(rooms: Rooms, slug: str, renewed: NewLink) -> bool:
    """Have the mail with a new link delivered; False = not now, `keep_telling` does it later.

    Told, not waited for: a relay may take its time.
    """
    note_organisation(slug)
    return renewed.fact is None or await tell(rooms, renewed.fact)


async def _told(rooms: Rooms, fact: UntoldFact) -> bool:
    """Signal one fact; the same one twice changes nothing in a run."""
    note_organisation(fact.slug)
    kind = _KINDS[fact.signal]
    argument = TypeAdapter[AnyFact](kind).validate_python(fact.argument)
    handle = rooms.temporal.get_workflow_handle(go_live_id(fact.slug))
    try:
        if fact.is_open:
            await handle.signal(_HANDLERS[kind], argument, rpc_timeout=ANSWER_WITHIN)
    except RPCError as error:
        # A run that has ended needs to hear no more.
        if error.status is not RPCStatusCode.NOT_FOUND:
            _log.warning("%s could not be signalled: %s", fact.signal, error.status.name)
            return False
    except RuntimeError as error:
        if not is_first_connection(error):
            raise
        _log.warning("%s could not be signalled: Temporal does not answer", fact.signal)
        return False
    await run_in_threadpool(_forget, rooms, fact.id)
    return True


def _untold(rooms: Rooms, before: datetime, only: int | None) -> list[UntoldFact]:
    with rooms.sessions.begin() as session:
        return facts.untold_facts(session, before=before, only=only)


def _forget_what_is_over(rooms: Rooms) -> None:
    with rooms.sessions.begin() as session:
        authorization_requests.forget_what_is_over(session, wall_clock())


def _forget(rooms: Rooms, number: int) -> None:
    with rooms.sessions.begin() as session:
        facts.forget_fact(session, number)
