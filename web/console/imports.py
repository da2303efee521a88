"""Imports in the console: two files uploaded, what they would change, done once, and the past."""

import csv
import io
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from commands import imports
from commands.errors import CommandError, ImportRefusedError, UnavailableError
from commands.people_in_charge import signal_people_changed
from commands.sheets import SourceFile
from contracts import rules
from web.console.organisations import problem_text
from web.console.staff import AManagerVisit, AStaffVisit, StaffVisit
from web.forms import OwnForm, check_own
from web.slow_work import SlowWork
from wording import console, sentences

router = APIRouter(prefix="/console/-/imports")

MOST_FAULTS = 200
"""Faults of files that the page lists one by one."""

_TEMPLATES = {
    "organisations": (
        imports.ORGANISATION_COLUMNS + imports.ORGANISATION_OPTIONS,
        "acme,Acme Foods,acme.example,dana.lee@clientshare.example,"
        "Ira Tee <ira.tee@acme.example>,yes,2026-01-01,2026-12-31,dana.lee,,Europe/Berlin,0,no,",
    ),
    "users": (
        imports.USER_COLUMNS + imports.USER_OPTIONS,
        "acme,anna.berg@acme.example,Anna Berg,active,",
    ),
}


@router.get("")
def overview(staff: AStaffVisit, done: str = "") -> Response:
    """Show where files are uploaded, and who imported what and when."""
    return _page(staff, said=console.IMPORTED if done else "")


@router.get("/{name}.csv")
def template(staff: AStaffVisit, name: Literal["organisations", "users"]) -> Response:
    """Give a file with the columns and one row as an example."""
    del staff
    columns, example = _TEMPLATES[name]
    text = io.StringIO()
    csv.writer(text).writerow(columns)
    text.write(f"{example}\r\n")
    return Response(
        # The mark by which spreadsheets know that it is UTF-8.
        text.getvalue().encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


@router.post("")
async def upload(staff: AManagerVisit, request: Request) -> Response:
    """Check both files; show every fault, or what they would change."""
    # Only now, when the visitor is known, is the body read; it waits on the disk.
    async with request.form(max_files=2, max_fields=4) as form:
        check_own(staff.visit, str(form.get("form_token", "")))
        with staff.visit.dependencies.slow_work.one(SlowWork.IMPORT):
            files = [await _file(form.get(name)) for name in ("organisations", "users")]
            return await run_in_threadpool(_check, staff, *files)


@router.get("/{import_id}")
def preview(staff: AStaffVisit, import_id: UUID) -> Response:
    """Show what an upload would change now."""
    with staff.visit.dependencies.slow_work.one(SlowWork.IMPORT):
        return _preview(staff, import_id)


@router.post("/{import_id}")
async def confirm(staff: AManagerVisit, visit: OwnForm, import_id: UUID) -> Response:
    """Import an upload, once, and signal the go-lives that get another owner."""
    engine, slow_work = visit.dependencies.engine, visit.dependencies.slow_work
    with slow_work.one(SlowWork.IMPORT):
        try:
            imported = await run_in_threadpool(
                imports.confirm, engine, import_id, staff.staff.handle
            )
        except UnavailableError:
            raise
        except ImportRefusedError as error:
            return await run_in_threadpool(_page, staff, faults=error.faults, status=409)
        except CommandError as error:
            return await run_in_threadpool(_preview, staff, import_id, problem_text(error))
    try:
        for one in imported.handed_over:
            await signal_people_changed(visit.dependencies.temporal, one.slug, one.owner)
    except CommandError as error:
        return await run_in_threadpool(_page, staff, problem=problem_text(error), status=409)
    return visit.go_to("/console/-/imports?done=yes")


async def _file(field: UploadFile | str | None) -> SourceFile | None:
    if not isinstance(field, UploadFile) or not field.filename:
        return None
    # One byte more than is taken, so that it is refused as too large.
    content = await field.read(rules.MOST_IMPORTED_BYTES + 1)
    name = "".join(one for one in field.filename if one.isprintable())
    return SourceFile(name[:100], content)


def _check(
    staff: StaffVisit, organisations: SourceFile | None, users: SourceFile | None
) -> Response:
    if organisations is None or users is None:
        return _page(staff, problem=console.NO_FILES, status=400)
    try:
        made = imports.upload(
            staff.visit.dependencies.engine, organisations, users, staff.staff.handle
        )
    except UnavailableError:
        raise
    except ImportRefusedError as error:
        return _page(staff, faults=error.faults, status=422)
    except CommandError as error:
        return _page(staff, problem=problem_text(error), status=422)
    return staff.visit.go_to(f"/console/-/imports/{made}")


def _preview(staff: StaffVisit, import_id: UUID, problem: str = "") -> Response:
    try:
        found, changes = imports.preview(staff.visit.dependencies.engine, import_id)
    except UnavailableError:
        raise
    except ImportRefusedError as error:
        return _page(staff, faults=error.faults, status=409)
    except CommandError as error:
        return _page(staff, problem=problem_text(error), status=404)
    return staff.visit.page(
        "console_import.html",
        status=409 if problem else 200,
        staff=staff.staff,
        may_change=staff.may_change,
        problem=problem,
        found=found,
        changes=changes,
        instant=sentences.instant,
    )


def _page(
    staff: StaffVisit,
    *,
    said: str = "",
    problem: str = "",
    faults: Sequence[str] = (),
    status: int = 200,
) -> Response:
    return staff.visit.page(
        "console_imports.html",
        status=status,
        staff=staff.staff,
        may_change=staff.may_change,
        said=said,
        problem=problem,
        faults=list(faults)[:MOST_FAULTS],
        faults_in_all=len(faults),
        at_least=len(faults) >= rules.MOST_FAULTS,
        past=imports.past_imports(staff.visit.dependencies.engine),
        megabytes=rules.MOST_IMPORTED_BYTES // 1_000_000,
        rows=rules.MOST_IMPORTED_ROWS,
        instant=sentences.instant,
        counted=sentences.counted,
    )
