"""The worker's small pages stand silent and slow connections, and many of them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from local.ports import free_port
from telemetry import serving
from telemetry.serving import healthy
from tests.bounds import LONGEST_WAIT

MOST = 8


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(serving, "SILENT_SECONDS", 30.0, raising=False)
    monkeypatch.setattr(serving, "WHOLE_SECONDS", 1.0, raising=False)
    number = free_port()
    with serving.serving("127.0.0.1", number, {"/health": healthy}):
        yield number


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WAIT)


def asked(port: int) -> bytes:
    with connected(port) as line:
        line.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        answer = b""
        with suppress(ConnectionResetError):
            while part := line.recv(4096):
                answer += part
        return answer


def test_four_hundred_silent_connections_take_few_threads_and_are_closed(port: int) -> None:
    of_others = set(threading.enumerate())
    with ExitStack() as opened:
        lines = [opened.enter_context(connected(port)) for _ in range(400)]
        ours = set(threading.enumerate()) - of_others
        assert sum("process_request_thread" in one.name for one in ours) <= MOST
        for line in lines:
            with suppress(ConnectionResetError):
                assert line.recv(1) == b""
    _until_answered(port)


def test_a_connection_that_trickles_is_closed_as_well(port: int) -> None:
    give_up = time.monotonic() + LONGEST_WAIT
    with connected(port) as line, suppress(BrokenPipeError, ConnectionResetError):
        while time.monotonic() < give_up:
            line.sendall(b"G")
            time.sleep(0.05)
    assert time.monotonic() < give_up


def _until_answered(port: int) -> None:
    give_up = time.monotonic() + LONGEST_WAIT
    while b"200 OK" not in asked(port):
        assert time.monotonic() < give_up
        time.sleep(0.05)
