"""How long a go-live's history is with 40 users and with 100,000, by the whole real product.

Everything is there that the tests use: Temporal, PostgreSQL, SMTP, web, the pretend Microsoft. The
large one takes minutes, because every user really gets a mail: a part of `make bench-full`.
Run: `python -m benchmarks history`.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from temporalio.api.enums.v1 import EventType

from commands import imports
from contracts.go_live import GoLiveOutcome, Wait
from tests.cluster import Cluster, Organisation, Person, build_cluster, working, write_csv

FEW, MANY = 40, 100_000
WITHIN = 3_600
"""Seconds for one go-live on a busy machine."""


def found(cluster: Cluster, users: int) -> Organisation:
    """Make an organisation and a tenant with as many users, and an administrator."""
    organisation = cluster.create_organisation(Person("admin", status=None, administrator=True))
    organisation.change_tenant(generated={"count": users, "domain": organisation.domain, "seed": 1})
    members = [
        {
            "organisation": organisation.slug,
            "email": organisation.address(f"user{number}"),
            "display_name": f"User {number}",
            "status": "active",
        }
        for number in range(users)
    ]
    write_csv(cluster.folder / "members.csv", members)
    imports.import_files(
        cluster.engine, cluster.folder / f"{organisation.slug}.csv", cluster.folder / "members.csv"
    )
    return organisation


async def events_of_a_go_live(cluster: Cluster, users: int) -> int:
    """Play every part from start to LIVE, and count the events of the run's history."""
    organisation = await asyncio.to_thread(found, cluster, users)
    began = time.perf_counter()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT, within=WITHIN)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE, within=WITHIN)
    await _at_rest(organisation)
    await organisation.skip_to_due()
    await organisation.until(Wait.FIRST_SIGN_IN, within=WITHIN)
    await organisation.sign_in(organisation.first_moved())
    result = await organisation.ended(within=WITHIN)
    if (result.outcome, result.users_linked) != (GoLiveOutcome.LIVE, users):
        raise RuntimeError(f"It ended as {result.outcome} with {result.users_linked} users linked")
    events = await _events(organisation)
    print(f"{users:,} users: {events} events, {time.perf_counter() - began:.0f} s", flush=True)
    return events


async def _events(organisation: Organisation) -> int:
    """Return the length of the history, without the marks of the time that we let pass at once."""
    skipped = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED
    events = (await organisation.handle.fetch_history()).events
    return sum(event.event_type != skipped for event in events)


async def _at_rest(organisation: Organisation) -> None:
    """Return when the run waits for nothing but time; time let pass before costs it a task more."""
    before, now = 0, await _events(organisation)
    while now != before:
        await asyncio.sleep(1)
        before, now = now, await _events(organisation)


async def _measure(many: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with build_cluster(Path(folder)) as cluster, working(cluster):
            return {
                "go_live_history_events_40": await events_of_a_go_live(cluster, FEW),
                "go_live_history_events_100k": await events_of_a_go_live(cluster, many),
            }


def measure(many: int = MANY) -> dict[str, float]:
    """Return both figures by their keys in `results.json`."""
    return asyncio.run(_measure(many))
