"""A stack that was stopped in the middle of a go-live goes on where it was."""

import asyncio
from pathlib import Path

from bootstrap import connections
from commands import imports
from contracts.go_live import GoLiveOutcome, Wait
from local import people
from local.demo import ADMINISTRATORS, Demo
from local.ports import Ports
from local.stack import Stack
from settings import Settings
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, changed_environment

SLUG = "northwind"
"""Left to the keyboard by the demo, so that this test plays the person."""

USERS = 100
"""Of its two thousand: a move is half done with as many."""


def _users(folder: Path) -> Path:
    """The users of the examples, and of this organisation only the first."""
    lines = (ROOT / "examples" / "users.csv").read_text(encoding="utf-8").splitlines(True)
    theirs = [line for line in lines if line.startswith(f"{SLUG},")]
    left_out = set(theirs[USERS:])
    users = folder / "users.csv"
    users.write_text("".join(line for line in lines if line not in left_out), encoding="utf-8")
    return users


async def _look_until(demo: Demo, wait: Wait | None) -> None:
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            progress = next(one for one in await demo.poll() if one.slug == SLUG).progress
            if progress and progress.outcome is not None:
                assert progress.outcome is GoLiveOutcome.LIVE
                return
            if progress and progress.wait is wait:
                return
            await asyncio.sleep(0.1)


async def test_a_consent_and_a_half_done_move_survive_a_stop(tmp_path: Path) -> None:
    # The same ports twice, as a person has them: links in mails lead to them.
    ports = Ports.free()
    for first_time in (True, False):
        stack = Stack(tmp_path / "state", ports, say=print)
        with stack.running(), changed_environment(stack.environment()):
            engine = connections.database(Settings())
            client = await connections.temporal()
            demo = Demo(stack, engine, client, alone=False)
            cluster = people.Endpoints(
                f"http://127.0.0.1:{ports.web}", f"http://127.0.0.1:{ports.mailbox}"
            )
            if first_time:
                organisations = ROOT / "examples" / "organisations.csv"
                imports.import_files(engine, organisations, _users(tmp_path))
                await demo.start(SLUG)
                await _look_until(demo, Wait.ADMIN_CONSENT)
                await asyncio.to_thread(people.consent, cluster, *ADMINISTRATORS[SLUG])
                await _look_until(demo, Wait.FIRST_SIGN_IN)
            else:
                address = demo.first_user(await asyncio.to_thread(demo.standings))
                (await asyncio.to_thread(people.log_in_with_sso, cluster, address)).__exit__()
                await _look_until(demo, None)
            engine.dispose()
