"""Staff sign in to the console through SSO in our own tenant; everyone else is refused."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response
from sqlmodel import Session

from contracts.orders import Role
from contracts.sign_in import RequestPurpose
from database.go_live import records
from database.models import Organisation, Staff
from database.people import staff
from web.forms import OwnForm
from web.microsoft.authorization_request import to_login
from web.microsoft.staff_admission import STAFF_COOKIE
from web.visit import AVisit, Visit

router = APIRouter(prefix="/console")


@dataclass(frozen=True)
class StaffVisit:
    """One request of someone who is signed in to the console."""

    visit: Visit
    staff: Staff
    role: Role


class RoleTooLowError(Exception):
    """Whoever is signed in may read, but not do this."""


class StaffOnlyError(Exception):
    """Nobody is signed in to the console in this browser."""


def signed_in(visit: AVisit) -> StaffVisit:
    """Return the present visit of a member of staff.

    Raises:
        StaffOnlyError: the browser has no console session, or it is over.
    """
    with visit.dependencies.sessions.begin() as session:
        return StaffVisit(visit, *whoever_signed_in(session, visit))


def manager(staff: Annotated[StaffVisit, Depends(signed_in)]) -> StaffVisit:
    """Return the present visit of somebody who may change something.

    Raises:
        RoleTooLowError: it is a reader's.
    """
    if staff.role < Role.MANAGER:
        raise RoleTooLowError
    return staff


def whoever_signed_in(session: Session, visit: Visit) -> tuple[Staff, Role]:
    """Return the member of staff of this browser, within a transaction that reads more.

    Raises:
        StaffOnlyError: as `signed_in`.
    """
    token = visit.cookie(STAFF_COOKIE)
    found = staff.of_session(session, token, visit.at) if token else None
    if found is None:
        raise StaffOnlyError
    return found


AStaffVisit = Annotated[StaffVisit, Depends(signed_in)]
AManagerVisit = Annotated[StaffVisit, Depends(manager)]
"""Of every form that changes something; orders ask for more where their rule does."""


def sign_in_page(visit: Visit) -> Response:
    """Ask to sign in; the page of the organisation in the address opens afterwards."""
    # A tenant that was not named in the settings cannot be signed in to.
    return visit.page(
        "console_sign_in.html",
        status=401,
        ready=visit.dependencies.settings.staff_tenant_id is not None,
        slug=visit.request.path_params.get("slug", ""),
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
