"""A whole office comes by one network address: one person's mistakes shut nobody else out."""

import asyncio
from collections.abc import Iterator

import pytest

from contracts.clock import wall_clock
from contracts.go_live import Wait
from database.engine import open_sessions
from database.people import sign_in
from local import loopback
from local.browser import Browser
from tests.administrators import somebody
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation
from tests.web.test_journeys import give_password
from web.rate_limits import MOST_LOOK_UPS, MOST_UNKNOWN_LINKS

RIGHT = "correct horse battery"
OFFICE, HOME = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def _forgiven(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.rows("DELETE FROM pulse.failed_login")


def log_in(organisation: Organisation, name: str, password: str, network: str) -> int:
    """The status of a login from a network; a proxy on this machine says which one that is."""
    with Browser() as browser:
        browser._http.headers["X-Forwarded-For"] = network
        browser.open(f"{organisation.cluster.endpoints.web}/login")
        browser.press("Continue", email=organisation.address(name))
        browser.press("Log in", password=password)
        return browser.status


async def test_wrong_passwords_of_one_person_shut_out_neither_colleagues_nor_the_person_elsewhere(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()

    def act() -> None:
        for name in ("anna", "ben"):
            give_password(cluster, organisation, name, RIGHT)
        wrong = [log_in(organisation, "anna", "wrong", OFFICE) for _ in range(11)]
        assert wrong == [401] * sign_in.MOST_FAILURES + [429]
        assert log_in(organisation, "anna", RIGHT, OFFICE) == 429
        assert log_in(organisation, "ben", RIGHT, OFFICE) == 200
        assert log_in(organisation, "anna", RIGHT, HOME) == 200

    await asyncio.to_thread(act)


@pytest.mark.parametrize(
    ("left", "most"),
    [
        ("address:", sign_in.MOST_FOR_AN_ADDRESS),
        ("network:", sign_in.MOST_FROM_A_NETWORK),
    ],
)
async def test_many_networks_or_many_addresses_do_not_make_guessing_endless(
    cluster: Cluster, left: str, most: int
) -> None:
    organisation = cluster.create_organisation()
    (subject,) = (
        one
        for one in sign_in.password_tries(organisation.address("anna"), [OFFICE])
        if one.startswith(left)
    )
    with open_sessions(cluster.engine).begin() as session:
        sign_in.record_failure(session, [subject] * most, wall_clock())
    assert await asyncio.to_thread(log_in, organisation, "anna", "wrong", OFFICE) == 429


async def test_who_has_been_signed_in_there_gets_in_whatever_colleagues_mistype(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()

    def act() -> None:
        give_password(cluster, organisation, "anna", RIGHT)
        with Browser() as anna:
            anna.open(f"{cluster.endpoints.web}/login")
            anna.press("Continue", email=organisation.address("anna"))
            anna.press("Log in", password=RIGHT)
            with open_sessions(cluster.engine).begin() as session:
                sign_in.record_failure(
                    session, ["look-ups:127.0.0.1"] * MOST_LOOK_UPS, wall_clock()
                )
            anna.open(f"{cluster.endpoints.web}/login")
            anna.press("Continue", email=organisation.address("anna"))
            assert anna.status == 200

    await asyncio.to_thread(act)


async def test_a_genuine_link_opens_whatever_was_tried_from_the_same_office(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def act() -> None:
        made_up = f"{cluster.endpoints.web}/consent/00000000000000000000000000000000.x"
        answers = [
            loopback.get(made_up, timeout=LONGEST_WAIT) for _ in range(MOST_UNKNOWN_LINKS + 1)
        ]
        assert answers[-1].status_code == 429
        with somebody(organisation) as who:
            who.browser.open(who.link)
            assert who.status == 200

    await asyncio.to_thread(act)
