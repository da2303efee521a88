"""Everything the simulator remembers, and the way back to its seeds."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from simulator import seed_files
from simulator.clock import SimulatorClock
from simulator.directory import Application, Tenant, User
from simulator.faults import Faults
from simulator.keys import SigningKeys
from simulator.quota import Quota
from simulator.sign_in_rules import Circumstances

_KEPT_REQUESTS = 20_000
_KEPT_REFRESH_TOKENS = 10_000


class PropagationMode(StrEnum):
    """How a consent looks before it has reached every part of Microsoft."""

    TOKEN_REFUSED_400 = "token_refused_400"
    TOKEN_REFUSED_401 = "token_refused_401"
    TOKEN_WITHOUT_ROLES = "token_without_roles"


@dataclass
class Propagation:
    """A delay: over after so many seconds of the simulator's clock, or so many token requests."""

    tenant: str
    client_id: str
    mode: PropagationMode
    seconds: float | None = None
    attempts: int | None = None
    sign_in: bool = False
    """Whether codes of people who sign in are refused as well."""
    visible_at: datetime | None = None


@dataclass
class ForcedEnding:
    """How the next visits to the admin consent page end, whatever the person presses."""

    tenant: str
    ending: str | None
    """The OAuth error; None for success."""
    error_subcode: str | None = None
    error_description: str | None = None
    omit: tuple[str, ...] = ()
    """Parameters left out of the redirect: `tenant`, `state`, `scope`."""
    times: int | None = 1
    application: tuple[str, ...] | None = None
    """On success: the application permissions granted, instead of all that the application asks."""
    grant: bool = False
    """On an error: whether the grant is made all the same."""


@dataclass(frozen=True)
class Code:
    """An authorization code: for one application, one address and one use."""

    client_id: str
    redirect_uri: str
    tenant_id: str
    user_id: str
    scopes: tuple[str, ...]
    nonce: str | None
    challenge: str | None
    challenge_method: str
    expires_at: datetime
    circumstances: Circumstances = field(default_factory=Circumstances)
    """Of the sign-in; a refresh token is judged by those that it was issued under."""


@dataclass
class Session:
    """Who is signed in in one browser, the latest last."""

    accounts: list[tuple[str, str]] = field(default_factory=list)
    """Tenant id and object id."""
    circumstances: Circumstances = field(default_factory=Circumstances)
    """Of the latest sign-in."""


@dataclass(slots=True)
class Logged:
    """One request as the log shows it."""

    method: str
    path: str
    query: str = ""
    tenant: str | None = None
    status: int = 0
    units: int = 0
    fault: str | None = None


class Simulation:
    """One pretend Microsoft: tenants, applications, sessions, codes, faults and time."""

    def __init__(self, seeds: Sequence[seed_files.Seed]) -> None:
        self._seeds = tuple(seeds)
        self.clock = SimulatorClock()
        self.keys = SigningKeys()
        self.reset()

    def reset(self) -> None:
        """Back to the seeds; the signing keys stay, so that nobody holds stale ones."""
        self.clock.reset()
        self.faults = Faults()
        self.quota = Quota()
        self.applications: dict[str, Application] = {}
        self.tenants: dict[str, Tenant] = {}
        self.sessions: dict[str, Session] = {}
        self.codes: dict[str, Code] = {}
        self.used_codes: set[str] = set()
        self.refresh_tokens: OrderedDict[str, Code] = OrderedDict()
        self.ordered_propagation: list[Propagation] = []
        self.propagation: dict[tuple[str, str], Propagation] = {}
        self.forced_endings: list[ForcedEnding] = []
        self.requests: deque[Logged] = deque(maxlen=_KEPT_REQUESTS)
        self._identifiers = 0
        for seed in self._seeds:
            for entry in seed.applications:
                application = seed_files.application(entry)
                self.applications[application.client_id] = application
            for entry in seed.tenants:
                self.put_tenant(entry, seed.rows.get(entry.get("users_csv", ""), ()))

    def put_tenant(
        self, entry: Mapping[str, Any], rows: Sequence[Mapping[str, str]] = ()
    ) -> Tenant:
        """Create a tenant, or replace the one with the same id.

        Raises:
            SeedError: The entry is malformed.
        """
        if not rows and (name := entry.get("users_csv")):
            try:
                rows = seed_files.read_rows(self._seeds[0].folder / name)
            except (OSError, IndexError) as error:
                raise seed_files.SeedError(f"users_csv: {error}") from None
        tenant = seed_files.tenant(entry, rows)
        self.tenants[tenant.id] = tenant
        return tenant

    def tenant_named(self, name: str) -> Tenant | None:
        """The tenant with this id, or with this verified domain."""
        wanted = name.lower()
        if wanted in self.tenants:
            return self.tenants[wanted]
        for tenant in self.tenants.values():
            if tenant.has_domain(wanted):
                return tenant
        return None

    def home_account(self, login: str) -> tuple[Tenant, User] | None:
        """The account that signs in with this name, in its home tenant."""
        for tenant in self.tenants.values():
            user = tenant.users.by_user_principal_name(login)
            if user is not None and not user.lives_elsewhere:
                return tenant, user
        return None

    def keep_refresh_token(self, text: str, code: Code) -> None:
        """Accept this refresh token for what a code was good for; the oldest of many goes."""
        self.refresh_tokens[text] = code
        while len(self.refresh_tokens) > _KEPT_REFRESH_TOKENS:
            self.refresh_tokens.popitem(last=False)

    def new_identifier(self) -> str:
        """A GUID for a trace, request or token: the same in the same order after each reset."""
        self._identifiers += 1
        return str(uuid5(NAMESPACE_URL, f"simulator/{self._identifiers}"))

    def timestamp(self) -> str:
        """The simulator's instant as Entra writes it in an error."""
        return f"{self.clock.now():%Y-%m-%d %H:%M:%SZ}"

    def consented(self, tenant_id: str, client_id: str) -> None:
        """Note a consent: an ordered propagation delay begins now."""
        for propagation in self.ordered_propagation:
            if (propagation.tenant, propagation.client_id) == (tenant_id, client_id):
                self.ordered_propagation.remove(propagation)
                self.propagation[tenant_id, client_id] = propagation
                if propagation.seconds is not None:
                    now = self.clock.now()
                    propagation.visible_at = now + timedelta(seconds=propagation.seconds)
                return
        self.propagation.pop((tenant_id, client_id), None)

    def unfinished_propagation(
        self, tenant_id: str, client_id: str, *, sign_in: bool = False
    ) -> PropagationMode | None:
        """What a token request meets while a consent has not arrived; counts as an attempt."""
        propagation = self.propagation.get((tenant_id, client_id))
        if propagation is None or (sign_in and not propagation.sign_in):
            return None
        if propagation.visible_at is not None and self.clock.now() >= propagation.visible_at:
            del self.propagation[tenant_id, client_id]
            return None
        if propagation.attempts is not None:
            if propagation.attempts <= 0:
                del self.propagation[tenant_id, client_id]
                return None
            propagation.attempts -= 1
        return propagation.mode

    def forced_ending(self, tenant_id: str) -> ForcedEnding | None:
        """The ending ordered for the next visit in this tenant, counted as used."""
        for forced in self.forced_endings:
            if forced.tenant == tenant_id and forced.times != 0:
                if forced.times is not None:
                    forced.times -= 1
                return forced
        return None
