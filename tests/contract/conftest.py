"""The simulator's process, with a tenant that has granted every permission."""

import json
from collections.abc import Iterator

import pytest

from local import loopback
from tests.bounds import LONGEST_WAIT
from tests.simulator.pretend import CLIENT, CONTOSO, Pretend, running, seed

EVERYTHING = [
    "User.Read.All",
    "Organization.Read.All",
    "Directory.Read.All",
    "User.RevokeSessions.All",
    "User.Invite.All",
    "Mail.Send",
]


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    content = seed("")
    for application in content["applications"]:
        del application["certificates"]
    path = tmp_path_factory.mktemp("contract") / "seed.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with running("--seed", str(path)) as base:
        yield base


@pytest.fixture
def pretend(address: str) -> Iterator[Pretend]:
    with loopback.client(timeout=LONGEST_WAIT) as http:
        found = Pretend(address, http)
        found.control("POST", "/reset")
        grant = {"application": EVERYTHING, "delegated": ["openid", "profile"]}
        found.control("PUT", f"/tenants/{CONTOSO}/grants/{CLIENT}", grant)
        yield found
        found.close()
