"""What the mail server is asked to do wrong, for tests of what must survive it."""

from dataclasses import dataclass, field


@dataclass
class Deferral:
    """An address that is put off for a while."""

    code: int
    times: int | None
    """How often still; None: until the faults are cleared."""


@dataclass
class MailFaults:
    """What the server does wrong on request; nothing of it by itself, nothing at random."""

    reject: dict[str, int] = field(default_factory=dict)
    """Reply code by recipient address, in lower case."""
    defer: dict[str, Deferral] = field(default_factory=dict)
    drop_after_data: int = 0
    """How many more connections to cut after a message was stored, before the 250 reply."""
    silent: list[str] = field(default_factory=list)
    """Whose mail is taken without an answer, until the faults are cleared."""

    def clear(self) -> None:
        """Behave from now on."""
        self.reject.clear()
        self.defer.clear()
        self.drop_after_data = 0
        self.silent.clear()
