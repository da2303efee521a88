"""What every test may use: one cluster a session, and the workers in it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.cluster import Cluster, build_cluster, working


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
def _guesses_forgiven(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever guesses has to wait; the next test is somebody else."""
    yield
    if "idle_cluster" in request.fixturenames:
        cluster: Cluster = request.getfixturevalue("idle_cluster")
        cluster.rows("DELETE FROM pulse.failed_login")
