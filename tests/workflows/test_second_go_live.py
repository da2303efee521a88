"""A go-live of an organisation that is live already counts the people who moved before."""

from commands import standings, terminal
from tests.cluster import Cluster


async def test_everybody_who_moved_before_is_counted(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.go_live()
    await organisation.sign_in("anna")
    await organisation.start()
    await organisation.until(lambda now: now.number == 2 and now.outcome is not None)
    found = organisation.standing()
    assert found.progress is not None
    assert found.progress.users_done == 0
    where = dict(standings.five_lines(found))["Where"]
    assert "3 of 3 users moved, 1 signed in with SSO, 2 not yet, 0 cannot be moved" in where
    assert terminal._cells(found)[-1] == "3 of 3"
    assert "Users moved: 3 of 3" in await organisation.temporal_details()
    assert await organisation.shown("UsersMigrated") == 3
