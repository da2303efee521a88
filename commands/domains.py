"""E-mail domains and consent: where each domain leads at Microsoft, and correcting the list.

Import only adds; a domain that should not be there is taken off the list here.
"""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from commands.errors import CommandError, UsageError, plain_database_errors
from commands.lookups import known_staff, organisation_named
from contracts.clock import wall_clock
from contracts.directory import DiscoveredDomain, finding_of
from contracts.problems import Problem
from database.consent import domains
from database.consent.domains import ConsentStanding
from database.engine import open_sessions
from database.go_live import records
from wording import status
from wording.refusals import DOMAINS


def lines(engine: Engine, slug: str) -> list[tuple[str, str]]:
    """Return what `status` says besides: domains that do not fit, a sign-in not confirmed yet."""
    found, consent = _found(engine, slug)
    confirmed = consent.sign_in_confirmed if consent is not None else None
    return status.besides(found, sign_in_confirmed=confirmed)


def as_data(engine: Engine, slug: str) -> dict[str, Any]:
    """Return the same, complete, as JSON-ready data."""
    found, consent = _found(engine, slug)
    finding = finding_of(found)
    return {
        "domains": {one.domain: one.tenant_id for one in found},
        "domains_finding": finding,
        "domains_words": DOMAINS[finding] if finding else None,
        "consent": asdict(consent) if consent else None,
        "consent_words": status.consent(sign_in_confirmed=consent.sign_in_confirmed)
        if consent
        else None,
    }


def remove(engine: Engine, slug: str, domain: str, by: str, reason: str) -> None:
    """Take a domain off an organisation's list.

    Raises:
        CommandError: it is not on the list, is the last one, or somebody signs in by it.
        UsageError: nobody said why, or who.
    """
    if not reason.strip():
        raise UsageError(Problem.REASON_MISSING)
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        organisation = organisation_named(session, slug)
        staff = known_staff(session, by)
        listed = records.organisation_domains(session, organisation.id)
        wanted = domain.strip().lower()
        if wanted not in listed:
            raise CommandError(Problem.UNKNOWN_DOMAIN, slug=slug, domain=domain, domains=listed)
        if len(listed) == 1:
            raise CommandError(Problem.ONLY_DOMAIN, slug=slug, domain=domain)
        if count := domains.people_signing_in_by(session, organisation.id, wanted):
            people = "1 person signs in" if count == 1 else f"{count:,} people sign in"
            raise CommandError(Problem.DOMAIN_IN_USE, slug=slug, domain=domain, people=people)
        domains.remove(session, organisation.id, wanted)
        records.write_audit(
            session,
            wall_clock(),
            staff.handle,
            "domain_removed",
            go_live=records.latest_go_live(session, organisation.id),
            organisation_id=organisation.id,
            reason=reason.strip(),
        )


def _found(engine: Engine, slug: str) -> tuple[list[DiscoveredDomain], ConsentStanding | None]:
    with plain_database_errors(engine), open_sessions(engine).begin() as session:
        organisation = organisation_named(session, slug)
        return (
            records.tenants_of_domains(session, organisation.id),
            domains.consent_standing(session, organisation.id),
        )
