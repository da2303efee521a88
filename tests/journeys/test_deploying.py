"""The walk-through of docs/deploying.md, run as written: a go-live begun on v1 ends on v2."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from commands import setup
from contracts.go_live import GoLiveOutcome, Wait
from local import people
from local.ports import free_port
from tests.mutations.catalogue import copy_of_the_code
from tests.town import ROOT, Organisation, Town, process, web

PAGE = ROOT / "docs" / "deploying.md"
READ_BEFORE = '"read the Microsoft directory"'
READ_AFTER = '"read the Microsoft directory, by version 2"'


def commands(step: str) -> list[str]:
    (block,) = re.findall(rf"```sh {step}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(block).splitlines()


class Releases:
    """Two releases in folders of their own, and the worker processes started from them."""

    def __init__(self, environment: dict[str, str], folder: Path, closing: ExitStack) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = environment | {"PATH": path}
        self.log, self.closing = folder / "workers.log", closing
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    async def follow(self, step: str, release: Path) -> str:
        """Run the commands of one step of the page, and return what they print."""
        printed = ""
        for line in commands(step):
            if line.endswith(" &"):
                self._start_worker(line, release)
            else:
                printed += await asyncio.to_thread(self._run, line, release)
        return printed

    def _start_worker(self, line: str, release: Path) -> None:
        found = re.fullmatch(r"GOLIVE_BUILD_ID=(\S+) python (worker\.py) &", line)
        assert found, line
        build_id, program = found.groups()
        environment = self.environment | {"GOLIVE_BUILD_ID": build_id}
        self.workers[build_id] = self.closing.enter_context(
            process(environment, program, log=self.log, folder=release)
        )

    def _run(self, line: str, release: Path) -> str:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=release,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr, self.log.read_text())
        return done.stdout

    def stop(self, build_id: str) -> None:
        self.workers[build_id].terminate()
        assert self.workers[build_id].wait(30) == 0


@asynccontextmanager
async def namespace_of_its_own(town: Town, tmp_path: Path) -> AsyncIterator[Town]:
    """The same town at Temporal's other end: what is made current here concerns no other test."""
    name = f"n{uuid4().hex[:10]}"
    await town.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    client = await Client.connect(
        town.client.service_client.config.target_host, namespace=name, lazy=True
    )
    async with asyncio.timeout(60):
        while True:
            try:
                # The server makes a new namespace known by and by.
                await setup.set_up_temporal(client)
                break
            except Exception:
                await asyncio.sleep(0.1)
    port = free_port()
    environment = town.environment | {
        "TEMPORAL_NAMESPACE": name,
        "GOLIVE_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    with web(environment, port, tmp_path / "web.log"):
        yield replace(
            town,
            client=client,
            skipper=TimeSkipper(client),
            places=people.Town(environment["GOLIVE_PUBLIC_URL"], town.places.mailbox),
            environment=environment,
        )


async def versions(organisation: Organisation) -> list[str]:
    """On which version each of its workflow tasks was done."""
    return [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        async for event in organisation.handle.fetch_history_events()
        if event.HasField("workflow_task_completed_event_attributes")
    ]


async def activities(organisation: Organisation) -> dict[str, set[str]]:
    """By task queue, the process ids of the workers that ran its activities."""
    queues: dict[int, str] = {}
    found: dict[str, set[str]] = {}
    async for event in organisation.handle.fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            queue = event.activity_task_scheduled_event_attributes.task_queue.name
            queues[event.event_id] = queue
        if event.HasField("activity_task_started_event_attributes"):
            started: Any = event.activity_task_started_event_attributes
            queue = queues[started.scheduled_event_id]
            found.setdefault(queue, set()).add(started.identity.partition("@")[0])
    return found


@pytest.mark.timeout(240)
async def test_a_go_live_begun_on_version_1_ends_on_version_2(
    empty_town: Town, tmp_path: Path
) -> None:
    old, new = copy_of_the_code(tmp_path / "v1"), copy_of_the_code(tmp_path / "v2")
    moving = new / "workflows" / "moving.py"
    text = moving.read_text(encoding="utf-8")
    assert READ_BEFORE in text
    moving.write_text(text.replace(READ_BEFORE, READ_AFTER), encoding="utf-8")
    async with AsyncExitStack() as closing:
        town = await closing.enter_async_context(namespace_of_its_own(empty_town, tmp_path))
        releases = Releases(town.environment, tmp_path, closing.enter_context(ExitStack()))
        await releases.follow("first", old)
        waiting, undecided = town.found_organisation(), town.found_organisation(sso_included="no")
        await waiting.start()
        await undecided.start()
        await waiting.until(Wait.ADMIN_CONSENT)
        await undecided.until(Wait.ENTITLEMENT)

        said = await releases.follow("new", new)
        assert "Running go-lives: 2 of 2 can go on with this code." in said
        releases.stop("v1")
        await waiting.consent()
        await waiting.until(Wait.MOVE_DATE)
        await waiting.skip_to_due()
        result = await waiting.ended()
        assert result.outcome is GoLiveOutcome.LIVE
        on = await versions(waiting)
        assert (on[0], on[-1]) == ("v1", "v2")
        assert on == sorted(on)
        pids = {name: str(worker.pid) for name, worker in releases.workers.items()}
        ran = await activities(waiting)
        assert ran == {"go-live": {pids["v1"], pids["v2"]}, "go-live-bulk": {pids["v2"]}}
        history = await waiting.handle.fetch_history()
        assert READ_AFTER.encode() in b"".join(
            event.SerializeToString() for event in history.events
        )
        assert "go-live-bulk" in await releases.follow("old", old)

        said = await releases.follow("back", old)
        assert "Running go-lives: 1 of 1 can go on with this code." in said
        releases.stop("v2")
        await town.orders().decline_entitlement(undecided.slug, "Not in the agreement.")
        assert (await undecided.ended()).outcome is GoLiveOutcome.NOT_ENTITLED
        assert (await versions(undecided))[-1] == "v1"


def test_the_page_names_what_there_is() -> None:
    assert shutil.which("temporal", path=str(Path(sys.executable).parent))
    for step in ("first", "new", "old", "back"):
        assert commands(step), step
