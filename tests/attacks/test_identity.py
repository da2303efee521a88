"""Who would love to be the administrator, or somebody's user: forged tokens, borrowed answers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from contracts.go_live import Attention, Refusal, Wait
from contracts.sign_in import SignInAnswer
from local.browser import Browser
from tests.administrators import somebody
from tests.attacks.conftest import Target
from tests.cluster import Cluster, Organisation, Person
from wording.pages import SIGN_IN

OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
FOREIGN_ISSUER = f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"

FORGED: dict[str, tuple[dict[str, Any], Refusal]] = {
    "unsigned (alg=none)": ({"signature": "none"}, Refusal.ID_TOKEN_INVALID),
    "signed with a stranger's key": ({"signature": "foreign_key"}, Refusal.ID_TOKEN_INVALID),
    "of another issuer": ({"claims": {"iss": FOREIGN_ISSUER}}, Refusal.ID_TOKEN_INVALID),
    "for another application": ({"claims": {"aud": OTHER_TENANT}}, Refusal.ID_TOKEN_INVALID),
    "with an old nonce": ({"claims": {"nonce": "0" * 64}}, Refusal.ID_TOKEN_INVALID),
    "without a nonce": ({"claims": {"nonce": None}}, Refusal.ID_TOKEN_INVALID),
    "that is over": ({"claims": {"exp": 1_700_000_000}}, Refusal.ID_TOKEN_INVALID),
    "of another tenant": ({"claims": {"tid": OTHER_TENANT}}, Refusal.OTHER_TENANT_SIGNED_IN),
    "of another tenant, issuer and all": (
        {"claims": {"tid": OTHER_TENANT, "iss": FOREIGN_ISSUER}},
        Refusal.OTHER_TENANT_SIGNED_IN,
    ),
    "of somebody with no number": ({"claims": {"oid": "the boss"}}, Refusal.ID_TOKEN_INVALID),
    "of nobody": ({"claims": {"oid": None}}, Refusal.ID_TOKEN_INVALID),
}


def lie(organisation: Organisation, **forged: Any) -> None:
    """Have the next ID token of a tenant forged."""
    organisation.cluster.control(
        "POST",
        "/faults",
        match={"tenant": organisation.tenant_id},
        kind="id_token",
        times=1,
        **forged,
    )


@pytest.mark.parametrize("case", FORGED)
async def test_a_forged_id_token_consents_to_nothing(target: Target, case: str) -> None:
    forged, refusal = FORGED[case]
    target.take_grant_back()
    since = target.newest_line()

    def come() -> None:
        with somebody(target.organisation) as who:
            who.to_microsoft().sign_in(target.organisation.administrator)
            lie(target.organisation, **forged)
            who.press("Accept")
            who.assert_told(refusal)

    await asyncio.to_thread(come)
    assert target.audited(since) == [("consent_refused", refusal)]
    await target.assert_nothing_moved()


@pytest.mark.parametrize("case", FORGED)
async def test_a_forged_id_token_signs_nobody_in(moved: Organisation, case: str) -> None:
    def come() -> None:
        with somebody(moved) as who:
            who.open("/login").press("Continue", email=moved.address("anna"))
            lie(moved, **FORGED[case][0])
            who.press("Login with SSO").sign_in(moved.address("anna"))
            assert who.status in {400, 403}, who.text
            who.open("/")
            assert "with Microsoft single sign-on" not in who.text

    sessions = "SELECT count(*) AS n FROM pulse.app_session WHERE method = 'sso'"
    before = moved.cluster.rows(sessions)
    await asyncio.to_thread(come)
    assert moved.cluster.rows(sessions) == before


async def test_an_address_in_a_token_is_nobodys_identity(moved: Organisation) -> None:
    """nOAuth: whoever administers a directory writes any address into it; only ids count."""
    victim = moved.address("anna")

    def come() -> None:
        with somebody(moved) as who:
            who.open("/login").press("Continue", email=victim)
            lie(moved, claims={"email": victim, "preferred_username": victim})
            who.press("Login with SSO").sign_in(moved.address("stranger"))
            assert who.status == 403
            assert SIGN_IN[SignInAnswer.UNKNOWN].happened in who.text

    await asyncio.to_thread(come)


async def test_a_consent_of_ones_own_organisation_is_none_for_another(
    cluster: Cluster, target: Target
) -> None:
    """An administrator of a customer comes back with another customer's tenant, and their state."""
    attacker = cluster.create_organisation(Person("anna"))
    await attacker.start()
    await attacker.until(Wait.ADMIN_CONSENT)
    victim = target.organisation
    target.take_grant_back()
    since = target.newest_line()

    def come() -> None:
        with somebody(attacker) as who, somebody(victim) as other:
            who.to_microsoft().come_back(
                admin_consent="True", tenant=victim.tenant_id, state=who.state
            )
            who.assert_told(Refusal.WRONG_TENANT)
            theirs = other.to_microsoft().state
            who.to_microsoft().come_back(
                admin_consent="True", tenant=attacker.tenant_id, state=theirs
            )
            who.assert_told(Refusal.OTHER_BROWSER)

    await asyncio.to_thread(come)
    assert [reason for _, reason in target.audited(since)] == [
        Refusal.WRONG_TENANT,
        Refusal.OTHER_BROWSER,
    ]
    assert await attacker.signals() == []
    await target.assert_nothing_moved()


async def test_a_whole_consent_that_somebody_recorded_counts_once(
    cluster: Cluster, target: Target
) -> None:
    organisation, since = cluster.create_organisation(Person("anna")), target.newest_line()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def come() -> None:
        callbacks: list[str] = []

        def keep(answer: httpx2.Response) -> None:
            to = answer.headers.get("location", "")
            if "/callback?" in to:
                callbacks.append(to)

        with somebody(organisation) as who, Browser() as thief:
            who.browser.listen(keep)
            who.accept()
            assert "/consent/progress" in who.browser.url
            consent, sign_in = callbacks
            for replayed in (consent, sign_in):
                for browser in (who.browser, thief):
                    browser.open(replayed)
                    assert browser.status == 400, browser.text

    await asyncio.to_thread(come)
    await organisation.until(Wait.MOVE_DATE)
    assert await organisation.signals() == ["consent_reported"]
    refused = cluster.rows(
        "SELECT reason FROM golive.audit_entry WHERE id > :since AND action LIKE '%refused' "
        "ORDER BY id",
        since=since,
    )
    once = [Refusal.STATE_USED, Refusal.OTHER_BROWSER]
    assert [row.reason for row in refused] == once * 2


async def test_a_session_that_was_planted_is_never_anybodys(moved: Organisation) -> None:
    planted = "planted-by-somebody-else-0123456789"

    def come() -> tuple[str, str]:
        with somebody(moved) as who:
            cookies = who.browser._http.cookies
            host = urlsplit(moved.cluster.endpoints.web).hostname or ""
            cookies.set("pulse_session", planted, domain=host, path="/")
            who.open("/login").press("Continue", email=moved.address("anna"))
            who.press("Login with SSO").sign_in(moved.address("anna"))
            assert "with Microsoft single sign-on" in who.text
            tokens = [one.value or "" for one in cookies.jar if one.name == "pulse_session"]
        with somebody(moved) as attacker:
            attacker.browser._http.cookies.set("pulse_session", planted, domain=host, path="/")
            attacker.open("/")
            return tokens[-1], attacker.text

    token, seen = await asyncio.to_thread(come)
    assert token != planted
    assert moved.address("anna") not in seen
    assert "with Microsoft single sign-on" not in seen


async def test_microsoft_is_told_to_send_people_to_us_whatever_the_request_calls_us(
    moved: Organisation,
) -> None:
    def ask(**headers: str) -> str:
        with Browser() as browser:
            browser.open(f"{moved.cluster.endpoints.web}/login")
            answer = browser._http.post(
                f"{moved.cluster.endpoints.web}/auth/microsoft",
                data={**browser._page.forms[0].fields, "email": moved.address("anna")},
                headers=headers,
                follow_redirects=False,
            )
            assert answer.status_code == 303
            return answer.headers["location"]

    evil = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    to = await asyncio.to_thread(ask, Host="evil.example", **evil)
    assert to.startswith(moved.cluster.settings.entra_authority)
    (back,) = parse_qs(urlsplit(to).query)["redirect_uri"]
    assert back == f"{moved.cluster.settings.public_url}/auth/microsoft/callback"
    assert "evil" not in to


@contextmanager
def inside() -> Iterator[tuple[str, list[str]]]:
    """Something inside our network that must never be asked."""
    asked: list[str] = []

    class Inside(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"value": []}')

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Inside) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


async def test_a_next_page_inside_our_network_is_not_asked_for(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    with inside() as (address, asked):
        cluster.control(
            "POST",
            "/faults",
            match={"path": "/graph/v1.0/users", "tenant": organisation.tenant_id},
            kind="foreign_next_link",
            url=f"{address}/graph/v1.0/users?$skiptoken=x",
        )
        await organisation.skip_to_due()
        await organisation.until(lambda now: now.attention is Attention.UNEXPECTED)
        assert asked == []
    assert organisation.user("anna")["sign_in_method"] == "password"
    await organisation.handle.cancel()
