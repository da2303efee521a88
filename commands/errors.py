"""What a command can end with, besides success.

CommandError          plain words with the mend; exit status 1
├── UsageError        the command's own words are off; exit status 2
├── ImportRefusedError  a file has faults: every one by line and column
├── RefusedError      an order is not carried out
│   └── NotRunningError  no run takes orders: start goes on, or begins
├── ToBeConfirmedError  an order waits for a second person; exit status 3
├── OtherTablesError  another release made the tables; exit status 4
└── UnavailableError  a server is not there
    └── UnansweredError  an order may still be carried out
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from graph import errors as graph_errors


class CommandError(Exception):
    """One plain message with the mend."""

    exit_status = 1


class UsageError(CommandError):
    """The command was called with something that cannot be."""

    exit_status = 2


class ImportRefusedError(CommandError):
    """A file was not imported; the text lists every fault."""


class RefusedError(CommandError):
    """An order is not carried out."""

    def __init__(self, said: str, why: str) -> None:
        """Say it in the terminal's words; `why` alone goes into the audit trail."""
        super().__init__(said)
        self.why = why


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


@contextmanager
def plain_database_errors(engine: Engine) -> Iterator[None]:
    """Say in one sentence that the database is not there or not set up."""
    where = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except OperationalError:
        raise UnavailableError(
            f"No database answers at {where}. Start it, or correct GOLIVE_DATABASE_URL."
        ) from None
    except ProgrammingError as error:
        # 42P01 undefined table, 3F000 no such schema: the migrations have not run.
        if getattr(error.orig, "sqlstate", "") in {"42P01", "3F000", "42703"}:
            raise UnavailableError(
                f"The database at {where} is not set up. Run: python starter.py setup"
            ) from None
        raise


@contextmanager
def plain_microsoft_errors() -> Iterator[None]:
    """Say in plain words why Microsoft did not give what was asked."""
    try:
        yield
    except graph_errors.ThrottledError as error:
        raise UnavailableError(
            f"Microsoft asks to wait {error.retry_after_seconds:.0f} seconds. Try again then."
        ) from None
    except graph_errors.ConsentNotVisibleError:
        raise CommandError(
            "The consent is not in effect at Microsoft: not yet, or no longer. Try again in a few "
            "minutes; if it stays so, the administrator consents again."
        ) from None
    except graph_errors.RetryableError as error:
        raise UnavailableError(f"{error} Try again in a minute.") from None
    except graph_errors.GraphError as error:
        raise CommandError(str(error)) from None


def is_first_connection(error: Exception) -> bool:
    """Tell whether the Temporal client could not connect at all; that has no kind of its own."""
    return "Failed client connect" in str(error)
