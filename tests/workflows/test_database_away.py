"""While the database is away a run writes hardly any events, and goes on when it is back."""

import asyncio
from dataclasses import replace

import pytest

from contracts.go_live import Wait
from tests.cluster import Cluster
from tests.workflows.driver import ordinary_activity_tries
from workflows import policies


async def test_a_long_outage_costs_a_run_few_events(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left to the worker's own tries it would be twelve a minute, until Temporal ends the run."""
    few = replace(policies.SMALL_DATABASE_CALL["retry_policy"], maximum_attempts=4)
    monkeypatch.setitem(policies.SMALL_DATABASE_CALL, "retry_policy", few)
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    before = len((await organisation.handle.fetch_history()).events)
    cluster.rows("ALTER TABLE golive.stage_time RENAME TO stage_time_away")
    try:
        extending = asyncio.create_task(cluster.orders().extend(organisation.slug, days=5))
        await ordinary_activity_tries(organisation, "record_position", tries=4)
        during = len((await organisation.handle.fetch_history()).events)
    finally:
        cluster.rows("ALTER TABLE golive.stage_time_away RENAME TO stage_time")
    await extending
    await organisation.until(lambda now: now.due_at is not None and now.wait is Wait.ADMIN_CONSENT)
    assert during - before <= 20
    await organisation.handle.cancel()
