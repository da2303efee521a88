"""kill -9 of workers while users are read, decided about, moved and told: the end is the same.

`KILLED_USERS=20000 KILLS=10` makes the long form of it.
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from commands import user_decisions
from contracts.go_live import GO_LIVE_QUEUE, GoLiveOutcome, Wait
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, STAFF, Cluster, Organisation, Person, build_cluster

USERS = int(os.environ.get("KILLED_USERS", "150"))
KILLS = int(os.environ.get("KILLS", "5"))
"""A quarter of them, at least one, while the directory is read, as many while the plan is made."""
LONG = "KILLED_USERS" in os.environ
LONGEST = LONGEST_WAIT + USERS / 20
PAGE = 999 if LONG else 20

IN_SMALL_STEPS = f"""
from datetime import timedelta
from functools import partial
from activities import directory
from graph import client
from workflows import policies
client.PAGE_SIZE = directory.BATCH_SIZE = {PAGE}
for call in (policies.BULK_CALL, policies.ALL_USERS_CALL):
    call["heartbeat_timeout"] = timedelta(seconds=2)
import worker
worker.Worker = partial(
    worker.Worker, sticky_queue_schedule_to_start_timeout=timedelta(seconds=1)
)
from bootstrap.exit import leave
from tests.bounds import LONGEST_WAIT
leave(worker.main())
"""
"""worker.py itself, with as many pages and batches for few users as it has for many; and whose
death the server notices after one or two seconds instead of ten or thirty."""

PLAN_BEGINS, PLAN_ENDS = "golive.user_move", "golive.plan"
"""Where a plan that is being made is held up: before it decides anything, and when all is done but
the commit."""


@contextmanager
def worker(cluster: Cluster, log: Path, **settings: str) -> Iterator[None]:
    """A worker process that is killed at the end, whatever it is doing."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            [sys.executable, *(["worker.py"] if LONG else ["-c", IN_SMALL_STEPS])],
            cwd=ROOT,
            env={**os.environ, **cluster.environment, **settings},
            stdout=output,
            stderr=output,
        )
    try:
        yield
    finally:
        running.kill()
        running.wait(LONGEST_WAIT)


def found(cluster: Cluster) -> Organisation:
    """Everyone at Microsoft but one; `first` and `second` lead to one account, decided for one."""
    everyone = [
        Person(
            f"user{number}",
            status="invited" if number % 7 == 0 else "active",
            group="pilot" if number < 5 else "",
        )
        for number in range(USERS)
    ]
    organisation = cluster.create_organisation(
        *everyone,
        Person("ghost", in_directory=False),
        Person("first"),
        Person("second", in_directory=False, group="pilot"),
    )
    account = next(one for one in organisation.people if one.name == "first").object_id
    cluster.control(
        "PATCH",
        f"/tenants/{organisation.tenant_id}/users/{account}",
        proxyAddresses=[f"smtp:{organisation.address(name)}" for name in ("first", "second")],
    )
    user_decisions.link(
        cluster.engine,
        cluster.dependencies.graph,
        STAFF,
        organisation.slug,
        organisation.address("second"),
        account,
        "It is the address that they use.",
    )
    return organisation


def end_state(organisation: Organisation) -> list[Any]:
    """Everything a move leaves, without instants, and ids as the names behind them."""
    names = {UUID(one.object_id): one.name for one in organisation.people}
    rows = organisation.cluster.rows(
        """
        SELECT l.object_id, v.object_id, split_part(u.address, '@', 1) AS name, u.status,
               u.sign_in_method, u.password_until IS NOT NULL, v.move_class, v.reason, v.wave,
               v.moved_at IS NOT NULL,
               (SELECT string_agg(m.message || ' ' || m.state, ',' ORDER BY m.message)
                FROM golive.mail m WHERE m.recipient_id = u.id) AS mails,
               (SELECT count(*) FROM golive.personal_link k WHERE k.user_id = u.id) AS links,
               (SELECT count(*) FROM golive.audit_entry a WHERE a.subject = 'user:' || u.id
                AND a.action = 'user_moved' AND a.organisation_id = o.id) AS audited
        FROM pulse.app_user u JOIN pulse.organisation o ON o.id = u.organisation_id
        LEFT JOIN golive.directory_link l ON l.user_id = u.id
        LEFT JOIN golive.user_move v ON v.user_id = u.id
        WHERE o.slug = :slug ORDER BY name
        """,
        slug=organisation.slug,
    )
    return [(names.get(row[0]), names.get(row[1]), *row[2:]) for row in rows]


async def until_users_move(cluster: Cluster, log: Path) -> Organisation:
    """A go-live that only waits for somebody to read the directory."""
    organisation = await asyncio.to_thread(found, cluster)
    with worker(cluster, log, GOLIVE_WORKER_QUEUE=GO_LIVE_QUEUE):
        await organisation.come_to_the_move()
        async with asyncio.timeout(LONGEST):
            while not (await organisation.handle.describe()).raw_description.pending_activities:
                await asyncio.sleep(0.02)
    return organisation


async def first_user_signs_in(organisation: Organisation) -> None:
    """Unless they have done so."""
    if organisation.user("user1")["first_sso_sign_in_at"] is None:
        await organisation.until(Wait.FIRST_SIGN_IN, within=LONGEST)
        await organisation.sign_in("user1")


def value(organisation: Organisation, expression: str) -> Any:
    """One number of a go-live `g`."""
    ((found,),) = organisation.cluster.rows(
        f"SELECT {expression} FROM golive.go_live g "
        "JOIN pulse.organisation o ON o.id = g.organisation_id WHERE o.slug = :slug",
        slug=organisation.slug,
    )
    return found


def wait_for(organisation: Organisation, expression: str, moment: int) -> None:
    """Return when a number of the go-live has come to a moment."""
    give_up = time.monotonic() + LONGEST
    while time.monotonic() < give_up:
        if value(organisation, expression) >= moment:
            return
        time.sleep(0.02)
    raise AssertionError(f"{expression} never came to {moment}")


PAGES = "coalesce((SELECT pages FROM golive.directory_snapshot s WHERE s.go_live_id = g.id), 0)"
MOVED_AND_TOLD = (
    "g.users_done + (SELECT count(*) FROM golive.mail m WHERE m.go_live_id = g.id "
    "AND m.recipient_kind = 'user' AND m.state = 'sent')"
)


def kill_while_reading(organisation: Organisation, log: Path, pages: int) -> None:
    """Kill a worker that waits for the page after so many."""
    cluster = organisation.cluster
    read = value(organisation, PAGES)
    cluster.control(
        "POST",
        "/faults",
        kind="slow",
        match={"path": "/graph/v1.0/users", "tenant": organisation.tenant_id},
        seconds=LONGEST,
        after=pages - read,
        times=1,
    )
    with worker(cluster, log):
        wait_for(organisation, PAGES, pages)
    cluster.control("DELETE", "/faults")
    assert value(organisation, PAGES) == pages


def kill_while_deciding(organisation: Organisation, log: Path, table: str) -> None:
    """Kill a worker in the transaction that makes the plan, as it is about to write to a table."""
    cluster = organisation.cluster
    with cluster.engine.begin() as holding:
        holding.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
        with worker(cluster, log):
            waiting = f"(SELECT count(*) FROM pg_locks WHERE relation = '{table}'::regclass "
            wait_for(organisation, waiting + "AND NOT granted)", 1)
        assert value(organisation, "count(g.plan_hash)") == 0


@pytest.mark.timeout(4 * LONGEST)
async def test_a_move_whose_workers_are_killed_ends_as_one_left_alone(tmp_path: Path) -> None:
    rng = random.Random(20261201)
    log = tmp_path / "worker.log"
    early = max(1, KILLS // 4)
    async with build_cluster(tmp_path / "cluster") as cluster:
        disturbed = await until_users_move(cluster, log)
        for pages in sorted(rng.sample(range(1, USERS // PAGE), early)):
            await asyncio.to_thread(kill_while_reading, disturbed, log, pages)
        for _ in range(early):
            table = rng.choice([PLAN_BEGINS, PLAN_ENDS])
            await asyncio.to_thread(kill_while_deciding, disturbed, log, table)
        late = KILLS - 2 * early
        part = (2 * USERS - 33) // late
        for begins in range(13, 13 + late * part, part):
            # One in each part of the way, so that some are while users move, some while mail goes.
            moment = rng.randrange(begins, begins + part)
            with worker(cluster, log):
                await first_user_signs_in(disturbed)
                await asyncio.to_thread(wait_for, disturbed, MOVED_AND_TOLD, moment)
        with worker(cluster, log):
            assert (await disturbed.ended(within=LONGEST)).outcome is GoLiveOutcome.LIVE
            quiet = await asyncio.to_thread(found, cluster)
            await quiet.come_to_the_move()
            await first_user_signs_in(quiet)
            assert (await quiet.ended(within=LONGEST)).outcome is GoLiveOutcome.LIVE
        undisturbed = {row[2]: row for row in end_state(quiet)}
        assert {row[2]: row for row in end_state(disturbed)} == undisturbed
        assert undisturbed["first"][6:8] == ("exception", "same_person_twice")
        assert undisturbed["second"][:2] == ("first", "first")
        mailed = Counter(
            (row.address, row.message_id)
            for row in cluster.rows(
                "SELECT u.address, m.message_id FROM golive.mail m "
                "JOIN pulse.app_user u ON u.id = m.recipient_id "
                "JOIN pulse.organisation o ON o.id = u.organisation_id WHERE o.slug = :slug",
                slug=disturbed.slug,
            )
        )
        assert len(mailed) == USERS + 1
        assert set(mailed.values()) == {1}
        for name in ["second", *(f"user{number}" for number in range(0, USERS, USERS // 50))]:
            received = {one["message_id"] for one in disturbed.received(name)}
            assert len(received) == 1
