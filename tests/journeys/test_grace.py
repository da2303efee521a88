"""A moved user's password counts until SSO has worked for them once, or the grace is over."""

import asyncio
from datetime import timedelta

from argon2 import PasswordHasher

from contracts.clock import wall_clock
from contracts.go_live import Wait
from tests.administrators import somebody
from tests.cluster import Cluster, Organisation, Person
from wording import sentences

WORDS = "correct horse battery staple"


def by_password(organisation: Organisation, name: str) -> tuple[int, str]:
    """Log in by password in a new browser; what the answer says."""
    with somebody(organisation) as who:
        who.open("/login").press("Continue", email=organisation.address(name))
        form = next(one for one in who.browser._page.forms if one.action == "/login/password")
        answer = who.browser._http.post(
            organisation.cluster.endpoints.web + form.action,
            data={**form.fields, "password": WORDS},
        )
        return answer.status_code, answer.text


async def moved(cluster: Cluster, *names: str) -> Organisation:
    """Users who know a password, and have all moved."""
    organisation = cluster.create_organisation(*(Person(name) for name in names))
    cluster.rows(
        "INSERT INTO pulse.password (user_id, argon2) SELECT u.id, :hash FROM pulse.app_user u "
        "JOIN pulse.organisation o ON o.id = u.organisation_id WHERE o.slug = :slug",
        hash=PasswordHasher().hash(WORDS),
        slug=organisation.slug,
    )
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(Wait.AFTERCARE)
    return organisation


async def test_nobody_is_locked_out_before_sso_has_worked_for_them(cluster: Cluster) -> None:
    organisation = await moved(cluster, "anna", "ben")
    assert organisation.user("anna")["sign_in_method"] == "sso"

    assert (await asyncio.to_thread(by_password, organisation, "anna"))[0] == 200
    await organisation.sign_in("anna")
    assert (await asyncio.to_thread(by_password, organisation, "anna"))[0] == 403
    assert (await asyncio.to_thread(by_password, organisation, "ben"))[0] == 200

    # The web knows the wall clock alone, so the grace is moved instead.
    cluster.rows(
        "UPDATE pulse.app_user SET password_until = password_until - :long WHERE address = :ben",
        long=timedelta(days=60),
        ben=organisation.address("ben"),
    )
    assert (await asyncio.to_thread(by_password, organisation, "ben"))[0] == 403
    await organisation.handle.cancel()


async def test_a_pause_adds_to_the_grace_and_nobody_is_locked_out_during_it(
    cluster: Cluster,
) -> None:
    organisation = await moved(cluster, "anna")
    await cluster.orders().pause(organisation.slug)
    await organisation.skip(timedelta(days=20))
    # The web knows the wall clock alone, so everything is brought to where it says the same.
    cluster.rows(
        """
        WITH g AS (SELECT g.id FROM golive.go_live g JOIN pulse.organisation o
                   ON o.id = g.organisation_id WHERE o.slug = :slug),
             u AS (UPDATE pulse.app_user SET password_until = password_until - :ahead
                   WHERE address = :anna RETURNING id),
             p AS (UPDATE golive.pause_time SET began_at = began_at - :ahead
                   WHERE go_live_id = (SELECT id FROM g))
        UPDATE golive.user_move SET moved_at = moved_at - :ahead
        WHERE user_id = (SELECT id FROM u)
        """,
        slug=organisation.slug,
        anna=organisation.address("anna"),
        ahead=await organisation.now() - wall_clock(),
    )
    assert organisation.user("anna")["password_until"] < wall_clock()
    assert (await asyncio.to_thread(by_password, organisation, "anna"))[0] == 200
    await organisation.handle.cancel()


async def test_after_a_pause_the_mails_name_the_day_that_counts(cluster: Cluster) -> None:
    organisation = await moved(cluster, "anna")
    until = organisation.user("anna")["password_until"]
    first = f"at the latest until {sentences.day(until)}"
    await organisation.received_by(organisation.address("anna"), first)
    await cluster.orders().pause(organisation.slug)
    await organisation.skip(timedelta(days=20))
    await cluster.orders().resume(organisation.slug)
    assert organisation.user("anna")["password_until"] == until, "what an undo compares stays"
    await organisation.skip(timedelta(days=6))
    then = f"stops working after {sentences.day(until + timedelta(days=20))}"
    await organisation.received_by(organisation.address("anna"), then)
    await organisation.handle.cancel()
