"""An invitation is for one person, for one use, for a while; another person cannot use it up."""

import asyncio
import re
import time

from contracts.go_live import Refusal, Wait
from contracts.sign_in import SignInAnswer
from tests.administrators import Consenting, somebody
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person
from wording.pages import SIGN_IN
from wording.refusals import REFUSALS

NEW = ("nora", "omar")


async def _invited(cluster: Cluster) -> Organisation:
    organisation = cluster.create_organisation(
        Person("anna"), *(Person(name, status="invited") for name in NEW)
    )
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(Wait.AFTERCARE)
    return organisation


def _links(organisation: Organisation, name: str, at_least: int = 1) -> list[str]:
    """The invitation links in somebody's mails, oldest first."""
    address, give_up = organisation.address(name), time.monotonic() + LONGEST_WAIT
    wanted = re.compile(rf"{re.escape(organisation.cluster.endpoints.web)}(/invitation/\S+)")
    while time.monotonic() < give_up:
        # The mailbox shows the newest first.
        mails = list(organisation.cluster.endpoints._mails(address))[::-1]
        found = [hit[1] for text in mails if (hit := wanted.search(text))]
        if len(found) >= at_least:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{name} has no {at_least} mails with an invitation")


def _state(organisation: Organisation, name: str) -> tuple[str, bool]:
    """What the person is with us, and whether the invitation is used."""
    ((status, used),) = organisation.cluster.rows(
        "SELECT u.status, k.used_at IS NOT NULL FROM golive.personal_link k "
        "JOIN pulse.app_user u ON u.id = k.user_id "
        "WHERE u.address = :address AND k.revoked_at IS NULL",
        address=organisation.address(name),
    )
    return status, used


def _accept(who: Consenting, link: str, account: str) -> Consenting:
    return who.open(link).press("Login with SSO").sign_in(who.organisation.address(account))


async def test_an_invitation_is_for_one_person_and_one_use(cluster: Cluster) -> None:
    organisation = await _invited(cluster)

    def work() -> None:
        (link,) = _links(organisation, "nora")
        secret = link.rsplit(".", 1)[-1]
        kept = cluster.rows("SELECT k::text AS row FROM golive.personal_link k")
        assert not any(secret in one.row for one in kept), "the link itself is not kept"
        for stranger in ("omar", "anna"):
            with somebody(organisation) as who:
                for _ in range(3):
                    assert who.open(link).status == 200
                _accept(who, link, stranger)
                assert who.status == 403, who.text
                assert SIGN_IN[SignInAnswer.NOT_THE_INVITED].happened in who.text
                assert "with Microsoft single sign-on" not in who.open("/").text
        assert _state(organisation, "nora") == ("invited", False)
        assert _state(organisation, "omar") == ("invited", False)
        with somebody(organisation) as who:
            assert who.open(link[:-1] + ("A" if link[-1] != "A" else "B")).status == 404
            _accept(who, link, "nora")
            assert "with Microsoft single sign-on" in who.text, who.text
            assert _state(organisation, "nora") == ("active", True)
        with somebody(organisation) as who:
            who.open(link)
            assert who.status == 410
            assert REFUSALS[Refusal.LINK_USED].happened in who.text

    await asyncio.to_thread(work)


async def test_an_invitation_expires_and_a_new_one_replaces_it(cluster: Cluster) -> None:
    organisation = await _invited(cluster)

    def work() -> None:
        (old,) = _links(organisation, "omar")
        cluster.rows(
            "UPDATE golive.personal_link k SET expires_at = now() - interval '1 minute' "
            "FROM pulse.app_user u WHERE u.id = k.user_id AND u.address = :address",
            address=organisation.address("omar"),
        )
        with somebody(organisation) as who:
            who.open(old)
            who.assert_told(Refusal.LINK_EXPIRED, 410)
            who.press(REFUSALS[Refusal.LINK_EXPIRED].button)
            assert "A new link is on its way" in who.text, who.text
        new = _links(organisation, "omar", at_least=2)[-1]
        assert new != old
        with somebody(organisation) as who:
            who.open(old)
            who.assert_told(Refusal.LINK_REVOKED, 410)
            _accept(who, new, "omar")
            assert "with Microsoft single sign-on" in who.text, who.text
        assert _state(organisation, "omar") == ("active", True)

    await asyncio.to_thread(work)


async def test_an_invitation_that_is_too_old_after_the_end_leads_to_the_login(
    cluster: Cluster,
) -> None:
    organisation = await _invited(cluster)

    def work() -> None:
        (link,) = _links(organisation, "omar")
        cluster.rows(
            "UPDATE golive.personal_link k SET expires_at = now() - interval '1 minute' "
            "FROM pulse.app_user u WHERE u.id = k.user_id AND u.address = :address",
            address=organisation.address("omar"),
        )
        cluster.rows(
            "UPDATE golive.go_live SET outcome = 'LIVE', closed_at = now() WHERE id = :g",
            g=organisation.standing().go_live_id,
        )
        with somebody(organisation) as who:
            who.open(link)
            assert who.status == 410
            assert "your account is ready" in who.text, who.text
            who.browser.follow("Log in with SSO")
            who.press("Continue", email=organisation.address("omar")).press("Login with SSO")
            who.sign_in(organisation.address("omar"))
            assert "with Microsoft single sign-on" in who.text, who.text

    await asyncio.to_thread(work)
