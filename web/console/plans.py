"""What would happen and to whom: the dry run of a move, its lists to keep, and the schedule."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from itertools import groupby
from tempfile import TemporaryFile
from typing import TypeVar

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask

from commands import migration, rehearsal
from commands.errors import CommandError, UnavailableError
from contracts.directory import ExceptionReason
from contracts.rehearsals import Planned, PlannedEnd
from database.go_live import standings
from database.moves.plans import Decision
from web.console.organisations import label_of, organisation_page, problem_text
from web.console.staff import AStaffVisit, StaffVisit
from web.forms import OwnForm
from web.slow_work import SlowWork
from wording import rehearsal as words
from wording import sentences
from wording.plans import difference

router = APIRouter(prefix="/console")

MOST_SHOWN = 50
"""Users whom a dry run lists on the page; the file has all of them."""
PIECE_BYTES = 65_536
_Open = TypeVar("_Open")


@router.post("/{slug}/plan")
def dry_run(staff: AStaffVisit, visit: OwnForm, slug: str) -> Response:
    """Say who would move and who could not, by the directory of now; nothing is changed."""
    dependencies = staff.visit.dependencies
    with ExitStack() as opened:
        opened.enter_context(dependencies.slow_work.one(SlowWork.DRY_RUN))
        found = _open_or_problem(staff, slug, opened, lambda: _dry_run(staff, slug))
        if isinstance(found, Response):
            return found
    with dependencies.sessions.begin() as session:
        standing = standings.standing_of(session, slug)
    since = found.compared_with
    return visit.page(
        "console_plan.html",
        staff=staff.staff,
        standing=standing,
        found=found,
        plan=found.plan,
        changed=difference(since.counts, found.counts) if since else "",
        reasons=[
            (users, sentences.EXCEPTIONS[ExceptionReason(kind)])
            for kind, users in sorted(found.counts.items(), key=lambda one: -one[1])
            if kind in list(ExceptionReason)
        ],
        exceptions=[migration.row(one) for one in found.first_exceptions],
    )


@router.post("/{slug}/plan.csv")
def dry_run_as_file(staff: AStaffVisit, visit: OwnForm, slug: str) -> Response:
    """Give every user and what would happen to them, as a spreadsheet opens it."""
    del visit  # the form is checked by asking for it
    with ExitStack() as opened:
        opened.enter_context(staff.visit.dependencies.slow_work.one(SlowWork.DRY_RUN))
        found = _open_or_problem(staff, slug, opened, lambda: _dry_run(staff, slug, everyone=True))
        if isinstance(found, Response):
            return found
        return _file(f"{slug}-plan.csv", found.decisions)


@router.get("/{slug}/exceptions.csv")
def exceptions_as_file(staff: AStaffVisit, slug: str) -> Response:
    """Give everyone whom the go-live's plan cannot move, as a spreadsheet opens it."""
    dependencies = staff.visit.dependencies
    with ExitStack() as opened:
        opened.enter_context(dependencies.slow_work.one(SlowWork.LIST))
        found = _open_or_problem(
            staff, slug, opened, lambda: migration.exceptions(dependencies.engine, slug)
        )
        if isinstance(found, Response):
            return found
        return _file(f"{slug}-exceptions.csv", found[1])


@router.get("/{slug}/schedule")
def schedule(staff: AStaffVisit, slug: str) -> Response:
    """Show every mail and date if each wait began now; nothing is sent."""
    visit = staff.visit
    try:
        rehearsed = rehearsal.rehearse(visit.dependencies.engine, slug, visit.at)
    except UnavailableError:
        raise
    except CommandError:
        return organisation_page(staff, slug, status=404)
    with visit.dependencies.sessions.begin() as session:
        standing = standings.standing_of(session, slug)
    return visit.page(
        "console_schedule.html",
        staff=staff.staff,
        standing=standing,
        parts=[
            (words.part(part, rehearsed.threshold), list(those))
            for part, those in groupby(rehearsed.planned, lambda one: one.part)
        ],
        instant=sentences.instant,
        what=_what,
        to=words.to,
    )


def _what(one: Planned) -> str:
    """Return a mail's name as people read it and what it is for, or how the part ends."""
    if isinstance(one, PlannedEnd):
        return words.ENDS[one.end]
    return f"{label_of(one.message.value)}: {words.purpose(one)}"


def _dry_run(
    staff: StaffVisit, slug: str, *, everyone: bool = False
) -> AbstractContextManager[migration.DryRun]:
    dependencies = staff.visit.dependencies
    return migration.dry_run(
        dependencies.engine, dependencies.graph, slug, first=MOST_SHOWN, everyone=everyone
    )


def _open_or_problem(
    staff: StaffVisit,
    slug: str,
    opened: ExitStack,
    begin: Callable[[], AbstractContextManager[_Open]],
) -> _Open | Response:
    """Open what a page or file is made of, or return the page that says why it cannot be."""
    try:
        return opened.enter_context(begin())
    except UnavailableError:
        raise
    except CommandError as error:
        return organisation_page(staff, slug, problem=problem_text(error), status=409)


def _file(name: str, users: Iterable[Decision]) -> Response:
    """Return a file, however many users there are.

    It is written as a whole before any of it is sent: whoever reads slowly, or not at all, holds
    neither a connection of the database nor a place.
    """
    written = TemporaryFile()  # noqa: SIM115  (closed when it was sent)
    try:
        # By this mark spreadsheet programs know that names are in UTF-8.
        written.write("\ufeff".encode())
        for line in migration.csv_lines(users):
            written.write(line.encode())
        size = written.tell()
        written.seek(0)
    except BaseException:
        written.close()
        raise
    return StreamingResponse(
        iter(lambda: written.read(PIECE_BYTES), b""),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(size),
        },
        background=BackgroundTask(written.close),
    )
