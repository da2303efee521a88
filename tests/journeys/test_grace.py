"""A moved user's password counts until SSO has worked for them once, or the grace is over."""

import asyncio
from datetime import timedelta

from argon2 import PasswordHasher

from contracts.go_live import Wait
from tests.consenting import somebody
from tests.town import Organisation, Person, Town

WORDS = "correct horse battery staple"


def by_password(organisation: Organisation, name: str) -> tuple[int, str]:
    """Log in by password in a new browser; what the answer says."""
    with somebody(organisation) as who:
        who.open("/login").press("Continue", email=organisation.address(name))
        form = next(one for one in who.browser._page.forms if one.action == "/login/password")
        answer = who.browser._http.post(
            organisation.town.places.web + form.action,
            data={**form.fields, "password": WORDS},
        )
        return answer.status_code, answer.text


async def test_nobody_is_locked_out_before_sso_has_worked_for_them(town: Town) -> None:
    organisation = town.found_organisation(Person("anna"), Person("ben"))
    town.rows(
        "INSERT INTO pulse.password (user_id, argon2) SELECT u.id, :hash FROM pulse.app_user u "
        "JOIN pulse.organisation o ON o.id = u.organisation_id WHERE o.slug = :slug",
        hash=PasswordHasher().hash(WORDS),
        slug=organisation.slug,
    )
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(Wait.AFTERCARE)
    assert organisation.user("anna")["sign_in_method"] == "sso"

    assert (await asyncio.to_thread(by_password, organisation, "anna"))[0] == 200
    await organisation.sign_in("anna")
    assert (await asyncio.to_thread(by_password, organisation, "anna"))[0] == 403
    assert (await asyncio.to_thread(by_password, organisation, "ben"))[0] == 200

    # The web knows the wall clock alone, so the grace is moved instead.
    town.rows(
        "UPDATE pulse.app_user SET password_until = password_until - :long WHERE address = :ben",
        long=timedelta(days=60),
        ben=organisation.address("ben"),
    )
    assert (await asyncio.to_thread(by_password, organisation, "ben"))[0] == 403
    await organisation.handle.cancel()
