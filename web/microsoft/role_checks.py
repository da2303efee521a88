"""Asks Microsoft whether somebody in the console still has a role, from server to server.

A browser could suppress or forge Microsoft's answer, so we ask by a refresh token. While Microsoft
does not answer, a session keeps its normal end.
"""

import logging

from contracts.orders import Role
from contracts.sign_in import StaffSessionEnd
from database.go_live import records
from database.people import staff
from graph.causes import Cause, Endpoint, cause_of
from graph.errors import (
    CredentialRefusedError,
    GraphError,
    MicrosoftUnreachableError,
    SignInRefusedError,
    ThrottledError,
)
from web.microsoft import sealed_tokens
from web.microsoft.staff_admission import role_of
from web.visit import Visit

_log = logging.getLogger(__name__)


def check_role(visit: Visit, token: str) -> None:
    """Check the role behind a session, if a check is due; end the session if the role is gone.

    No transaction is open while Microsoft answers.
    """
    with visit.dependencies.sessions.begin() as session:
        begun = staff.begin_check(session, token, visit.at)
    if begun is None:
        return
    sealed, object_id = begun
    try:
        found = _ask(visit, sealed_tokens.unseal(token, sealed), str(object_id))
    except (MicrosoftUnreachableError, ThrottledError, CredentialRefusedError) as error:
        _log.warning("A role in the console could not be checked: %s", type(error).__name__)
        return
    with visit.dependencies.sessions.begin() as session:
        if isinstance(found, StaffSessionEnd):
            who = staff.of_session(session, token, visit.at)
            staff.end_session(session, token, visit.at, found)
            if who is not None:
                records.write_audit(
                    session, visit.at, who.staff.handle, "console_session_ended", reason=found
                )
            return
        role, refresh_token = found
        renewed = sealed_tokens.seal(token, refresh_token) if refresh_token else None
        staff.record_role(session, token, role, renewed, visit.at)


def _ask(
    visit: Visit, refresh_token: str | None, object_id: str
) -> StaffSessionEnd | tuple[Role, str | None]:
    """Return the role of now with the next refresh token, or why the session ends.

    Raises:
        MicrosoftUnreachableError, ThrottledError: Microsoft gives no answer now.
        CredentialRefusedError: our own secret or certificate is not accepted.
    """
    tenant_id = visit.dependencies.settings.staff_tenant_id
    if refresh_token is None or tenant_id is None:
        return StaffSessionEnd.SIGN_IN_AGAIN
    try:
        person = visit.dependencies.entra.renew_sign_in(tenant_id, refresh_token)
    except (MicrosoftUnreachableError, ThrottledError, CredentialRefusedError):
        raise
    except SignInRefusedError as error:
        cause = cause_of(Endpoint.TOKEN, error.error, error.codes, error.subcode)
        lost = cause is Cause.NOT_ASSIGNED
        return StaffSessionEnd.ROLE_LOST if lost else StaffSessionEnd.SIGN_IN_AGAIN
    except GraphError as error:
        _log.warning("Microsoft renews no sign-in to the console: %s", type(error).__name__)
        return StaffSessionEnd.SIGN_IN_AGAIN
    if person.object_id.lower() != object_id or person.hinted_guest:
        return StaffSessionEnd.SIGN_IN_AGAIN
    role = role_of(person.roles)
    return StaffSessionEnd.ROLE_LOST if role is None else (role, person.refresh_token)
