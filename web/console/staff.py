"""Staff sign in to the console through SSO in our own tenant; everyone else is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response
from sqlmodel import Session

from contracts.orders import Role
from contracts.sign_in import RequestPurpose, StaffSessionEnd
from database.go_live import records
from database.models import Organisation, Staff
from database.people import staff
from web.forms import OwnForm
from web.microsoft.authorization_request import to_login
from web.microsoft.role_checks import check_role
from web.microsoft.staff_admission import STAFF_COOKIE
from web.visit import AVisit, Visit
from wording import pages

router = APIRouter(prefix="/console")


@dataclass(frozen=True)
class StaffVisit:
    """One request of someone who is signed in to the console."""

    visit: Visit
    staff: Staff
    role: Role

    @property
    def may_change(self) -> bool:
        """Whether forms that change something are offered, and taken."""
        return self.role >= Role.MANAGER


class RoleTooLowError(Exception):
    """Whoever is signed in may read, but not do this."""


class StaffOnlyError(Exception):
    """Nobody is signed in to the console in this browser."""

    def __init__(self, because: StaffSessionEnd | None = None) -> None:
        """Say why the session was ended, if it was."""
        super().__init__(because)
        self.because = because


class _CheckDueError(Exception):
    """Microsoft is to be asked whether whoever is signed in still has a role."""


Read = TypeVar("Read")


def signed_in(visit: AVisit) -> StaffVisit:
    """Return the present visit of a member of staff who has a role.

    Raises:
        StaffOnlyError: the browser has no console session, or it is over.
    """
    return read_as_staff(visit, lambda _: None)[0]


def read_as_staff(visit: Visit, read: Callable[[Session], Read]) -> tuple[StaffVisit, Read]:
    """Return the present visit of a member of staff, and what is read in the same transaction.

    Where it is due, Microsoft is asked first whether the person still has a role.

    Raises:
        StaffOnlyError: as `signed_in`.
    """
    try:
        return _read_as_staff(visit, read)
    except _CheckDueError:
        check_role(visit, visit.cookie(STAFF_COOKIE))
        return _read_as_staff(visit, read)


def _read_as_staff(visit: Visit, read: Callable[[Session], Read]) -> tuple[StaffVisit, Read]:
    token = visit.cookie(STAFF_COOKIE)
    with visit.dependencies.sessions.begin() as session:
        found = staff.of_session(session, token, visit.at) if token else None
        if found is None:
            raise StaffOnlyError(staff.end_of_session(session, token) if token else None)
        if found.is_check_due:
            raise _CheckDueError
        return StaffVisit(visit, found.staff, found.role), read(session)


def manager(staff: Annotated[StaffVisit, Depends(signed_in)]) -> StaffVisit:
    """Return the present visit of somebody who may change something.

    Raises:
        RoleTooLowError: it is a reader's.
    """
    if not staff.may_change:
        raise RoleTooLowError
    return staff


AStaffVisit = Annotated[StaffVisit, Depends(signed_in)]
AManagerVisit = Annotated[StaffVisit, Depends(manager)]
"""Of every form that changes something; orders ask for more where their rule does."""


def sign_in_page(visit: Visit, because: StaffSessionEnd | None = None) -> Response:
    """Ask to sign in; the page of the organisation in the address opens afterwards.

    `because` says why a session was ended; nothing that was sent meanwhile was done.
    """
    # A tenant that was not named in the settings cannot be signed in to.
    return visit.page(
        "console_sign_in.html",
        status=401,
        ready=visit.dependencies.settings.staff_tenant_id is not None,
        slug=visit.request.path_params.get("slug", ""),
        ended=pages.CONSOLE_SESSION_ENDED.get(because, "") if because else "",
        was_form=visit.request.method == "POST",
    )


@router.post("/sign-in")
def sign_in(visit: OwnForm, slug: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Lead to Microsoft's login of our own tenant."""
    tenant_id = visit.dependencies.settings.staff_tenant_id
    if tenant_id is None:
        return sign_in_page(visit)
    organisation: Organisation | None = None
    if slug:
        with visit.dependencies.sessions.begin() as session:
            try:
                organisation = records.organisation_by_slug(session, slug)
            except records.UnknownOrganisationError:
                organisation = None
    return to_login(
        visit,
        UUID(tenant_id),
        RequestPurpose.CONSOLE,
        organisation_id=organisation.id if organisation else None,
    )


@router.post("/sign-out")
def sign_out(visit: OwnForm) -> Response:
    """End the console session in the database and in the browser."""
    with visit.dependencies.sessions.begin() as session:
        staff.end_session(session, visit.cookie(STAFF_COOKIE), visit.at)
    response = visit.go_to("/console")
    visit.delete_cookie(response, STAFF_COOKIE)
    return response
