"""The product as a cluster runs it, in separate processes, and organisations to live in it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from temporalio.testing import TimeSkipper

from bootstrap import connections
from database.engine import open_engine
from local import people
from local.ports import HOST, Ports, free_port
from local.processes import Part
from local.readiness import answers_http
from local.stack import PROJECT_FOLDER, SEED, SETUP, Stack
from settings import Settings
from tests.bounds import LONGEST_WAIT
from tests.chaos.balancer import balancing
from tests.chaos.lines import Lines, lines
from tests.chaos.plan import Kind
from tests.cluster import (
    Cluster,
    Organisation,
    Person,
    changed_environment,
    directory_domain,
    directory_user,
)

LARGE = 60
"""Users of a large organisation, besides the usual ones."""


def members(kind: Kind, slug: str) -> list[Person]:
    """Who is in an organisation of this kind; the same people in each."""
    everyone = [
        Person("anna", group="pilot"),
        Person("ben"),
        Person("cara"),
        Person("dario"),
        Person("nora", status="invited"),
        Person("olaf", status="invited"),
        Person("ghost", in_directory=False),
        Person("gina", directory={"accountEnabled": False}),
        Person("admin", status=None, administrator=True),
    ]
    if kind is Kind.LARGE:
        everyone += [
            Person(f"user{number}", status="invited" if number % 7 == 0 else "active")
            for number in range(LARGE)
        ]
    for one in everyone:
        one.object_id = str(uuid5(NAMESPACE_URL, f"{slug}/{one.name}"))
    return everyone


@asynccontextmanager
async def chaos_environment(
    folder: Path, kinds: Sequence[tuple[str, Kind]]
) -> AsyncIterator["ChaosEnvironment"]:
    """Run everything but the workers, with an organisation for each slug."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64, "people"))
    ports, webs = Ports.free(), [free_port(), free_port()]
    # The tenants stand in the seed: whatever else the simulator was told is gone when it restarts.
    organisations = [
        Organisation(
            None,  # type: ignore[arg-type]
            slug,
            str(uuid5(NAMESPACE_URL, slug)),
            members(kind, slug),
        )
        for slug, kind in kinds
    ]
    seed = folder / "seed.json"
    folder.mkdir(parents=True, exist_ok=True)
    seed.write_text(json.dumps(_seed(organisations)))
    stack = Stack(folder / "state", ports, without={"setup", "worker", "web"}, seed=seed)
    async with AsyncExitStack() as closing:
        closing.enter_context(stack.running())
        environment = stack.environment()
        between = closing.enter_context(
            lines(ports, environment["GOLIVE_DATABASE_URL"].replace("+psycopg", ""))
        )
        closing.enter_context(changed_environment(environment))
        stack.supervisor.run_once(program(stack, SETUP, "starter.py", "setup"))
        for number, port in enumerate(webs, 1):
            stack.supervisor.start(
                program(
                    stack,
                    f"web-{number}",
                    *("-m", "web", "--port", str(port)),
                    ready_at=f"http://{HOST}:{port}/health/live",
                    environment=between.through(environment),
                )
            )
        await closing.enter_async_context(balancing(ports.web, webs))
        client = await connections.temporal()
        engine = open_engine(environment["GOLIVE_DATABASE_URL"])
        closing.callback(engine.dispose)
        cluster = Cluster(
            client=client,
            skipper=TimeSkipper(client),
            engine=engine,
            settings=Settings(),
            endpoints=people.Endpoints(
                f"http://{HOST}:{ports.web}", f"http://{HOST}:{ports.mailbox}"
            ),
            simulator=f"http://{HOST}:{ports.simulator}",
            environment=environment,
            folder=folder,
            dependencies=None,  # type: ignore[arg-type]
        )
        for organisation, (_, kind) in zip(organisations, kinds, strict=True):
            organisation.cluster = cluster
            cluster.import_organisation(
                organisation, sso_included="no" if kind is Kind.NOT_ENTITLED else "yes"
            )
        _sign_everyone_in(cluster)
        yield ChaosEnvironment(stack, cluster, {one.slug: one for one in organisations}, between)


class ChaosEnvironment:
    """Where everything is."""

    def __init__(
        self,
        stack: Stack,
        cluster: Cluster,
        organisations: dict[str, Organisation],
        between: Lines,
    ) -> None:
        self.stack, self.cluster, self.organisations = stack, cluster, organisations
        self.lines = between

    @property
    def database_url(self) -> str:
        """As psycopg wants it."""
        return self.cluster.environment["GOLIVE_DATABASE_URL"].replace("+psycopg", "")

    @property
    def mailbox(self) -> Path:
        return self.stack.state.path / "mailbox"


def program(
    stack: Stack,
    name: str,
    *arguments: str,
    ready_at: str | None = None,
    health_port: int | None = None,
    queue: str = "",
    environment: Mapping[str, str] | None = None,
) -> Part:
    """One of our programs as a part of the stack, like those it starts itself.

    A worker serves one queue alone if it is named.
    """
    environment = {**os.environ, **(environment or stack.environment()), "PYTHONUNBUFFERED": "1"}
    if queue:
        environment["GOLIVE_WORKER_QUEUE"] = queue
    if health_port is not None:
        environment["GOLIVE_WORKER_HEALTH_PORT"] = str(health_port)
        ready_at = f"http://{HOST}:{health_port}/health/live"
    return Part(
        name=name,
        command=(sys.executable, *arguments),
        ready=answers_http(ready_at) if ready_at else None,
        ready_timeout=LONGEST_WAIT,
        environment=environment,
        working_folder=PROJECT_FOLDER,
    )


def _seed(organisations: list[Organisation]) -> dict[str, Any]:
    seed: dict[str, Any] = json.loads((PROJECT_FOLDER / SEED).read_text(encoding="utf-8"))
    staff = [one for one in seed["tenants"] if one["display_name"] == "Clientshare"]
    seed["tenants"] = staff + [
        {
            "id": one.tenant_id,
            "display_name": one.slug.title(),
            "domains": [directory_domain(one.domain)],
            "users": [directory_user(one, person) for person in one.people if person.in_directory],
        }
        for one in organisations
    ]
    return seed


def _sign_everyone_in(cluster: Cluster) -> None:
    """Give every active user an open session, as people have on an ordinary morning."""
    cluster.rows(
        """
        INSERT INTO pulse.app_session (token_sha256, user_id, method, started_at, expires_at)
        SELECT encode(sha256(id::text::bytea), 'hex'), id, 'password', '2026-01-01Z', '2100-01-01Z'
        FROM pulse.app_user WHERE status = 'active'
        """.replace("id::text::bytea", "CAST(CAST(id AS text) AS bytea)")
    )
