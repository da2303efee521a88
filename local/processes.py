"""One child process of ours: started so that it cannot outlive us, watched until it is gone."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local.readiness import Probe

_PR_SET_PDEATHSIG = 1
_TAIL_LINES = 20
_TAIL_BYTES = 16_384


@dataclass(frozen=True)
class Part:
    """One program of the stack."""

    name: str
    """As people and log files call it, such as "worker"."""
    command: tuple[str, ...]
    ready: Probe | None = None
    """Does it answer? None: being started is enough."""
    environment: Mapping[str, str] | None = None
    """The whole environment of the process; None is our own."""
    ready_timeout: float = 30.0
    """Seconds until it must answer."""
    working_folder: Path | None = None
    system_user: str | None = None
    """The system user to run it as, where we may choose (as root)."""
    prepare: Callable[[], None] | None = None
    """Called before each start, also before a restart."""
    stop_signal: signal.Signals = signal.SIGTERM
    """Asks it to end in order."""
    death_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends it the moment the supervisor dies."""
    address: str = ""
    """Where people or programs find it, for the table; such as "http://127.0.0.1:8080"."""


class PartProcess:
    """A started part. Its whole process group ends when the process itself ends."""

    def __init__(self, part: Part, log: Path, on_death: Callable[["PartProcess"], None]) -> None:
        self.part = part
        self.log = log
        self.expected = False
        """Whether somebody asked for its end, so that its death is no failure."""
        self.gone = threading.Event()
        self._on_death = on_death
        self._reaping = threading.Lock()
        account = pwd.getpwnam(part.system_user) if part.system_user else None
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=part.environment,
                cwd=part.working_folder,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                # Its own session: Ctrl-C in the terminal reaches the supervisor alone, which
                # then stops the parts in their order.
                start_new_session=True,
                preexec_fn=_dies_with_us(part.death_signal),
            )
        # A daemon, so that it never keeps an interpreter from ending.
        threading.Thread(target=self._watch, name=f"watch-{part.name}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id; it belongs to nobody else before `gone` is set."""
        return self._process.pid

    def send(self, signal_number: int) -> None:
        """Send a signal to the process itself, if it is still there."""
        with self._reaping:
            # Under this lock the id cannot have gone to another process meanwhile.
            if not self.gone.is_set():
                os.kill(self.pid, signal_number)

    def stop(self, grace: float) -> None:
        """Ask it to end, kill it after `grace` seconds, return when it is gone."""
        self.expected = True
        self.send(self.part.stop_signal)
        # A stopped (frozen) process could not hear the request.
        self.send(signal.SIGCONT)
        if not self.gone.wait(grace):
            self.send(signal.SIGKILL)
            self.gone.wait()

    def ending(self) -> str:
        """Return how it ended, such as "exit status 1" or "signal 9 (SIGKILL)"."""
        status = self._process.returncode
        if status is None or status >= 0:
            return f"exit status {status}"
        return f"signal {-status} ({signal.Signals(-status).name})"

    @property
    def status(self) -> int | None:
        """What it has ended with; negative: the signal that ended it. None: it has not ended."""
        return self._process.returncode

    @property
    def succeeded(self) -> bool:
        """Whether it has ended with exit status 0."""
        return self.status == 0

    def last_lines(self) -> str:
        """Return the last lines that this start of the part wrote to its log, indented."""
        with self.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])

    def _watch(self) -> None:
        # WNOWAIT leaves it a zombie: its id stays its own while the rest of its group is killed.
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self._reaping:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            self.gone.set()
        self._on_death(self)


# The kernel sends the death signal when the *thread* that started the child ends. All children
# are therefore started by this one thread, which lives as long as our process does.
_launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")


def launch(start: Callable[[], PartProcess]) -> PartProcess:
    """Run `start` on the thread that lives as long as this process; return what it returns."""
    return _launcher.submit(start).result()


def finish_launching() -> None:
    """Return when no start is under way any more, also one that Ctrl-C cut short."""
    _launcher.submit(lambda: None).result()


def _dies_with_us(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what a child runs before its program, so that it never outlives this process.

    Source: Linux manual, prctl(2), PR_SET_PDEATHSIG. It survives exec, holds for the child alone
    (not for its children) and works after kill -9. Other systems have no such thing: there,
    parts left over by a killed supervisor are ended by the next start on the same state folder.
    """
    if sys.platform != "linux":
        return None
    set_process_option = ctypes.CDLL(None, use_errno=True).prctl
    supervisor = os.getpid()

    def dies_with_us() -> None:
        set_process_option(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != supervisor:
            # The supervisor died between fork and here, so its signal will never come.
            os._exit(1)

    return dies_with_us
