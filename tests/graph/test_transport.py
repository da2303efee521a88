import gzip
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest

from graph import transport
from graph.errors import ForeignLinkError, MicrosoftUnreachableError, ThrottledError
from graph.transport import checked_endpoint, json_object, open_http, retry_after, send
from local import loopback
from tests.bounds import LONGEST_WAIT
from tests.graph.scripted import Answer, ScriptedMicrosoft


@pytest.mark.parametrize(
    "url",
    [
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com/v1.0/",
        "http://127.0.0.1:8100",
        "http://localhost:8100/graph/v1.0",
        "http://[::1]:8100",
    ],
)
def test_https_anywhere_and_http_on_loopback_are_endpoints(url: str) -> None:
    assert checked_endpoint(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://login.microsoftonline.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "https://user@login.microsoftonline.com",
        "https://login.microsoftonline.com?x=1",
        "ftp://127.0.0.1",
        "login.microsoftonline.com",
        "",
    ],
)
def test_anything_else_is_refused_as_an_endpoint(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        checked_endpoint(url)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("2.128", 2.128),
        ("30", 30.0),
        ("0", 0.1),
        ("-1", 10.0),
        ("nan", 10.0),
        ("inf", 10.0),
        ("soon", 10.0),
        ("3601", 3600.0),
        ("7200", 3600.0),
        ("9999999", 3600.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 120.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.1),
        ("Thu, 22 Oct 2026 07:28:00 GMT", 3600.0),
        ("Wed, 99 Oct 2026 07:28:00 GMT", 10.0),
    ],
)
def test_retry_after_may_be_fractional_or_a_date_and_nonsense_has_a_default(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after(header, "Wed, 21 Oct 2026 07:26:00 GMT") == seconds


def test_a_date_to_come_back_at_means_nothing_without_the_date_it_was_sent() -> None:
    assert retry_after("Wed, 21 Oct 2026 07:28:00 GMT") == 10.0
    assert retry_after("Wed, 21 Oct 2026 07:28:00 GMT", "yesterday") == 10.0


def test_429_carries_its_wait_also_when_it_names_none(
    http: httpx2.Client, scripted: ScriptedMicrosoft
) -> None:
    scripted.routes["/a"] = lambda _: Answer(429, {}, {"Retry-After": "2.128"})
    scripted.routes["/b"] = lambda _: Answer(429, {})

    with pytest.raises(ThrottledError) as first:
        send(http, "GET", f"{scripted.url}/a")
    with pytest.raises(ThrottledError) as second:
        send(http, "GET", f"{scripted.url}/b")

    assert first.value.retry_after_seconds == 2.128
    assert second.value.retry_after_seconds == 10.0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_5xx_is_unreachable_and_throttled_when_it_says_when_to_come_back(
    http: httpx2.Client, scripted: ScriptedMicrosoft, status: int
) -> None:
    scripted.routes["/a"] = lambda _: Answer(status, b"<html>")
    scripted.routes["/b"] = lambda _: Answer(status, b"<html>", {"Retry-After": "7"})

    with pytest.raises(MicrosoftUnreachableError):
        send(http, "GET", f"{scripted.url}/a")
    with pytest.raises(ThrottledError):
        send(http, "GET", f"{scripted.url}/b")


def test_a_redirect_is_never_followed(http: httpx2.Client, scripted: ScriptedMicrosoft) -> None:
    scripted.routes["/a"] = lambda _: Answer(302, {}, {"Location": f"{scripted.url}/b"})

    with pytest.raises(MicrosoftUnreachableError):
        send(http, "GET", f"{scripted.url}/a")

    assert scripted.count("/b") == 0


def test_a_cut_answer_is_unreachable(http: httpx2.Client, scripted: ScriptedMicrosoft) -> None:
    scripted.routes["/a"] = lambda _: Answer(200, b'{"value": [', {"Content-Length": "500"})

    with pytest.raises(MicrosoftUnreachableError):
        send(http, "GET", f"{scripted.url}/a")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"text"', b'{"a":', b"\xff\xfe"])
def test_a_malformed_answer_is_unreachable(
    http: httpx2.Client, scripted: ScriptedMicrosoft, body: bytes
) -> None:
    scripted.routes["/a"] = lambda _: Answer(200, body)

    with pytest.raises(MicrosoftUnreachableError):
        json_object(send(http, "GET", f"{scripted.url}/a"))


def test_a_closed_port_is_unreachable(http: httpx2.Client) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(MicrosoftUnreachableError):
            send(http, "GET", f"http://127.0.0.1:{taken.getsockname()[1]}/")


def test_a_silent_server_is_unreachable() -> None:
    silent = loopback.client(timeout=0.1)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        silent,
        pytest.raises(MicrosoftUnreachableError),
    ):
        send(silent, "GET", f"http://127.0.0.1:{server.getsockname()[1]}/")


def test_an_answer_that_trickles_is_given_up_as_a_whole(
    http: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each read of it is in time, so only a bound on the whole ends it."""
    monkeypatch.setattr(transport, "_WHOLE_ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        trickling = threading.Thread(target=_trickle, args=[server])
        trickling.start()
        with pytest.raises(MicrosoftUnreachableError, match="in time"):
            send(http, "GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        trickling.join(LONGEST_WAIT)
    assert not trickling.is_alive(), "the connection is closed, not left open"


def _trickle(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(10_000):
            connection.sendall(b" ")
            time.sleep(0.02)


def test_an_answer_larger_than_any_should_be_is_given_up(
    http: httpx2.Client, scripted: ScriptedMicrosoft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_MOST_BYTES", 100_000)
    scripted.routes["/a"] = lambda _: Answer(200, b" " * 99_998 + b"{}")
    scripted.routes["/b"] = lambda _: Answer(200, b" " * 100_000 + b"{}")

    assert json_object(send(http, "GET", f"{scripted.url}/a")) == {}
    with pytest.raises(MicrosoftUnreachableError, match="larger"):
        send(http, "GET", f"{scripted.url}/b")


def test_a_compressed_answer_is_read_and_measured_as_it_unfolds(
    http: httpx2.Client, scripted: ScriptedMicrosoft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_MOST_BYTES", 100_000)
    gzipped = {"Content-Encoding": "gzip"}
    scripted.routes["/a"] = lambda _: Answer(200, gzip.compress(b'{"a": "b"}'), gzipped)
    scripted.routes["/b"] = lambda _: Answer(200, gzip.compress(b" " * 1_000_000), gzipped)

    assert json_object(send(http, "GET", f"{scripted.url}/a")) == {"a": "b"}
    with pytest.raises(MicrosoftUnreachableError, match="larger"):
        send(http, "GET", f"{scripted.url}/b")


def test_text_that_is_no_url_is_a_foreign_link(http: httpx2.Client) -> None:
    with pytest.raises(ForeignLinkError):
        send(http, "GET", "http://127.0.0.1:port/")


def test_environment_variables_do_not_redirect_traffic(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedMicrosoft
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    scripted.routes["/a"] = lambda _: Answer(200, {})

    with open_http() as client:
        assert send(client, "GET", f"{scripted.url}/a").status_code == 200


def test_one_client_serves_many_threads(http: httpx2.Client, scripted: ScriptedMicrosoft) -> None:
    scripted.routes["/a"] = lambda _: Answer(200, {"ok": True})
    answers: list[dict[str, object]] = []

    def call() -> None:
        answers.append(json_object(send(http, "GET", f"{scripted.url}/a")))

    run_together([call] * 16)

    assert answers == [{"ok": True}] * 16


def run_together(calls: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
