"""A signal that can never be relayed holds up nobody, and is seen."""

import asyncio

from bootstrap.collectors import RecordCollector
from contracts.go_live import Wait
from database.engine import open_sessions
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation

OF_UNKNOWN_SHAPE = """
    INSERT INTO golive.outbox (go_live_id, signal, argument, enqueued_at)
    SELECT g.id, 'it_acknowledged', '{"no": "such field"}', TIMESTAMPTZ '2020-01-01 00:00Z'
    FROM golive.go_live g, generate_series(1, :many) WHERE g.id = :g
"""
GOOD = """
    INSERT INTO golive.outbox (go_live_id, signal, argument, enqueued_at)
    VALUES (:g, 'it_acknowledged', '{"by": "contact:1", "number": 1}',
            TIMESTAMPTZ '2020-01-02 00:00Z')
"""


async def waiting(cluster: Cluster) -> Organisation:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    return organisation


async def test_what_cannot_be_relayed_is_set_aside_and_the_next_goes_on(cluster: Cluster) -> None:
    bad, good = await waiting(cluster), await waiting(cluster)
    # More than are read at once, and before everybody else's.
    cluster.rows(OF_UNKNOWN_SHAPE, g=bad.standing().go_live_id, many=150)
    for one in (bad, good):
        cluster.rows(GOOD, g=one.standing().go_live_id)
    give_up = asyncio.get_running_loop().time() + LONGEST_WAIT
    while "it_acknowledged" not in await good.signals():
        assert asyncio.get_running_loop().time() < give_up
        await asyncio.sleep(0.2)
    while "it_acknowledged" not in await bad.signals():
        assert asyncio.get_running_loop().time() < give_up
        await asyncio.sleep(0.2)
    counted = cluster.rows(
        "SELECT set_aside_because, count(*) FROM golive.outbox WHERE go_live_id = :g GROUP BY 1",
        g=bad.standing().go_live_id,
    )
    assert [tuple(row) for row in counted] == [("invalid_argument", 150)]
    metrics = {one.name: one for one in RecordCollector(open_sessions(cluster.engine)).collect()}
    assert metrics["golive_signals_set_aside"].samples[0].value == 150
    cluster.rows("DELETE FROM golive.outbox WHERE set_aside_because IS NOT NULL")
