"""Activities that ask Microsoft, and those that move users on sets."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import httpx2
from sqlmodel import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeats import heartbeating, stop_if_cancelled
from activities.redaction import microsoft_errors
from activities.staging import staged_entries
from contracts import rules
from contracts.directory import (
    ConsentToVerify,
    ConsentVerdict,
    DiscoveredDomain,
    Discovery,
    DomainsFinding,
    GoLiveRef,
    MigrationPlan,
    PlanToMake,
    SignIns,
    Snapshot,
    Wave,
    WaveMoved,
    WaveToMove,
    finding_of,
)
from contracts.errors import ErrorType
from contracts.go_live import Refusal
from contracts.orders import Order
from database.consent import authorization_requests, sso_connections
from database.engine import Sessions
from database.go_live import orders, records
from database.mail import ledger
from database.models import GoLive, SsoConnection
from database.moves import plans, staging, waves
from graph.client import GraphClient
from graph.directory import UserPage
from graph.discovery import discover_tenants
from graph.errors import ListingExpiredError
from telemetry.metrics import CONSENTS_REFUSED

BATCH_SIZE = 5_000
"""Users per transaction: large enough for SQL on sets, small enough to pause in between."""

MOST_RESTARTS = 2
"""Restarts of the listing within one attempt; the next attempt follows after a growing delay."""


class DirectoryActivities:
    """Each activity may run again at any point; a second run continues where the first stopped.

    A cancelled one stops before its next request to Microsoft, or after the page or batch at hand.
    """

    def __init__(
        self, sessions: Sessions, graph: GraphClient, http: httpx2.Client, authority: str
    ) -> None:
        """Use this database and this Microsoft."""
        self._sessions = sessions
        self._graph = graph
        self._http = http
        self._authority = authority

    # --- consent -----------------------------------------------------------------------------

    @activity.defn(no_thread_cancel_exception=True)
    def discover_tenant(self, reference: GoLiveRef) -> Discovery:
        """Find and record the tenant of each of the organisation's e-mail domains.

        Raises:
            ApplicationError: final `PEOPLE_IN_ANOTHER_TENANT`: a consent for this tenant would
                lock people out, so nobody is asked for it.
        """
        found = self._discover(UUID(reference.go_live_id), reference.at)
        finding = finding_of(found) or DomainsFinding.NOT_ON_ENTRA
        tenants = {one.tenant_id for one in found} - {None}
        tenant_id = tenants.pop() if len(tenants) == 1 else None
        if tenant_id is not None:
            with _people_stay(), self._sessions.begin() as session:
                go_live = records.go_live_by_id(session, UUID(reference.go_live_id))
                sso_connections.refuse_another_tenant(
                    session, go_live.organisation_id, UUID(tenant_id)
                )
        return Discovery(tenant_id, finding)

    @activity.defn(no_thread_cancel_exception=True)
    def verify_consent(self, consent: ConsentToVerify) -> ConsentVerdict:
        """Prove a consent: what a browser proved, the grant, the tenant and its domains.

        A grant that stood when the browser left is accepted of who came by a personal link, or if
        customer success confirmed it.

        Raises:
            ApplicationError: retryable `NOT_YET`, `NOTHING_GRANTED` or `PERMISSION_MISSING` while
                Microsoft has not applied all of the consent; final `DOMAINS_NOT_VERIFIED`,
                `TENANT_UNKNOWN`, `DIFFERENT_TENANTS`, `PEOPLE_IN_ANOTHER_TENANT` or
                `APPLICATION_DISABLED` for a person.
        """
        go_live_id = UUID(consent.go_live_id)
        with self._sessions.begin() as session:
            refusal = _refusal_of(session, go_live_id, consent)
        # The web deletes evidence of this age by its own clock; the run may be days ahead of it.
        age = consent.at - consent.received_at
        if age >= timedelta(days=rules.EVIDENCE_DAYS):
            return ConsentVerdict(proven=False, refusal=Refusal.SIGN_IN_TOO_OLD)
        if refusal is not None:
            CONSENTS_REFUSED.labels(refusal).inc()
            return ConsentVerdict(proven=False, refusal=refusal)
        # Discover again: since the link was mailed, a domain may have moved or the list changed.
        # This comes first, because there is no use in waiting for a foreign tenant.
        domains = self._discover(go_live_id, consent.at)
        match finding_of(domains):
            case DomainsFinding.DIFFERENT_TENANTS:
                raise _for_a_person(ErrorType.DIFFERENT_TENANTS)
            case DomainsFinding.NOT_ON_ENTRA | DomainsFinding.ANOTHER_CLOUD | None:
                raise _for_a_person(ErrorType.TENANT_UNKNOWN)
        tenant_id = consent.tenant_id or next(one.tenant_id for one in domains if one.tenant_id)
        if not _own_domains(domains, tenant_id):
            CONSENTS_REFUSED.labels(Refusal.WRONG_TENANT).inc()
            return ConsentVerdict(proven=False, refusal=Refusal.WRONG_TENANT)
        stop_if_cancelled()
        verified = self._read_back(domains, tenant_id)
        with _people_stay(), self._sessions.begin() as session:
            sso_connections.connect_tenant(
                session, go_live_id, UUID(tenant_id), verified, consent.at
            )
        return ConsentVerdict(proven=True)

    def _read_back(self, domains: list[DiscoveredDomain], tenant_id: str) -> tuple[str, ...]:
        """Run checks 4 and 3: the grant, and the domains that the tenant has verified."""
        with microsoft_errors():
            self._graph.prove_grant(tenant_id)
            verified = self._graph.organization(tenant_id).verified_domains
        if _own_domains(domains, tenant_id).isdisjoint(verified):
            raise _for_a_person(ErrorType.DOMAINS_NOT_VERIFIED)
        return verified

    def _discover(self, go_live_id: UUID, at: datetime) -> list[DiscoveredDomain]:
        with self._sessions.begin() as session:
            go_live = records.go_live_by_id(session, go_live_id)
            domains = records.organisation_domains(session, go_live.organisation_id)
        with microsoft_errors():
            answer = discover_tenants(self._http, self._authority, domains)
        found = [DiscoveredDomain(one.domain, one.tenant_id, one.cloud) for one in answer.domains]
        with self._sessions.begin() as session:
            records.record_discovery(session, go_live_id, found, at)
        return found

    @activity.defn(no_thread_cancel_exception=True)
    def verify_connection(self, reference: GoLiveRef) -> bool:
        """Tell whether the consent of an earlier go-live still holds: run checks 3 and 4 again.

        The domains that the tenant has verified by now replace the recorded ones.
        """
        go_live_id = UUID(reference.go_live_id)
        with self._sessions.begin() as session:
            organisation_id = records.go_live_by_id(session, go_live_id).organisation_id
            tenant_id = str(self._tenant(session, go_live_id))
        domains = self._discover(go_live_id, reference.at)
        # If the domains have moved, the following stages report it to the right people.
        if finding_of(domains) is DomainsFinding.DIFFERENT_TENANTS or not _own_domains(
            domains, tenant_id
        ):
            return False
        stop_if_cancelled()
        try:
            verified = self._read_back(domains, tenant_id)
        except ApplicationError as error:
            if error.type in {
                ErrorType.NOT_YET,
                ErrorType.NOTHING_GRANTED,
                ErrorType.PERMISSION_MISSING,
                ErrorType.APPLICATION_DISABLED,
                ErrorType.TENANT_UNKNOWN,
                ErrorType.DOMAINS_NOT_VERIFIED,
            }:
                return False
            raise
        with self._sessions.begin() as session:
            sso_connections.replace_verified_domains(session, organisation_id, verified)
        return True

    @activity.defn(no_thread_cancel_exception=True)
    def check_credential(self, reference: GoLiveRef) -> None:
        """Return once Microsoft accepts our own credential in the organisation's tenant again.

        Whatever else Microsoft answers was an answer to us, and the next call says what it means.

        Raises:
            ApplicationError: retryable `CREDENTIAL_REFUSED`, `MICROSOFT_UNREACHABLE` or
                `MICROSOFT_THROTTLES` until then.
        """
        with self._sessions.begin() as session:
            go_live = records.go_live_by_id(session, UUID(reference.go_live_id))
            connection = session.get(SsoConnection, go_live.organisation_id)
            tenant_id = connection.tenant_id if connection else go_live.tenant_id
        try:
            with microsoft_errors():
                self._graph.prove_grant(str(tenant_id))
        except ApplicationError as error:
            if error.type == ErrorType.CREDENTIAL_REFUSED:
                raise ApplicationError(error.message, type=error.type) from None
            if error.type in {ErrorType.MICROSOFT_UNREACHABLE, ErrorType.MICROSOFT_THROTTLES}:
                raise

    # --- moving users ------------------------------------------------------------------------

    @activity.defn(no_thread_cancel_exception=True)
    def snapshot_directory(self, reference: GoLiveRef) -> Snapshot:
        """Copy the tenant's directory into staging, page by page.

        After a worker was killed, the next attempt continues after the last stored page; a new
        order reads from the first page. Progress and the link to the next page stand in the
        database, with the page: Microsoft writes account names into links, and Temporal keeps
        heartbeat details in the history. An attempt that was given up but still runs can write
        nothing more.
        """
        go_live_id = UUID(reference.go_live_id)
        info = activity.info()
        order = f"{info.workflow_run_id}/{info.activity_id}"
        # Microsoft may take a minute for a page, longer than the heartbeat timeout.
        with heartbeating():
            with self._sessions.begin() as session:
                tenant_id = str(self._tenant(session, go_live_id))
                cursor = staging.begin_staging(session, go_live_id, order, info.attempt)
            restarts = 0
            while not cursor.is_complete:
                try:
                    with microsoft_errors():
                        for users in self._graph.user_pages(tenant_id, from_link=cursor.next_link):
                            cursor = self._keep_page(go_live_id, cursor, users)
                            stop_if_cancelled()
                except ListingExpiredError:
                    if restarts == MOST_RESTARTS:
                        raise ApplicationError(
                            "Microsoft keeps refusing the links to further pages of the listing.",
                            type=ErrorType.MICROSOFT_UNREACHABLE,
                        ) from None
                    restarts += 1
                    with self._sessions.begin() as session:
                        cursor = staging.restart_staging(session, go_live_id, cursor)
            with self._sessions.begin() as session:
                staging.finish_staging(session)
                ours = records.count_users(session, go_live_id)
        return Snapshot(cursor.entries, cursor.pages, users=ours)

    def _keep_page(
        self, go_live_id: UUID, cursor: staging.StagingCursor, users: UserPage
    ) -> staging.StagingCursor:
        with self._sessions.begin() as session:
            return staging.stage_page(
                session, go_live_id, cursor, staged_entries(users.users), users.next_link
            )

    @activity.defn(no_thread_cancel_exception=True)
    def plan_migration(self, order: PlanToMake) -> MigrationPlan:
        """Decide about every user of the organisation; a second run decides again."""
        go_live_id = UUID(order.go_live_id)
        with heartbeating(), self._sessions.begin() as session:
            organisation_id = records.go_live_by_id(session, go_live_id).organisation_id
            tenant_id = self._tenant(session, go_live_id)
            return plans.make_plan(session, go_live_id, organisation_id, tenant_id, order.at)

    @activity.defn(no_thread_cancel_exception=True)
    def move_wave(self, order: WaveToMove) -> WaveMoved:
        """Move one wave in bounded transactions; a moved user is never moved again.

        The first transaction recomputes every decision: if one has changed, nobody moves.
        """
        go_live_id = UUID(order.go_live_id)
        with heartbeating(), self._sessions.begin() as session:
            plans.lock_moves(session, go_live_id)
            go_live = records.go_live_by_id(session, go_live_id)
            tenant_id = self._tenant(session, go_live_id)
            if go_live.plan_hash != order.plan_hash or plans.decisions_changed(
                session, go_live_id, go_live.organisation_id, tenant_id
            ):
                return waves.moved_so_far(session, go_live_id, plan_changed=True)
        while True:
            stop_if_cancelled()
            go_live = self._go_live(go_live_id)
            if go_live.paused:
                with self._sessions.begin() as session:
                    waves.flush_batches(session, go_live_id)
                    return waves.moved_so_far(session, go_live_id, paused=True)
            so_far = (go_live.users_done, go_live.users_total)
            with heartbeating(*so_far), self._sessions.begin() as session:
                named = waves.move_batch(
                    session,
                    go_live_id,
                    tenant_id,
                    wave=order.wave,
                    at=order.at,
                    password_until=order.at + timedelta(days=order.password_grace_days),
                    invitation_expires_at=order.at + timedelta(days=rules.INVITATION_DAYS),
                    size=BATCH_SIZE,
                )
            if named == 0:
                with heartbeating(), self._sessions.begin() as session:
                    waves.flush_batches(session, go_live_id)
                    if order.wave is Wave.REST:
                        staging.delete_staging(session, go_live_id)
                    return waves.moved_so_far(session, go_live_id)

    @activity.defn(no_thread_cancel_exception=True)
    def undo_moves(self, reference: GoLiveRef) -> None:
        """Restore exactly what each moved user had; delete the staging and withdraw unsent mail."""
        go_live_id = UUID(reference.go_live_id)
        with heartbeating(), self._sessions.begin() as session:
            waves.begin_undo(session, go_live_id, reference.at)
            staging.delete_staging(session, go_live_id)
        left = BATCH_SIZE
        while left:
            stop_if_cancelled()
            with heartbeating(), self._sessions.begin() as session:
                left = ledger.withdraw_batch(session, go_live_id, size=BATCH_SIZE)
        while True:
            stop_if_cancelled()
            with heartbeating(), self._sessions.begin() as session:
                if not waves.undo_batch(session, go_live_id, at=reference.at, size=BATCH_SIZE):
                    break
        with self._sessions.begin() as session:
            waves.flush_batches(session, go_live_id)

    @activity.defn(no_thread_cancel_exception=True)
    def count_sign_ins(self, reference: GoLiveRef) -> SignIns:
        """Return how many moved users have signed in through SSO."""
        go_live_id = UUID(reference.go_live_id)
        with self._sessions.begin() as session:
            organisation_id = records.go_live_by_id(session, go_live_id).organisation_id
            return waves.sign_ins(session, go_live_id, organisation_id)

    def _go_live(self, go_live_id: UUID) -> GoLive:
        with self._sessions.begin() as session:
            return records.go_live_by_id(session, go_live_id)

    def _tenant(self, session: Session, go_live_id: UUID) -> UUID:
        go_live = records.go_live_by_id(session, go_live_id)
        connection = session.get(SsoConnection, go_live.organisation_id)
        if connection is None:
            raise ApplicationError(
                "No tenant is proven for this organisation.",
                type=ErrorType.GO_LIVE_UNKNOWN,
                non_retryable=True,
            )
        return connection.tenant_id


def _own_domains(domains: list[DiscoveredDomain], tenant_id: str) -> set[str]:
    return {one.domain for one in domains if one.tenant_id == tenant_id}


def _refusal_of(session: Session, go_live_id: UUID, consent: ConsentToVerify) -> Refusal | None:
    """Return why what we know of this consent is not enough to ask Microsoft, None if it is."""
    if consent.tenant_id is None or consent.administrator_object_id is None:
        # The audit trail says that somebody confirmed it; the run's word alone does not.
        order, entry = Order.CONFIRM_CONSENT, consent.confirmed_by_entry
        confirmed = orders.was_given(session, go_live_id, entry, order)
        return None if confirmed else Refusal.UNPROVEN
    evidence = records.evidence_of(
        session, go_live_id, UUID(consent.tenant_id), UUID(consent.administrator_object_id)
    )
    if evidence is None:
        return Refusal.UNPROVEN
    return None if authorization_requests.may_go_on(evidence) else Refusal.GRANTED_BEFORE


@contextmanager
def _people_stay() -> Iterator[None]:
    """Turn a tenant that would lock people out into an error that a person has to resolve."""
    try:
        yield
    except sso_connections.PeopleElsewhereError:
        raise _for_a_person(ErrorType.PEOPLE_IN_ANOTHER_TENANT) from None


def _for_a_person(kind: ErrorType) -> ApplicationError:
    return ApplicationError(
        "The tenant and the organisation's e-mail domains do not agree.",
        type=kind,
        non_retryable=True,
    )
