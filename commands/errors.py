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
