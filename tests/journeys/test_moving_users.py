"""A move as customer success sees it: dry run, exceptions, approval, decisions, re-plan, undo."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from commands import migration, user_decisions
from commands.errors import CommandError, ToBeConfirmedError, UsageError
from contracts.directory import DecisionEffect
from contracts.go_live import GoLiveOutcome, Wait
from contracts.orders import OrderRefusal
from contracts.problems import Problem
from database.engine import open_engine
from graph.client import GraphClient
from graph.directory import UserPage
from local import people
from tests.cluster import STAFF, Cluster, Organisation, Person
from tests.shell import shell
from wording.shell import said_of

TABLES = ("golive.user_move", "golive.directory_entry", "golive.plan", "golive.go_live")


async def at_approval(cluster: Cluster, *members: Person) -> Organisation:
    """A go-live whose plan has more exceptions than its threshold."""
    organisation = cluster.create_organisation(*members, exception_threshold="0")
    await organisation.come_to_the_move(aftercare_days=7)
    await organisation.until(Wait.APPROVAL)
    return organisation


def look(cluster: Cluster, organisation: Organisation) -> tuple[dict[str, Any], list[str], str]:
    """A dry run as data, as lines and as a table."""
    table, engine = io.StringIO(), open_engine(cluster.environment["GOLIVE_DATABASE_URL"])
    graph = PoolWatchingGraph(cluster.dependencies.graph, engine)
    try:
        with migration.dry_run(engine, graph, organisation.slug, everyone=True) as found:
            assert (graph.pages_read, engine.pool.checkedout()) == (1, 0)
            migration.write_csv(found.decisions, table)
            return migration.plan_data(found), migration.plan_lines(found), table.getvalue()
    finally:
        engine.dispose()


class PoolWatchingGraph:
    """Microsoft, which is asked only while no connection of the database is in use."""

    def __init__(self, graph: GraphClient, engine: Engine) -> None:
        self._graph, self._engine = graph, engine
        self.pages_read = 0

    def user_pages(self, tenant_id: str) -> Iterator[UserPage]:
        for page in self._graph.user_pages(tenant_id):
            assert self._engine.pool.checkedout() == 0
            self.pages_read += 1
            yield page


def state(cluster: Cluster) -> list[Any]:
    return [cluster.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in TABLES]


async def test_a_plan_before_the_consent_says_what_is_missing(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    with pytest.raises(CommandError, match=Problem.NOT_CONSENTED):
        await asyncio.to_thread(look, cluster, organisation)


async def test_a_plan_is_looked_at_mended_and_approved(cluster: Cluster) -> None:
    ghost, double = Person("ghost", in_directory=False), Person("=sum", in_directory=False)
    anna, ben, nora = Person("anna"), Person("ben"), Person("nora", status="invited")
    organisation = await at_approval(cluster, anna, ben, nora, ghost, double)
    orders, slug = cluster.orders(), organisation.slug

    before = await asyncio.to_thread(state, cluster)
    data, lines, table = await asyncio.to_thread(look, cluster, organisation)
    assert await asyncio.to_thread(state, cluster) == before
    held = organisation.standing().progress
    assert held is not None
    assert data["plan_hash"] == held.plan_hash
    assert data["counts"] == {"invite": 1, "link": 2, "no_match": 2}
    assert data["needs_approval"]
    assert any("needed (more than 0 exceptions)" in line for line in lines)
    rows = {row["address"]: row for row in csv.DictReader(io.StringIO(table))}
    assert rows[organisation.address("ghost")]["who"] == "customer IT"
    assert f"'{organisation.address('=sum')}" in rows
    assert rows[organisation.address("anna")]["object_id"] == anna.object_id

    with pytest.raises(UsageError, match=Problem.NOT_A_PLAN_HASH):
        await migration.approve(orders, cluster.engine, slug, "12")
    with pytest.raises(CommandError, match=OrderRefusal.PLAN_HAS_CHANGED) as refused:
        await migration.approve(orders, cluster.engine, slug, "0123456789ab")
    assert refused.value.also is not None
    assert refused.value.also.problem is Problem.UNKNOWN_PLAN

    with pytest.raises(UsageError, match=Problem.REASON_MISSING):
        user_decisions.link(
            cluster.engine,
            cluster.dependencies.graph,
            STAFF,
            slug,
            organisation.address("ghost"),
            anna.object_id,
            "",
        )
    with pytest.raises(UsageError, match=Problem.NOT_AN_OBJECT_ID):
        user_decisions.link(
            cluster.engine,
            cluster.dependencies.graph,
            STAFF,
            slug,
            organisation.address("ghost"),
            "anna",
            "why",
        )
    with pytest.raises(CommandError, match=Problem.UNKNOWN_USER):
        user_decisions.exclude(cluster.engine, STAFF, slug, organisation.address("nobody"), "why")
    effect = user_decisions.exclude(
        cluster.engine, STAFF, slug, organisation.address("=sum"), "a typing slip"
    )
    assert effect is DecisionEffect.WITH_A_NEW_PLAN
    await orders.replan(slug)
    await organisation.until(
        lambda now: now.wait is Wait.APPROVAL and now.plan_hash != held.plan_hash
    )
    with pytest.raises(CommandError) as caught:
        await migration.approve(orders, cluster.engine, slug, str(held.plan_hash)[:12])
    since = "Since then: excluded 0 → 1, no match 2 → 1. The plan"
    assert since in caught.value.words(said_of)

    now = organisation.standing().progress
    assert now is not None
    assert organisation.user("anna")["sign_in_method"] == "password"
    await migration.approve(orders, cluster.engine, slug, str(now.plan_hash)[:8])
    done = await organisation.until(Wait.AFTERCARE)
    assert (done.users_done, done.users_total, done.exceptions) == (3, 3, 2)
    assert ("dana", "exclude_user", "a typing slip") in organisation.audit()
    with pytest.raises(CommandError, match=Problem.MOVED_ALREADY):
        user_decisions.exclude(
            cluster.engine, STAFF, slug, organisation.address("anna"), "too late"
        )

    # Customer IT adds the missing account; only that user moves.
    cluster.control(
        "POST",
        f"/tenants/{organisation.tenant_id}/users",
        id=ghost.object_id,
        userPrincipalName=organisation.address("ghost"),
        mail=organisation.address("ghost"),
        userType="Member",
        accountEnabled=True,
        proxyAddresses=[],
    )
    await orders.replan(slug)
    done = await organisation.until(lambda now: now.users_done == 4 and now.wait is Wait.AFTERCARE)
    assert (done.users_total, done.exceptions) == (4, 1)
    assert len(organisation.mails("sign_in_with_sso")) == 3
    assert str(organisation.user("ghost")["object_id"]) == ghost.object_id
    listed = shell(cluster.environment, "exceptions", slug, "--json")
    assert json.loads(listed.stdout)["counts"] == {"excluded": 1}, listed.stderr
    planned = shell(cluster.environment, "plan", slug)
    assert planned.returncode == 0, planned.stderr
    assert "Nothing was changed." in planned.stdout

    await organisation.sign_in("anna")
    standing = organisation.standing()
    assert (standing.signed_in, standing.progress.users_done) == (1, 4)  # type: ignore[union-attr]
    assert (
        "1 signed in with SSO, 3 not yet, 1 cannot be moved"
        in shell(cluster.environment, "status", slug).stdout
    )
    await _account_made_anew(cluster, organisation)
    await orders.roll_back(slug, "changed their mind")
    result = await organisation.ended()
    assert result.outcome is GoLiveOutcome.ROLLED_BACK
    anna_row = organisation.user("anna")
    assert (anna_row["sign_in_method"], anna_row["first_sso_sign_in_at"]) == ("password", None)
    assert anna_row["object_id"] is None
    assert not cluster.rows(
        "SELECT FROM golive.directory_entry e JOIN golive.go_live g ON g.id = e.go_live_id "
        "JOIN pulse.organisation o ON o.id = g.organisation_id WHERE o.slug = :slug",
        slug=slug,
    )


async def _account_made_anew(cluster: Cluster, organisation: Organisation) -> None:
    """Whose account was deleted and made anew gets back in by an order; only one that fits."""
    new, guest = str(uuid4()), str(uuid4())
    for object_id, name, kind in ((new, "anna2", "Member"), (guest, "visitor", "Guest")):
        cluster.control(
            "POST",
            f"/tenants/{organisation.tenant_id}/users",
            id=object_id,
            userPrincipalName=organisation.address(name),
            mail=organisation.address(name),
            userType=kind,
            accountEnabled=True,
            proxyAddresses=[],
        )
    before = organisation.user("anna")
    ben = str(organisation.user("ben")["object_id"])

    def link(object_id: str) -> DecisionEffect:
        return user_decisions.link(
            cluster.engine,
            cluster.dependencies.graph,
            STAFF,
            organisation.slug,
            organisation.address("anna"),
            object_id,
            "a new account",
            order_id=order_id,
        )

    order_id = uuid4()

    for wrong, problem in (
        (str(uuid4()), Problem.ACCOUNT_MISSING),
        (guest, Problem.ACCOUNT_IS_GUEST),
        (ben, Problem.ACCOUNT_TAKEN),
    ):
        with pytest.raises(CommandError, match=problem):
            link(wrong)
    assert organisation.user("anna") == before
    sessions = """
        SELECT s.ended_because FROM pulse.app_session s
        WHERE s.user_id = :user AND s.method = 'sso' AND s.ended_at IS NULL
    """
    assert cluster.rows(sessions, user=before["id"])
    # She has signed in, so another member of staff confirms it.
    with pytest.raises(ToBeConfirmedError):
        link(new)
    assert organisation.user("anna") == before
    cluster.create_organisation(
        customer_success_handle="omar", customer_success_email="omar@clientshare.example"
    )
    graph = cluster.dependencies.graph
    user_decisions.confirm_link(cluster.engine, graph, "omar", organisation.slug, order_id)
    assert link(new) is DecisionEffect.AT_ONCE
    assert not cluster.rows(sessions, user=before["id"])
    assert {**before, "object_id": UUID(new)} == organisation.user("anna")
    assert ("dana", "relink_user", "a new account") in organisation.audit()


async def test_an_organisation_without_users_goes_live(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("admin", status=None, administrator=True))
    result = await organisation.go_live()
    assert (result.outcome, result.users_total) == (GoLiveOutcome.LIVE, 0)


async def test_an_empty_directory_moves_nobody_and_says_why(cluster: Cluster) -> None:
    organisation = await at_approval(
        cluster, Person("anna", in_directory=False), Person("admin", None, administrator=True)
    )
    with migration.exceptions(cluster.engine, organisation.slug) as (counts, users):
        assert counts == {"no_match": 1}
        assert [migration.row(one)["reason"] for one in users] == ["no_match"]
    await cluster.orders().roll_back(organisation.slug, "the directory is empty")
    await organisation.ended()


async def test_only_the_administrator_moves_without_waiting_for_a_first_sign_in(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("gil", administrator=True))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    gil = organisation.address("gil")
    await asyncio.to_thread(people.consent, cluster.endpoints, organisation.contact, gil)
    await organisation.until(Wait.MOVE_DATE)
    await organisation.skip_to_due()
    result = await organisation.ended()
    assert (result.outcome, result.users_linked) == (GoLiveOutcome.LIVE, 1)
