"""How fast a small organisation goes live while one of 100,000 users migrates.

The whole product runs as separate processes on this machine, the pretend Microsoft and the mail
server too, so they all share its processors. Small organisations go live one after another by real
HTTP: alone first, then from the moment the large one begins to read its directory, through its
plan, its move and its 100,000 mails. The ratio is the median of the first by that of the second.
Run: `python -m benchmarks fairness`, or `python -m benchmarks.fairness 20000`.
"""

import asyncio
import csv
import json
import os
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Engine, text
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from bootstrap import connections
from bootstrap.exit import leave
from commands import imports
from commands.orders import Orders
from contracts.clock import wall_clock
from contracts.go_live import (
    GO_LIVE_BULK_QUEUE,
    GO_LIVE_QUEUE,
    GoLiveOutcome,
    Progress,
    Wait,
    go_live_id,
)
from database.engine import open_engine, open_sessions
from database.go_live import standings
from local import people, queries
from local.ports import HOST, Ports, free_port
from local.processes import Part
from local.readiness import answers_http
from local.stack import SEED, WORKER, Stack
from local.state_folder import PROJECT_FOLDER

USERS = 100_000
ALONE, BESIDE = 7, 9
"""Small go-lives that are measured; the first alone is a rehearsal and does not count."""

LARGE = "large"
STEP = 0.02


def measure(users: int = USERS) -> dict[str, float]:
    """Return every figure of this benchmark by its key in `results.json`."""
    with tempfile.TemporaryDirectory(prefix="golive-fairness-") as folder:
        seed = Path(folder) / "seed.json"
        seed.write_text(json.dumps(seed_of(users)))
        stack = Stack(Path(folder) / "state", Ports.free(), seed=seed, without={WORKER})
        with stack.running():
            os.environ.update(stack.environment())
            # Mail to users at the pace that a worker keeps if it is told nothing else.
            del os.environ["GOLIVE_USER_MAILS_PER_SECOND"]
            stack.supervisor.start(
                _worker(GO_LIVE_QUEUE), _worker(GO_LIVE_BULK_QUEUE, "nice", "-n19")
            )
            return asyncio.run(_measure(stack, Path(folder), users))


def _worker(queue: str, *before: str) -> Part:
    """A worker of one task queue, as docs/deploying.md says."""
    port = free_port()
    return Part(
        name=f"worker-{queue}",
        command=(*before, sys.executable, "worker.py"),
        ready=answers_http(f"http://{HOST}:{port}/health"),
        ready_timeout=120.0,
        environment={
            **os.environ,
            "GOLIVE_WORKER_QUEUE": queue,
            "GOLIVE_WORKER_HEALTH_PORT": str(port),
        },
        working_folder=PROJECT_FOLDER,
    )


class Scene:
    """Everybody who does something, and where."""

    def __init__(self, stack: Stack, engine: Engine, client: Client) -> None:
        """Play on this stack."""
        self._endpoints = people.Endpoints(
            f"http://{HOST}:{stack.ports.web}", f"http://{HOST}:{stack.ports.mailbox}"
        )
        self._engine, self._client = engine, client
        self._orders = Orders(engine, client, "dana")
        self._skipper = TimeSkipper(client)

    async def go_live(self, slug: str) -> float:
        """Play every part of one go-live; return the seconds it took."""
        began = time.monotonic()
        await self.to_its_date(slug)
        await self.let_the_date_come(slug)
        await self.first_sign_in(slug)
        ended = await self.until(slug, lambda now: now.outcome is not None)
        if ended.outcome is not GoLiveOutcome.LIVE:
            raise SystemExit(f"{slug} ended as {ended.outcome}.")
        return time.monotonic() - began

    async def to_its_date(self, slug: str) -> None:
        """Start it and consent; users are about to move."""
        await self._orders.start(slug, aftercare_days=0)
        await self.until(slug, lambda now: now.wait is Wait.ADMIN_CONSENT)
        addresses = (f"it@{slug}.example", f"admin@{slug}.example")
        await asyncio.to_thread(people.consent, self._endpoints, *addresses)
        await self.until(slug, lambda now: now.wait is Wait.MOVE_DATE)

    async def let_the_date_come(self, slug: str) -> None:
        """Skip the days until users move."""
        due_at = (await self.until(slug, lambda now: now.due_at is not None)).due_at
        assert due_at is not None  # noqa: S101
        handle = self._client.get_workflow_handle(go_live_id(slug))
        await self._skipper.fast_forward(handle, due_at - wall_clock() + timedelta(seconds=1))

    async def first_sign_in(self, slug: str) -> None:
        """One of the first users logs in by SSO, as soon as they have moved."""
        await self.until(slug, lambda now: now.wait is Wait.FIRST_SIGN_IN)
        go_live = (await asyncio.to_thread(self.standing, slug)).go_live_id
        assert go_live is not None  # noqa: S101

        def log_in() -> None:
            with open_sessions(self._engine).begin() as session:
                address = queries.first_wave_addresses(session, go_live)[0]
            with people.log_in_with_sso(self._endpoints, address):
                pass

        await asyncio.to_thread(log_in)

    async def until(self, slug: str, what: Any) -> Progress:
        """Return the first progress of which this is true."""
        while True:
            progress = (await asyncio.to_thread(self.standing, slug)).progress
            if progress is not None and what(progress):
                return progress
            await asyncio.sleep(STEP)

    def standing(self, slug: str) -> standings.Standing:
        """Return what the database says."""
        with open_sessions(self._engine).begin() as session:
            found = standings.standing_of(session, slug)
        assert found is not None  # noqa: S101
        return found


async def _measure(stack: Stack, folder: Path, users: int) -> dict[str, float]:
    engine = open_engine(os.environ["GOLIVE_DATABASE_URL"])
    await asyncio.to_thread(found, engine, folder, users)
    scene = Scene(stack, engine, await connections.temporal())
    alone = [await scene.go_live(f"small{number}") for number in range(ALONE)][1:]
    await scene.to_its_date(LARGE)
    migrating = asyncio.create_task(_migrate(scene))
    beside = []
    for number in range(ALONE, ALONE + BESIDE):
        beside.append(await scene.go_live(f"small{number}"))
        moved = await scene.until(LARGE, lambda _: True)
        print(f"beside: {beside[-1]:.2f} s; the large one has moved {moved.users_done:,}")
        if moved.outcome is not None:
            raise SystemExit("The large organisation was done before the measurement.")
    migrating.cancel()
    print("alone: " + ", ".join(f"{seconds:.2f}" for seconds in alone))
    with engine.connect() as connection:
        mailed = connection.execute(
            text(
                "SELECT count(*) FROM golive.mail m JOIN golive.go_live g ON g.id = m.go_live_id "
                "JOIN pulse.organisation o ON o.id = g.organisation_id "
                "WHERE o.slug = :slug AND m.state = 'sent'"
            ),
            {"slug": LARGE},
        ).scalar_one()
    moved = await scene.until(LARGE, lambda _: True)
    engine.dispose()
    return {
        "fairness_alone_seconds": round(statistics.median(alone), 2),
        "fairness_beside_seconds": round(statistics.median(beside), 2),
        "fairness_large_users_moved": moved.users_done,
        "fairness_large_mails_sent": mailed,
        "fairness_ratio": round(statistics.median(alone) / statistics.median(beside), 2),
    }


async def _migrate(scene: Scene) -> None:
    await scene.let_the_date_come(LARGE)
    await scene.first_sign_in(LARGE)


# --- who lives there ------------------------------------------------------------------------------


def _slugs() -> list[str]:
    return [LARGE, *(f"small{number}" for number in range(ALONE + BESIDE))]


def _names(slug: str) -> list[str]:
    return [] if slug == LARGE else ["anna", "ben", "cara"]


def seed_of(users: int) -> dict[str, Any]:
    """Return what the pretend Microsoft knows: a large directory and small ones."""
    seed: dict[str, Any] = json.loads((PROJECT_FOLDER / SEED).read_text(encoding="utf-8"))
    staff = [one for one in seed["tenants"] if one["display_name"] == "Clientshare"]
    return {**seed, "tenants": staff + [_tenant(slug, users) for slug in _slugs()]}


def _tenant(slug: str, users: int) -> dict[str, Any]:
    domain = f"{slug}.example"
    tenant: dict[str, Any] = {
        "id": str(uuid5(NAMESPACE_URL, slug)),
        "display_name": slug.title(),
        "domains": [{"name": domain, "is_default": True, "is_initial": False, "is_verified": True}],
        "users": [
            {
                "id": str(uuid5(NAMESPACE_URL, f"{slug}/{name}")),
                "userPrincipalName": f"{name}@{domain}",
                "mail": f"{name}@{domain}",
                "displayName": name.title(),
                "proxyAddresses": [f"SMTP:{name}@{domain}"],
                "userType": "Member",
                "accountEnabled": True,
                "roles": ["Global Administrator"] if name == "admin" else [],
                "app_roles": {},
            }
            for name in [*_names(slug), "admin"]
        ],
    }
    if slug == LARGE:
        tenant["generated"] = {"count": users, "domain": domain, "seed": 1}
    return tenant


_THE_SAME = {
    "customer_success_email": "dana@clientshare.example",
    "sso_included": "yes",
    "agreement_start": "2020-01-01",
    "agreement_end": "2099-12-31",
    "customer_success_handle": "dana",
    "exception_threshold": 1000,
}
_COLUMNS = ["slug", "name", "domains", "it_contacts", *_THE_SAME]


def found(engine: Engine, folder: Path, users: int) -> None:
    """Import the organisations as people do; the many users of the large one by one statement."""
    organisations = folder / "organisations.csv"
    with organisations.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for slug in _slugs():
            contact = f"It <it@{slug}.example>"
            writer.writerow([slug, slug.title(), f"{slug}.example", contact, *_THE_SAME.values()])
    listed = folder / "users.csv"
    with listed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["organisation", "email", "display_name", "status", "group"])
        for slug in _slugs():
            for name in _names(slug):
                group = "pilot" if name == "anna" else ""
                writer.writerow([slug, f"{name}@{slug}.example", name.title(), "active", group])
    imports.import_files(engine, organisations, listed)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO pulse.app_user (id, organisation_id, address, address_key, "
                "display_name, status, sign_in_method, group_name) SELECT gen_random_uuid(), o.id, "
                "'user' || k || '@large.example', 'user' || k || '@large.example', 'User ' || k, "
                "'active', 'password', '' FROM pulse.organisation o, "
                "generate_series(0, :last) k WHERE o.slug = :slug"
            ),
            {"slug": LARGE, "last": users - 1},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE pulse.app_user"))


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:])), indent=2))
    leave(0)
