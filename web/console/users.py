"""What customer success decides about single users and domains of an organisation."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote
from uuid import UUID, uuid4

from fastapi import APIRouter, Form
from fastapi.responses import Response

from commands import domains, user_decisions
from commands.errors import CommandError, ToBeConfirmedError, UnavailableError
from contracts.addresses import address_key, invisible_letter
from contracts.directory import ExceptionReason
from database.go_live import console_views, standings
from database.moves import decisions
from web.console.organisations import organisation_page, problem_text
from web.console.staff import AManagerVisit, AStaffVisit, StaffVisit
from web.forms import OwnForm, TypedText
from wording import addresses, console, sentences

router = APIRouter(prefix="/console")

_Reason = Annotated[TypedText, Form(max_length=2000)]


@router.post("/{slug}/users")
def find_user(
    staff: AStaffVisit,
    visit: OwnForm,
    slug: str,
    address: Annotated[TypedText, Form(max_length=320)] = "",
) -> Response:
    """Go to the page of the user with this address."""
    unseen = invisible_letter(address)
    if unseen is not None:
        problem = f"“{address}” {addresses.said_of(unseen)}."
        return organisation_page(staff, slug, problem=problem, opened="find-user", status=400)
    with visit.dependencies.sessions.begin() as session:
        standing = standings.standing_of(session, slug)
        user = (
            decisions.user_to_decide(session, standing.organisation_id, address_key(address))
            if standing
            else None
        )
    if user is None:
        return organisation_page(
            staff, slug, problem=console.NO_SUCH_ADDRESS, opened="find-user", status=404
        )
    return visit.go_to(f"/console/{quote(slug)}/users/{user.user_id}")


@router.get("/{slug}/users/{user_id}")
def one_user(staff: AStaffVisit, slug: str, user_id: UUID, done: str = "") -> Response:
    """Show what becomes of one user, and what can be decided about them."""
    return _user_page(staff, slug, user_id, said=console.USER_DONE.get(done, ""))


@router.post("/{slug}/users/{user_id}/{decision}")
def decide(
    staff: AManagerVisit,
    visit: OwnForm,
    slug: str,
    user_id: UUID,
    decision: str,
    reason: _Reason = "",
    object_id: Annotated[TypedText, Form(max_length=100)] = "",
    order_id: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Link a user to an account, leave them out, or take either back.

    Where a second person has to confirm a link, the same form sent again asks for it once.
    """
    with visit.dependencies.sessions.begin() as session:
        user = console_views.user_of(session, slug, user_id)
    if user is None or decision not in {"link", "exclude", "include"}:
        return _user_page(staff, slug, user_id, status=404)
    engine, common = visit.dependencies.engine, (staff.staff.handle, slug, user.address)

    def give() -> None:
        if decision == "link":
            user_decisions.link(
                engine,
                visit.dependencies.graph,
                *common,
                object_id.strip(),
                reason,
                order_id=order_id,
            )
        elif decision == "exclude":
            user_decisions.exclude(engine, *common, reason)
        else:
            user_decisions.include(engine, *common, reason)

    page = f"/console/{quote(slug)}/users/{user_id}"
    try:
        problem = _problem(give)
    except ToBeConfirmedError:
        return visit.go_to(f"{page}?done=to-be-confirmed")
    if problem:
        return _user_page(
            staff, slug, user_id, problem=problem, opened=decision, typed=object_id, status=409
        )
    done = "relink" if decision == "link" and user.is_linked else decision
    return visit.go_to(f"{page}?done={done}")


@router.post("/{slug}/domains")
def remove_domain(
    staff: AManagerVisit,
    visit: OwnForm,
    slug: str,
    domain: Annotated[TypedText, Form(max_length=255)] = "",
    reason: _Reason = "",
) -> Response:
    """Take a wrong e-mail domain off the organisation's list."""
    handle = staff.staff.handle
    problem = _problem(
        lambda: domains.remove(visit.dependencies.engine, slug, domain, handle, reason)
    )
    if problem:
        return organisation_page(staff, slug, problem=problem, opened="domains", status=409)
    return visit.go_to(f"/console/{quote(slug)}?done=remove-domain")


def _problem(give: Callable[[], object]) -> str:
    """Carry it out; return what the person has to correct, if anything."""
    try:
        give()
    except (UnavailableError, ToBeConfirmedError):
        raise
    except CommandError as error:
        return problem_text(error)
    return ""


def _user_page(
    staff: StaffVisit,
    slug: str,
    user_id: UUID,
    *,
    said: str = "",
    problem: str = "",
    opened: str = "",
    typed: str = "",
    status: int = 200,
) -> Response:
    visit = staff.visit
    with visit.dependencies.sessions.begin() as session:
        standing = standings.standing_of(session, slug)
        user = console_views.user_of(session, slug, user_id)
    if standing is None or user is None:
        return organisation_page(staff, slug, problem=console.NO_SUCH_USER, status=404)
    progress = standing.progress
    return visit.page(
        "console_user.html",
        status=status,
        staff=staff.staff,
        may_change=staff.may_change,
        standing=standing,
        user=user,
        words=sentences.EXCEPTIONS[ExceptionReason(user.reason)] if user.reason else None,
        is_open=progress is not None and progress.outcome is None,
        said=said,
        problem=problem,
        opened=opened,
        typed=typed,
        order_id=uuid4(),
        instant=sentences.instant,
    )
