"""What `/health` says: whether a process could do its work, and apart from it, that it is up."""

import asyncio
import os
import signal
from pathlib import Path

import httpx2
import pytest

from local.ports import Ports, free_port
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, process
from tests.forwarder import forwarding


def ask(url: str) -> tuple[int, str]:
    answer = httpx2.get(url, trust_env=False, timeout=LONGEST_WAIT)
    return answer.status_code, answer.text


async def until(url: str, wanted: tuple[int, str]) -> None:
    give_up = asyncio.get_running_loop().time() + LONGEST_WAIT
    found = None
    while asyncio.get_running_loop().time() < give_up:
        try:
            found = await asyncio.to_thread(ask, url)
        except httpx2.TransportError:
            found = None
        if found == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{url} says {found}")


async def test_a_web_is_ready_as_long_as_database_and_temporal_are(
    cluster: Cluster, tmp_path: Path
) -> None:
    health = f"{cluster.endpoints.web}/health"
    await until(health, (200, "ready\n"))
    ports = Ports.free()
    with forwarding(cluster.engine.url.port or 0) as line:
        database = cluster.environment["GOLIVE_DATABASE_URL"].replace(
            f":{cluster.engine.url.port}", f":{line.port}"
        )
        environment = {
            **cluster.environment,
            "GOLIVE_DATABASE_URL": database,
            "TEMPORAL_ADDRESS": f"127.0.0.1:{ports.temporal}",
        }
        log = tmp_path / "web.log"
        with process(environment, "-m", "web", "--port", str(ports.web), log=log) as running:
            own = f"http://127.0.0.1:{ports.web}/health"
            await until(own, (503, "temporal: unavailable\n"))
            line.target = free_port()
            line.cut()
            await until(own, (503, "database: away\ntemporal: unavailable\n"))
            assert await asyncio.to_thread(ask, f"{own}/live") == (200, "ok\n")
            line.target = cluster.engine.url.port or 0
            await until(own, (503, "temporal: unavailable\n"))
            # Where the line swallows everything, it says so within seconds, and ends when asked.
            line.fall_silent()
            await until(own, (503, "database: silent\ntemporal: unavailable\n"))
            os.kill(running.pid, signal.SIGTERM)
            await asyncio.to_thread(running.wait, LONGEST_WAIT)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("/pulse", "/no_such_database"),
        ("serving@", "stranger@"),
    ],
)
async def test_a_worker_that_could_do_nothing_says_why_and_ends(
    cluster: Cluster, tmp_path: Path, changed: str, words: str
) -> None:
    wrong = cluster.environment["GOLIVE_DATABASE_URL"].replace(changed, words)
    log = tmp_path / "worker.log"
    with process({**cluster.environment, "GOLIVE_DATABASE_URL": wrong}, "worker.py", log=log) as it:
        assert await asyncio.to_thread(it.wait, LONGEST_WAIT) == 1
    said = log.read_text()
    assert "The worker is ready" not in said
    assert "refuses the user" in said or "has no database of the name" in said


async def test_a_worker_waits_for_a_database_that_is_away_and_is_then_ready(
    cluster: Cluster, tmp_path: Path
) -> None:
    ports = Ports.free()
    with forwarding(free_port()) as line:
        database = cluster.environment["GOLIVE_DATABASE_URL"].replace(
            f":{cluster.engine.url.port}", f":{line.port}"
        )
        environment = {
            **cluster.environment,
            "GOLIVE_DATABASE_URL": database,
            "GOLIVE_WORKER_HEALTH_PORT": str(ports.worker_health),
        }
        log = tmp_path / "worker.log"
        with process(environment, "worker.py", log=log):
            health = f"http://127.0.0.1:{ports.worker_health}/health"
            give_up = asyncio.get_running_loop().time() + LONGEST_WAIT
            while "The worker waits" not in log.read_text():
                assert asyncio.get_running_loop().time() < give_up, log.read_text()
                await asyncio.sleep(0.1)
            assert "ready" not in log.read_text()
            line.target = cluster.engine.url.port or 0
            await until(health, (200, "ready\n"))
            assert await asyncio.to_thread(ask, f"{health}/live") == (200, "ok\n")
