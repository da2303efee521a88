"""A worker killed in each stage, and a stack stopped in the middle of a move: it goes on as it was.

What a demo that is stopped by Ctrl-C and started again rests on, too.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Engine
from temporalio.client import Client

from bootstrap import connections
from commands import imports
from contracts.go_live import GoLiveOutcome, GoLiveStage, Progress, Wait
from local import people
from local.demo import ADMINISTRATORS, Demo
from local.ports import Ports
from local.report import organisation_report
from local.stack import WORKER, Stack
from settings import Settings
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, changed_environment

SLUG = "northwind"
"""Left to the keyboard by the demo, so that this test plays the person."""

EACH = 20
"""Of its two thousand users as many as each twentieth: a move is half done with those."""


class Sitting:
    """A stack while it runs, the demo that plays everybody but one person, and who kills workers.

    In each stage of the go-live the worker is killed as soon as the stage is seen.
    """

    def __init__(self, stack: Stack, engine: Engine, client: Client, killed: list[GoLiveStage]):
        self.engine, self.client, self.killed = engine, client, killed
        self.demo = Demo(stack, engine, client, alone=False)
        self._stack = stack
        self.endpoints = people.Endpoints(
            f"http://127.0.0.1:{stack.ports.web}", f"http://127.0.0.1:{stack.ports.mailbox}"
        )

    async def until(self, wait: Wait | GoLiveOutcome) -> None:
        async with asyncio.timeout(2 * LONGEST_WAIT):
            while True:
                progress = next(one for one in await self.demo.poll() if one.slug == SLUG).progress
                if progress is not None:
                    await self._kill_once_a_stage(progress)
                    if wait in {progress.wait, progress.outcome}:
                        return
                    assert progress.outcome is None
                await asyncio.sleep(0.02)

    async def _kill_once_a_stage(self, progress: Progress) -> None:
        if progress.outcome is None and progress.stage not in self.killed:
            self.killed.append(progress.stage)
            await asyncio.to_thread(self._stack.supervisor.kill, WORKER, signal.SIGKILL)
            await asyncio.to_thread(self._stack.supervisor.restart, WORKER)


@asynccontextmanager
async def sitting(folder: Path, ports: Ports, killed: list[GoLiveStage]) -> AsyncIterator[Sitting]:
    stack = Stack(folder, ports, say=print)
    with stack.running(), changed_environment(stack.environment()):
        engine = connections.database(Settings())
        yield Sitting(stack, engine, await connections.temporal(), killed)
        engine.dispose()


def _users(folder: Path) -> Path:
    """Some users of the organisation in the examples, nobody else's."""
    header, *lines = (
        (ROOT / "examples" / "users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    )
    theirs = [line for line in lines if line.startswith(f"{SLUG},")]
    users = folder / "users.csv"
    users.write_text("".join([header, *theirs[::EACH]]), encoding="utf-8")
    return users


async def test_kills_in_each_stage_and_a_stop_in_the_move_change_nothing(tmp_path: Path) -> None:
    # The same ports twice, as a person has them: links in mails lead to them.
    ports = Ports.free()
    killed: list[GoLiveStage] = []
    async with sitting(tmp_path / "state", ports, killed) as first:
        organisations = ROOT / "examples" / "organisations.csv"
        await asyncio.to_thread(imports.import_files, first.engine, organisations, _users(tmp_path))
        await first.demo.start(SLUG)
        await first.until(Wait.ADMIN_CONSENT)
        await asyncio.to_thread(people.consent, first.endpoints, *ADMINISTRATORS[SLUG])
        await first.until(Wait.FIRST_SIGN_IN)
    async with sitting(tmp_path / "state", ports, killed) as second:
        address = second.demo.first_user(await asyncio.to_thread(second.demo.standings))
        with await asyncio.to_thread(people.log_in_with_sso, second.endpoints, address):
            pass
        await second.until(GoLiveOutcome.LIVE)
        report = await organisation_report(second.engine, second.client, SLUG)
    assert killed == list(GoLiveStage)
    mails = report["mails"]
    assert report["users"] == {"link": 95, "invite": 5}, json.dumps(report, default=str)
    assert mails["sign_in_with_sso"] == {"sent": 95, "refused": 0, "addresses": 95}
    assert mails["invitation"] == {"sent": 5, "refused": 0, "addresses": 5}
