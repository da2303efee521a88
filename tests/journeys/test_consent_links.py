"""A consent link that is expired, used or replaced: which of them, and the way on."""

import asyncio
import re

from contracts.go_live import Refusal, Wait
from tests.administrators import Consenting, in_a_browser, waiting_for_consent
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person

NEW_LINK = "Send me a new link"


def _links(organisation: Organisation, change: str) -> None:
    organisation.cluster.rows(
        f"UPDATE golive.personal_link SET {change} WHERE purpose = 'consent' AND go_live_id = :g",
        g=organisation.standing().go_live_id,
    )


async def _new_link(organisation: Organisation, old: str) -> str:
    """The link of the newest mail, once it is another one."""
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            link = await asyncio.to_thread(
                organisation.cluster.endpoints.consent_link, organisation.contact
            )
            if link != old:
                return link
            await asyncio.sleep(0.05)


async def test_an_expired_link_is_replaced_by_one_click_at_the_address_on_file(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    old = cluster.endpoints.consent_link(organisation.contact)
    _links(organisation, "expires_at = '2020-01-01'")

    def ask(who: Consenting) -> None:
        who.browser.open(old)
        who.assert_told(Refusal.LINK_EXPIRED, 410)
        who.press(NEW_LINK)
        assert who.status == 200
        assert organisation.contact not in who.text

    await in_a_browser(organisation, ask)
    new = await _new_link(organisation, old)

    def use(who: Consenting) -> None:
        who.browser.open(old)
        who.assert_told(Refusal.LINK_REVOKED, 410)
        who.browser.open(new)
        who.press("Login with SSO and consent").sign_in(organisation.administrator)
        who.press("Accept")

    await in_a_browser(organisation, use)
    await organisation.until(Wait.MOVE_DATE)
    assert any("link" in action for _, action, _ in organisation.audit())


async def test_asking_again_and_again_does_not_fill_a_mailbox(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    old = cluster.endpoints.consent_link(organisation.contact)
    before = len(organisation.received(organisation.contact))
    _links(organisation, "expires_at = '2020-01-01'")

    def ask(who: Consenting) -> None:
        who.browser.open(old)
        for _ in range(6):
            who.press(NEW_LINK)
            assert who.status < 500
            who.browser.open(old)

    await in_a_browser(organisation, ask)
    await _new_link(organisation, old)
    assert len(organisation.received(organisation.contact)) - before <= 3


async def test_a_used_link_shows_where_the_go_live_stands(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    link = cluster.endpoints.consent_link(organisation.contact)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)

    def look(who: Consenting) -> None:
        who.browser.open(link)
        who.assert_told(Refusal.LINK_USED, 410)
        who.browser.open(f"{link}/progress")
        assert who.status == 200
        assert "The consent is complete" in who.text

    await in_a_browser(organisation, look)
    assert await organisation.signals() == ["consent_reported"]


async def test_a_link_of_a_go_live_that_has_ended_says_how(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    link = cluster.endpoints.consent_link(organisation.contact)
    await cluster.orders().roll_back(organisation.slug, "A change of mind.")
    await organisation.ended()

    def look(who: Consenting) -> None:
        for at in (link, f"{link}/progress"):
            who.browser.open(at)
            _assert_ended(who)
        who.browser.open(_setup_link(organisation))
        _assert_ended(who)

    await in_a_browser(organisation, look)
    assert organisation.mails("consent_request") == []


def _setup_link(organisation: Organisation) -> str:
    texts = organisation.cluster.endpoints._mails(organisation.contact)
    found = (re.search(r"http\S+/setup/\S+", text) for text in texts)
    return next(link.group() for link in found if link)


def _assert_ended(who: Consenting) -> None:
    """How it ended, whom to ask, and no button that promises what cannot come."""
    assert "Rolled back; people log in with their password again." in who.text, who.text
    assert NEW_LINK not in who.text
    assert "This link was already used" not in who.text
    who.browser.follow("Go to the login page")
    assert who.status == 200


async def test_whoever_handed_the_consent_on_sees_that_it_is_given(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    own = cluster.endpoints.consent_link(organisation.contact)

    def hand_on(who: Consenting) -> None:
        who.browser.open(own)
        who.browser.follow("Hand this to the administrator")
        who.press("Make the message", by_a_person="yes")
        who.browser.open(who.browser.url.replace("/hand-off/", "/consent/")[: -len("/message")])
        who.press("Login with SSO and consent").sign_in(organisation.administrator)
        who.press("Accept")

    await in_a_browser(organisation, hand_on)
    await organisation.until(Wait.MOVE_DATE)

    def look(who: Consenting) -> None:
        who.browser.open(own)
        who.assert_told(Refusal.LINK_USED, 410)
        who.browser.follow("Show where it stands")
        assert who.status == 200
        assert "The consent is complete" in who.text

    await in_a_browser(organisation, look)


async def test_opening_a_link_ten_times_changes_nothing(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    rows = "SELECT * FROM golive.personal_link WHERE go_live_id = :g ORDER BY id"
    before = [tuple(row) for row in cluster.rows(rows, g=organisation.standing().go_live_id)]

    def open_it(who: Consenting) -> None:
        for _ in range(10):
            who.browser.open(who.link)
            assert who.status == 200

    await in_a_browser(organisation, open_it)
    after = [tuple(row) for row in cluster.rows(rows, g=organisation.standing().go_live_id)]
    assert after == before
    assert await organisation.signals() == []
