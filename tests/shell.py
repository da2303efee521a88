"""The shell as people use it, each command in a process of its own that starts in a moment.

What `starter.py` imports takes two seconds of a processor. One process has imported it, and each
command is a fork of that one: with its own environment, folder, output and exit status, as if
Python had been started for it.
"""

import asyncio
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, STAFF, Cluster
from tests.forks import FORKS


def shell(
    environment: dict[str, str], *arguments: str, by: str = STAFF, folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run `python starter.py` with these arguments, and with these settings alone."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GOLIVE_", "TEMPORAL_"))
    }
    given = {**kept, "COLUMNS": "200", **environment, "GOLIVE_BY": by}
    with tempfile.TemporaryDirectory() as printed:
        process = FORKS.Process(target=_run, args=(given, arguments, folder, Path(printed)))
        process.start()
        process.join(LONGEST_WAIT)
        if process.exitcode is None:
            process.kill()
            process.join()
        output, errors = ((Path(printed) / name).read_text() for name in ("1", "2"))
    assert process.exitcode is not None
    return subprocess.CompletedProcess(arguments, process.exitcode, output, errors)


async def run(
    cluster: Cluster, *arguments: str, by: str = STAFF
) -> subprocess.CompletedProcess[str]:
    """Run a command with the settings of a cluster, which works meanwhile."""
    return await asyncio.to_thread(shell, cluster.environment, *arguments, by=by)


def plain(done: subprocess.CompletedProcess[str], status: int) -> str:
    """Everything that a command printed, which left with this status and without a traceback."""
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def _run(
    environment: dict[str, str], arguments: tuple[str, ...], folder: Path, printed: Path
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number in (1, 2):
        os.dup2(os.open(printed / str(number), os.O_CREAT | os.O_WRONLY), number)
    sys.argv = ["starter.py", *arguments]
    runpy.run_path(str(ROOT / "starter.py"), run_name="__main__")
