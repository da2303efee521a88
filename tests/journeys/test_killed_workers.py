"""kill -9 of worker processes in the middle of a move: as if nothing had happened.

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

import pytest

from contracts.go_live import GoLiveOutcome, Wait
from tests.town import ROOT, Organisation, Person, Town, build_town

USERS = int(os.environ.get("KILLED_USERS", "300"))
KILLS = int(os.environ.get("KILLS", "3"))
LONG = "KILLED_USERS" in os.environ
LONGEST = 60 + USERS / 20


SOON_MISSED = """
from datetime import timedelta
from workflows import policies
policies.BULK_CALL["heartbeat_timeout"] = timedelta(seconds=2)
import worker
from commands.leaving import leave
leave(worker.main())
"""
"""worker.py itself, whose death the server notices after two seconds instead of thirty."""


@contextmanager
def worker(town: Town, log: Path) -> Iterator[Any]:
    """A worker process that is killed at the end, whatever it is doing."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            [sys.executable, *(["worker.py"] if LONG else ["-c", SOON_MISSED])],
            cwd=ROOT,
            env={**os.environ, **town.environment},
            stdout=output,
            stderr=output,
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait(20)


def found(town: Town) -> Organisation:
    everyone = [
        Person(f"user{number}", status="invited" if number % 7 == 0 else "active")
        for number in range(USERS)
    ]
    return town.found_organisation(*everyone, Person("ghost", in_directory=False))


def end_state(organisation: Organisation) -> list[Any]:
    """Everything a move leaves, without ids and instants."""
    rows = organisation.town.rows(
        """
        SELECT split_part(u.address, '@', 1) AS name, u.status, u.sign_in_method,
               u.password_until IS NOT NULL, l.object_id IS NOT NULL, v.move_class, v.reason,
               v.moved_at IS NOT NULL,
               (SELECT string_agg(m.message || ' ' || m.state, ',' ORDER BY m.message)
                FROM golive.mail m WHERE m.recipient_id = u.id) AS mails,
               (SELECT count(*) FROM golive.personal_link k WHERE k.user_id = u.id) AS links,
               (SELECT count(*) FROM golive.audit_entry a WHERE a.subject = 'user:' || u.id
                AND a.action = 'user_moved' AND a.organisation_id = o.id) AS audited
        FROM pulse.app_user u JOIN pulse.organisation o ON o.id = u.organisation_id
        LEFT JOIN golive.directory_link l ON l.user_id = u.id
        LEFT JOIN golive.user_move v ON v.user_id = u.id
        WHERE o.slug = :slug AND u.first_sso_sign_in_at IS NULL ORDER BY name
        """,
        slug=organisation.slug,
    )
    return [tuple(row) for row in rows]


async def until_users_move(town: Town, log: Path) -> Organisation:
    """A go-live whose first users move as soon as a worker is there."""
    organisation = await asyncio.to_thread(found, town)
    with worker(town, log):
        await organisation.come_to_the_move()
        await organisation.until(Wait.FIRST_SIGN_IN, within=LONGEST)
    return organisation


def wait_for(organisation: Organisation, moment: int) -> None:
    """Return when so many users have moved and mails been sent, both counted."""
    give_up = time.monotonic() + LONGEST
    while time.monotonic() < give_up:
        ((done,),) = organisation.town.rows(
            "SELECT g.users_done + (SELECT count(*) FROM golive.mail m WHERE m.go_live_id = g.id "
            "AND m.recipient_kind = 'user' AND m.state = 'sent') FROM golive.go_live g "
            "JOIN pulse.organisation o ON o.id = g.organisation_id WHERE o.slug = :slug",
            slug=organisation.slug,
        )
        if done >= moment:
            return
        time.sleep(0.005)
    raise AssertionError(f"never came to {moment}")


@pytest.mark.timeout(4 * LONGEST)
async def test_a_move_whose_workers_are_killed_ends_as_one_left_alone(tmp_path: Path) -> None:
    rng = random.Random(20261201)
    log = tmp_path / "worker.log"
    async with build_town(tmp_path / "town") as town:
        disturbed = await until_users_move(town, log)
        with worker(town, log):
            await disturbed.sign_in(disturbed.first_moved())
        for moment in sorted(rng.sample(range(6, 2 * USERS - 20), KILLS)):
            with worker(town, log):
                await asyncio.to_thread(wait_for, disturbed, moment)
        with worker(town, log):
            assert (await disturbed.ended(within=LONGEST)).outcome is GoLiveOutcome.LIVE
            mailed = Counter(
                (row.address, row.message_id)
                for row in town.rows(
                    "SELECT u.address, m.message_id FROM golive.mail m "
                    "JOIN pulse.app_user u ON u.id = m.recipient_id "
                    "JOIN pulse.organisation o ON o.id = u.organisation_id WHERE o.slug = :slug",
                    slug=disturbed.slug,
                )
            )
        quiet = await until_users_move(town, log)
        with worker(town, log):
            await quiet.sign_in(quiet.first_moved())
            assert (await quiet.ended(within=LONGEST)).outcome is GoLiveOutcome.LIVE
        # Whoever signed in first may be another person in each.
        shown = [
            dict(zip((row[0] for row in one), one, strict=True))
            for one in (end_state(disturbed), end_state(quiet))
        ]
        both = set(shown[0]) & set(shown[1])
        assert len(both) >= USERS - 1
        assert {name: shown[0][name] for name in both} == {name: shown[1][name] for name in both}
        assert len(mailed) == USERS
        assert set(mailed.values()) == {1}
        for name in (f"user{number}" for number in range(0, USERS, max(1, USERS // 50))):
            received = {one["message_id"] for one in disturbed.received(name)}
            assert len(received) == 1
