"""Orders by command: what they do, and how they are refused before anything is half-done."""

import asyncio
from datetime import timedelta

import pytest

from commands.errors import CommandError, UsageError
from commands.orders import Orders
from contracts.go_live import GoLiveOutcome, GoLiveStage, Wait
from contracts.orders import OrderRefusal
from contracts.problems import Problem
from database.engine import open_sessions
from database.go_live import operator_counts
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster


async def test_every_order_to_an_organisation_that_is_not_running_is_refused(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    orders, slug = cluster.orders(), organisation.slug
    for order in (
        orders.confirm_entitlement(slug),
        orders.decline_entitlement(slug),
        orders.acknowledge(slug),
        orders.approve(slug, "0" * 64),
        orders.replan(slug),
        orders.pause(slug),
        orders.resume(slug),
        orders.retry(slug),
        orders.skip(slug, "no reason at all"),
        orders.extend(slug),
        orders.roll_back(slug, "a change of mind"),
        orders.confirm_consent(slug, "they want it"),
        orders.close_declined(slug, "they said no"),
    ):
        with pytest.raises(CommandError, match=Problem.NOT_RUNNING):
            await order
    assert organisation.audit() == []


async def test_an_order_needs_a_known_name_a_reason_where_it_undoes_and_a_date(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    slug = organisation.slug
    with pytest.raises(UsageError, match=Problem.UNKNOWN_STAFF):
        await Orders(cluster.engine, cluster.client, "nobody").pause(slug)
    orders = cluster.orders()
    for order in (
        orders.roll_back(slug, " "),
        orders.skip(slug, ""),
        orders.confirm_consent(slug, ""),
        orders.close_declined(slug, ""),
    ):
        with pytest.raises(UsageError, match=Problem.REASON_MISSING):
            await order
    with pytest.raises(UsageError, match=Problem.NOT_A_DATE):
        await orders.extend(slug, "next week")
    with pytest.raises(CommandError, match=OrderRefusal.DATE_IN_THE_PAST):
        await orders.extend(slug, "2020-01-31")
    with pytest.raises(CommandError, match=OrderRefusal.DATE_TOO_FAR):
        await orders.extend(slug, "9999-12-31")
    with pytest.raises(CommandError, match=Problem.UNKNOWN_ORGANISATION):
        await orders.pause("nowhere-at-all")
    assert (await orders.extend(slug)).stage is GoLiveStage.ENTITLEMENT_CONFIRMED
    assert organisation.mails("roll_back_notice") == []
    await orders.decline_entitlement(slug, "Not part of this agreement.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.NOT_ENTITLED
    assert ("dana", "decline_entitlement", "Not part of this agreement.") in organisation.audit()
    with pytest.raises(CommandError, match=Problem.NOT_RUNNING):
        await orders.pause(slug)


async def test_extending_without_a_date_gives_a_week_more(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    before = await organisation.until(Wait.ENTITLEMENT)
    after = await cluster.orders().extend(organisation.slug)
    assert before.due_at is not None
    assert after.due_at == before.due_at + timedelta(days=7)
    for days in (0, 367, 10**9):
        with pytest.raises(CommandError, match=Problem.DEADLINE_OUT_OF_RANGE):
            await cluster.orders().extend(organisation.slug, days=days)
    chosen = await organisation.now() + timedelta(days=20)
    await cluster.orders().acknowledge(organisation.slug, chosen)
    kept = cluster.rows(
        "SELECT move_at FROM golive.go_live WHERE id = :g", g=organisation.standing().go_live_id
    )
    assert [row.move_at for row in kept] == [chosen]
    both = await asyncio.gather(
        cluster.orders().roll_back(organisation.slug, "enough"),
        cluster.orders().roll_back(organisation.slug, "enough, twice"),
        return_exceptions=True,
    )
    assert any(not isinstance(one, BaseException) for one in both)
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK


async def test_a_run_measures_its_history_and_its_orders(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    for days in (3, 5):
        await cluster.orders().extend(organisation.slug, days=days)
    await cluster.orders().pause(organisation.slug)
    await cluster.orders().resume(organisation.slug)
    go_live_id = organisation.standing().go_live_id
    orders = 0
    async with asyncio.timeout(LONGEST_WAIT):
        while orders < 4:
            ((events, orders),) = cluster.rows(
                "SELECT run_events, run_orders FROM golive.go_live WHERE id = :g", g=go_live_id
            )
            await asyncio.sleep(0.05)
    assert orders == 4
    assert 20 < events < len((await organisation.handle.fetch_history()).events)
    with open_sessions(cluster.engine).begin() as session:
        longest, most = operator_counts.longest_runs(session)
    assert longest >= events
    assert most >= orders
    await organisation.handle.cancel()
