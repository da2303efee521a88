"""Whoever came with an account of no use here can choose another in the same browser."""

import asyncio

from contracts.go_live import Refusal, Wait
from tests.administrators import Consenting, somebody
from tests.cluster import Cluster, Person
from tests.journeys.test_consent_endings import GUEST
from wording.refusals import CHOOSE_ACCOUNT


def _assert_asked_for_an_account(who: Consenting, cluster: Cluster) -> None:
    assert who.browser.url.startswith(cluster.settings.entra_authority), who.text
    assert "prompt=select_account" in who.browser.url
    assert "Email, phone, or Skype" in who.text, who.text


async def test_a_guest_administrator_goes_on_with_an_account_of_the_organisation(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"), GUEST)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def work() -> None:
        with somebody(organisation) as who:
            who.accept("partner@elsewhere.example").assert_told(Refusal.GUEST)
            who.press(CHOOSE_ACCOUNT)
            _assert_asked_for_an_account(who, cluster)
            # Chosen wrongly once more, the choice is offered once more.
            who.sign_in("partner@elsewhere.example").assert_told(Refusal.GUEST)
            who.press(CHOOSE_ACCOUNT).sign_in(organisation.administrator)
            assert "/consent/progress" in who.browser.url, who.text

    await asyncio.to_thread(work)
    progress = await organisation.until(Wait.MOVE_DATE)
    assert progress.refusal is None


async def test_staff_without_the_role_choose_the_account_that_has_it(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("anna"))

    def work() -> None:
        with somebody(organisation) as who:
            who.open("/console").press("Login with SSO").sign_in("erin@clientshare.example")
            assert who.status == 403, who.text
            who.press(CHOOSE_ACCOUNT)
            _assert_asked_for_an_account(who, cluster)
            who.sign_in("dana@clientshare.example")
            assert who.status == 200, who.text
            assert who.browser.url.endswith("/console"), who.text

    await asyncio.to_thread(work)
