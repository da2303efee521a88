"""A consent belongs to the browser that proved it and to the link it began with; to nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from contracts.clock import wall_clock
from contracts.go_live import Attention, Refusal, Wait
from database.engine import open_sessions
from database.go_live import records
from database.go_live.repeated_events import WRITTEN_EACH
from local import loopback
from local.browser import Browser
from tests.administrators import (
    CLIENT,
    CONSENT,
    GRANT,
    Consenting,
    in_a_browser,
    somebody,
    waiting_for_consent,
)
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, Person
from tests.workflows.driver import never_applied, until_attention
from wording.refusals import REFUSALS

CHECK = "Check again"
AGAIN = "Consent for the organisation"


def _from_the_login_page(who: Consenting) -> Consenting:
    """Anybody who knows an address of the organisation comes as far as this."""
    who.open("/login").press("Continue", email=who.organisation.address("anna"))
    return who.press("Login with SSO").press("I am the administrator")


# --- what a browser proved is that browser's ------------------------------------------------------


@asynccontextmanager
async def _consented_in_vain(organisation: Organisation) -> AsyncIterator[Consenting]:
    """An administrator whose consent Microsoft did not apply within a week of the go-live's time.

    So it counts no longer, and the run waits for a consent again.
    """
    cluster = organisation.cluster
    never_applied(organisation)
    with somebody(organisation) as who:
        await asyncio.to_thread(who.accept)
        await organisation.until(Wait.MICROSOFT)
        await organisation.skip(timedelta(minutes=16))
        await until_attention(organisation, Attention.MICROSOFT_NOT_CAUGHT_UP)
        await organisation.skip(timedelta(days=8))
        cluster.control("DELETE", "/propagation")
        await cluster.orders().retry(organisation.slug)
        await _until_refused(organisation, Refusal.SIGN_IN_TOO_OLD)
        yield who


async def _until_refused(organisation: Organisation, refusal: Refusal) -> None:
    """The run has dealt with it and waits for a consent again."""
    await organisation.until(lambda now: now.refusal is refusal and now.wait is Wait.ADMIN_CONSENT)


async def test_check_again_works_in_the_browser_that_consented_and_in_no_other(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    async with _consented_in_vain(organisation) as who:
        own = f"{who.link}/progress"

        def in_another(other: Consenting) -> None:
            # The same link in another browser repeats nothing; it has a way of its own.
            other.browser.open(own)
            assert REFUSALS[Refusal.SIGN_IN_TOO_OLD].happened in other.text
            with pytest.raises(LookupError, match=AGAIN):
                other.press(CHECK)
            other.press(AGAIN)
            assert "This is allowed already" in other.text
            # Somebody takes it back at Microsoft: then there is something to consent to.
            path = f"/tenants/{organisation.tenant_id}/grants/{CLIENT}"
            cluster.control("DELETE", path)
            other.browser.open(own)
            other.press(AGAIN)
            assert "adminconsent" in other.browser.url, other.browser.url
            cluster.control("PUT", path, **GRANT)
            # Whoever comes back without having proven anything has nothing to repeat either.
            other.come_back(
                error="access_denied",
                error_description="AADSTS65004: declined",
                state=other.state,
            )
            other.open("/consent/progress")
            with pytest.raises(LookupError, match=AGAIN):
                other.press(CHECK)

        await in_a_browser(organisation, in_another)
        await _until_refused(organisation, Refusal.DECLINED)

        def in_its_own() -> None:
            who.browser.open(own)
            who.press(CHECK)
            assert who.browser.url.endswith("/consent/progress"), who.text

        await asyncio.to_thread(in_its_own)
        await organisation.until(Wait.MOVE_DATE)
    assert await organisation.signals() == [
        "consent_reported",
        "consent_not_given",
        "consent_reported",
    ]


async def test_what_was_proven_more_than_a_week_ago_is_proven_anew(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    async with _consented_in_vain(organisation) as who:

        def act() -> None:
            who.open("/consent/progress")
            cluster.rows(
                "UPDATE golive.consent_evidence SET checked_at = checked_at - interval '8 days' "
                "WHERE go_live_id = :g",
                g=organisation.standing().go_live_id,
            )
            who.press(CHECK)
            who.assert_told(Refusal.SIGN_IN_TOO_OLD, 409)
            who.press(AGAIN).press("Accept")
            assert "/consent/progress" in who.browser.url

        await asyncio.to_thread(act)
        await organisation.until(Wait.MOVE_DATE)
    assert await organisation.signals() == ["consent_reported"] * 2


async def test_without_cookies_every_click_has_a_next_step(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))

    def act() -> None:
        link = urlsplit(cluster.endpoints.consent_link(organisation.contact)).path
        with loopback.client(
            base_url=cluster.endpoints.web, timeout=LONGEST_WAIT
        ) as without_cookies:
            page = without_cookies.get(f"{link}/progress").text
            without_cookies.cookies.clear()
            assert AGAIN in page
            assert CHECK not in page
            assert f'href="{link}/progress"' in page
            token = page.split('name="form_token" value="')[1].split('"')[0]
            for path, way_on in (
                (link, link),
                (f"{link}/new-link", link),
                ("/consent/progress", "/consent/progress"),
                ("/consent/again", "/consent/progress"),
            ):
                answer = without_cookies.post(path, data={"form_token": token})
                without_cookies.cookies.clear()
                assert answer.status_code == 403
                assert "Allow cookies" in answer.text
                assert f'href="{way_on}"' in answer.text, answer.text
            nothing = without_cookies.get("/consent/progress")
            assert nothing.status_code == 404
            assert "Open the link from our mail" in nothing.text

    await asyncio.to_thread(act)
    assert await organisation.signals() == []


async def test_nobody_reads_from_the_login_page_how_far_an_organisation_is(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))

    def act(who: Consenting) -> None:
        state = _from_the_login_page(who).state
        # The tenant of a domain is no secret, so this can be written by hand.
        who.come_back(state=state, admin_consent="True", tenant=organisation.tenant_id)
        who.open(f"/auth/microsoft/callback?state={who.state}&error=access_denied")
        for path in ("/consent/progress", "/consent/again"):
            who.open("/login")
            who.open(path)
            assert organisation.slug.title() not in who.text
        who.open("/consent/progress")
        assert who.status == 404

    await in_a_browser(organisation, act)
    assert await organisation.signals() == []


# --- who is heard ---------------------------------------------------------------------------------


async def test_a_refusal_is_heard_from_a_personal_link_only_and_once_a_day(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))

    def decline(who: Consenting) -> None:
        who.press("Cancel")
        who.assert_told(Refusal.DECLINED)

    def from_the_login_page(who: Consenting) -> None:
        decline(_from_the_login_page(who).sign_in(organisation.administrator))

    def by_link(who: Consenting) -> None:
        decline(who.to_microsoft().sign_in(organisation.administrator))

    await in_a_browser(organisation, from_the_login_page)
    assert await organisation.signals() == []
    # Somebody who is not heard keeps nobody from being heard.
    await in_a_browser(organisation, by_link)
    await organisation.until(lambda now: now.refusal is Refusal.DECLINED)
    for _ in range(2):
        await in_a_browser(organisation, by_link)
    assert await organisation.signals() == ["consent_not_given"]
    actions = [action for _, action, _ in organisation.audit()]
    assert actions.count("consent_refused") == WRITTEN_EACH
    assert actions.count("consent_refusal_reported") == 1
    heard = (organisation.standing().go_live_id, Refusal.DECLINED)
    with open_sessions(cluster.engine).begin() as session:
        assert records.was_refusal_reported(session, *heard, wall_clock() + timedelta(hours=23))
        assert not records.was_refusal_reported(session, *heard, wall_clock() + timedelta(hours=25))


# --- the link it began with -------------------------------------------------------------------


async def test_a_renewed_link_is_never_handed_to_whoever_holds_the_old_one(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    old = await asyncio.to_thread(lambda: cluster.endpoints.consent_link(organisation.contact))
    seen: list[str] = []

    def act(who: Consenting) -> None:
        who.browser.listen(lambda answer: seen.append(str(answer.request.url)))
        who.to_microsoft().sign_in(organisation.administrator)
        cluster.rows(
            "UPDATE golive.personal_link SET version = version + 1 "
            "WHERE purpose = 'consent' AND go_live_id = :g",
            g=organisation.standing().go_live_id,
        )
        for _ in range(2):
            who.press("Cancel")
            who.assert_told(Refusal.DECLINED)
            who.browser.follow(REFUSALS[Refusal.DECLINED].button)
            who.assert_told(Refusal.LINK_REVOKED, 410)
            assert who.browser.url == old
            # The browser's own page leads back to Microsoft, and not to the newer link either.
            who.open("/consent/progress").press(AGAIN)

    await in_a_browser(organisation, act)
    opened = {urlsplit(url).path.split("/")[2] for url in seen if "/consent/" in url}
    assert {token for token in opened if "." in token} == {old.rsplit("/", 1)[1]}
    # And whoever holds a link that was replaced is not heard either.
    assert await organisation.signals() == []


async def test_a_link_that_was_handed_on_is_used_up_by_the_proof_as_well(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))

    def act(who: Consenting) -> None:
        who.browser.open(who.link)
        who.browser.follow("Hand this to the administrator")
        who.press("Make the message", by_a_person="yes")
        handed_on = who.browser.url.removesuffix("/message").replace("/hand-off/", "/consent/")
        with Browser() as browser:
            administrator = Consenting(organisation, browser)
            browser.open(handed_on)
            administrator.press(CONSENT).sign_in(organisation.administrator).press("Accept")
            assert "/consent/progress" in browser.url
        who.browser.open(handed_on)
        asyncio.run_coroutine_threadsafe(organisation.until(Wait.MOVE_DATE), loop).result(60)
        who.browser.open(handed_on)
        who.assert_told(Refusal.LINK_USED, 410)

    loop = asyncio.get_running_loop()
    await in_a_browser(organisation, act)
