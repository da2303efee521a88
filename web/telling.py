"""Tells go-lives what browsers proved: at once where that can be, else until it succeeds."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from temporalio.service import RPCError, RPCStatusCode

from contracts.clock import wall_clock
from contracts.go_live import AdminConsented, AdminDeclined, UserSignedIn, go_live_id
from database import facts
from database.facts import UntoldFact
from telemetry.logs import note_organisation
from web.deps import Rooms
from workflows.go_live import SsoGoLive

_log = logging.getLogger(__name__)

ANSWER_WITHIN = timedelta(seconds=5)
"""A person waits for this; Temporal takes a signal in milliseconds."""

LOOK_SECONDS = 5.0
"""Between two looks for what could not be told."""

LEFT_ALONE = timedelta(seconds=10)
"""A fact this young is still being told by the request that noted it."""

_SIGNALS: dict[str, tuple[Callable[[SsoGoLive, Any], None], Callable[..., object]]] = {
    "admin_consented": (SsoGoLive.admin_consented, AdminConsented),
    "admin_declined": (SsoGoLive.admin_declined, AdminDeclined),
    "user_signed_in": (SsoGoLive.user_signed_in, UserSignedIn),
}


def note(
    session: Session,
    go_live: UUID,
    fact: AdminConsented | AdminDeclined | UserSignedIn,
    at: datetime,
) -> int:
    """Keep a fact with whatever else the transaction writes; return its number for `tell`."""
    (signal,) = (name for name, (_, kind) in _SIGNALS.items() if kind is type(fact))
    return facts.note_fact(session, go_live, signal, asdict(fact), at)


async def tell(rooms: Rooms, number: int) -> bool:
    """Tell the go-live this fact; False = not now, `keep_telling` does it later."""
    untold = await run_in_threadpool(_untold, rooms, wall_clock(), number)
    return all([await _told(rooms, fact) for fact in untold])


async def keep_telling(rooms: Rooms) -> None:
    """Tell what could not be told, until cancelled. Any number of processes may do it."""
    while True:
        note_organisation("")
        await asyncio.sleep(LOOK_SECONDS)
        try:
            for fact in await run_in_threadpool(_untold, rooms, wall_clock() - LEFT_ALONE, None):
                if not await _told(rooms, fact):
                    break
        except Exception as error:
            # The database is away, perhaps: its text may quote values, its kind says enough.
            _log.warning("Facts could not be looked for: %s", type(error).__name__)


async def _told(rooms: Rooms, fact: UntoldFact) -> bool:
    """Signal one fact; the same one twice changes nothing in a run."""
    note_organisation(fact.slug)
    signal, kind = _SIGNALS[fact.signal]
    handle = rooms.temporal.get_workflow_handle(go_live_id(fact.slug))
    try:
        if fact.is_open:
            await handle.signal(signal, kind(**fact.argument), rpc_timeout=ANSWER_WITHIN)
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


def is_first_connection(error: Exception) -> bool:
    """Tell whether the Temporal client could not connect at all; that has no kind of its own."""
    return "Failed client connect" in str(error)


def _untold(rooms: Rooms, before: datetime, only: int | None) -> list[UntoldFact]:
    with rooms.sessions.begin() as session:
        return facts.untold_facts(session, before=before, only=only)


def _forget(rooms: Rooms, number: int) -> None:
    with rooms.sessions.begin() as session:
        facts.forget_fact(session, number)
