"""How fast users move, through the real activities, beside a floor and a naive twin.

Run: `python -m benchmarks.migration [--users 100000] [--full]`; `--full` adds a million users.
Starts its own PostgreSQL (with fsync, as in production) and simulator. Each move runs in a process
of its own, which also tells its memory: read the directory, stage, plan, link, switch, end one app
session per user, queue one mail per user, write the audit trail. The naive twin moves a sample,
and its time is scaled to all users.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.directory import DirectoryActivities
from benchmarks import migration_floor, migration_naive
from benchmarks.listing import CLIENT_ID, simulator, tenant
from contracts.directory import GoLiveRef, PlanToMake, Wave, WaveToMove
from database.engine import migrate, open_engine, open_sessions
from database.models import (
    GoLive,
    Organisation,
    OrganisationDomain,
    Preference,
    SsoConnection,
    Staff,
    VerifiedDomain,
)
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.tokens import EntraClient
from graph.transport import open_http
from local.ports import free_port
from local.postgresql import postgresql_part, url
from local.supervisor import Supervisor

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SAMPLE = 300


@dataclass(frozen=True)
class Subject:
    """One organisation with its tenant, ready to move."""

    database: str
    microsoft: str
    tenant_id: str
    organisation_id: str
    go_live_id: str
    domain: str
    users: int


@contextmanager
def postgresql() -> Iterator[str]:
    """A fresh PostgreSQL with our tables; gives its SQLAlchemy URL."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        supervisor = Supervisor(Path(folder) / "logs")
        with supervisor.running(postgresql_part(Path(folder) / "data", port)):
            engine = open_engine(url(port))
            migrate(engine)
            engine.dispose()
            yield url(port)


_USERS = (
    "INSERT INTO pulse.app_user (id, organisation_id, address, address_key, display_name, status, "
    "sign_in_method, group_name) SELECT gen_random_uuid(), :o, a, a, 'User ' || k, 'active', "
    "'password', '' FROM (SELECT k, 'user' || k || '@' || CAST(:domain AS text) AS a "
    "FROM generate_series(0, :users - 1) k) named",
    "INSERT INTO pulse.app_session (token_sha256, user_id, method, started_at, expires_at) "
    "SELECT encode(sha256(u.id::text::bytea), 'hex'), u.id, 'password', "
    "CAST(:at AS timestamptz), CAST(:at AS timestamptz) + interval '1 day' FROM pulse.app_user u",
)


def found(database: str, microsoft: str, tenant_id: str, domain: str, users: int) -> Subject:
    """Make an organisation with its users and one open app session each."""
    staff = Staff(handle="bench", address="bench@us.example", address_key="bench@us.example")
    organisation = Organisation(slug="bench", name="Bench", sso_offered=True)
    go_live = GoLive(
        organisation_id=organisation.id,
        number=1,
        owner_id=staff.id,
        started_at=AT,
        since=AT,
    )
    engine = open_engine(database)
    with open_sessions(engine).begin() as session:
        session.add_all([staff, organisation])
        session.flush()
        session.add_all([go_live, Preference(organisation_id=organisation.id, owner_id=staff.id)])
        session.flush()
        session.add(
            SsoConnection(
                organisation_id=organisation.id,
                tenant_id=UUID(tenant_id),
                administrator_object_id=uuid4(),
                proven_at=AT,
                go_live_id=go_live.id,
            )
        )
        session.add(VerifiedDomain(organisation_id=organisation.id, domain=domain))
        session.add(OrganisationDomain(organisation_id=organisation.id, domain=domain))
        session.flush()
        for statement in _USERS:
            session.execute(
                text(statement),
                {"o": organisation.id, "at": AT, "domain": domain, "users": users},
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE pulse.app_user, pulse.app_session"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()
    return Subject(
        database, microsoft, tenant_id, str(organisation.id), str(go_live.id), domain, users
    )


def clear(subject: Subject) -> None:
    """Forget everything, so that the next move meets the same database."""
    engine = open_engine(subject.database)
    tables = (
        "pulse.organisation, golive.staff, golive.audit_entry, golive.mail, golive.user_move, "
        "golive.directory_link, golive.directory_entry, golive.directory_snapshot"
    )
    with engine.begin() as connection:
        # A database of this program's own: its guards against deletion may sleep.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables} CASCADE"))
    engine.dispose()


def _entra(subject: Subject) -> tuple[EntraClient, GraphClient]:
    http = open_http().__enter__()
    entra = EntraClient(
        authority=subject.microsoft,
        client_id=CLIENT_ID,
        credential=ClientSecret("benchmark"),
        http=http,
        clock=time.time,
    )
    return entra, GraphClient(http, f"{subject.microsoft}/graph/v1.0", entra)


def move(subject: Subject) -> dict[str, float]:
    """Move everyone by the activities; return seconds by step and the peak memory in MB."""
    engine = open_engine(subject.database)
    _, graph = _entra(subject)
    with open_http() as http:
        ours = DirectoryActivities(open_sessions(engine), graph, http, subject.microsoft)
        environment = ActivityEnvironment()
        reference = GoLiveRef(subject.go_live_id, AT)
        started = time.perf_counter()
        environment.run(ours.snapshot_directory, reference)
        staged = time.perf_counter()
        plan = environment.run(ours.plan_migration, PlanToMake(subject.go_live_id, AT))
        planned = time.perf_counter()
        for wave in Wave:
            order = WaveToMove(subject.go_live_id, plan.plan_hash, wave, AT, 14)
            done = environment.run(ours.move_wave, order)
        ended = time.perf_counter()
    if done.moved != subject.users or plan.link != subject.users:
        raise RuntimeError(f"{done.moved} users moved instead of {subject.users}")
    engine.dispose()
    return {
        "seconds": ended - started,
        "snapshot": staged - started,
        "plan": planned - staged,
        "apply": ended - planned,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def floor(subject: Subject) -> dict[str, float]:
    """Move everyone by the bare script."""
    entra, _ = _entra(subject)
    token = entra.app_token(subject.tenant_id)
    database = subject.database.replace("+psycopg", "")
    with open_http() as http:
        started = time.perf_counter()
        moved = migration_floor.move(
            http, f"{subject.microsoft}/graph/v1.0", token, database, subject.organisation_id
        )
        seconds = time.perf_counter() - started
    if moved != subject.users:
        raise RuntimeError(f"{moved} users moved instead of {subject.users}")
    return {"seconds": seconds}


def one_by_one(subject: Subject) -> dict[str, float]:
    """Move a sample user by user, and scale its time to everyone."""
    entra, _ = _entra(subject)
    token = entra.app_token(subject.tenant_id)
    addresses = [f"user{k}@{subject.domain}" for k in range(SAMPLE)]
    database = subject.database.replace("+psycopg", "")
    with open_http() as http:
        started = time.perf_counter()
        migration_naive.move(
            http,
            f"{subject.microsoft}/graph/v1.0",
            token,
            database,
            subject.organisation_id,
            addresses,
        )
        seconds = time.perf_counter() - started
    return {"seconds": seconds * subject.users / SAMPLE}


def measure(users: int = 100_000, *, full: bool = False, rounds: int = 3) -> dict[str, float]:
    """Return every figure of this benchmark by its key in `results.json`."""
    context = multiprocessing.get_context("spawn")
    tenants = [tenant(str(uuid4()), "large.example", users)]
    if full:
        tenants.append(tenant(str(uuid4()), "huge.example", users * 10))
    seconds: dict[str, list[float]] = {"move": [], "floor": [], "one_by_one": []}
    steps: dict[str, float] = {}
    with postgresql() as database, simulator(tenants) as microsoft:

        def run(what: str, directory: dict[str, object], count: int) -> dict[str, float]:
            domain = "huge.example" if count > users else "large.example"
            subject = found(database, microsoft, str(directory["id"]), domain, count)
            with context.Pool(1) as process:
                figures = process.apply(_WORK[what], (subject,))
            clear(subject)
            print(what, count, {k: round(v, 2) for k, v in figures.items()}, flush=True)
            return figures

        for _ in range(rounds):
            for what in seconds:
                figures = run(what, tenants[0], users)
                seconds[what].append(figures["seconds"])
                steps = figures if what == "move" else steps
        huge = run("move", tenants[1], users * 10) if full else None
    ours, bare = min(seconds["move"]), min(seconds["floor"])
    results = {
        "migration_100k_seconds": round(ours, 2),
        "migration_100k_floor_seconds": round(bare, 2),
        "migration_100k_floor_ratio": round(ours / bare, 2),
        "migration_100k_vs_one_by_one": round(statistics.median(seconds["one_by_one"]) / ours, 1),
        "migration_worker_rss_mb": round((huge or steps)["rss_mb"]),
    }
    if huge:
        results["migration_1m_seconds"] = round(huge["seconds"], 1)
        results["migration_1m_vs_100k"] = round(huge["seconds"] / ours, 2)
    return results


_WORK = {"move": move, "floor": floor, "one_by_one": one_by_one}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.migration")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="also a million users")
    chosen = parser.parse_args()
    print(json.dumps(measure(chosen.users, full=chosen.full, rounds=chosen.rounds), indent=2))


if __name__ == "__main__":
    main()
