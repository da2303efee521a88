"""Go-lives that nobody disturbed, for the checker to be tried on."""

import pytest_asyncio

from tests.cluster import Cluster, Organisation, Person


@pytest_asyncio.fixture(scope="session")
async def alike(cluster: Cluster) -> list[Organisation]:
    """Two organisations that went live without trouble."""
    both = []
    for _ in range(2):
        organisation = cluster.create_organisation(
            Person("anna", group="pilot"), Person("ben"), Person("nora", status="invited")
        )
        await organisation.go_live()
        both.append(organisation)
    return both
