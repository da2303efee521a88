"""Headers, cookies, forms, odd addresses, and parts of us that are away: never a dead end."""

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from contracts.go_live import Wait
from contracts.links import LinkPurpose, LinkSigner
from contracts.orders import Role
from database.engine import open_sessions
from database.go_live import records
from database.people import staff
from local import loopback
from local.browser import Browser
from local.ports import Ports
from tests.bounds import LONGEST_WAIT
from tests.cluster import STAFF, Cluster, process
from web.app import create_app
from web.microsoft.staff_admission import STAFF_COOKIE
from web.middleware.security_headers import SecurityHeaders
from web.rate_limits import MOST_UNKNOWN_LINKS
from web.visit import BROWSER_COOKIE, networks_of


@pytest.fixture(autouse=True)
def _forgiven(cluster: Cluster) -> Iterator[None]:
    """Many made-up links are tried here from one address; other tests are not to wait for it."""
    yield
    cluster.rows("DELETE FROM pulse.failed_login")


NASTY = [
    "/%00",
    "/login?email=%00",
    "/consent/%00.%00",
    "/consent/" + "a" * 5000,
    "/consent/00000000000000000000000000000000.x",
    "/consent/ffffffffffffffffffffffffffffffff.%F0%9F%92%A9",
    "/setup/../../etc/passwd",
    "/setup/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/static/../app.py",
    "/static/%2e%2e/app.py",
    "/invitation/'%20OR%201=1--",
    "/hand-off/%ff%fe/message",
    "/console/%00",
    "/console?page=99999999999999999999",
    "/console?search=%00%25_&show=nonsense",
    "//evil.example/login",
    "/login//evil.example",
    "/auth/microsoft/callback?state=a&state=b&code=%00",
    "/consent/callback?state=%00&error=x&admin_consent=True",
    "/consent/callback?" + "x" * 10_000,
    "/link/%00",
]


def ask(cluster: Cluster, method: str, path: str, **more: object) -> httpx2.Response:
    return loopback.request(method, f"{cluster.endpoints.web}{path}", timeout=LONGEST_WAIT, **more)


@pytest.mark.parametrize("path", NASTY)
async def test_an_odd_address_gets_a_calm_answer(cluster: Cluster, path: str) -> None:
    for method in ("GET", "POST", "HEAD", "PUT"):
        answer = await asyncio.to_thread(ask, cluster, method, path)
        assert answer.status_code < 500, (method, path)
        assert "evil.example" not in answer.headers.get("location", "")
        assert "passwd" not in answer.text or "<h1>" in answer.text


@pytest.mark.parametrize(
    "path", ["/login", "/nothing", "/consent/x", "/console", "/static/live.js"]
)
async def test_every_answer_carries_the_security_headers(cluster: Cluster, path: str) -> None:
    answer = await asyncio.to_thread(ask, cluster, "GET", path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert f"form-action 'self' https: {cluster.settings.entra_authority}" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "server" not in answer.headers
    assert not re.search(r"<script(?![^>]* src=)|style=|\son\w+=", answer.text)


async def test_cookies_are_for_us_alone_and_for_tls_outside_this_machine(cluster: Cluster) -> None:
    answer = await asyncio.to_thread(ask, cluster, "GET", "/login")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    public = cluster.settings.model_copy(update={"public_url": "https://pulse.example.com"})
    app = create_app(public)
    (headers,) = (one for one in app.user_middleware if one.cls is SecurityHeaders)
    assert headers.kwargs["https"] is True


FORMS = [
    "/login",
    "/login/password",
    "/logout",
    "/auth/microsoft",
    "/auth/microsoft/other-account",
    "/consent/progress",
    "/consent/again",
    "/consent/x",
    "/consent/x/granted",
    "/hand-off/x",
    "/invitation/x",
    "/setup/x/acknowledge",
    "/setup/x/contact",
    "/setup/x/new-link",
    "/setup/x/sign-in",
    "/console/sign-in",
    "/console/sign-out",
]


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_of_another_site_or_without_cookies_does_nothing(
    cluster: Cluster, path: str
) -> None:
    answer = await asyncio.to_thread(ask, cluster, "POST", path, data={"form_token": "f" * 64})
    assert answer.status_code == 403
    assert "Allow cookies" in answer.text


async def test_every_form_is_in_the_list(cluster: Cluster) -> None:
    app = create_app(cluster.settings)
    posts = {
        path.replace("{token}", "x")
        for path, methods in app.openapi()["paths"].items()
        # A console's form asks for the session first; the next test has those.
        if "post" in methods and "{slug}" not in path and not path.startswith("/console/-/")
    }
    posts = {path.replace("{purpose}", "setup") for path in posts}
    assert posts == set(FORMS)


@pytest.mark.parametrize(
    "path", ["/console/acme/roll-back", "/console/-/imports", f"/console/-/imports/{UUID(int=1)}"]
)
async def test_an_order_without_a_session_asks_to_sign_in(cluster: Cluster, path: str) -> None:
    answer = await asyncio.to_thread(ask, cluster, "POST", path, data={"form_token": "x"})
    assert answer.status_code == 401
    assert "Customer success console" in answer.text


async def test_known_and_unknown_addresses_get_the_same_answer(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()

    def ways_in(name: str) -> str:
        with Browser() as browser:
            browser.open(f"{cluster.endpoints.web}/login")
            browser.press("Continue", email=organisation.address(name))
            return browser.text.replace(name, "somebody")

    assert await asyncio.to_thread(ways_in, "anna") == await asyncio.to_thread(ways_in, "nobody")


async def test_a_double_click_on_hand_off_makes_one_link(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def twice() -> set[str]:
        link = cluster.endpoints.consent_link(organisation.contact)
        seen = set()
        with Browser() as browser:
            for _ in range(2):
                if not seen:
                    browser.open(link.replace("/consent/", "/hand-off/"))
                    form = browser._page.forms[-1]
                answer = browser._http.post(
                    cluster.endpoints.web + form.action,
                    data={**form.fields, "by_a_person": "yes"},
                )
                seen.add(str(answer.url))
                assert answer.status_code == 200
        return seen

    assert len(await asyncio.to_thread(twice)) == 1
    actions = [action for _, action, _ in organisation.audit()]
    assert actions.count("consent_handed_off") == 1


async def test_no_page_of_the_openapi_answers_5xx(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    signer = LinkSigner(cluster.settings.secret_keys)
    links = {
        row.purpose: signer.token(LinkPurpose(row.purpose), row.id, row.version)
        for row in cluster.rows(
            "SELECT purpose, id, version FROM golive.personal_link WHERE go_live_id = :g",
            g=organisation.standing().go_live_id,
        )
    }
    browser = secrets.token_urlsafe(32)
    form_token = form_token_of(cluster, browser)
    schema = schemathesis.openapi.from_dict(create_app(cluster.settings).openapi())
    answered: Counter[int] = Counter()

    @given(case=schema.as_strategy())
    @settings(
        max_examples=150,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    def no_server_error(case: schemathesis.Case) -> None:
        # Every other link is a real one, and every form comes from a page of this very browser.
        if "token" in case.path_parameters and answered.total() % 2:
            room = case.path.split("/")[1]
            case.path_parameters["token"] = links["setup" if room == "setup" else "consent"]
        if case.method.upper() == "POST":
            sent = case.body if isinstance(case.body, dict) else {}
            case.body = {**sent, "form_token": form_token}
            case.media_type = "application/x-www-form-urlencoded"
        cookies = {BROWSER_COOKIE: browser}
        answer = case.call(base_url=cluster.endpoints.web, cookies=cookies, allow_redirects=False)
        assert answer.status_code < 500, (case.method, case.path)
        assert answer.status_code != 403, (case.method, case.path, answer.text)
        answered[answer.status_code] += 1

    await asyncio.to_thread(no_server_error)
    assert answered[200] + answered[303] > 20, answered


def form_token_of(cluster: Cluster, browser: str) -> str:
    key = cluster.settings.secret_keys[0]
    return hmac.new(key, f"form:{browser}".encode(), hashlib.sha256).hexdigest()


async def test_no_form_of_the_console_answers_5xx_to_a_member_of_staff(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    token, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with open_sessions(cluster.engine).begin() as session:
        dana = records.staff_by_handle(session, STAFF)
        staff.open_session(session, dana.id, token, Role.LEAD, datetime.now(UTC))
    cookies = {STAFF_COOKIE: token, BROWSER_COOKIE: browser}
    form_token = form_token_of(cluster, browser)
    whole = create_app(cluster.settings).openapi()
    whole["paths"] = {path: one for path, one in whole["paths"].items() if "{slug}" in path}
    schema = schemathesis.openapi.from_dict(whole)

    @given(case=schema.as_strategy())
    @settings(
        max_examples=100,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    def no_server_error(case: schemathesis.Case) -> None:
        case.path_parameters["slug"] = organisation.slug
        if case.method.upper() == "POST":
            sent = case.body if isinstance(case.body, dict) else {}
            case.body = {**sent, "form_token": form_token}
            case.media_type = "application/x-www-form-urlencoded"
        answer = case.call(base_url=cluster.endpoints.web, cookies=cookies, allow_redirects=False)
        assert answer.status_code < 500, (case.method, case.path, answer.text)
        assert answer.status_code not in {401, 403}, (case.method, case.path)

    await asyncio.to_thread(no_server_error)


@pytest.mark.parametrize(
    ("network", "another"),
    [("192.0.2.7", "192.0.2.8"), ("2001:db8:1:2::{:x}", "2001:db8:1:3::1")],
)
async def test_whoever_tries_one_made_up_link_after_another_has_to_wait(
    cluster: Cluster, network: str, another: str
) -> None:
    path = "/consent/00000000000000000000000000000000.x"

    async def asked_from(address: str) -> httpx2.Response:
        # As the proxy in front says it.
        headers = {"X-Forwarded-For": address}
        return await asyncio.to_thread(ask, cluster, "GET", path, headers=headers)

    for number in range(MOST_UNKNOWN_LINKS):
        assert (await asked_from(network.format(number))).status_code != 429
    refused = await asked_from(network.format(MOST_UNKNOWN_LINKS))
    assert refused.status_code == 429
    assert "Wait 15 minutes" in refused.text
    assert (await asked_from(another)).status_code != 429


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_counts_as_one(host: str, network: str) -> None:
    assert networks_of(host)[0] == network


def test_larger_networks_are_those_that_a_site_or_a_provider_has() -> None:
    assert networks_of("2001:db8:1:102::1") == (
        "2001:db8:1:102::/64",
        "2001:db8:1:100::/56",
        "2001:db8:1::/48",
        "2001:db8::/32",
    )
    assert networks_of("192.0.2.7") == ("192.0.2.7", "192.0.2.0/24", "192.0.0.0/16")


async def test_a_database_that_is_away_gets_a_calm_page_and_the_click_can_be_repeated(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Where Temporal is away, nothing has to be repeated: tests/journeys/test_nothing_lost.py."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    link = (await asyncio.to_thread(setup_link, cluster, organisation.contact)).replace(
        cluster.endpoints.web, ""
    )
    ports = Ports.free()
    nowhere = f"postgresql+psycopg://x@127.0.0.1:{ports.postgresql}/x"
    environment = {**cluster.environment, "GOLIVE_DATABASE_URL": nowhere}
    log = tmp_path / "web.log"
    with process(environment, "-m", "web", "--port", str(ports.web), log=log):
        base = f"http://127.0.0.1:{ports.web}"
        await asyncio.to_thread(wait_for, f"{base}/health/live")

        def click() -> tuple[int, str]:
            with Browser() as browser:
                browser.open(base + link)
                if browser.status == 200:
                    browser.press("We have read the pack", move_at="", by_a_person="yes")
                return browser.status, browser.text

        status, words = await asyncio.to_thread(click)
    assert status == 503
    assert "nothing happens twice" in words

    def again() -> str:
        with Browser() as browser:
            browser.open(cluster.endpoints.web + link)
            browser.press("We have read the pack", move_at="", by_a_person="yes")
            return browser.text

    assert "you are ready" in await asyncio.to_thread(again)


def setup_link(cluster: Cluster, address: str) -> str:
    for mail in loopback.get(
        f"{cluster.endpoints.mailbox}/api/messages",
        params={"to": address},
        timeout=LONGEST_WAIT,
    ).json():
        shown = loopback.get(
            f"{cluster.endpoints.mailbox}/api/messages/{mail['id']}",
            timeout=LONGEST_WAIT,
        )
        found = re.search(rf"{re.escape(cluster.endpoints.web)}/setup/\S+", shown.json()["text"])
        if found:
            return found.group()
    raise AssertionError("There is no mail with a set-up link.")


def wait_for(url: str) -> None:
    with loopback.client(timeout=LONGEST_WAIT) as client:
        for _ in range(1800):
            try:
                if client.get(url).is_success:
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
    raise AssertionError("The web did not start.")
