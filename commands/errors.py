"""What a command can end with, besides success.

CommandError          plain words with the mend; exit status 1
├── UsageError        the command's own words are off; exit status 2
├── ImportRefusedError  a file has faults: every one by line and column
└── UnavailableError  a server is not there
"""


class CommandError(Exception):
    """One plain message with the mend."""

    exit_status = 1


class UsageError(CommandError):
    """The command was called with something that cannot be."""

    exit_status = 2


class ImportRefusedError(CommandError):
    """A file was not imported; the text lists every fault."""


class UnavailableError(CommandError):
    """The database or Temporal does not answer."""
