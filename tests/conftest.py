"""What every test may use: one town a session, and the workers in it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.town import Town, build_town, working


@pytest_asyncio.fixture(scope="session")
async def empty_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Every part but a worker: for tests that run, kill or replace their own."""
    async with build_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest_asyncio.fixture(scope="session")
async def town(empty_town: Town) -> AsyncIterator[Town]:
    """The whole product, with workers in this process."""
    async with working(empty_town):
        yield empty_town


@pytest.fixture(autouse=True)
def _guesses_forgiven(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever guesses has to wait; the next test is somebody else."""
    yield
    if "empty_town" in request.fixturenames:
        town: Town = request.getfixturevalue("empty_town")
        town.rows("DELETE FROM pulse.failed_login")
