"""A consent link that is expired, used or replaced: which of them, and the way on."""

import asyncio
from collections.abc import Callable

from contracts.go_live import Refusal, Wait
from tests.consenting import Consenting, somebody
from tests.town import Organisation, Person, Town

NEW_LINK = "Send me a new link"


async def _waiting(town: Town) -> Organisation:
    organisation = town.found_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    return organisation


async def _do(organisation: Organisation, act: Callable[[Consenting], None]) -> None:
    def work() -> None:
        with somebody(organisation) as who:
            act(who)

    await asyncio.to_thread(work)


def _links(organisation: Organisation, change: str) -> None:
    organisation.town.rows(
        f"UPDATE golive.personal_link SET {change} WHERE purpose = 'consent' AND go_live_id = :g",
        g=organisation.standing().go_live_id,
    )


async def _new_link(organisation: Organisation, old: str) -> str:
    """The link of the newest mail, once it is another one."""
    for _ in range(400):
        link = await asyncio.to_thread(organisation.town.places.consent_link, organisation.contact)
        if link != old:
            return link
        await asyncio.sleep(0.05)
    raise AssertionError("No new link arrived.")


async def test_an_expired_link_is_replaced_by_one_click_at_the_address_on_file(town: Town) -> None:
    organisation = await _waiting(town)
    old = town.places.consent_link(organisation.contact)
    _links(organisation, "expires_at = '2020-01-01'")

    def ask(who: Consenting) -> None:
        who.browser.open(old)
        who.assert_told(Refusal.LINK_EXPIRED, 410)
        who.press(NEW_LINK)
        assert who.status == 200
        assert organisation.contact not in who.text

    await _do(organisation, ask)
    new = await _new_link(organisation, old)

    def use(who: Consenting) -> None:
        who.browser.open(old)
        who.assert_told(Refusal.LINK_REVOKED, 410)
        who.browser.open(new)
        who.press("Login with SSO and consent").sign_in(organisation.administrator)
        who.press("Accept")

    await _do(organisation, use)
    await organisation.until(Wait.MOVE_DATE)
    assert any("link" in action for _, action, _ in organisation.audit())


async def test_asking_again_and_again_does_not_fill_a_mailbox(town: Town) -> None:
    organisation = await _waiting(town)
    old = town.places.consent_link(organisation.contact)
    before = len(organisation.received(organisation.contact))
    _links(organisation, "expires_at = '2020-01-01'")

    def ask(who: Consenting) -> None:
        who.browser.open(old)
        for _ in range(6):
            who.press(NEW_LINK)
            assert who.status < 500
            who.browser.open(old)

    await _do(organisation, ask)
    await _new_link(organisation, old)
    assert len(organisation.received(organisation.contact)) - before <= 3


async def test_a_used_link_shows_where_the_go_live_stands(town: Town) -> None:
    organisation = await _waiting(town)
    link = town.places.consent_link(organisation.contact)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)

    def look(who: Consenting) -> None:
        who.browser.open(link)
        who.assert_told(Refusal.LINK_USED, 410)
        who.browser.open(f"{link}/progress")
        assert who.status == 200
        assert "The consent is complete" in who.text

    await _do(organisation, look)
    assert await organisation.signals() == ["admin_consented"]


async def test_a_link_of_a_go_live_that_has_ended_opens_nothing(town: Town) -> None:
    organisation = await _waiting(town)
    link = town.places.consent_link(organisation.contact)
    await town.orders().roll_back(organisation.slug, "A change of mind.")
    await organisation.ended()

    def look(who: Consenting) -> None:
        who.browser.open(link)
        who.assert_told(Refusal.LINK_REVOKED, 410)
        who.press(NEW_LINK)
        assert who.status == 410

    await _do(organisation, look)
    assert organisation.mails("consent_request") == []


async def test_opening_a_link_ten_times_changes_nothing(town: Town) -> None:
    organisation = await _waiting(town)
    rows = "SELECT * FROM golive.personal_link WHERE go_live_id = :g ORDER BY id"
    before = [tuple(row) for row in town.rows(rows, g=organisation.standing().go_live_id)]

    def open_it(who: Consenting) -> None:
        for _ in range(10):
            who.browser.open(who.link)
            assert who.status == 200

    await _do(organisation, open_it)
    after = [tuple(row) for row in town.rows(rows, g=organisation.standing().go_live_id)]
    assert after == before
    assert await organisation.signals() == []
