"""Sends mail again that its recipient, or the relay, refused."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError

from commands.errors import CommandError, NotRunningError, is_first_connection
from commands.errors import plain_database_errors as plain
from commands.lookups import known_staff, organisation_named
from contracts.clock import wall_clock
from contracts.go_live import MailRequested, go_live_id
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import outbox, records
from database.mail import ledger
from workflows.go_live import SsoGoLive

_ANSWER_WITHIN = timedelta(seconds=15)


@dataclass(frozen=True)
class Resent:
    """What was queued again."""

    mails: int
    signalled: bool
    """False = Temporal does not answer; the outbox relays it later, by itself."""


async def resend(
    engine: Engine, client: Client, by: str, slug: str, reason: str = "", *, to_users: bool
) -> Resent:
    """Queue an organisation's refused mails again, and have the go-live deliver them.

    Those to contacts and to our own staff; `to_users`: those to users as well.

    Raises:
        CommandError: no go-live runs, or nothing was refused.
    """
    mails, requests = await asyncio.to_thread(_queue, engine, by, slug, reason, to_users)
    for entry, requested in requests.items():
        try:
            await client.get_workflow_handle(go_live_id(slug)).signal(
                SsoGoLive.mail_requested, requested, rpc_timeout=_ANSWER_WITHIN
            )
        except (RPCError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not is_first_connection(error):
                raise
            return Resent(mails, signalled=False)
        await asyncio.to_thread(_acknowledge, engine, entry)
    return Resent(mails, signalled=True)


def _queue(
    engine: Engine, by: str, slug: str, reason: str, to_users: bool
) -> tuple[int, dict[int, MailRequested]]:
    """Return how many mails are queued, and the signals by their outbox entry."""
    at = wall_clock()
    with plain(engine), open_sessions(engine).begin() as session:
        known_staff(session, by)
        organisation = organisation_named(session, slug)
        go_live = records.open_go_live(session, organisation.id)
        if go_live is None:
            raise NotRunningError(Problem.NOT_RUNNING, slug=slug)
        queued = ledger.requeue_every_refused(session, go_live.id, to_users=to_users)
        if not queued:
            raise CommandError(Problem.NOTHING_REFUSED, slug=slug)
        mails = sum(queued.values())
        records.write_audit(
            session,
            at,
            by,
            "mails_resent",
            go_live=go_live,
            subject=f"mails:{mails}",
            reason=reason.strip(),
        )
        signals = [MailRequested(message, key, by) for message, key in queued]
        return mails, {outbox.enqueue(session, go_live.id, one, at): one for one in signals}


def _acknowledge(engine: Engine, entry: int) -> None:
    with plain(engine), open_sessions(engine).begin() as session:
        outbox.acknowledge(session, entry)
