"""Arguments and results of the directory and migration activities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExceptionReason(StrEnum):
    """Why a user cannot be moved by the plan."""

    NO_MATCH = "no_match"
    LINKED_ACCOUNT_GONE = "linked_account_gone"
    DECIDED_ACCOUNT_MISSING = "decided_account_missing"
    AMBIGUOUS = "ambiguous"
    SAME_PERSON_TWICE = "same_person_twice"
    GUEST = "guest"
    EXTERNAL_MEMBER = "external_member"
    DISABLED = "disabled"
    OUTSIDE_VERIFIED_DOMAINS = "outside_verified_domains"
    DOMAIN_NOT_LISTED = "domain_not_listed"
    LINKED_TO_ANOTHER = "linked_to_another"
    SHARED_OR_SERVICE_ACCOUNT = "shared_or_service_account"
    MORE_THAN_ONE_ORGANISATION = "more_than_one_organisation"
    DEACTIVATED = "deactivated"
    EXCLUDED = "excluded"


class Wave(StrEnum):
    """When users move: a few first, then the rest."""

    FIRST = "first"
    REST = "rest"


@dataclass(frozen=True)
class GoLiveRef:
    """The go-live, and the workflow's time of the call."""

    go_live_id: str
    at: datetime


@dataclass(frozen=True)
class ConsentToVerify:
    """A consent to be proven: a browser reported it, or customer success confirmed it."""

    go_live_id: str
    tenant_id: str | None
    """None = that of the organisation's domains; customer success names no tenant."""
    administrator_object_id: str | None
    """Who signed in after the consent; None = nobody did, customer success confirmed it."""
    at: datetime
    received_at: datetime
    """When the run received the report, by the same clock as `at`."""
    confirmed_by_entry: int = 0
    """The entry of the audit trail in which customer success confirmed it; 0 = a browser did."""


@dataclass(frozen=True)
class ConsentVerdict:
    """Proven, or why not (a `Refusal` value)."""

    proven: bool
    refusal: str | None = None


class DomainsFinding(StrEnum):
    """What the tenants of an organisation's e-mail domains have in common."""

    ONE_TENANT = "one_tenant"
    PARTLY_ON_ENTRA = "partly_on_entra"
    NOT_ON_ENTRA = "not_on_entra"
    DIFFERENT_TENANTS = "different_tenants"
    ANOTHER_CLOUD = "another_cloud"


@dataclass(frozen=True)
class DiscoveredDomain:
    """One e-mail domain and its tenant, as discovered."""

    domain: str
    tenant_id: str | None
    """None when the domain is not on Entra ID, or in another cloud."""
    cloud: str | None = None
    """A `Cloud` value: where its tenant is, if that is not the one served here."""


def finding_of(domains: Sequence[DiscoveredDomain]) -> DomainsFinding | None:
    """Return what the domains' tenants have in common, None when no domain was looked up yet."""
    tenants = {found.tenant_id for found in domains}
    match len(tenants - {None}):
        case 0:
            if any(found.cloud for found in domains):
                return DomainsFinding.ANOTHER_CLOUD
            return DomainsFinding.NOT_ON_ENTRA if domains else None
        case 1:
            return DomainsFinding.PARTLY_ON_ENTRA if None in tenants else DomainsFinding.ONE_TENANT
        case _:
            return DomainsFinding.DIFFERENT_TENANTS


@dataclass(frozen=True)
class Discovery:
    """The tenant of the organisation's domains, if they share one, and the finding."""

    tenant_id: str | None
    finding: DomainsFinding


@dataclass(frozen=True)
class Snapshot:
    """Counts of a directory snapshot."""

    entries: int
    pages: int
    users: int
    """All users that the organisation has in our product."""


@dataclass(frozen=True)
class PlanToMake:
    """The go-live to make a plan for."""

    go_live_id: str
    at: datetime


class DecisionEffect(StrEnum):
    """When a decision about one user counts."""

    AT_ONCE = "at_once"
    """The user had moved: another account is linked from now on."""
    WITH_THE_FIRST_PLAN = "with_the_first_plan"
    """No go-live is open; the next one makes a plan."""
    WITH_A_NEW_PLAN = "with_a_new_plan"
    """The plan stands already; one has to be made anew."""
    WITH_THE_COMING_PLAN = "with_the_coming_plan"
    """The go-live makes its plan later."""


@dataclass(frozen=True)
class MigrationPlan:
    """Counts of a plan and the hash over its decisions."""

    plan_hash: str
    total: int
    link: int
    invite: int
    already_linked: int
    exceptions: int
    first_wave: int
    """How many of those who move are in the first wave; the administrator never is."""
    threshold: int
    unsettled: int
    """Exceptions that a person must act on; this number is compared with the threshold."""

    @property
    def movable(self) -> int:
        """Users that this plan moves."""
        return self.link + self.invite


@dataclass(frozen=True)
class WaveToMove:
    """The part of a plan to apply."""

    go_live_id: str
    plan_hash: str
    wave: Wave
    at: datetime
    password_grace_days: int


@dataclass(frozen=True)
class WaveMoved:
    """How many users have moved."""

    moved: int
    """Users of the plan moved so far, all waves together."""
    paused: bool = False
    """The move stopped between two batches because the go-live is paused."""
    plan_changed: bool = False
    """The decisions in the database differ from those that were approved: nobody was moved."""
    total: int = 0
    """Users who move by this plan, by now."""
    exceptions: int = 0
    """Users who cannot be moved by now; an identity may have been linked elsewhere meanwhile."""


@dataclass(frozen=True)
class SignIns:
    """Moved users who have signed in through SSO since the move."""

    signed_in: int
    by_non_administrator: int
