"""A line between two programs that a test can lead elsewhere, cut, or let fall silent."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HOST = "127.0.0.1"


class Forwarder:
    """Hands on what comes to `port`, to whatever port it leads to at the moment."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._silent = threading.Event()
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._closing = threading.Lock()
        self._is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        """Take everything and hand nothing on; who is connected is told nothing."""
        self._silent.set()

    def speak_again(self) -> None:
        """Hand on what comes on new connections; the old ones stay silent."""
        self._silent = threading.Event()

    def cut(self) -> None:
        """Close every line that is open; new ones are taken."""
        for one in [*self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close every line and take no more, not even one that is arriving now."""
        with self._closing:
            self._is_closed = True
            with suppress(OSError):
                # Closing it alone would not wake the thread that accepts.
                self._listening.shutdown(socket.SHUT_RDWR)
            for one in (self._listening, *self._open):
                one.close()

    def _keep(self, one: socket.socket) -> bool:
        with self._closing:
            if self._is_closed:
                one.close()
                return False
            self._open.append(one)
            return True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                if not self._keep(here):
                    return
                silent = self._silent
                with suppress(OSError):
                    there = socket.create_connection((HOST, self.target))
                    if not self._keep(there):
                        return
                    for pair in ((here, there), (there, here)):
                        threading.Thread(target=_copy, args=(*pair, silent), daemon=True).start()
                    continue
                here.close()


def _copy(source: socket.socket, target: socket.socket, silent: threading.Event) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            if not silent.is_set():
                target.sendall(piece)
    if not silent.is_set():
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def forwarding(target: int) -> Iterator[Forwarder]:
    """Hand on what comes, inside the block."""
    forwarder = Forwarder(target)
    try:
        yield forwarder
    finally:
        forwarder.close()
