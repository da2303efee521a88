"""Requests that are forged, huge, slow, or one of very many."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.parse import urlsplit

import httpx2
import pytest
import uvicorn
from fastapi.responses import PlainTextResponse
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from contracts.go_live import Wait
from local import loopback
from local.browser import Browser
from local.ports import free_port
from tests.administrators import somebody
from tests.attacks.conftest import Target
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster
from web.app import create_app
from web.middleware.request_limits import MOST_BYTES, BodyLimits, HeaderTimeout
from web.rate_limits import MOST_LOOK_UPS

# --- forged -----------------------------------------------------------------------------------


async def test_another_site_gives_no_order_in_the_browser_of_customer_success(
    cluster: Cluster, target: Target
) -> None:
    slug = target.organisation.slug

    def come() -> list[int]:
        with Browser() as browser:
            browser.open(f"{cluster.endpoints.web}/console/{slug}")
            browser.press("Login with SSO")
            browser.press("Sign in", login="dana@clientshare.example")
            assert slug.title() in browser.text, browser.text
            return [
                browser._http.post(
                    f"{cluster.endpoints.web}/console/{slug}/roll-back", data=form
                ).status_code
                for form in (
                    {"reason": "x"},
                    {"reason": "x", "form_token": "0" * 64},
                    {"reason": "x", "form_token": ""},
                )
            ]

    assert await asyncio.to_thread(come) == [403, 403, 403]
    await target.assert_nothing_moved()


async def test_a_token_of_ones_own_browser_is_none_for_another(cluster: Cluster) -> None:
    def come() -> int:
        with Browser() as attacker, Browser() as victim:
            for browser in (attacker, victim):
                browser.open(f"{cluster.endpoints.web}/login")
            stolen = attacker._page.forms[0].fields
            return victim._http.post(f"{cluster.endpoints.web}/login", data=stolen).status_code

    assert await asyncio.to_thread(come) == 403


async def test_over_tls_no_other_host_of_our_domain_can_plant_a_cookie(cluster: Cluster) -> None:
    """`__Host-`: browsers take such a cookie from this very host alone, and over TLS."""
    public = cluster.settings.model_copy(update={"public_url": "https://pulse.example.com"})

    def come() -> tuple[list[str], int]:
        with TestClient(create_app(public), base_url="https://pulse.example.com") as http:
            given = http.get("/login").headers.get_list("set-cookie")
            http.cookies.clear()
            http.cookies.set("pulse_session", "planted")
            http.cookies.set("pulse_browser", "planted-by-somebody-else-0123456789")
            return given, len(http.get("/login").headers.get_list("set-cookie"))

    (cookie,), made_anew = await asyncio.to_thread(come)
    assert cookie.startswith("__Host-pulse_browser=")
    assert "Secure" in cookie
    assert "Path=/;" in f"{cookie};"
    assert "Domain" not in cookie
    assert made_anew == 1


LINES = [
    "anna@home.example\r\nSet-Cookie: pulse_session=planted",
    "anna@home.example\r\n\r\n<script>alert(1)</script>",
    "anna@home.example\n2026-11-24 12:00:00 INFO root: a line of the attacker",
    "anna@home.example\x1b[2Jgone",
]


@pytest.mark.parametrize("written", LINES)
async def test_a_line_break_starts_neither_a_header_nor_a_line_of_the_log(
    cluster: Cluster, target: Target, written: str
) -> None:
    log = cluster.folder / "web.log"
    before = log.stat().st_size

    def come() -> list[httpx2.Response]:
        with Browser() as browser:
            browser.open(f"{cluster.endpoints.web}/login")
            fields = browser._page.forms[0].fields
            http, web = browser._http, cluster.endpoints.web
            return [
                http.post(f"{web}/login", data={**fields, "email": written}),
                http.post(f"{web}/login/password", data={**fields, "email": written}),
                http.post(f"{web}/auth/microsoft", data={**fields, "email": written}),
                http.get(f"{web}/login", params={"logged_out": written}),
                http.get(f"{web}/console/x", params={"search": written}),
            ]

    for answer in await asyncio.to_thread(come):
        assert answer.status_code < 500
        assert "planted" not in str(answer.headers)
        assert "<script>alert" not in answer.text
    logged = log.read_bytes()[before:].decode()
    for words in ("attacker", "planted", "anna@home", "\x1b[2J"):
        assert words not in logged
    await target.assert_nothing_moved()


async def test_nobody_is_sent_to_the_host_that_a_request_names(cluster: Cluster) -> None:
    """Neither by a page nor by one with a slash too many, which the framework would correct."""
    paths = [
        path.replace("{", "").replace("}", "")
        for path, methods in create_app(cluster.settings).openapi()["paths"].items()
        if "get" in methods
    ]
    assert len(paths) >= 17
    paths += ["/health", "/metrics", "/static"]

    def come() -> list[str]:
        faults = []
        with loopback.client(timeout=LONGEST_WAIT, headers={"Host": "evil.example"}) as http:
            for path in (*paths, *(f"{path}/" for path in paths if path != "/")):
                answer = http.get(f"{cluster.endpoints.web}{path}")
                if "evil.example" in answer.headers.get("Location", "") + answer.text:
                    faults.append(f"{path} leads to the host that was named")
                elif path.endswith("/") and path != "/" and answer.status_code != 404:
                    faults.append(f"{path} answers {answer.status_code}")
        return faults

    assert await asyncio.to_thread(come) == []


# --- huge and slow ----------------------------------------------------------------------------


def raw(address: str, *parts: bytes, pause: float = 0.0, within: float = LONGEST_WAIT) -> bytes:
    """Send bytes as they are, and return everything that comes until the other end closes."""
    where = urlsplit(address)
    with socket.create_connection((where.hostname, where.port), timeout=within) as line:
        try:
            for part in parts:
                line.sendall(part)
                time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while chunk := line.recv(65_536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


POST = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNK = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        (POST + b"Content-Length: 10000000000\r\n\r\n",),
        (POST + f"Content-Length: {MOST_BYTES + 1}\r\n\r\n".encode(), b"a" * 100),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", *[CHUNK] * 20),
    ],
    ids=["ten gigabytes", "one byte too many", "no end"],
)
async def test_a_huge_body_is_refused_before_anybody_reads_it(
    cluster: Cluster, parts: tuple[bytes, ...]
) -> None:
    answer = await asyncio.to_thread(raw, cluster.endpoints.web, *parts)
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:200]
    assert b"content-security-policy" in answer.lower()
    assert b"Nothing was changed" in answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET /login HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000,
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 100,
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        POST.replace(b"Host: x", b"Host: x\r\nHost: y") + b"\r\n",
    ],
    ids=["header", "address", "not http", "negative", "two lengths", "two hosts"],
)
async def test_a_head_that_cannot_be_is_refused_at_once(cluster: Cluster, head: bytes) -> None:
    answer = await asyncio.to_thread(raw, cluster.endpoints.web, head)
    assert answer.startswith(b"HTTP/1.1 4"), answer[:100]


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"read {len(body)}")(scope, receive, send)


HURRY_SECONDS = 2.0
"""Shorter than in the product, and long enough for what is sent at once, on a busy machine too."""


class _InAHurry(HeaderTimeout):
    header_seconds = HURRY_SECONDS


@contextmanager
def hurried() -> Iterator[str]:
    """The same limits with less patience, so that a test need not wait for them."""
    app = BodyLimits(
        _echo,
        too_large=lambda _: PlainTextResponse("too large", 413),
        too_slow=lambda _: PlainTextResponse("too slow", 408),
        seconds=HURRY_SECONDS,
    )
    port = free_port()
    config = uvicorn.Config(app, port=port, http=_InAHurry, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    give_up = time.monotonic() + LONGEST_WAIT
    while not server.started and time.monotonic() < give_up:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def test_a_body_that_trickles_in_is_ended_and_a_whole_one_is_read() -> None:
    with hurried() as address:
        announced = POST + b"Content-Length: 100\r\n\r\n"
        assert b"408" in raw(address, announced, b"a" * 50)
        whole = POST + b"Connection: close\r\nContent-Length: 100\r\n\r\n"
        assert b"read 100" in raw(address, whole, b"a" * 60, b"a" * 40)


def test_headers_that_trickle_in_end_the_connection_of_the_first_and_of_a_later_request() -> None:
    get = b"GET / HTTP/1.1\r\nHost: x\r\n"
    with hurried() as address:
        assert raw(address) == b""
        assert raw(address, get, b"X: ", b"a") == b""
        assert raw(address, get + b"\r\n", get, pause=0.05).count(b"read 0") == 1


# --- very many --------------------------------------------------------------------------------


async def test_whoever_looks_for_our_customers_one_domain_after_another_has_to_wait(
    cluster: Cluster, target: Target
) -> None:
    def come() -> list[int]:
        with Browser() as browser:
            browser.open(f"{cluster.endpoints.web}/login")
            fields = browser._page.forms[0].fields
            statuses = []
            for number in range(MOST_LOOK_UPS + 2):
                sent = {**fields, "email": f"x@not-with-us-{number}.example"}
                path = "/login" if number % 2 else "/auth/microsoft"
                statuses.append(
                    browser._http.post(cluster.endpoints.web + path, data=sent).status_code
                )
            known = {**fields, "email": target.organisation.address("anna")}
            answer = browser._http.post(f"{cluster.endpoints.web}/login", data=known)
            assert "not with us" in answer.text
            assert "Wait 15 minutes" in answer.text
            return [*statuses, answer.status_code]

    statuses = await asyncio.to_thread(come)
    assert statuses == [200] * MOST_LOOK_UPS + [429] * 3
    told = cluster.rows("SELECT 1 FROM golive.audit_entry WHERE action = 'domains_guessed'")
    assert len(told) == 1


async def test_the_own_domain_is_asked_for_as_often_as_people_like(target: Target) -> None:
    def come() -> None:
        with somebody(target.organisation) as who:
            for _ in range(3):
                who.open("/login").press("Continue", email=target.organisation.address("anna"))
                assert who.status == 200

    await asyncio.to_thread(come)
    guesses = target.organisation.cluster.rows("SELECT 1 FROM pulse.failed_login")
    assert guesses == []
    assert target.organisation.progress.wait is Wait.ADMIN_CONSENT
