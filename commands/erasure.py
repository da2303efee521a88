"""Erases an organisation's people, or one person, on request."""

from sqlalchemy import Engine

from commands.errors import CommandError, UsageError, plain_database_errors
from commands.lookups import known_staff, organisation_named
from contracts.clock import wall_clock
from contracts.problems import Problem
from database.engine import open_sessions
from database.people import erasure
from database.people.erasure import Erased

REMAINS = (
    "What remains: the organisation, its agreement and domains, each go-live with its stages and",
    "counts, the ledger and the audit trail by ids that lead to nobody, and what staff typed as",
    "the reason for forgetting. Temporal keeps ids only. Not reached from here: mails that were",
    "delivered, back-ups (forget again after restoring one), the CSV files that were imported,",
    "and the consent in the customer's tenant.",
)


REMAINS_OF_ONE = (
    "If this was the administrator who consented, the number of their Microsoft account stays with",
    "the connection, and with what their browser proved, until the organisation is forgotten.",
)


def erase_people(engine: Engine, slug: str, address: str | None, by: str, reason: str) -> Erased:
    """Erase everybody of an organisation, or whoever has this address there.

    Raises:
        CommandError: a go-live is open, or nobody has the address.
        UsageError: nobody said why, or who; or the reason names a person.
    """
    if not reason.strip():
        raise UsageError(Problem.REASON_MISSING)
    if "@" in reason:
        raise UsageError(Problem.REASON_NAMES_AN_ADDRESS)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        organisation = organisation_named(session, slug)
        staff = known_staff(session, by)
        try:
            return erasure.erase(
                session,
                organisation,
                address,
                by=staff.handle,
                reason=reason.strip(),
                at=wall_clock(),
            )
        except erasure.GoLiveOpenError:
            raise CommandError(Problem.STILL_OPEN, slug=slug) from None
        except erasure.NamesSomeoneError:
            raise UsageError(Problem.REASON_NAMES_SOMEBODY) from None


def lines(slug: str, address: str | None, forgotten: Erased) -> list[str]:
    """Return what was done and what remains, in words."""
    if not forgotten.anybody:
        whom = "Nobody with this address is" if address else "Nobody is"
        return [f"{slug}: {whom} known there; nothing was changed."]
    return [
        f"{slug}: {forgotten.users} users and {forgotten.contacts} contacts are forgotten; "
        f"{forgotten.texts} typed texts are removed from the audit trail.",
        *REMAINS,
        *(REMAINS_OF_ONE if address else ()),
    ]
