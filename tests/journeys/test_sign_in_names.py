"""People whose sign-in name at Microsoft is not their mail address."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from contracts.go_live import Wait
from simulator.browser import COOKIE
from tests.administrators import Consenting, somebody
from tests.cluster import Cluster, Organisation, Person


def _named(who: Consenting) -> dict[str, str]:
    query = parse_qs(urlsplit(who.browser.url).query)
    return {name: query[name][0] for name in ("login_hint", "domain_hint") if name in query}


async def _moved(cluster: Cluster) -> tuple[Organisation, str, str]:
    slug = f"t{uuid4().hex[:10]}"
    anna, nora = (f"{name}@{slug}.example" for name in ("alovelace", "nlovelace"))
    organisation = cluster.create_organisation(
        Person("anna", directory={"userPrincipalName": anna}),
        Person("nora", status="invited", directory={"userPrincipalName": nora}),
        slug=slug,
    )
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(lambda now: now.wait in {Wait.FIRST_SIGN_IN, Wait.AFTERCARE})
    return organisation, anna, nora


async def test_microsoft_is_given_names_that_it_knows_and_strangers_are_told_none(
    cluster: Cluster,
) -> None:
    organisation, anna, nora = await _moved(cluster)

    def by_the_login_page() -> None:
        with somebody(organisation) as who:
            who.open("/login").press("Continue", email=organisation.address("anna"))
            who.press("Login with SSO")
            assert _named(who) == {"domain_hint": organisation.domain}
            who.sign_in(anna)
            assert "with Microsoft single sign-on" in who.text, who.text
            # From now on this browser is known as hers, and as nobody else's.
            who.press("Log out")
            who.browser._http.cookies.delete(COOKIE)  # Microsoft's session ends, too
            for name, given in (("anna", {"login_hint": anna}), ("nora", {}), ("nobody", {})):
                who.open("/login").press("Continue", email=organisation.address(name))
                who.press("Login with SSO")
                assert _named(who) == {**given, "domain_hint": organisation.domain}
        with somebody(organisation) as who:
            mail = organisation.newest_mail_to(organisation.address("anna"))
            page = re.search(r"Go to \S+(/login)", mail)
            assert page is not None, mail
            who.open(page[1]).press("Continue", email=organisation.address("anna"))
            who.press("Login with SSO")
            assert _named(who) == {"domain_hint": organisation.domain}

    await organisation.received_by(organisation.address("anna"), "Go to")
    await asyncio.to_thread(by_the_login_page)
    await organisation.until(Wait.AFTERCARE)
    mail = await organisation.received_by(organisation.address("nora"), "/invitation/")
    (link,) = set(re.findall(r"(/invitation/\S+)", mail))

    def as_somebody_from_elsewhere() -> None:
        rename = (
            "UPDATE golive.directory_link SET sign_in_name = :name WHERE user_id = "
            "(SELECT id FROM pulse.app_user WHERE address = :address)"
        )
        cluster.rows(rename, address=organisation.address("nora"), name="")
        with somebody(organisation) as who:
            who.open(link).press("Login with SSO")
            assert _named(who) == {}
        cluster.rows(rename, address=organisation.address("nora"), name=nora)

    await asyncio.to_thread(as_somebody_from_elsewhere)

    def by_the_invitation(name: str) -> None:
        with somebody(organisation) as who:
            who.open(link).press("Login with SSO")
            assert _named(who) == {"login_hint": name, "domain_hint": organisation.domain}
            who.sign_in(name)
            assert "with Microsoft single sign-on" in who.text, who.text

    await asyncio.to_thread(by_the_invitation, nora)
    names = cluster.rows(
        "SELECT l.sign_in_name FROM golive.directory_link l JOIN pulse.app_user u "
        "ON u.id = l.user_id WHERE u.address LIKE :of ORDER BY u.address",
        of=f"%@{organisation.domain}",
    )
    assert [row.sign_in_name for row in names] == [anna, nora]


async def test_a_name_is_renewed_by_the_next_sign_in(cluster: Cluster) -> None:
    organisation, anna, _ = await _moved(cluster)
    renamed = f"ada@{organisation.domain}"
    cluster.control(
        "PATCH", f"/tenants/{organisation.tenant_id}/users/{anna}", userPrincipalName=renamed
    )

    def work() -> None:
        with somebody(organisation) as who:
            who.open("/login").press("Continue", email=organisation.address("anna"))
            who.press("Login with SSO").sign_in(renamed)
            assert "with Microsoft single sign-on" in who.text, who.text

    await asyncio.to_thread(work)
    assert cluster.rows(
        "SELECT 1 FROM golive.directory_link WHERE sign_in_name = :name", name=renamed
    )
