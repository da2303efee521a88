"""Relays the outbox (`database.go_live.outbox`) to go-lives, as signals: at once, else later.

The same loop keeps house: what is over is deleted here, so that no login has to.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from temporalio.service import RPCError, RPCStatusCode

from commands.errors import is_first_connection
from contracts.clock import wall_clock
from contracts.go_live import (
    ConsentNotGiven,
    ConsentReported,
    ItAcknowledged,
    MailRequested,
    UserSignedIn,
    go_live_id,
)
from database.consent import authorization_requests
from database.go_live import outbox, repeated_events
from database.go_live.outbox import AnySignal, PendingSignal
from database.links import signing_keys
from database.links.renewal import NewLink
from database.people import file_imports, sign_in, staff
from telemetry.logs import set_organisation
from web.dependencies import Dependencies
from workflows.go_live import SsoGoLive

_log = logging.getLogger(__name__)

ANSWER_WITHIN = timedelta(seconds=5)
"""A person waits for this; Temporal takes a signal in milliseconds."""

POLL_SECONDS = 5.0
"""Between two polls for what is still pending."""

POLLS_PER_PURGE = 3
"""After so many polls, what is over is deleted, and what was only counted is written down."""

GRACE = timedelta(seconds=10)
"""An entry this young is still being relayed by the request that enqueued it."""

_HANDLERS: dict[type[AnySignal], Callable[[SsoGoLive, Any], None]] = {
    ConsentReported: SsoGoLive.consent_reported,
    ConsentNotGiven: SsoGoLive.consent_not_given,
    ItAcknowledged: SsoGoLive.it_acknowledged,
    MailRequested: SsoGoLive.mail_requested,
    UserSignedIn: SsoGoLive.user_signed_in,
}
_KINDS = {outbox.SIGNALS[kind]: kind for kind in _HANDLERS}


_AWAY = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    # None of these speaks of the one signal either.
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
}
_NEVER = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION}
"""The signal as it is will not be taken later either."""


class Outcome(StrEnum):
    """What became of one entry."""

    RELAYED = "relayed"
    LATER = "later"
    SET_ASIDE = "set_aside"


class TemporalAwayError(Exception):
    """Temporal does not answer: whatever is pending waits."""


async def relay(dependencies: Dependencies, number: int) -> bool:
    """Signal the go-live this entry; False = not now, `relay_until_cancelled` does it later."""
    found = await run_in_threadpool(_pending, dependencies, wall_clock(), number)
    try:
        outcomes = [await _relayed(dependencies, signal) for signal in found]
        return all(outcome is Outcome.RELAYED for outcome in outcomes)
    except TemporalAwayError:
        return False


async def relay_until_cancelled(dependencies: Dependencies) -> None:
    """Relay what is still pending, until cancelled. Any number of processes may do it."""
    for poll in count(1):
        set_organisation("")
        await asyncio.sleep(POLL_SECONDS)
        try:
            if poll % POLLS_PER_PURGE == 0:
                await run_in_threadpool(keep_house, dependencies, wall_clock())
            await _relay_all(dependencies)
        except TemporalAwayError:
            continue
        except Exception as error:
            # The database is away, perhaps: its text may quote values, its kind says enough.
            _log.warning("Polling the outbox failed: %s", type(error).__name__)


async def _relay_all(dependencies: Dependencies) -> None:
    """Relay each organisation's signals in their order; one that cannot holds up its own only."""
    held_up: set[str] = set()
    before, last = wall_clock() - GRACE, 0
    # All of them, a hundred at a time: however many wait for their run, later ones get their turn.
    while found := await run_in_threadpool(_pending, dependencies, before, None, last):
        for signal in found:
            if signal.slug in held_up:
                continue
            if await _relayed(dependencies, signal) is Outcome.LATER:
                held_up.add(signal.slug)
        last = found[-1].id


async def send_again(dependencies: Dependencies, slug: str, renewed: NewLink) -> bool:
    """Have the mail with a new link delivered; False = later, by `relay_until_cancelled`.

    Signalled, not waited for: a mail relay may take its time.
    """
    set_organisation(slug)
    return renewed.entry is None or await relay(dependencies, renewed.entry)


async def _relayed(dependencies: Dependencies, pending: PendingSignal) -> Outcome:
    """Relay one signal, if there is a run to get it; the same one twice changes nothing there.

    Raises:
        TemporalAwayError: no other signal could be relayed now.
    """
    set_organisation(pending.slug)
    kind = _KINDS.get(pending.signal)
    if kind is None:
        return await _set_aside(dependencies, pending, "unknown_signal")
    handle = dependencies.temporal.get_workflow_handle(go_live_id(pending.slug))
    try:
        argument = TypeAdapter[AnySignal](kind).validate_python(pending.argument)
        if pending.is_open:
            await handle.signal(_HANDLERS[kind], argument, rpc_timeout=ANSWER_WITHIN)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            # Its run was terminated, say; the next one gets it.
            return Outcome.LATER
        _log.warning("%s could not be signalled: %s", pending.signal, error.status.name)
        if error.status in _AWAY:
            raise TemporalAwayError from None
        if error.status in _NEVER:
            return await _set_aside(dependencies, pending, error.status.name.lower())
        return Outcome.LATER
    except ValidationError:
        return await _set_aside(dependencies, pending, "invalid_argument")
    except RuntimeError as error:
        if not is_first_connection(error):
            raise
        _log.warning("%s could not be signalled: Temporal does not answer", pending.signal)
        raise TemporalAwayError from None
    await run_in_threadpool(_acknowledge, dependencies, pending.id)
    return Outcome.RELAYED


async def _set_aside(dependencies: Dependencies, pending: PendingSignal, because: str) -> Outcome:
    """Take an entry out of the way of all others."""
    _log.error("%s in the outbox is set aside: entry %s, %s", pending.signal, pending.id, because)
    await run_in_threadpool(_mark, dependencies, pending.id, because)
    return Outcome.SET_ASIDE


def _mark(dependencies: Dependencies, number: int, because: str) -> None:
    with dependencies.sessions.begin() as session:
        outbox.set_aside(session, number, because)


def _pending(
    dependencies: Dependencies, before: datetime, only: int | None, after: int = 0
) -> list[PendingSignal]:
    with dependencies.sessions.begin() as session:
        return outbox.pending(session, before=before, only=only, after=after)


def keep_house(dependencies: Dependencies, at: datetime) -> None:
    """Delete what is over; any number of processes may do it, also at once."""
    with dependencies.sessions.begin() as session:
        authorization_requests.purge_expired(session, at)
    with dependencies.sessions.begin() as session:
        repeated_events.close_windows(session, at)
    with dependencies.sessions.begin() as session:
        sign_in.purge(session, at)
        staff.purge(session, at)
        file_imports.purge(session, at)
    with dependencies.sessions.begin() as session:
        newest = signing_keys.newest(session)
    if newest is not None and newest not in dependencies.signer.fingerprints:
        _log.error("GOLIVE_SECRET_KEY lacks the key that signs; restart this process with it")


def _acknowledge(dependencies: Dependencies, number: int) -> None:
    with dependencies.sessions.begin() as session:
        outbox.acknowledge(session, number)
