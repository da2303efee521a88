"""The four checks, each by itself with its own refusal; a run goes on with all four only."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.testing import ActivityEnvironment

from activities.directory import DirectoryActivities
from contracts.clock import wall_clock
from contracts.directory import ConsentToVerify, GoLiveRef
from contracts.errors import ErrorType
from contracts.go_live import (
    Attention,
    ConfirmConsent,
    ConsentReported,
    GoLiveStage,
    Refusal,
)
from database.consent import authorization_requests
from database.engine import open_sessions
from database.go_live import records
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.tokens import EntraClient
from tests.administrators import CLIENT, somebody, waiting_for_consent
from tests.cluster import Cluster, Organisation, Person, directory_domain

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
FULL = ["User.Read.All", "Organization.Read.All"]


# --- 1. our state: ours, of this browser, unexpired, unused, for this ---------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"state": "another"}, Refusal.STATE_UNKNOWN),
        ({"state": ""}, Refusal.STATE_UNKNOWN),
        ({"browser": "another"}, Refusal.OTHER_BROWSER),
        ({"purposes": {"sign_in"}}, Refusal.STATE_UNKNOWN),
        ({"at": AT + timedelta(minutes=29)}, None),
        ({"at": AT + timedelta(minutes=30)}, Refusal.STATE_EXPIRED),
    ],
)
def test_the_state_is_ours_of_this_browser_and_half_an_hour_old_at_most(
    cluster: Cluster, changes: dict[str, Any], expected: Refusal | None
) -> None:
    with open_sessions(cluster.engine)() as session:
        begun = {"state": f"s-{uuid4()}", "browser": "b", "at": AT}
        authorization_requests.begin(session, purpose="consent", **begun)
        session.flush()
        asked = {**begun, "purposes": {"consent"}, **changes}
        found = authorization_requests.end(session, **asked)
        assert (found if isinstance(found, Refusal) else None) is expected
        if expected is None:
            assert authorization_requests.end(session, **asked) is Refusal.STATE_USED
        session.rollback()


# --- 2. an ID token: tests/graph/test_id_tokens.py; here what becomes of it ----------------------


async def test_without_a_browser_that_signed_in_a_reported_consent_moves_nothing(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _grant(organisation, FULL)
    await organisation.handle.signal(
        "consent_reported", ConsentReported(organisation.tenant_id, str(uuid4()))
    )
    now = await organisation.until(lambda now: now.refusal is Refusal.UNPROVEN)
    assert now.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    assert _connections(organisation) == []


async def test_a_grant_that_stood_when_the_browser_left_is_not_its_consent(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _grant(organisation, FULL)
    administrator = _evidence(organisation, organisation.tenant_id, absent=False)
    await organisation.handle.signal(
        "consent_reported", ConsentReported(organisation.tenant_id, administrator)
    )
    now = await organisation.until(lambda now: now.refusal is Refusal.GRANTED_BEFORE)
    assert now.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    assert _connections(organisation) == []


async def test_a_confirmation_that_is_not_in_the_audit_trail_confirms_nothing(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _grant(organisation, FULL)
    await organisation.handle.execute_update("confirm_consent", ConfirmConsent("dana", 1))
    now = await organisation.until(lambda now: now.refusal is Refusal.UNPROVEN)
    assert now.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    assert _connections(organisation) == []


# --- 3. the tenant and its domains are the organisation's -----------------------------------------


async def test_another_tenant_is_refused_however_complete_its_grant(cluster: Cluster) -> None:
    organisation, other = (
        await waiting_for_consent(cluster, Person("anna")),
        await waiting_for_consent(cluster, Person("anna")),
    )
    _grant(other, FULL)
    administrator = _evidence(organisation, other.tenant_id)
    await organisation.handle.signal(
        "consent_reported", ConsentReported(other.tenant_id, administrator)
    )
    now = await organisation.until(lambda now: now.refusal is Refusal.WRONG_TENANT)
    assert now.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    assert _connections(organisation) == []


async def test_a_tenant_that_holds_none_of_the_domains_any_more_needs_attention(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _hide_domains(organisation)
    _grant(organisation, FULL)
    administrator = _evidence(organisation, organisation.tenant_id)
    await organisation.handle.signal(
        "consent_reported", ConsentReported(organisation.tenant_id, administrator)
    )
    await organisation.until(lambda now: now.attention is Attention.TENANT_UNKNOWN)
    assert _connections(organisation) == []


async def test_a_tenant_that_says_it_verified_none_of_the_domains_is_not_connected(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _grant(organisation, FULL)
    with _graph_that_says(organisation.tenant_id, "elsewhere.example") as graph_url:
        failure = await _verify(
            organisation, GraphClient(cluster.dependencies.http, graph_url, _entra(cluster))
        )
    assert (failure.type, failure.non_retryable) == (ErrorType.DOMAINS_NOT_VERIFIED, True)
    assert _connections(organisation) == []


@contextmanager
def _graph_that_says(tenant_id: str, domain: str) -> Iterator[str]:
    """A Graph that grants everything and names one verified domain."""
    described = {"id": tenant_id, "displayName": "X", "verifiedDomains": [{"name": domain}]}

    class Graph(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"value": [described]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Graph) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1.0"
        server.shutdown()


def _entra(cluster: Cluster) -> EntraClient:
    return EntraClient(
        authority=cluster.settings.entra_authority,
        client_id=cluster.settings.client_id,
        credential=ClientSecret(cluster.settings.client_secret_text or ""),
        http=cluster.dependencies.http,
        clock=time.time,
    )


# --- 4. the grant, organisation-wide, with every permission --------------------------------------


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        ([], ErrorType.NOTHING_GRANTED),
        (["User.Read.All"], ErrorType.PERMISSION_MISSING),
        (["Organization.Read.All"], ErrorType.PERMISSION_MISSING),
        (None, ErrorType.NOT_YET),
    ],
)
async def test_a_grant_that_lacks_anything_is_waited_for_and_never_believed(
    cluster: Cluster, granted: list[str] | None, expected: ErrorType
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    if granted is not None:
        _grant(organisation, granted)
    failure = await _verify(organisation)
    assert (failure.type, failure.non_retryable) == (expected, False)
    assert _connections(organisation) == []


async def test_all_four_together_connect_the_tenant_and_use_the_links_up(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _grant(organisation, FULL)
    assert await _verify(organisation) is None
    assert _connections(organisation) == [UUID(organisation.tenant_id)]

    def look() -> None:
        with somebody(organisation) as who:
            who.browser.open(who.link)
            who.assert_told(Refusal.LINK_USED, 410)

    await asyncio.to_thread(look)


# --- a later go-live asks for 3 and 4 once more -----------------------------------------------


async def test_an_earlier_consent_stands_with_the_domains_that_are_verified_now(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _grant(organisation, FULL)
    assert await _verify(organisation) is None
    assert _verified(organisation) == [organisation.domain]
    second = f"second-{organisation.domain}"
    organisation.change_tenant(
        domains=[directory_domain(organisation.domain), directory_domain(second, default=False)]
    )
    # Changing the tenant forgot the grant: what is not there any more does not stand.
    assert not await _stands(organisation)
    _grant(organisation, FULL)
    assert await _stands(organisation)
    assert _verified(organisation) == sorted([organisation.domain, second])


async def test_an_earlier_consent_does_not_stand_where_the_domains_have_gone(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _grant(organisation, FULL)
    assert await _verify(organisation) is None
    with _graph_that_says(organisation.tenant_id, "elsewhere.example") as graph_url:
        assert not await _stands(
            organisation, GraphClient(cluster.dependencies.http, graph_url, _entra(cluster))
        )
    assert await _stands(organisation)
    _hide_domains(organisation)
    _grant(organisation, FULL)
    assert not await _stands(organisation)
    assert _verified(organisation) == [organisation.domain]


async def _stands(organisation: Organisation, graph: GraphClient | None = None) -> bool:
    reference = GoLiveRef(str(organisation.standing().go_live_id), AT)
    activities = _activities(organisation.cluster, graph)
    environment = ActivityEnvironment()
    return await asyncio.to_thread(environment.run, activities.verify_connection, reference)


def _verified(organisation: Organisation) -> list[str]:
    rows = organisation.cluster.rows(
        "SELECT v.domain FROM golive.verified_domain v JOIN pulse.organisation o "
        "ON o.id = v.organisation_id WHERE o.slug = :slug ORDER BY v.domain",
        slug=organisation.slug,
    )
    return [row.domain for row in rows]


def _grant(organisation: Organisation, application: list[str]) -> None:
    organisation.cluster.control(
        "PUT",
        f"/tenants/{organisation.tenant_id}/grants/{CLIENT}",
        application=application,
        delegated=["openid", "profile", "email"],
        all_principals=True,
    )


def _evidence(organisation: Organisation, tenant_id: str, *, absent: bool = True) -> str:
    """Checks 1 and 2 as if they had passed in a browser."""
    administrator = str(uuid4())
    organisation.cluster.rows(
        "INSERT INTO golive.consent_evidence "
        "(id, go_live_id, tenant_id, administrator_object_id, checked_at, grant_was_absent, "
        "by_valid_link) "
        "VALUES (gen_random_uuid(), :g, :tenant, :administrator, :at, :absent, false)",
        g=organisation.standing().go_live_id,
        tenant=tenant_id,
        administrator=administrator,
        at=wall_clock(),
        absent=absent,
    )
    return administrator


def _hide_domains(organisation: Organisation) -> None:
    organisation.change_tenant(domains=[directory_domain(f"elsewhere.{organisation.domain}")])


def _activities(cluster: Cluster, graph: GraphClient | None) -> DirectoryActivities:
    return DirectoryActivities(
        open_sessions(cluster.engine),
        graph or cluster.dependencies.graph,
        cluster.dependencies.http,
        cluster.settings.entra_authority,
    )


async def _verify(organisation: Organisation, graph: GraphClient | None = None) -> Any:
    """Run the activity as the worker has it; None = proven, else what it raised."""
    activities = _activities(organisation.cluster, graph)
    administrator = _evidence(organisation, organisation.tenant_id)
    order = ConsentToVerify(
        str(organisation.standing().go_live_id), organisation.tenant_id, administrator, AT, AT
    )
    try:
        verdict = await asyncio.to_thread(
            ActivityEnvironment().run, activities.verify_consent, order
        )
    except Exception as error:
        return error
    assert verdict.proven
    return None


def _connections(organisation: Organisation) -> list[UUID]:
    with open_sessions(organisation.cluster.engine).begin() as session:
        found = records.organisation_by_slug(session, organisation.slug)
    rows = organisation.cluster.rows(
        "SELECT tenant_id FROM golive.sso_connection WHERE organisation_id = :o", o=found.id
    )
    return [row.tenant_id for row in rows]
