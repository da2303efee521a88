"""Which task queue a go-live's work stands in: many users hold up nobody, few wait for no one."""

from datetime import timedelta

import pytest

from contracts.go_live import GO_LIVE_BULK_QUEUE, GO_LIVE_QUEUE, GoLiveOutcome, Wait
from tests.cluster import Cluster, Organisation
from tests.workflows.driver import bring_to, new_organisation
from workflows import policies

OF_ALL_USERS = {"plan_migration", "move_wave", "undo_moves", "deliver_mail", "send_notice users"}


async def _queues(organisation: Organisation) -> dict[str, set[str]]:
    """Return in which queues each activity was asked for; `send_notice` to users apart."""
    queues: dict[str, set[str]] = {}
    for event in (await organisation.handle.fetch_history()).events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            asked = event.activity_task_scheduled_event_attributes
            name = asked.activity_type.name
            if name == "send_notice" and b'"users"' in asked.input.payloads[0].data:
                name = "send_notice users"
            queues.setdefault(name, set()).add(asked.task_queue.name)
    return queues


@pytest.mark.parametrize(
    ("fewer_users", "smaller_directory"), [(0, 0), (1, 0), (0, 1)], ids=["few", "many", "in many"]
)
async def test_few_in_a_small_directory_stay_where_everything_else_is_done(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, fewer_users: int, smaller_directory: int
) -> None:
    organisation = new_organisation(cluster)
    ours = len([person for person in organisation.people if person.status])
    theirs = len([person for person in organisation.people if person.in_directory])
    monkeypatch.setattr(policies, "FEW_USERS", ours - fewer_users)
    monkeypatch.setattr(policies, "SMALL_DIRECTORY", theirs - smaller_directory)
    await bring_to(organisation, Wait.AFTERCARE)
    reminded = organisation.progress.reminder_at
    assert reminded is not None
    await organisation.skip(reminded - await organisation.now() + timedelta(seconds=1))
    await organisation.until(lambda now: now.reminder_at not in (None, reminded))
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    queues = await _queues(organisation)
    of_directory = queues.pop("snapshot_directory")
    of_all = {name: queues.pop(name) for name in OF_ALL_USERS}
    # How large a directory is shows only when it has been read.
    assert of_directory == {GO_LIVE_BULK_QUEUE}
    where = GO_LIVE_BULK_QUEUE if fewer_users or smaller_directory else GO_LIVE_QUEUE
    assert set.union(*of_all.values()) == {where}
    assert set.union(*queues.values()) == {GO_LIVE_QUEUE}
