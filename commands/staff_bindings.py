"""Which Microsoft account of ours a member of staff is; a wrong binding is undone here."""

from sqlalchemy import Engine

from commands.errors import UsageError, plain_database_errors
from commands.lookups import known_staff
from contracts.clock import wall_clock
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import records
from database.people import staff


def unbind(engine: Engine, handle: str, *, by: str, reason: str) -> bool:
    """Undo the binding, and end the person's sessions in the console.

    The next sign-in with the address on file binds anew. False = there was no binding.

    Raises:
        UsageError: nobody said why, or one of the handles is nobody's.
    """
    if not reason.strip():
        raise UsageError(Problem.REASON_MISSING)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        giver, whose = known_staff(session, by), known_staff(session, handle)
        was_bound = staff.unbind(session, whose, wall_clock())
        records.write_audit(
            session,
            wall_clock(),
            giver.handle,
            "staff_unbound",
            subject=f"staff:{whose.id}",
            reason=reason.strip(),
        )
    return was_bound
