"""A round trip to Microsoft counts once: what is left of it, and the way on when it fails."""

import asyncio
import json
from urllib.parse import unquote, urlencode

import httpx2
import pytest

from contracts.go_live import Refusal, Wait
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
from wording.refusals import REFUSALS

STAFF = "dana@clientshare.example"


async def _consented(cluster: Cluster) -> Organisation:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    return organisation


async def _moved(cluster: Cluster) -> Organisation:
    organisation = cluster.create_organisation(Person("anna"), Person("ben"))
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(lambda now: now.wait in {Wait.FIRST_SIGN_IN, Wait.AFTERCARE})
    return organisation


def _microsoft_is_away(cluster: Cluster, tenant_id: str, path: str = "/oauth2/v2.0/token") -> None:
    """The next request of this kind in this tenant meets an error of Microsoft's."""
    match = {"tenant": tenant_id, "path": f"/{tenant_id}{path}"}
    cluster.control("POST", "/faults", match=match, kind="server_error", times=1)


def _start_again(who: Consenting) -> None:
    """The page is calm, and its one link leads to where it can be begun afresh."""
    advice = REFUSALS[Refusal.MICROSOFT_NOT_ASKED]
    assert who.status == 503, who.text
    assert advice.happened in who.text
    assert "Try again" not in who.text
    who.browser.follow("Start again")
    assert who.status in {200, 401}, who.text


# --- Microsoft is away ------------------------------------------------------------------------


async def test_a_consent_is_begun_afresh_when_microsoft_is_away_at_the_sign_in(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))

    def act(who: Consenting) -> None:
        who.to_microsoft().sign_in(organisation.administrator)
        _microsoft_is_away(cluster, organisation.tenant_id)
        who.press("Accept")
        _start_again(who)
        assert who.browser.url == who.link
        assert not _is_signalled(organisation)
        who.press(CONSENT).press("Accept")
        assert "/consent/progress" in who.browser.url, who.text

    await in_a_browser(organisation, act)
    await organisation.until(Wait.MOVE_DATE)
    refused = ("system", "consent_refused", Refusal.MICROSOFT_NOT_ASKED.value)
    assert refused in organisation.audit()
    assert await organisation.signals() == ["consent_reported"]


async def test_a_consent_is_begun_afresh_when_microsoft_is_away_between_its_two_halves(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))

    def act(who: Consenting) -> None:
        # Before it leaves, the grant cannot be looked for either: a link leads on all the same.
        path = f"/{organisation.tenant_id}/v2.0/.well-known/openid-configuration"
        cluster.control(
            "POST",
            "/faults",
            match={"tenant": organisation.tenant_id, "path": path},
            kind="server_error",
            retry_after=None,
            times=2,
        )
        who.to_microsoft().sign_in(organisation.administrator)
        who.press("Accept")
        _start_again(who)
        who.press(CONSENT).press("Login with SSO and go on")
        assert "/consent/progress" in who.browser.url, who.text

    await in_a_browser(organisation, act)
    await organisation.until(Wait.MOVE_DATE)


async def test_a_sign_in_is_begun_afresh_when_microsoft_is_away(cluster: Cluster) -> None:
    organisation = await _moved(cluster)

    def act(who: Consenting) -> None:
        _to_microsoft(who, "anna")
        _microsoft_is_away(cluster, organisation.tenant_id)
        who.sign_in(organisation.address("anna"))
        _start_again(who)
        who.press("Continue", email=organisation.address("anna")).press("Login with SSO")
        assert "with Microsoft single sign-on" in who.text

    await in_a_browser(organisation, act)


async def test_staff_begin_afresh_at_the_console_when_microsoft_is_away(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()

    def act(who: Consenting) -> None:
        who.open("/console").press("Login with SSO")
        _microsoft_is_away(cluster, cluster.settings.staff_tenant_id or "")
        who.sign_in(STAFF)
        _start_again(who)
        assert who.browser.url.endswith("/console")
        who.press("Login with SSO")
        assert "Organisations" in who.text

    await in_a_browser(organisation, act)


def _to_microsoft(who: Consenting, name: str) -> None:
    who.open("/login").press("Continue", email=who.organisation.address(name))
    who.press("Login with SSO")


def _is_signalled(organisation: Organisation) -> bool:
    return bool(
        organisation.cluster.rows(
            "SELECT 1 FROM golive.consent_evidence WHERE go_live_id = :g",
            g=organisation.standing().go_live_id,
        )
    )


async def test_a_sign_in_that_comes_before_microsoft_knows_the_consent_is_begun_afresh(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))
    cluster.control(
        "POST",
        "/propagation",
        tenant=organisation.tenant_id,
        client_id=CLIENT,
        mode="token_refused_401",
        attempts=1,
        sign_in=True,
    )

    def act(who: Consenting) -> None:
        who.accept()
        who.assert_told(Refusal.SIGN_IN_TOO_EARLY)
        who.browser.follow("Start again")
        assert who.browser.url == who.link
        who.press(CONSENT).press("Accept")
        assert "/consent/progress" in who.browser.url, who.text

    await in_a_browser(organisation, act)
    await organisation.until(Wait.MOVE_DATE)
    assert await organisation.signals() == ["consent_reported"]
    ((subject,),) = cluster.rows(
        "SELECT subject FROM golive.audit_entry WHERE reason = 'sign_in_too_early' "
        "AND go_live_id = :g",
        g=organisation.standing().go_live_id,
    )
    assert subject == "AADSTS7000229"


# --- a reload ---------------------------------------------------------------------------------


def _remember_callbacks(who: Consenting) -> list[str]:
    """Every address of ours that Microsoft sends this browser back to, as it comes."""
    seen: list[str] = []

    def keep(response: httpx2.Response) -> None:
        if "/callback?" in str(response.request.url):
            seen.append(str(response.request.url))

    who.browser.listen(keep)
    return seen


async def test_a_reload_after_an_ordinary_sign_in_leads_to_the_start_page(cluster: Cluster) -> None:
    organisation = await _moved(cluster)

    def act(who: Consenting) -> None:
        came_back = _remember_callbacks(who)
        _to_microsoft(who, "anna")
        who.sign_in(organisation.address("anna"))
        who.browser.open(came_back[-1])
        assert who.status == 400
        assert "already used" in who.text
        assert "go-live" not in who.text
        who.browser.follow("Go to the start page")
        assert "with Microsoft single sign-on" in who.text

    await in_a_browser(organisation, act)


async def test_a_reload_after_the_web_went_away_in_between_says_that_nothing_was_done(
    cluster: Cluster,
) -> None:
    organisation = await _moved(cluster)

    def act(who: Consenting) -> None:
        came_back = _remember_callbacks(who)
        _to_microsoft(who, "anna")
        # The callback commits this before it asks Microsoft; then its process is killed.
        cluster.rows("UPDATE golive.authorization_request SET used_at = now()")
        who.sign_in(organisation.address("anna"))
        assert (who.status, "Already done" in who.text) == (400, False), who.text
        assert "nothing came of it" in who.text
        who.browser.open(came_back[-1])
        assert "nothing came of it" in who.text
        who.browser.follow("Start again")
        who.press("Continue", email=organisation.address("anna"))
        who.press("Login with SSO")
        assert "with Microsoft single sign-on" in who.text, who.text

    await in_a_browser(organisation, act)


async def test_a_reload_after_a_consent_shows_where_it_stands(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))

    def act(who: Consenting) -> None:
        came_back = _remember_callbacks(who)
        who.accept()
        for address in list(came_back):
            who.browser.open(address)
            who.assert_told(Refusal.STATE_USED)
            who.browser.follow("Show where it stands")
            assert who.status == 200
            assert organisation.slug.title() in who.text

    await in_a_browser(organisation, act)
    await organisation.until(Wait.MOVE_DATE)
    assert await organisation.signals() == ["consent_reported"]


async def test_a_reload_after_a_refusal_leads_back_to_the_link(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))

    def act(who: Consenting) -> None:
        came_back = _remember_callbacks(who)
        who.to_microsoft().sign_in(organisation.administrator).press("Cancel")
        who.browser.open(came_back[-1])
        who.assert_told(Refusal.STATE_USED)
        who.browser.follow("Show where it stands")
        assert who.status == 200
        who.press("Consent for the organisation").press("Accept")
        assert "/consent/progress" in who.browser.url

    await in_a_browser(organisation, act)
    await organisation.until(Wait.MOVE_DATE)


async def test_a_reload_at_the_console_leads_to_the_console(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()

    def act(who: Consenting) -> None:
        came_back = _remember_callbacks(who)
        who.open("/console").press("Login with SSO").sign_in(STAFF)
        who.browser.open(came_back[-1])
        assert who.status == 400
        who.browser.follow("Go to the start page")
        assert who.browser.url.endswith("/console")
        assert "Organisations" in who.text

    await in_a_browser(organisation, act)


# --- nothing signals but Microsoft's word -------------------------------------------------------


@pytest.mark.parametrize("code", ["", "made-up", "replayed"])
async def test_a_code_that_is_missing_made_up_or_replayed_signals_nothing(
    cluster: Cluster, code: str
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))

    def act(who: Consenting) -> None:
        sent = _codes_of_a_consent(organisation) if code == "replayed" else code
        state = who.to_microsoft().state
        who.come_back(state=state, admin_consent="True", tenant=organisation.tenant_id)
        query = urlencode({"state": who.state, **({"code": sent} if sent else {})})
        who.open(f"/auth/microsoft/callback?{query}")
        who.assert_told(refusal)
        who.browser.follow("Start again")
        assert who.browser.url == who.link

    refusal = Refusal.ID_TOKEN_INVALID
    before = [] if code != "replayed" else ["consent_not_given"]
    await in_a_browser(organisation, act)
    assert await organisation.signals() == before
    refused = ("system", "consent_refused", refusal.value)
    assert refused in organisation.audit()
    assert not _is_signalled(organisation)


def _codes_of_a_consent(organisation: Organisation) -> str:
    """A code that was redeemed in another browser already, by somebody who is only a guest."""
    cluster = organisation.cluster
    path = f"/tenants/{organisation.tenant_id}/grants/{CLIENT}"
    with somebody(organisation) as other:
        came_back = _remember_callbacks(other)
        other.to_microsoft()
        cluster.control("PUT", path, **GRANT)
        other.come_back(state=other.state, admin_consent="True", tenant=organisation.tenant_id)
        cluster.control(
            "POST",
            "/faults",
            match={"tenant": organisation.tenant_id},
            kind="id_token",
            times=1,
            claims={"acct": 1},
        )
        other.sign_in(organisation.administrator)
        other.assert_told(Refusal.GUEST)
        cluster.control("DELETE", path)
        return came_back[-1].split("code=")[1].split("&")[0]


async def test_an_error_without_state_is_not_taken_for_somebodys_word(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), Person("ben"))

    def act(who: Consenting) -> None:
        for error in ("access_denied", "consent_required", "server_error"):
            who.to_microsoft()
            who.come_back(error=error, error_description="AADSTS65004: declined")
            who.assert_told(Refusal.ERROR_WITHOUT_STATE)
            assert "signed in" not in who.text
            assert "declined" not in who.text
            who.browser.follow("Start again")
            assert who.browser.url == who.link
        with somebody(organisation) as stranger:
            stranger.come_back(error="access_denied")
            stranger.assert_told(Refusal.ERROR_WITHOUT_STATE)
            stranger.browser.follow("Start again")
            assert stranger.browser.url.endswith("/login")

    await in_a_browser(organisation, act)
    assert await organisation.signals() == []


# --- what is kept -----------------------------------------------------------------------------


async def test_no_address_is_kept_of_a_sign_in_and_no_secret_after_it(cluster: Cluster) -> None:
    organisation = await _consented(cluster)

    def kept() -> str:
        return json.dumps(
            [
                list(map(str, row))
                for row in cluster.rows(
                    "SELECT * FROM golive.authorization_request WHERE tenant_id = :t",
                    t=organisation.tenant_id,
                )
            ]
        )

    def act(who: Consenting) -> None:
        _to_microsoft(who, "anna")
        assert organisation.address("anna") not in unquote(who.browser.url)
        assert "code_verifier" in kept()
        assert organisation.domain not in kept()
        who.sign_in(organisation.address("anna"))
        assert "code_verifier" not in kept()
        with somebody(organisation) as gone:
            _to_microsoft(gone, "anna")
        assert "code_verifier" in kept()
        cluster.rows(
            "UPDATE golive.authorization_request SET expires_at = expires_at - interval '31 min' "
            "WHERE tenant_id = :t",
            t=organisation.tenant_id,
        )

    await in_a_browser(organisation, act)
    # The secrets of a trip that nobody came back from are forgotten, whether others come or not.
    async with asyncio.timeout(LONGEST_WAIT):
        while "code_verifier" in await asyncio.to_thread(kept):
            await asyncio.sleep(0.2)
