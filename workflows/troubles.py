"""Which trouble a person is told of when an activity gave up for good."""

from temporalio.exceptions import ActivityError, ApplicationError

from contracts.errors import ErrorType
from contracts.go_live import Attention

_ATTENTION = {
    ErrorType.NOT_YET: Attention.MICROSOFT_NOT_CAUGHT_UP,
    ErrorType.NOTHING_GRANTED: Attention.SELF_ONLY,
    ErrorType.DOMAINS_NOT_VERIFIED: Attention.DOMAINS_NOT_VERIFIED,
    ErrorType.TENANT_UNKNOWN: Attention.TENANT_UNKNOWN,
    ErrorType.DIFFERENT_TENANTS: Attention.DIFFERENT_TENANTS,
    ErrorType.PEOPLE_IN_ANOTHER_TENANT: Attention.PEOPLE_IN_ANOTHER_TENANT,
    ErrorType.MICROSOFT_UNREACHABLE: Attention.MICROSOFT_UNREACHABLE,
    ErrorType.MICROSOFT_THROTTLES: Attention.MICROSOFT_UNREACHABLE,
    ErrorType.CREDENTIAL_REFUSED: Attention.CREDENTIAL_REFUSED,
    ErrorType.APPLICATION_DISABLED: Attention.APPLICATION_DISABLED,
    ErrorType.PERMISSION_MISSING: Attention.PERMISSION_MISSING,
    ErrorType.MAIL_UNAVAILABLE: Attention.MAIL_UNAVAILABLE,
    ErrorType.MAIL_REFUSED: Attention.MAIL_REFUSED,
}


def attention_of(error: ActivityError) -> Attention:
    """Return what kind of trouble an activity gave up with."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__
    if isinstance(cause, ApplicationError) and cause.type in list(ErrorType):
        return _ATTENTION.get(ErrorType(cause.type), Attention.UNEXPECTED)
    return Attention.UNEXPECTED
