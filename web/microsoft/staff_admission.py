"""Admission to the console: by the role in our tenant and a staff handle."""

import secrets
from uuid import UUID

from fastapi.responses import Response

from contracts.addresses import address_key
from contracts.orders import APP_ROLES, Role
from database.go_live import records, repeated_events
from database.models import AuthorizationRequest, Organisation
from database.people import staff
from graph.tokens import SignedInPerson
from web.microsoft.sealed_tokens import seal
from web.refusal_pages import OTHER_ACCOUNT, ButtonTarget, message_page
from web.visit import Visit
from wording import pages
from wording.pages import StaffRefusal

STAFF_COOKIE = "pulse_staff"


def role_of(roles: tuple[str, ...]) -> Role | None:
    """Return the highest role that a token gives, None if it gives none."""
    return max((APP_ROLES[name] for name in roles if name in APP_ROLES), default=None)


def admit(visit: Visit, asked: AuthorizationRequest, person: SignedInPerson) -> Response:
    """Admit a person whom our tenant gives a role and who is staff by the import."""
    role = role_of(person.roles)
    why = _why_not(visit, person, role)
    if why is not None or role is None:
        return _refused(visit, why or StaffRefusal.NO_ROLE)
    token = secrets.token_urlsafe(32)
    with visit.dependencies.sessions.begin() as session:
        found = staff.staff_by_identity(
            session, UUID(person.object_id), address_key(person.preferred_username)
        )
        if found is not None:
            sealed = seal(token, person.refresh_token) if person.refresh_token else None
            staff.open_session(
                session, found.id, token, role, visit.at, sealed_refresh_token=sealed
            )
            records.write_audit(session, visit.at, found.handle, "console_signed_in")
        organisation = (
            session.get(Organisation, asked.organisation_id) if asked.organisation_id else None
        )
    if found is None:
        return _refused(visit, StaffRefusal.NO_HANDLE)
    response = visit.go_to(f"/console/{organisation.slug}" if organisation else "/console")
    visit.set_cookie(response, STAFF_COOKIE, token)
    return response


def _why_not(visit: Visit, person: SignedInPerson, role: Role | None) -> StaffRefusal | None:
    if (
        person.tenant_id.lower() != visit.dependencies.settings.staff_tenant_id
        or person.hinted_guest
    ):
        return StaffRefusal.NOT_OURS
    return StaffRefusal.NO_ROLE if role is None else None


def _refused(visit: Visit, why: StaffRefusal) -> Response:
    with visit.dependencies.sessions.begin() as session:
        repeated_events.write_repeated(session, visit.at, "console_refused", network=visit.network)
    return message_page(visit, pages.not_admitted(why), ButtonTarget(action=OTHER_ACCOUNT), 403)
