"""Answers "where does it stand?" from the database, in words and as data."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from commands.connections import plain_database_errors
from commands.errors import CommandError
from contracts import wording
from contracts.go_live import Progress
from database import mail_facts, reading
from database.engine import open_sessions
from database.reading import Standing

MOST_REFUSED = 5
"""Addresses that refuse mail, shown one by one."""

_ASK = {
    "contact": "Ask another IT contact for the right address, and import it.",
    "user": "Ask the IT contacts; the person does not know yet that SSO is there.",
    "staff": "Ask an operator: this is one of our own.",
}


def standing(engine: Engine, slug: str) -> Standing:
    """Return where an organisation stands.

    Raises:
        CommandError: there is no such organisation.
    """
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        found = reading.standing_of(session, slug)
    if found is None:
        raise CommandError(unknown_organisation(slug))
    return found


def every_standing(engine: Engine) -> list[Standing]:
    """Return where every organisation stands; what needs attention first."""
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        return reading.standings(session)


def unknown_organisation(slug: str) -> str:
    """Return what to say when no organisation has this slug."""
    return (
        f"No organisation is called {slug!r}. See the names with: python starter.py list; "
        "bring a new one with: python starter.py import ORGANISATIONS.csv USERS.csv"
    )


def five_lines(found: Standing) -> list[tuple[str, str]]:
    """Return where, why, since when, who moves next, and what happens by itself."""
    progress = found.progress
    if progress is None:
        return [
            ("Where", f"{found.name} has no go-live yet"),
            ("Why", "Nobody has started one."),
            ("Since", "-"),
            ("Next", f"Customer success starts it: python starter.py start {found.slug}"),
            ("By itself", "Nothing happens by itself."),
        ]
    return [
        ("Where", where(found, progress)),
        ("Why", wording.happened(progress)),
        ("Since", wording.instant(found.closed_at or progress.since)),
        ("Next", wording.to_do(progress)),
        ("By itself", wording.by_itself(progress)),
    ]


def explanation(found: Standing) -> str:
    """Return the same in sentences: those of the Temporal UI and of the web."""
    if found.progress is None:
        return " ".join(words.rstrip(".") + "." for _, words in five_lines(found)[::3])
    return f"{where(found, found.progress)}. {wording.sentences(found.progress)}"


def refused_mail(engine: Engine, found: Standing) -> list[str]:
    """Return, for each address that refuses our mail for good, whom to ask; empty = none does."""
    if found.go_live_id is None:
        return []
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        refused = mail_facts.refused_addresses(session, found.go_live_id, MOST_REFUSED + 1)
    said = [f"{one.address} refuses our mail for good. {_ASK[one.kind]}" for one in refused]
    if len(said) > MOST_REFUSED:
        said[MOST_REFUSED:] = ["More addresses refuse our mail; the console lists them."]
    return said


def where(found: Standing, progress: Progress) -> str:
    """Return organisation, stage or ending, and users in one line."""
    number = list(wording.STAGES).index(progress.stage) + 1
    place = (
        progress.outcome.value
        if progress.outcome
        else f"stage {number} of 5, {wording.STAGES[progress.stage]}"
    )
    users = (
        f"; {progress.users_done} of {progress.users_total} users moved, "
        f"{found.signed_in} signed in with SSO, {progress.exceptions} cannot be moved"
        if progress.plan_hash
        else ""
    )
    return f"{found.name}: {place}{users}"


def as_data(found: Standing) -> dict[str, Any]:
    """Return the same as JSON-ready data."""
    data = asdict(found)
    data["organisation_id"] = str(found.organisation_id)
    data["go_live_id"] = str(found.go_live_id) if found.go_live_id else None
    if found.progress:
        data["waiting_on"] = wording.waiting_on(found.progress)
    data["words"] = {name.lower().replace(" ", "_"): text for name, text in five_lines(found)}
    return data
