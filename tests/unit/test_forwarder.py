"""A line of the tests that is closed takes nothing more."""

import socket

import pytest

from tests.forwarder import HOST, forwarding


def test_a_line_that_was_closed_takes_no_connection() -> None:
    with socket.create_server((HOST, 0)) as target:
        with (
            forwarding(target.getsockname()[1]) as line,
            socket.create_connection((HOST, line.port)),
        ):
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, line.port))
