"""Looks up by name what commands are about: an organisation, a member of staff."""

from sqlmodel import Session

from commands.errors import CommandError, UsageError
from contracts.problems import Problem
from database.go_live import records
from database.models import Organisation, Staff


def organisation_named(session: Session, slug: str) -> Organisation:
    """Return the organisation.

    Raises:
        CommandError: there is none with this slug.
    """
    try:
        return records.organisation_by_slug(session, slug)
    except records.UnknownOrganisationError:
        raise CommandError(Problem.UNKNOWN_ORGANISATION, slug=slug) from None


def known_staff(session: Session, handle: str) -> Staff:
    """Return the member of staff who gives an order.

    Raises:
        UsageError: nobody has this handle.
    """
    try:
        return records.staff_by_handle(session, handle)
    except records.UnknownStaffError:
        raise UsageError(Problem.UNKNOWN_STAFF, handle=handle) from None
