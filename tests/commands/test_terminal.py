"""`watch` in a terminal of eighty columns: every word is there, and Ctrl-C ends it in order."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time

from contracts.go_live import Progress, Wait
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, Cluster
from wording import sentences

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROWS, COLUMNS = 40, 80


def _watched(cluster: Cluster, slug: str, last_words: str) -> tuple[int, str]:
    """Watch until the screen shows these words, press Ctrl-C; return the exit status and all."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    watching = subprocess.Popen(
        [sys.executable, "starter.py", "watch", slug],
        cwd=ROOT,
        env={**kept, **cluster.environment, "TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        # Whoever runs the tests in the background ignores Ctrl-C, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    os.close(slave)
    os.set_blocking(master, False)
    shown, give_up = "", time.monotonic() + LONGEST_WAIT
    try:
        while last_words not in _words(shown) and time.monotonic() < give_up:
            shown += _read(master)
        watching.send_signal(signal.SIGINT)
        give_up = time.monotonic() + LONGEST_WAIT
        # A terminal goes on reading; a full one would hold up the process at its last screen.
        while watching.poll() is None and time.monotonic() < give_up:
            shown += _read(master)
        return watching.wait(LONGEST_WAIT), _words(shown)
    finally:
        watching.kill()
        watching.wait()
        os.close(master)


def _read(terminal: int) -> str:
    """Return what was written since; nothing yet, or nobody writes any more: an empty text."""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        time.sleep(0.05)
        return ""


def _words(shown: str) -> str:
    return " ".join(_CONTROL.sub(" ", shown).split())


async def test_watch_shows_every_word_at_eighty_columns(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    progress: Progress = await organisation.until(Wait.ADMIN_CONSENT)
    by_itself = sentences.by_itself(progress)
    assert len(by_itself) > COLUMNS
    status, shown = await asyncio.to_thread(_watched, cluster, organisation.slug, by_itself)
    assert by_itself in shown
    assert sentences.to_do(progress) in shown
    assert sentences.beside_stage(progress, progress.stage) in shown
    assert status == 0
    await cluster.orders().roll_back(organisation.slug, "The test is over.")
    await organisation.ended()
