"""What `status`, `explain` and the list say of an organisation: where it stands, in a few lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.clouds import NAMES, Cloud
from contracts.directory import DiscoveredDomain, finding_of
from contracts.go_live import Progress
from wording import sentences
from wording.refusals import DOMAINS, SIGN_IN_CONFIRMED, SIGN_IN_UNCONFIRMED


@dataclass(frozen=True)
class StatusFacts:
    """What is known of an organisation's newest go-live; without `progress` there is none."""

    slug: str
    name: str
    progress: Progress | None
    closed_at: datetime | None
    signed_in: int
    """Moved users who have signed in through SSO."""
    not_yet_signed_in: int


def five_lines(facts: StatusFacts) -> list[tuple[str, str]]:
    """Return where, why, since when, who moves next, and what happens by itself."""
    progress = facts.progress
    if progress is None:
        return [
            ("Where", f"{facts.name} has no go-live yet"),
            ("Why", "Nobody has started one."),
            ("Since", "-"),
            ("Next", f"Customer success starts it: python starter.py start {facts.slug}"),
            ("By itself", "Nothing happens by itself."),
        ]
    return [
        ("Where", _where(facts, progress)),
        ("Why", sentences.happened(progress)),
        ("Since", sentences.instant(facts.closed_at or progress.since)),
        ("Next", sentences.to_do(progress)),
        ("By itself", sentences.by_itself(progress)),
    ]


def explanation(facts: StatusFacts) -> str:
    """Return the same in sentences: those of the Temporal UI and of the web."""
    if facts.progress is None:
        return " ".join(words.rstrip(".") + "." for _, words in five_lines(facts)[::3])
    return f"{_where(facts, facts.progress)}. {sentences.sentences(facts.progress)}"


def _where(facts: StatusFacts, progress: Progress) -> str:
    """Return organisation, stage or ending, and users in one line."""
    number = list(sentences.STAGES).index(progress.stage) + 1
    place = (
        progress.outcome.value
        if progress.outcome
        else f"stage {number} of 5, {sentences.STAGES[progress.stage]}"
    )
    users = (
        f"; {progress.all_moved} of {progress.all_users} users moved, "
        f"{facts.signed_in} signed in with SSO, {facts.not_yet_signed_in} not yet, "
        f"{progress.exceptions} cannot be moved"
        if progress.plan_hash
        else ""
    )
    return f"{facts.name}: {place}{users}"


def whom(progress: Progress) -> str:
    """Return what a list says in the column of whom a go-live waits on."""
    if progress.attention is not None:
        return "needs attention"
    waiting_on = sentences.whom(progress)
    return f"{waiting_on} (paused)" if progress.paused else waiting_on


def looked_at(at: datetime) -> str:
    """Return when a screen was last brought up to date."""
    return f"Looked at {sentences.instant(at)}"


def besides(
    domains: Sequence[DiscoveredDomain], *, sign_in_confirmed: bool | None
) -> list[tuple[str, str]]:
    """Return what is said besides: domains that do not fit, a sign-in not confirmed yet.

    `sign_in_confirmed` is None where nothing is proven that a sign-in could confirm.
    """
    said = []
    finding = finding_of(domains)
    elsewhere = any(one.cloud for one in domains)
    if finding is not None and (elsewhere or len({one.tenant_id for one in domains}) > 1):
        each = "; ".join(f"{one.domain}: {_place(one)}" for one in domains)
        said.append(("Domains", f"{DOMAINS[finding]} {each}."))
    elif finding is not None and not any(one.tenant_id for one in domains):
        said.append(("Domains", DOMAINS[finding]))
    if sign_in_confirmed is False:
        said.append(("Consent", SIGN_IN_UNCONFIRMED))
    return said


def consent(*, sign_in_confirmed: bool) -> str:
    """Return what a proven consent is worth by now."""
    return SIGN_IN_CONFIRMED if sign_in_confirmed else SIGN_IN_UNCONFIRMED


def _place(found: DiscoveredDomain) -> str:
    if found.cloud:
        return f"in {NAMES[Cloud(found.cloud)]}, which is not served here"
    return f"tenant {found.tenant_id}" if found.tenant_id else "not on Entra ID"
