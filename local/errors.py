"""What can keep the local stack from running, each in words that say how to mend it.

LocalError
├── WrongSettingError   a GOLIVE_LOCAL_... variable cannot be used (exit status 2)
├── PortsTakenError     another program listens where a part should
├── StateInUseError     a stack is running on this state folder already
├── MissingPieceError   a file or program that the stack is made of is not there
├── OtherReleaseError   another release of the project wrote this state folder
└── PartFailedError     a part did not start, did not answer, or died
"""


class LocalError(Exception):
    """One plain message with the mend; `exit_status` is what the command leaves with."""

    exit_status = 1


class WrongSettingError(LocalError):
    """A GOLIVE_LOCAL_... variable cannot be used as it is."""

    exit_status = 2


class PortsTakenError(LocalError):
    """Another program listens on ports that the stack needs; the text lists all of them."""


class StateInUseError(LocalError):
    """A stack is running on this state folder already."""


class MissingPieceError(LocalError):
    """A file or program that the stack is made of is not there."""


class OtherReleaseError(LocalError):
    """Another release of the project wrote this state folder; this one cannot go on from it."""


class PartFailedError(LocalError):
    """A part did not start, did not answer in time, or died; the text ends with its log."""

    def __init__(self, part: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.part = part
        """The part's name, such as "worker"."""
        self.status = status
        """What it left with; negative: the signal that ended it. None: it had not ended."""
