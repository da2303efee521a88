"""Why the database could not be used, told from what PostgreSQL or its client library says."""

from collections.abc import Iterator
from enum import StrEnum

from sqlalchemy.exc import DBAPIError, SQLAlchemyError


class DatabaseFault(StrEnum):
    """Why the database could not be used, where that is not a fault of ours."""

    AWAY = "away"
    UNKNOWN_HOST = "unknown_host"
    SILENT = "silent"
    STARTING = "starting"
    READ_ONLY = "read_only"
    FULL = "full"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    LOCKED = "locked"
    TOO_SLOW = "too_slow"
    LOGIN_REFUSED = "login_refused"
    NOT_ADMITTED = "not_admitted"
    NO_DATABASE = "no_database"
    NO_TLS = "no_tls"
    NOT_TRUSTED = "not_trusted"
    BEHIND_POOLER = "behind_pooler"
    NOT_SET_UP = "not_set_up"
    NOT_ALLOWED = "not_allowed"

    @property
    def passes(self) -> bool:
        """Whether it may pass by itself, so that waiting makes sense."""
        return self in _PASSING


_PASSING = frozenset(
    {
        DatabaseFault.AWAY,
        DatabaseFault.UNKNOWN_HOST,
        DatabaseFault.SILENT,
        DatabaseFault.STARTING,
        DatabaseFault.READ_ONLY,
        DatabaseFault.FULL,
        DatabaseFault.TOO_MANY_CONNECTIONS,
        DatabaseFault.LOCKED,
        DatabaseFault.TOO_SLOW,
    }
)


class ReadOnlyError(SQLAlchemyError):
    """This server takes nothing that is written: a standby, or the server before a failover."""


_OF_STATES = {
    "25006": DatabaseFault.READ_ONLY,
    "25P03": DatabaseFault.TOO_SLOW,
    "25P04": DatabaseFault.TOO_SLOW,
    "26000": DatabaseFault.BEHIND_POOLER,
    "28000": DatabaseFault.LOGIN_REFUSED,
    "28P01": DatabaseFault.LOGIN_REFUSED,
    "3D000": DatabaseFault.NO_DATABASE,
    "3F000": DatabaseFault.NOT_SET_UP,
    "40001": DatabaseFault.LOCKED,
    "40P01": DatabaseFault.LOCKED,
    "42501": DatabaseFault.NOT_ALLOWED,
    "42703": DatabaseFault.NOT_SET_UP,
    "42P01": DatabaseFault.NOT_SET_UP,
    "42P05": DatabaseFault.BEHIND_POOLER,
    "53100": DatabaseFault.FULL,
    "53300": DatabaseFault.TOO_MANY_CONNECTIONS,
    "55P03": DatabaseFault.LOCKED,
    "57014": DatabaseFault.TOO_SLOW,
    "57P01": DatabaseFault.STARTING,
    "57P02": DatabaseFault.STARTING,
    "57P03": DatabaseFault.STARTING,
    "57P04": DatabaseFault.NO_DATABASE,
    "57P05": DatabaseFault.AWAY,
}
"""By SQLSTATE (PostgreSQL's manual, appendix A)."""

_OF_WORDS = (
    ("unsupported startup parameter", DatabaseFault.BEHIND_POOLER),
    ("password authentication failed", DatabaseFault.LOGIN_REFUSED),
    ("no password supplied", DatabaseFault.LOGIN_REFUSED),
    ("SASL authentication failed", DatabaseFault.LOGIN_REFUSED),
    ("no such user", DatabaseFault.LOGIN_REFUSED),
    ("no such database", DatabaseFault.NO_DATABASE),
    ('FATAL:  role "', DatabaseFault.LOGIN_REFUSED),
    ('FATAL:  database "', DatabaseFault.NO_DATABASE),
    ("pg_hba.conf", DatabaseFault.NOT_ADMITTED),
    ("server does not support SSL", DatabaseFault.NO_TLS),
    ("SSL required", DatabaseFault.NOT_ADMITTED),
    ("certificate verify failed", DatabaseFault.NOT_TRUSTED),
    ("does not match host name", DatabaseFault.NOT_TRUSTED),
    ("root certificate", DatabaseFault.NOT_TRUSTED),
    ("SSL error", DatabaseFault.NO_TLS),
    ("session is read-only", DatabaseFault.READ_ONLY),
    ("server is in hot standby mode", DatabaseFault.READ_ONLY),
    ("too many clients", DatabaseFault.TOO_MANY_CONNECTIONS),
    ("too many connections", DatabaseFault.TOO_MANY_CONNECTIONS),
    ("remaining connection slots", DatabaseFault.TOO_MANY_CONNECTIONS),
    ("no more connections allowed", DatabaseFault.TOO_MANY_CONNECTIONS),
    ("No space left on device", DatabaseFault.FULL),
    ("the database system is", DatabaseFault.STARTING),
    ("could not translate host name", DatabaseFault.UNKNOWN_HOST),
    ("failed to resolve host", DatabaseFault.UNKNOWN_HOST),
    ("timeout expired", DatabaseFault.SILENT),
)
"""By the client library's words, where a connection was refused: it gives no SQLSTATE then. Of a
server that speaks another language is only known that it is away."""

_DROPPED = frozenset({"25006", "25P03", "25P04", "57P01", "57P02", "57P03", "57P04", "57P05"})


def drops_connection(error: BaseException) -> bool:
    """Tell whether a connection on which this was said is of no further use."""
    state = getattr(error, "sqlstate", None) or ""
    return state in _DROPPED or state.startswith("08")


def fault_of(error: BaseException) -> DatabaseFault | None:
    """Return why the database could not be used; None where the statement itself is at fault."""
    if isinstance(error, ReadOnlyError):
        return DatabaseFault.READ_ONLY
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    if state is not None:
        return _OF_STATES.get(state) or next(_of_classes(state), None)
    if isinstance(error, DBAPIError) and type(original).__name__ in _WITHOUT_STATE:
        said = str(original)
        return next((fault for words, fault in _OF_WORDS if words in said), DatabaseFault.AWAY)
    return DatabaseFault.TOO_MANY_CONNECTIONS if type(error).__name__ == "TimeoutError" else None


_WITHOUT_STATE = frozenset({"OperationalError", "ConnectionTimeout", "InterfaceError"})


def _of_classes(state: str) -> Iterator[DatabaseFault]:
    if state.startswith("08"):
        yield DatabaseFault.AWAY
    if state.startswith("53"):
        yield DatabaseFault.FULL
    if state.startswith("58"):
        yield DatabaseFault.AWAY
