"""The walk-through of docs/deploying.md, run as written: a go-live begun on v1 ends on v2."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
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
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, Cluster, Organisation, web
from tests.mutations.catalogue import copy_of_the_code
from workflows.payloads import DATA_CONVERTER

PAGE = ROOT / "docs" / "deploying.md"
READ_BEFORE = '"read the Microsoft directory"'
READ_AFTER = '"read the Microsoft directory, by version 2"'


def commands(step: str) -> str:
    (block,) = re.findall(rf"```sh {step}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


class Releases:
    """Two releases in folders of their own, and the worker processes started from them."""

    def __init__(self, environment: dict[str, str], folder: Path, closing: ExitStack) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        # As with a file of settings that all workers of a machine read.
        port = {"GOLIVE_WORKER_HEALTH_PORT": str(free_port())}
        self.environment = {**os.environ, **environment, **port, "PATH": path}
        self.folder, self.closing = folder, closing
        self.workers: dict[str, list[int]] = {}
        """The process ids of the workers that each step started."""
        self.shells: dict[str, subprocess.Popen[bytes]] = {}

    async def follow(self, step: str, release: Path) -> str:
        """Run the commands of one step of the page in one shell, and return what they print.

        The shell then waits for the workers it started, and ends as they end.
        """
        log = self.folder / f"{step}.log"
        script = (
            f"set -e\n{commands(step)}\necho workers: $(jobs -p).\n"
            "for started in $(jobs -p); do wait $started; done"
        )
        with log.open("wb") as output:
            shell = subprocess.Popen(
                ["bash", "-c", script],
                cwd=release,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.shells[step] = shell
        self.closing.callback(self._kill, shell)
        async with asyncio.timeout(LONGEST_WAIT):
            while not (found := re.search(r"^workers: (.*)\.$", log.read_text(), re.MULTILINE)):
                assert shell.poll() is None, (step, log.read_text())
                await asyncio.sleep(0.1)
        self.workers[step] = [int(one) for one in found.group(1).split()]
        return log.read_text()

    def _kill(self, shell: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait(LONGEST_WAIT)

    def stop(self, step: str) -> None:
        """Stop the workers of a step by SIGTERM; each ends well."""
        for pid in self.workers[step]:
            os.kill(pid, signal.SIGTERM)
        assert self.shells[step].wait(LONGEST_WAIT) == 0

    def run(self, program: str, release: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, program],
            cwd=release,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_WAIT,
            check=False,
        )

    def said(self) -> str:
        return "".join(log.read_text() for log in self.folder.glob("*.log"))


@asynccontextmanager
async def namespace_of_its_own(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Cluster]:
    """The same cluster in a namespace of its own: no other test meets what is made current."""
    name = f"n{uuid4().hex[:10]}"
    await cluster.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    client = await Client.connect(
        cluster.client.service_client.config.target_host,
        namespace=name,
        data_converter=DATA_CONVERTER,
        lazy=True,
    )
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            try:
                # The server makes a new namespace known by and by.
                await setup.set_up_temporal(client)
                break
            except Exception:
                await asyncio.sleep(0.1)
    port = free_port()
    environment = cluster.environment | {
        "TEMPORAL_NAMESPACE": name,
        "GOLIVE_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    with web(environment, port, tmp_path / "web.log"):
        yield replace(
            cluster,
            client=client,
            skipper=TimeSkipper(client),
            endpoints=people.Endpoints(environment["GOLIVE_PUBLIC_URL"], cluster.endpoints.mailbox),
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


async def test_a_go_live_begun_on_version_1_ends_on_version_2(
    idle_cluster: Cluster, tmp_path: Path
) -> None:
    old, new = copy_of_the_code(tmp_path / "v1"), copy_of_the_code(tmp_path / "v2")
    moving = new / "workflows" / "migration.py"
    text = moving.read_text(encoding="utf-8")
    assert READ_BEFORE in text
    moving.write_text(text.replace(READ_BEFORE, READ_AFTER), encoding="utf-8")
    async with AsyncExitStack() as closing:
        cluster = await closing.enter_async_context(namespace_of_its_own(idle_cluster, tmp_path))
        releases = Releases(cluster.environment, tmp_path, closing.enter_context(ExitStack()))
        await releases.follow("first", old)
        waiting, undecided = (
            cluster.create_organisation(),
            cluster.create_organisation(sso_included="no"),
        )
        await waiting.start()
        await undecided.start()
        await waiting.until(Wait.ADMIN_CONSENT)
        await undecided.until(Wait.ENTITLEMENT)

        said = await releases.follow("new", new)
        assert "Running go-lives: 2 of 2 can go on with this code." in said
        await releases.follow("queues", new)
        releases.stop("first")
        releases.stop("new")
        await waiting.consent()
        await waiting.until(Wait.MOVE_DATE)
        await waiting.skip_to_due()
        result = await waiting.ended()
        assert result.outcome is GoLiveOutcome.LIVE
        on = await versions(waiting)
        assert (on[0], on[-1]) == ("v1", "v2")
        assert on == sorted(on)
        (begun_by,) = releases.workers["first"]
        small, bulk = releases.workers["queues"]
        ran = await activities(waiting)
        assert ran == {"go-live": {str(begun_by), str(small)}, "go-live-bulk": {str(bulk)}}
        history = await waiting.handle.fetch_history()
        assert READ_AFTER.encode() in b"".join(
            event.SerializeToString() for event in history.events
        )
        assert "go-live-bulk" in await releases.follow("old", old)

        said = await releases.follow("back", old)
        assert "Running go-lives: 1 of 1 can go on with this code." in said
        releases.stop("queues")
        await cluster.orders().decline_entitlement(undecided.slug, "Not in the agreement.")
        assert (await undecided.ended()).outcome is GoLiveOutcome.NOT_ENTITLED
        assert (await versions(undecided))[-1] == "v1"

        without_a_version = await asyncio.to_thread(releases.run, "worker.py", old)
        assert without_a_version.returncode == 1
        assert without_a_version.stderr.startswith("Version v1 is current at Temporal"), (
            without_a_version.stderr
        )
        assert "Address already in use" in releases.said()
        assert "Traceback" not in releases.said()


def test_the_page_names_what_there_is() -> None:
    assert shutil.which("temporal", path=str(Path(sys.executable).parent))
    for step in ("first", "new", "queues", "old", "back"):
        assert commands(step), step


def test_every_worker_the_page_starts_has_a_version() -> None:
    """On a versioned installation one without gets nothing to do."""
    started = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if "worker.py &" in line
    ]
    assert len(started) == 5
    assert all("GOLIVE_BUILD_ID=" in line for line in started)


@pytest.mark.parametrize("step", ["first", "new", "back"])
def test_waiting_for_a_worker_ends_when_the_worker_does(step: str, tmp_path: Path) -> None:
    """With programs in their places: the worker dies at once, and Temporal never knows it."""
    for name, text in {"python": "exit 0", "temporal": "echo $* >> asked; exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", commands(step)],
        cwd=tmp_path,
        env=environment,
        timeout=LONGEST_WAIT,
        check=False,
    )
    assert done.returncode != 0
    assert "set-current-version" not in (tmp_path / "asked").read_text(encoding="utf-8")
