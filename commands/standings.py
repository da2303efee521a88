"""Answers "where does it stand?" from the database, in words and as data."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from commands.errors import CommandError, plain_database_errors
from contracts.notices import RecipientKind
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import standings
from database.go_live.standings import Standing
from database.mail import mail_facts
from mail.outgoing import mailbox
from wording import sentences, status
from wording.status import StatusFacts

MOST_REFUSED = 20
"""Addresses that refuse mail, shown one by one."""


@dataclass(frozen=True)
class RefusedMail:
    """An address that refuses our mail for good, and who can tell the right one."""

    address: str
    whose: RecipientKind
    reply: str
    """What the relay said."""
    ask: str
    """Such as `Ira Tee <ira.tee@acme.example>`; empty = nobody at the customer."""
    unclear: bool = False
    """The relay did not say whether it refuses this address, or us."""


def standing(engine: Engine, slug: str) -> Standing:
    """Return where an organisation stands.

    Raises:
        CommandError: there is no such organisation.
    """
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        found = standings.standing_of(session, slug)
    if found is None:
        raise CommandError(Problem.UNKNOWN_ORGANISATION, slug=slug)
    return found


def every_standing(engine: Engine) -> list[Standing]:
    """Return where every organisation stands; what needs attention first."""
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        return standings.standings(session)


def five_lines(found: Standing) -> list[tuple[str, str]]:
    """Return where, why, since when, who moves next, and what happens by itself."""
    return status.five_lines(_facts(found))


def explanation(found: Standing) -> str:
    """Return the same in sentences: those of the Temporal UI and of the web."""
    return status.explanation(_facts(found))


def refused_mail(engine: Engine, found: Standing) -> list[RefusedMail]:
    """Return the addresses that refuse our mail for good, contacts first, and whom to ask."""
    if found.go_live_id is None:
        return []
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        refused = mail_facts.refused_addresses(session, found.go_live_id, MOST_REFUSED)
        contacts = mail_facts.contacts_of(session, found.organisation_id)
    silent = {one.address for one in refused}
    reachable = [mailbox(one.name, one.address) for one in contacts if one.address not in silent]
    contact = reachable[0] if reachable else ""
    return [
        RefusedMail(
            one.address,
            one.kind,
            one.reply,
            "" if one.kind is RecipientKind.STAFF else contact,
            one.unclear,
        )
        for one in refused
    ]


def not_yet_signed_in(found: Standing) -> int:
    """Return how many moved users have not signed in with SSO."""
    return max(0, found.progress.all_moved - found.signed_in) if found.progress else 0


def _facts(found: Standing) -> StatusFacts:
    return StatusFacts(
        found.slug,
        found.name,
        found.progress,
        found.closed_at,
        found.signed_in,
        not_yet_signed_in(found),
    )


def as_data(found: Standing) -> dict[str, Any]:
    """Return the same as JSON-ready data."""
    data = asdict(found)
    data["organisation_id"] = str(found.organisation_id)
    data["not_yet_signed_in"] = not_yet_signed_in(found)
    data["go_live_id"] = str(found.go_live_id) if found.go_live_id else None
    if found.progress:
        data["waiting_on"] = sentences.whom(found.progress)
    data["words"] = {name.lower().replace(" ", "_"): text for name, text in five_lines(found)}
    return data
