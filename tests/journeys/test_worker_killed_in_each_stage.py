"""A worker that is killed in the middle of each stage, and started again, changes nothing."""

import asyncio
import json
import signal
from pathlib import Path

from bootstrap import connections
from commands import imports
from contracts.go_live import GoLiveStage
from local.demo import Demo
from local.ports import Ports
from local.report import organisation_report
from local.stack import WORKER, Stack
from settings import Settings
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, changed_environment


async def test_a_worker_killed_in_each_stage_ends_in_the_same_result(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "state", Ports.free(), say=print)
    with stack.running(), changed_environment(stack.environment()):
        engine = connections.database(Settings())
        client = await connections.temporal()
        demo = Demo(stack, engine, client, alone=True)
        examples = ROOT / "examples"
        await asyncio.to_thread(
            imports.import_files,
            engine,
            examples / "organisations.csv",
            examples / "users.csv",
        )
        await demo.start("alpenglow")
        killed: list[GoLiveStage] = []
        async with asyncio.timeout(2 * LONGEST_WAIT):
            while True:
                standing = next(one for one in await demo.poll() if one.slug == "alpenglow")
                progress = standing.progress
                assert progress is not None
                if progress.outcome is not None:
                    break
                if progress.stage not in killed:
                    killed.append(progress.stage)
                    await asyncio.to_thread(stack.supervisor.kill, WORKER, signal.SIGKILL)
                    await asyncio.to_thread(stack.supervisor.restart, WORKER)
                await asyncio.sleep(0)
        report = await organisation_report(engine, client, "alpenglow")
        engine.dispose()
    assert killed == list(GoLiveStage)
    assert report["outcome"] == "LIVE", json.dumps(report, default=str)
    assert report["users"]["link"] == 24
    assert report["users"]["invite"] == 8
    assert report["mails"]["sign_in_with_sso"] == {"sent": 24, "refused": 0, "addresses": 24}
    assert report["mails"]["invitation"] == {"sent": 8, "refused": 0, "addresses": 8}
