"""The web starts only where limits mean something and its port is free, and ends in order."""

import os
import signal
import socket
import threading
import time
from typing import Any

import pytest
import uvicorn

from web import __main__ as web
from web.__main__ import EVERYBODY_IS_TRUSTED, trusts_everybody


@pytest.mark.parametrize(
    "written", ["*", "127.0.0.1,*", " * ", "0.0.0.0/0", "::/0", "10.0.0.5, 0.0.0.0/1", "2000::/3"]
)
def test_a_list_that_names_everybody_is_refused(written: str) -> None:
    assert trusts_everybody(written)


@pytest.mark.parametrize(
    "written", ["", "127.0.0.1", "10.0.0.0/8", "10.0.0.5,fd00:1::/64", "::1", "unix-socket"]
)
def test_a_list_of_proxies_is_taken(written: str) -> None:
    assert not trusts_everybody(written)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a web process, and no way to serve."""
    settings = {
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/none",
        "CLIENT_ID": "33333333-3333-4333-8333-333333333333",
        "CLIENT_SECRET": "a-secret",
        "SMTP_URL": "smtp://127.0.0.1:25",
        "MAIL_FROM": "a@b.example",
        "PUBLIC_URL": "https://pulse.example",
        "SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "SUPPORT_ADDRESS": "a@b.example",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"GOLIVE_{name}", value)
    monkeypatch.setattr("sys.argv", ["web"])
    monkeypatch.setattr(web, "set_up_logging", lambda: None)
    monkeypatch.setattr(web._Server, "run", lambda *_, **__: pytest.fail("it serves"))


@pytest.mark.usefixtures("started")
def test_it_says_why_before_it_serves_anybody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert web.main() == 1
    assert EVERYBODY_IS_TRUSTED in capsys.readouterr().err


@pytest.mark.usefixtures("started")
def test_it_says_that_its_port_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["web", "--port", str(port)])
        assert web.main() == 1
    said = capsys.readouterr().err
    assert said.startswith(f"The web server cannot listen on 127.0.0.1:{port}: Address already")


def test_a_server_that_is_asked_to_end_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds, heard = list[float](), list[int]()
    monkeypatch.setattr(web, "leave_after", bounds.append)

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    server = web._Server(uvicorn.Config(app, lifespan="off", log_config=None))

    def ask() -> None:
        while not server.started:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        threading.Thread(target=ask, daemon=True).start()
        server.run(sockets=[socket.create_server(("127.0.0.1", 0))])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (bounds, heard) == ([web.STOP_SECONDS], [])
