"""Tells go-lives what browsers proved and what mail was asked for again: at once, else later.

The same loop forgets what browsers left behind, so that no login has to.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from temporalio.client import (
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.service import RPCError, RPCStatusCode

from commands.connections import is_first_connection
from contracts.clock import wall_clock
from contracts.go_live import AdminConsented, AdminDeclined, Resend, UserSignedIn, go_live_id
from database import facts, links, round_trips
from database.facts import UntoldFact
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
"""Every so many looks, what is over is forgotten, and mails that wait to be sent again are sent."""

ACCEPTED_WITHIN = timedelta(seconds=15)
"""An update needs a worker that answers."""

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
    for look in count(1):
        note_organisation("")
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if look % LOOKS_FOR_THE_REST == 0:
                await run_in_threadpool(_forget_what_is_over, rooms)
                await _send_what_waits(rooms)
            for fact in await run_in_threadpool(_untold, rooms, wall_clock() - LEFT_ALONE, None):
                if not await _told(rooms, fact):
                    break
        except Exception as error:
            # The database is away, perhaps: its text may quote values, its kind says enough.
            _log.warning("The look for what is left to do failed: %s", type(error).__name__)


async def send_again(
    rooms: Rooms, slug: str, renewed: NewLink, *, number: str | None = None
) -> bool:
    """Have the mail with a new link delivered; False = not now, `keep_telling` does it later.

    Told, not waited for: a relay may take its time. `number` makes repetitions the same update.

    Raises:
        WorkflowUpdateFailedError: the go-live is ending.
    """
    note_organisation(slug)
    handle = rooms.temporal.get_workflow_handle(go_live_id(slug))
    try:
        await handle.start_update(
            SsoGoLive.resend,
            Resend(renewed.asked_by, renewed.message, renewed.occasion),
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
            id=number,
            rpc_timeout=ACCEPTED_WITHIN,
        )
    except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        _log.warning("A mail could not be sent again yet: %s", type(error).__name__)
        return False
    except RuntimeError as error:
        if not is_first_connection(error):
            raise
        _log.warning("A mail could not be sent again yet: Temporal does not answer")
        return False
    return True


async def _send_what_waits(rooms: Rooms) -> None:
    """Have mails delivered that were asked for while nobody could be told."""
    for mail in await run_in_threadpool(_waiting_mails, rooms, wall_clock() - LEFT_ALONE):
        with suppress(WorkflowUpdateFailedError):
            if not await send_again(rooms, mail.slug, mail.link, number=f"again-{mail.id}"):
                break


def _waiting_mails(rooms: Rooms, before: datetime) -> list[links.WaitingMail]:
    with rooms.sessions.begin() as session:
        return links.waiting_mails(session, before)


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


def _untold(rooms: Rooms, before: datetime, only: int | None) -> list[UntoldFact]:
    with rooms.sessions.begin() as session:
        return facts.untold_facts(session, before=before, only=only)


def _forget_what_is_over(rooms: Rooms) -> None:
    with rooms.sessions.begin() as session:
        round_trips.forget_what_is_over(session, wall_clock())


def _forget(rooms: Rooms, number: int) -> None:
    with rooms.sessions.begin() as session:
        facts.forget_fact(session, number)
