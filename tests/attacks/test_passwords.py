"""Whoever guesses, and whoever would shut somebody out by guessing wrong."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from contracts.clock import wall_clock
from contracts.go_live import Wait
from database.engine import open_sessions
from database.people import sign_in
from local.browser import Browser
from tests.administrators import CONSENT, somebody
from tests.cluster import Cluster, Organisation
from tests.web.test_journeys import give_password
from web import rate_limits

RIGHT = "correct horse battery"


def log_in(organisation: Organisation, browser: Browser, password: str) -> int:
    browser.open(f"{organisation.cluster.endpoints.web}/login")
    browser.press("Continue", email=organisation.address("anna"))
    browser.press("Log in", password=password)
    return browser.status


async def test_twenty_at_once_are_not_more_than_ten(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    give_password(cluster, organisation, "anna", RIGHT)

    def one(_: int) -> int:
        with Browser() as browser:
            return log_in(organisation, browser, "wrong")

    def all_at_once() -> list[int]:
        with ThreadPoolExecutor(20) as pool:
            return list(pool.map(one, range(20)))

    answers = await asyncio.to_thread(all_at_once)
    # Who found no place (503) was not counted, so they may try again.
    while 429 not in answers[20:]:
        answers.append(await asyncio.to_thread(one, 0))
    assert set(answers) <= {401, 429, 503}
    assert answers.count(401) == sign_in.MOST_FAILURES


async def test_nobody_is_shut_out_of_the_browser_by_which_they_have_been_signed_in(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    give_password(cluster, organisation, "anna", RIGHT)

    def act() -> None:
        with Browser() as own, Browser() as other:
            assert log_in(organisation, own, RIGHT) == 200
            own.press("Log out")
            with open_sessions(cluster.engine).begin() as session:
                subject = f"address:{organisation.address('anna')}"
                sign_in.record_failure(
                    session, [subject] * sign_in.MOST_FOR_AN_ADDRESS, wall_clock()
                )
            assert log_in(organisation, other, RIGHT) == 429
            assert log_in(organisation, own, RIGHT) == 200
            own.press("Log out")
            # A browser that somebody took away guesses no longer than any other.
            wrong = [log_in(organisation, own, "wrong") for _ in range(11)]
            assert wrong == [401] * sign_in.MOST_FAILURES + [429]
            # Nobody makes such a cookie but us.
            number, tag, _ = own._http.cookies["pulse_known"].split(".")
            other._http.cookies.set("pulse_known", f"{number}.{tag}.{'0' * 32}")
            assert log_in(organisation, other, RIGHT) == 429

    await asyncio.to_thread(act)


async def test_browsers_are_not_sent_to_microsoft_without_end(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def act() -> None:
        most = getattr(rate_limits, "MOST_REQUESTS", 1_000)
        with open_sessions(cluster.engine).begin() as session:
            sign_in.record_failure(session, ["requests:127.0.0.1"] * most, wall_clock())
        before = cluster.rows("SELECT count(*) AS n FROM golive.authorization_request")
        with somebody(organisation) as who:
            who.open("/login").press("Continue", email=organisation.address("nobody"))
            who.press("Login with SSO").press("I am the administrator")
            assert who.status == 429
            assert "Wait 15 minutes" in who.text
            assert cluster.rows("SELECT count(*) AS n FROM golive.authorization_request") == before
            # Whoever has a personal link is counted by that.
            who.browser.open(who.link)
            who.press(CONSENT)
            assert "Sign in" in who.text

    await asyncio.to_thread(act)
