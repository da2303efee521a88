"""Go-lives that nobody disturbed, for the checker to be tried on."""

import pytest_asyncio

from tests.town import Organisation, Person, Town


@pytest_asyncio.fixture(scope="session")
async def alike(town: Town) -> list[Organisation]:
    """Two organisations that went live without trouble."""
    both = []
    for _ in range(2):
        organisation = town.found_organisation(
            Person("anna", group="pilot"), Person("ben"), Person("nora", status="invited")
        )
        await organisation.go_live()
        both.append(organisation)
    return both
