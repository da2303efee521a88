"""What every test may use: one town a session, and the workers in it."""

from collections.abc import AsyncIterator

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
