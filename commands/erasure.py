"""Erases an organisation's people, or one person, on request."""

from sqlalchemy import Engine

from commands.addresses import check_known
from commands.errors import CommandError, UsageError, plain_database_errors
from commands.lookups import known_staff, organisation_named
from contracts.clock import wall_clock
from contracts.problems import Problem
from database.engine import open_sessions
from database.people import erasure
from database.people.erasure import Erased
from wording import erasure as words


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
    check_known(address or "")
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
        return [words.nobody_known(slug, one_person=address is not None)]
    return list(
        words.forgotten(
            slug,
            users=forgotten.users,
            contacts=forgotten.contacts,
            texts=forgotten.texts,
            one_person=address is not None,
        )
    )
