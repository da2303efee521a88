"""What people see of a move and approve: dry run, exceptions, approval with the difference."""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TextIO
from uuid import UUID, uuid4

from sqlalchemy import Engine
from sqlmodel import Session

from activities.staging import staged_entries
from commands.errors import (
    CommandError,
    ToBeConfirmedError,
    UnavailableError,
    UsageError,
    plain_database_errors,
    plain_microsoft_errors,
)
from commands.lookups import organisation_named
from commands.orders import SHORTEST_HASH, Orders
from commands.spool import spooled
from contracts.directory import ExceptionReason, MigrationPlan
from contracts.go_live import Progress
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import records
from database.models import GoLive, Organisation, SsoConnection
from database.moves import plans, staging
from database.moves.plans import Decision, KnownPlan
from graph.client import GraphClient
from wording import plans as words
from wording import sentences
from wording.plans import ShownExceptions

_NOT_OF_THE_PLAN = (UsageError, UnavailableError, ToBeConfirmedError)
"""What an approval may end with, whether or not the plan has changed."""

MOST_SHOWN = 20
"""Users listed one by one on a screen; the rest is a number and the way to the whole list."""

_HEADINGS = (
    "address",
    "name",
    "status",
    "result",
    "reason",
    "why",
    "next_step",
    "who",
    "object_id",
)


@dataclass(frozen=True)
class DryRun:
    """A plan that was made to be looked at."""

    organisation: str
    plan: MigrationPlan
    counts: dict[str, int]
    """Users by class; exceptions by their reason."""
    accounts: int
    """Entries of the directory that were read."""
    compared_with: KnownPlan | None
    """The plan that the go-live holds, where it is another one."""
    first_exceptions: list[Decision]
    """As many as were asked for."""
    decisions: Iterator[Decision]
    """Every user and what happens to them, exceptions first; once, while the block is open."""

    @property
    def needs_approval(self) -> bool:
        """A person approves it before anybody moves."""
        return self.plan.unsettled > self.plan.threshold


@contextmanager
def dry_run(
    engine: Engine,
    graph: GraphClient,
    slug: str,
    *,
    first: int = MOST_SHOWN,
    everyone: bool = False,
) -> Iterator[DryRun]:
    """Read the directory, decide about everyone, and keep nothing.

    The directory is staged in a table that only one transaction sees and that ends with it, also
    by kill -9; a move that runs meanwhile is not disturbed. No transaction is open while Microsoft
    is read, or inside the block.

    Args:
        engine: of the database.
        graph: Microsoft.
        slug: the organisation's.
        first: how many exceptions are listed.
        everyone: whether `decisions` has every user, and not nobody.

    Raises:
        CommandError: no such organisation, no proven consent, or Microsoft does not answer.
    """
    sessions = open_sessions(engine)
    with ExitStack() as spools:
        with plain_database_errors(engine), sessions.begin() as session:
            _, tenant_id = _consented(session, slug)
        with plain_microsoft_errors():
            pages = graph.user_pages(str(tenant_id))
            entries = spools.enter_context(
                spooled(entry for page in pages for entry in staged_entries(page.users))
            )
        with plain_database_errors(engine), sessions() as session:
            organisation, _ = _consented(session, slug)
            staging_id = uuid4()
            accounts = staging.stage_privately(session, staging_id, entries)
            go_live = records.open_go_live(session, organisation.id)
            go_live_id = go_live.id if go_live else None
            found = plans.preview(session, staging_id, organisation.id, go_live_id)
            held = _held_plan(session, go_live)
            with closing(plans.decisions_of_preview(session, exceptions_only=True)) as users:
                listed = list(islice(users, first))
            decisions: Iterable[Decision] = ()
            if everyone:
                decisions = plans.decisions_of_preview(session)
            kept = spools.enter_context(spooled(decisions))
        differs = held is not None and held.plan_hash != found.plan.plan_hash
        compared_with = held if differs else None
        yield DryRun(slug, found.plan, found.counts, accounts, compared_with, listed, kept)


def _consented(session: Session, slug: str) -> tuple[Organisation, UUID]:
    """Return the organisation of this slug and the tenant whose directory may be read."""
    organisation = organisation_named(session, slug)
    connection = session.get(SsoConnection, organisation.id)
    if connection is None:
        raise CommandError(Problem.NOT_CONSENTED, slug=slug)
    return organisation, connection.tenant_id


@contextmanager
def exceptions(engine: Engine, slug: str) -> Iterator[tuple[dict[str, int], Iterator[Decision]]]:
    """Give the users whom the newest go-live's plan cannot move: by reason, and one by one.

    No transaction is open inside the block.

    Raises:
        CommandError: no such organisation, or no plan yet.
    """
    with ExitStack() as spools:
        with plain_database_errors(engine), open_sessions(engine)() as session:
            organisation = organisation_named(session, slug)
            go_live = records.latest_go_live(session, organisation.id)
            if go_live is None or go_live.plan_hash is None:
                raise CommandError(Problem.NO_PLAN, slug=slug)
            counts = plans.exception_counts(session, go_live.id)
            users = spools.enter_context(spooled(plans.exceptions_of(session, go_live.id)))
        yield counts, users


async def approve(
    orders: Orders,
    engine: Engine,
    slug: str,
    plan_hash: str,
    reason: str = "",
    *,
    order_id: UUID | None = None,
) -> Progress:
    """Approve a plan by its hash, or by the first eight or more characters of it.

    Raises:
        CommandError: refused; where the plan has changed since, with the difference.
    """
    wanted = plan_hash.strip().casefold()
    if len(wanted) < SHORTEST_HASH or not set(wanted) <= set("0123456789abcdef"):
        raise UsageError(Problem.NOT_A_PLAN_HASH, slug=slug, least=SHORTEST_HASH)
    try:
        return await orders.approve(slug, wanted, reason, order_id=order_id)
    except CommandError as error:
        since = _difference_since(engine, slug, wanted)
        if since is None or isinstance(error, _NOT_OF_THE_PLAN):
            raise
        raise CommandError(error.problem, also=since, **error.facts) from None


def _difference_since(engine: Engine, slug: str, plan_hash: str) -> CommandError | None:
    """Return what has changed between the plan of this hash and the present one; None = nothing."""
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        go_live = records.open_go_live(session, organisation_named(session, slug).id)
        held = _held_plan(session, go_live)
        if go_live is None or held is None or held.plan_hash.startswith(plan_hash):
            return None
        known = plans.known_plans(session, go_live.id)
    for one in known:
        if one.plan_hash.startswith(plan_hash):
            return CommandError(
                Problem.ANOTHER_PLAN_SINCE,
                slug=slug,
                plan=held.plan_hash,
                before=one.counts,
                after=held.counts,
            )
    return CommandError(Problem.UNKNOWN_PLAN, slug=slug, plan=held.plan_hash, wanted=plan_hash)


# --- as text, as data, as a table ---------------------------------------------------------------


def plan_lines(found: DryRun) -> list[str]:
    """Return a dry run in words; bounded however many users there are."""
    lines = words.dry_run(
        found.organisation, found.plan, found.accounts, needs_approval=found.needs_approval
    )
    if found.compared_with is not None:
        held = found.compared_with
        lines.append(words.changed_since(held.plan_hash, held.counts, found.counts))
    by_reason = {kind: n for kind, n in found.counts.items() if kind in list(ExceptionReason)}
    return lines + exception_lines("plan", found.organisation, by_reason, found.first_exceptions)


def exception_lines(
    command: str, slug: str, by_reason: dict[str, int], users: Iterable[Decision]
) -> list[str]:
    """Return each reason with what to do about it, and the first few users.

    `command` is the one whose `--csv` writes all of them.
    """
    first = [(one.address, str(one.reason)) for one in islice(users, MOST_SHOWN)]
    return words.exceptions(ShownExceptions(by_reason, first, words.whole_list(command, slug)))


def plan_data(found: DryRun) -> dict[str, Any]:
    """Return a dry run as JSON-ready data; bounded however many users there are."""
    plan = found.plan
    return {
        "organisation": found.organisation,
        "plan_hash": plan.plan_hash,
        "accounts_read": found.accounts,
        "total": plan.total,
        "link": plan.link,
        "invite": plan.invite,
        "already_linked": plan.already_linked,
        "exceptions": plan.exceptions,
        "exceptions_that_need_somebody": plan.unsettled,
        "threshold": plan.threshold,
        "needs_approval": found.needs_approval,
        "first_wave": plan.first_wave,
        "counts": found.counts,
        "changed_since": {
            "plan_hash": found.compared_with.plan_hash,
            "counts": found.compared_with.counts,
        }
        if found.compared_with
        else None,
        "first_exceptions": [row(one) for one in found.first_exceptions],
    }


def row(one: Decision) -> dict[str, str]:
    """Return one user and what happens to them, with why, what to do and who."""
    said = sentences.EXCEPTIONS[ExceptionReason(one.reason)] if one.reason else None
    return {
        "address": one.address,
        "name": one.name,
        "status": one.status,
        "result": "exception" if one.reason else one.move_class,
        "reason": one.reason or "",
        "why": said.why if said else "",
        "next_step": said.in_shell if said else "",
        "who": said.who if said else "",
        "object_id": str(one.object_id or ""),
    }


class _Line:
    """What a CSV writer writes to when its lines are wanted one by one."""

    def write(self, line: str) -> str:
        return line


def csv_lines(users: Iterable[Decision]) -> Iterator[str]:
    """Yield a heading and one line per user. No cell is a formula to a spreadsheet."""
    writer = csv.DictWriter(_Line(), _HEADINGS, lineterminator="\n")
    yield writer.writeheader()
    for one in users:
        yield writer.writerow({name: safe_cell(value) for name, value in row(one).items()})


def write_csv(users: Iterable[Decision], file: TextIO) -> int:
    """Write a heading and one line per user; return how many users."""
    return sum(1 for line in csv_lines(users) if file.write(line)) - 1


def safe_cell(value: str) -> str:
    """Return a cell's text so that a spreadsheet shows it, in one row, and never computes it."""
    text = re.sub(r"[\t\r\n]", " ", value)
    return f"'{text}" if text.lstrip(" ").startswith(("=", "+", "-", "@")) else text


def _held_plan(session: Session, go_live: GoLive | None) -> KnownPlan | None:
    if go_live is None:
        return None
    known = plans.known_plans(session, go_live.id)
    return next((one for one in known if one.plan_hash == go_live.plan_hash), None)
