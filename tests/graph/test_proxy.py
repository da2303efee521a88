"""Microsoft is reached through the proxy of the settings, and through no other."""

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from graph.errors import MicrosoftUnreachableError
from graph.transport import open_http, send
from local.ports import HOST, free_port
from tests.certificates import make_certificate

CREDENTIALS = base64.b64encode(b"us:hunter2").decode()


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve each connection on a thread of its own, inside the block; give the port."""
    server = socket.create_server((HOST, 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                here, _ = server.accept()
                threading.Thread(target=serve, args=(here,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()


def head_of(here: socket.socket) -> str:
    read = b""
    while b"\r\n\r\n" not in read and (piece := here.recv(4096)):
        read += piece
    return read.decode()


@dataclass
class Proxy:
    """An HTTP proxy that asks for a login and leads nowhere but to whom it is asked for."""

    asked: list[str] = field(default_factory=list)

    def serve(self, here: socket.socket) -> None:
        with here, suppress(OSError):
            head = head_of(here)
            self.asked.append(head.split("\r\n")[0])
            if f"Basic {CREDENTIALS}" not in head:
                here.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                return
            host, _, port = head.split()[1].rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                here.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=copy, args=(there, here), daemon=True)
                back.start()
                copy(here, there)
                back.join(5)


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def microsoft(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A server with TLS: its address, and its authority's file."""
    authority = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority, tmp_path / "server.key")

    def serve(here: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(here, server_side=True) as secured:
            head_of(secured)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    with listening(serve) as port:
        yield f"https://{HOST}:{port}/v1.0", str(authority)


def test_https_goes_through_it_with_its_login(microsoft: tuple[str, str]) -> None:
    proxy = Proxy()
    url, authority = microsoft
    with (
        listening(proxy.serve) as port,
        open_http(authority, f"http://us:hunter2@{HOST}:{port}") as http,
    ):
        assert send(http, "GET", url).text == "ok"
    assert proxy.asked == [f"CONNECT {url.split('/')[2]} HTTP/1.1"]


def test_one_that_refuses_us_is_said_without_the_login(microsoft: tuple[str, str]) -> None:
    proxy = Proxy()
    url, authority = microsoft
    with (
        listening(proxy.serve) as port,
        open_http(authority, f"http://us:wrong@{HOST}:{port}") as http,
        pytest.raises(MicrosoftUnreachableError, match="GOLIVE_MICROSOFT_PROXY") as said,
    ):
        send(http, "GET", url)
    assert "wrong" not in str(said.value)


def test_one_that_is_not_there_is_not_passed_by(microsoft: tuple[str, str]) -> None:
    url, authority = microsoft
    with (
        open_http(authority, f"http://{HOST}:{free_port()}") as http,
        pytest.raises(MicrosoftUnreachableError),
    ):
        send(http, "GET", url)


def test_without_one_in_the_settings_the_shell_s_own_is_not_asked(
    microsoft: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{HOST}:{free_port()}")
    url, authority = microsoft
    with open_http(authority) as http:
        assert send(http, "GET", url).text == "ok"


def test_this_machine_is_reached_without_it() -> None:
    def serve(here: socket.socket) -> None:
        with here:
            head_of(here)
            here.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    with listening(serve) as port, open_http(None, f"http://{HOST}:{free_port()}") as http:
        assert send(http, "GET", f"http://{HOST}:{port}/").text == "ok"
