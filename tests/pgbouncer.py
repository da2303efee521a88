"""Debian's PgBouncer before a PostgreSQL of a test."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from local.ports import HOST, free_port
from tests.bounds import LONGEST_WAIT

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

needs_pgbouncer = pytest.mark.skipif(
    PROGRAM is None,
    reason="PgBouncer is not installed; scripts/install_pgbouncer.sh does it as root",
)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder of a test's own, outside of pytest's, which nobody else may pass."""
    with tempfile.TemporaryDirectory(prefix="golive-pgbouncer-") as folder:
        yield Path(folder)


@contextmanager
def pgbouncer(folder: Path, target: int, *, user: str = "postgres", **more: str) -> Iterator[int]:
    """Pool transactions of the server on that port, two at a time; give the pooler's own port.

    The folder must lie where every user of this machine may pass, such as `open_folder`.
    """
    assert PROGRAM is not None
    port = free_port()
    settings = {
        "listen_addr": HOST,
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": "2",
        "max_client_conn": "200",
        **more,
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    # It refuses to run as root, and then has to read its files as somebody else.
    account = pwd.getpwnam("nobody") if not os.geteuid() else None
    for file in (folder, *folder.iterdir()):
        file.chmod(0o755)
    written = folder / "pgbouncer.ini"
    written.write_text(
        f"[databases]\n* = host={HOST} port={target} user={user}\n[pgbouncer]\n"
        + "\n".join(lines)
        + "\n"
    )
    with (folder / "pgbouncer.log").open("ab") as log:
        running = subprocess.Popen(
            [PROGRAM, "-q", str(written)],
            stdout=log,
            stderr=log,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    try:
        give_up = time.monotonic() + LONGEST_WAIT
        while running.poll() is None and time.monotonic() < give_up:
            with suppress(OSError):
                socket.create_connection((HOST, port)).close()
                yield port
                return
            time.sleep(0.02)
        raise AssertionError((folder / "pgbouncer.log").read_text())
    finally:
        running.terminate()
        running.wait(LONGEST_WAIT)
