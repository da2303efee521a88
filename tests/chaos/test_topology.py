"""The parts as a cluster runs them: several workers and web processes, any one of which may go."""

import asyncio
from pathlib import Path

import pytest

from contracts.go_live import GO_LIVE_BULK_QUEUE, GO_LIVE_QUEUE, GoLiveStage
from local.ports import free_port
from tests.chaos.actors import Play
from tests.chaos.environment import ChaosEnvironment, chaos_environment, program
from tests.chaos.plan import Kind
from tests.cluster import Organisation

ALONE = ("temporal", "postgresql", "simulator", "mailbox")
"""Parts of which there is one; each comes back after a moment."""

WITHIN = 150


async def goes_live(organisation: Organisation) -> None:
    await asyncio.wait_for(Play(organisation, Kind.LIVE).to_the_end(), WITHIN)
    assert organisation.progress.outcome == "LIVE"


async def taken_away_for_good(
    there: ChaosEnvironment, part: str, organisation: Organisation
) -> None:
    """Take a part away as soon as the go-live has begun; it comes back after the end."""
    going_live = asyncio.create_task(goes_live(organisation))
    await organisation.until(lambda now: now.stage is not GoLiveStage.ENTITLEMENT_CONFIRMED)
    await asyncio.to_thread(there.stack.supervisor.kill, part)
    await going_live
    await asyncio.to_thread(there.stack.supervisor.restart, part)


@pytest.mark.timeout(600)
async def test_any_one_process_can_be_taken_away(tmp_path: Path) -> None:
    taken_away = [f"{GO_LIVE_QUEUE}-1", f"{GO_LIVE_BULK_QUEUE}-1", "web-1"]
    slugs = [f"without-{part}" for part in (*taken_away, *ALONE)]
    async with chaos_environment(tmp_path, [(slug, Kind.LIVE) for slug in slugs]) as there:
        workers = [
            program(
                there.stack,
                f"{queue}-{number}",
                "worker.py",
                health_port=free_port(),
                queue=queue,
            )
            for queue in (GO_LIVE_QUEUE, GO_LIVE_BULK_QUEUE)
            for number in (1, 2)
        ]
        await asyncio.to_thread(there.stack.supervisor.start, *workers)
        for part in taken_away:
            await taken_away_for_good(there, part, there.organisations[f"without-{part}"])
        going_live = [
            asyncio.create_task(goes_live(there.organisations[f"without-{part}"])) for part in ALONE
        ]
        for part in ALONE:
            await asyncio.to_thread(there.stack.supervisor.kill, part)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(there.stack.supervisor.restart, part)
        await asyncio.gather(*going_live)
