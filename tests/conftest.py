"""What every test may use: one cluster a session, and the workers in it; and which go first."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from local.shielding import shield_this_process
from tests.cluster import Cluster, build_cluster, working

# Before any test, and for every program that one starts.
shield_this_process()

LONGEST = (
    "chaos/test_chaos.py",
    "journeys/test_watched_stack.py",
    "chaos/test_topology.py",
    "journeys/test_killed_and_stopped.py",
    "journeys/test_worker_killed_in_move.py",
    "journeys/test_deploying.py",
    "web/test_screens.py",
    "journeys/test_transcript.py",
)
"""Files of few and long tests: whichever began last would end alone, when all others are done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first; the others stay as they are."""
    tests = Path(__file__).parent
    first = {tests / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(item.path, len(first)))


@pytest_asyncio.fixture(scope="session")
async def idle_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Every part but a worker: for tests that run, kill or replace their own."""
    async with build_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest_asyncio.fixture(scope="session")
async def cluster(idle_cluster: Cluster) -> AsyncIterator[Cluster]:
    """The whole product, with workers in this process."""
    async with working(idle_cluster):
        yield idle_cluster


@pytest.fixture(autouse=True)
def _failed_logins_deleted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever guesses has to wait; the next test is somebody else."""
    yield
    if "idle_cluster" in request.fixturenames:
        cluster: Cluster = request.getfixturevalue("idle_cluster")
        cluster.rows("DELETE FROM pulse.failed_login")
        cluster.rows("DELETE FROM golive.repeated_event")
