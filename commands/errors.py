"""What a command can end with, besides success. Errors carry facts; each surface words them.

CommandError          a problem and its facts; exit status 1
├── UsageError        the command's own words are off; exit status 2
├── ImportRefusedError  a file has faults: every one by line and column
├── RefusedError      an order is not carried out
│   └── NotRunningError  no run takes orders: start goes on, or begins
├── ToBeConfirmedError  an order waits for a second person; exit status 3
├── OtherTablesError  another release made the tables; exit status 4
└── UnavailableError  a server is not there
    └── UnansweredError  an order may still be carried out
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    SQLAlchemyError,
)

from contracts.orders import OrderRefusal
from contracts.problems import Problem
from database.faults import DatabaseFault, fault_of
from graph import errors as graph_errors
from wording import shell


class CommandError(Exception):
    """Why a command is not carried out: a code and its facts.

    As text it is the code alone, so that no log holds an address that the facts name.
    """

    exit_status = 1

    def __init__(
        self,
        problem: Problem | OrderRefusal,
        *,
        also: "CommandError | None" = None,
        **facts: object,
    ) -> None:
        """Carry the facts that sentences about this problem name; `also` is said after it."""
        super().__init__(problem)
        self.problem = problem
        self.facts = facts
        self.also = also

    def words(self, said_of: Callable[[Problem | OrderRefusal, Mapping[str, object]], str]) -> str:
        """Return the sentences of one surface, by its `said_of`, in lines.

        The terminal's is `wording.shell.said_of`, the console's `wording.console.said_of`.
        """
        own = said_of(self.problem, self.facts)
        return f"{own}\n{self.also.words(said_of)}" if self.also else own


class UsageError(CommandError):
    """The command was called with something that cannot be."""

    exit_status = 2


class ImportRefusedError(CommandError):
    """Files were not imported: every fault of theirs, by line and column."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep the faults, as one finds them going through the files."""
        super().__init__(Problem.FILES_HAVE_FAULTS, faults=faults)
        self.faults = faults

    def __str__(self) -> str:
        """Return what the terminal says."""
        return shell.faults_of_files(self.faults)


class RefusedError(CommandError):
    """An order is not carried out; its problem goes into the audit trail."""


class NotRunningError(RefusedError):
    """The organisation has no run that takes orders; `start` goes on, or begins."""


class ToBeConfirmedError(CommandError):
    """An order waits for another member of staff; nothing of it is carried out before."""

    exit_status = 3


class OtherTablesError(CommandError):
    """Another release made the tables of this database; it is left as it is."""

    exit_status = 4


class UnavailableError(CommandError):
    """The database or Temporal does not answer."""


class UnansweredError(UnavailableError):
    """An order was not answered in time. It may still be carried out; repeated, it is so once."""


OF_DATABASE_FAULTS = {
    DatabaseFault.AWAY: Problem.DATABASE_AWAY,
    DatabaseFault.UNKNOWN_HOST: Problem.DATABASE_UNKNOWN_HOST,
    DatabaseFault.SILENT: Problem.DATABASE_SILENT,
    DatabaseFault.STARTING: Problem.DATABASE_STARTING,
    DatabaseFault.READ_ONLY: Problem.DATABASE_READ_ONLY,
    DatabaseFault.FULL: Problem.DATABASE_FULL,
    DatabaseFault.TOO_MANY_CONNECTIONS: Problem.DATABASE_TOO_MANY_CONNECTIONS,
    DatabaseFault.LOCKED: Problem.DATABASE_LOCKED,
    DatabaseFault.TOO_SLOW: Problem.DATABASE_TOO_SLOW,
    DatabaseFault.LOGIN_REFUSED: Problem.DATABASE_LOGIN_REFUSED,
    DatabaseFault.NOT_ADMITTED: Problem.DATABASE_NOT_ADMITTED,
    DatabaseFault.NO_DATABASE: Problem.DATABASE_MISSING,
    DatabaseFault.NO_TLS: Problem.DATABASE_NO_TLS,
    DatabaseFault.NOT_TRUSTED: Problem.DATABASE_NOT_TRUSTED,
    DatabaseFault.BEHIND_POOLER: Problem.DATABASE_BEHIND_POOLER,
    DatabaseFault.NOT_SET_UP: Problem.DATABASE_NOT_SET_UP,
    DatabaseFault.NOT_ALLOWED: Problem.DATABASE_NOT_ALLOWED,
}
"""What is said of each; all of them name the database by `where`."""


@contextmanager
def plain_database_errors(engine: Engine) -> Iterator[None]:
    """Raise `UnavailableError` with the cause where the database cannot be used.

    What a rule of the database refuses is a `CommandError` that names the rule: PostgreSQL's own
    text quotes the row, which may hold an address.
    """
    try:
        yield
    except (IntegrityError, DataError) as error:
        rule = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        raise CommandError(
            Problem.DATABASE_REFUSES, rule=rule or type(error.orig).__name__
        ) from None
    except SQLAlchemyError as error:
        fault = fault_of(error)
        if fault is None:
            raise
        raise UnavailableError(OF_DATABASE_FAULTS[fault], where=place_of(engine)) from None


def place_of(engine: Engine) -> str:
    """Return host, port and database; never the user or the password, however they are written."""
    url = engine.url
    host = (url.host or str(url.query.get("host", "this machine"))).rpartition("@")[2]
    return f"{host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


@contextmanager
def plain_microsoft_errors() -> Iterator[None]:
    """Raise a `CommandError` where Microsoft did not give what was asked."""
    try:
        yield
    except graph_errors.ThrottledError as error:
        raise UnavailableError(
            Problem.MICROSOFT_ASKS_TO_WAIT, seconds=error.retry_after_seconds
        ) from None
    except graph_errors.ConsentNotVisibleError:
        raise CommandError(Problem.CONSENT_NOT_IN_EFFECT) from None
    except graph_errors.RetryableError:
        raise UnavailableError(Problem.MICROSOFT_UNREACHABLE) from None
    except graph_errors.PermissionMissingError as error:
        raise CommandError(Problem.PERMISSION_MISSING, permission=error.permission) from None
    except graph_errors.ApplicationDisabledError:
        raise CommandError(Problem.APPLICATION_DISABLED) from None
    except graph_errors.TenantUnknownError:
        raise CommandError(Problem.TENANT_UNKNOWN) from None
    except graph_errors.CredentialRefusedError:
        raise CommandError(Problem.CREDENTIAL_REFUSED) from None
    except graph_errors.GraphError as error:
        # Our own words for whoever runs this, which hold nothing that Microsoft sent.
        raise CommandError(Problem.MICROSOFT_ANSWER_UNKNOWN, detail=error) from None


def is_first_connection(error: Exception) -> bool:
    """Tell whether the Temporal client could not connect at all; that has no kind of its own."""
    return "Failed client connect" in str(error)
