"""The parts as a cluster runs them: several workers and web processes, any one of which may go."""

import asyncio
from pathlib import Path

import pytest

from contracts.go_live import GoLiveStage
from local.ports import free_port
from tests.chaos.city import City, city, program
from tests.chaos.plan import Kind
from tests.chaos.playing import Play
from tests.town import Organisation

ALONE = ("temporal", "postgresql", "simulator", "mailbox")
"""Parts of which there is one; each comes back after a moment."""

WITHIN = 150


async def goes_live(organisation: Organisation) -> None:
    await asyncio.wait_for(Play(organisation, Kind.LIVE).to_the_end(), WITHIN)
    assert organisation.progress.outcome == "LIVE"


async def taken_away_for_good(there: City, part: str, organisation: Organisation) -> None:
    """Take a part away as soon as the go-live has begun."""
    going_live = asyncio.create_task(goes_live(organisation))
    await organisation.until(lambda now: now.stage is not GoLiveStage.ENTITLEMENT_CONFIRMED)
    await asyncio.to_thread(there.stack.supervisor.kill, part)
    await going_live
    await asyncio.to_thread(there.stack.supervisor.restart, part)


@pytest.mark.timeout(600)
async def test_any_one_process_can_be_taken_away(tmp_path: Path) -> None:
    slugs = ["no-worker-1", "no-web-1", *(f"without-{part}" for part in ALONE)]
    async with city(tmp_path, [(slug, Kind.LIVE) for slug in slugs]) as there:
        workers = [
            program(there.stack, f"worker-{number}", "worker.py", health_port=free_port())
            for number in (1, 2)
        ]
        await asyncio.to_thread(there.stack.supervisor.start, *workers)
        await taken_away_for_good(there, "worker-1", there.organisations["no-worker-1"])
        await taken_away_for_good(there, "web-1", there.organisations["no-web-1"])
        going_live = [
            asyncio.create_task(goes_live(there.organisations[f"without-{part}"])) for part in ALONE
        ]
        for part in ALONE:
            await asyncio.to_thread(there.stack.supervisor.kill, part)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(there.stack.supervisor.restart, part)
        await asyncio.gather(*going_live)
