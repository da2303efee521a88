"""Forgets an organisation's people, or one person, on request."""

from sqlalchemy import Engine

from commands.errors import CommandError, UsageError, plain_database_errors
from commands.order_book import known_staff
from commands.standings import unknown_organisation
from contracts.clock import wall_clock
from database.engine import open_sessions
from database.go_live import records
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


def forget(engine: Engine, slug: str, address: str | None, by: str, reason: str) -> Erased:
    """Forget everybody of an organisation, or whoever has this address there.

    Raises:
        CommandError: a go-live is open, or nobody has the address.
        UsageError: nobody said why, or who; or the reason names a person.
    """
    if not reason.strip():
        raise UsageError('Say why, with --reason "..."; it stays in the audit trail.')
    if "@" in reason:
        raise UsageError("The reason stays; leave addresses out of it, such as: request 2026-117.")
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        try:
            organisation = records.organisation_by_slug(session, slug)
        except records.UnknownOrganisationError:
            raise CommandError(unknown_organisation(slug)) from None
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
            raise CommandError(
                f"{slug} has an open go-live, which needs its people. Wait for its end, or end it: "
                f'python starter.py roll-back {slug} --reason "..."'
            ) from None
        except erasure.NamesSomeoneError:
            raise UsageError(
                "The reason stays; leave names out of it, such as: request 2026-117."
            ) from None


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
