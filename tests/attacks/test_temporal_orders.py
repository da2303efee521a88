"""Whoever may write to the namespace can order anything in any name; it does not go unseen."""

import asyncio

from contracts.go_live import Pause, Wait
from database.engine import open_sessions
from database.go_live import operator_counts
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation


async def executed(organisation: Organisation, number: int) -> list[tuple[str, str, bool]]:
    """What the run says that it carried out, once it is so many: name, id, whether it is ours."""
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            rows = organisation.cluster.rows(
                "SELECT e.name, e.update_id, EXISTS (SELECT FROM golive.audit_entry a "
                "WHERE a.order_id = e.order_id AND a.action = e.name) AS ours "
                "FROM golive.executed_order e WHERE e.go_live_id = :g ORDER BY e.at",
                g=organisation.standing().go_live_id,
            )
            if len(rows) >= number:
                return [tuple(row) for row in rows]
            await asyncio.sleep(0.05)


async def test_an_order_past_console_and_shell_is_counted_for_an_alert(cluster: Cluster) -> None:
    def unaudited() -> int:
        with open_sessions(cluster.engine).begin() as session:
            return dict(operator_counts.orders_without_audit(session)).get("pause", 0)

    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    before = unaudited()
    await cluster.orders().pause(organisation.slug)
    await cluster.orders().resume(organisation.slug)
    ours = await executed(organisation, 2)
    assert [(name, known) for name, _, known in ours] == [("pause", True), ("resume", True)]
    assert unaudited() == before
    await organisation.handle.execute_update("pause", Pause("dana"), id="anything at all")
    found = await executed(organisation, 3)
    assert found[2] == ("pause", "anything at all", False)
    assert unaudited() == before + 1
    await organisation.handle.cancel()
