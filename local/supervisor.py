"""Starts programs in order, waits until each answers, and stops all when one dies."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from local.errors import PartFailedError
from local.processes import Part, PartProcess, finish_launching, launch

_STEP = 0.05
"""Seconds between two probes of a starting part."""

_FREEZING = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGCONT})
"""Signals after which a process is still there."""

Observer = Callable[[str, int], None]
"""Called with the name and process id of each part just started."""


class Supervisor:
    """Runs parts as child processes; none of them outlives it, whatever ends it.

    Starting, stopping and restarting are meant for one thread; `check` and `pid` for any.
    """

    def __init__(
        self, log_folder: Path, *, grace: float = 10.0, on_start: Observer | None = None
    ) -> None:
        """Take a folder for the logs (`<part>.log`) and the seconds a part has for ending."""
        self._log_folder = log_folder
        self._grace = grace
        self._on_start = on_start
        self._processes: dict[str, PartProcess] = {}
        self._dead: PartProcess | None = None
        self._changed = threading.Condition()

    def start(self, *parts: Part) -> None:
        """Start the parts in this order; return when each of them answers.

        They start side by side: parts that need one another belong into separate calls.

        Raises:
            PartFailedError: one did not answer in its time, or it or an earlier part died.
        """
        started = [self._launch(part) for part in parts]
        for process in started:
            self._wait_until_ready(process)

    def run_once(self, part: Part) -> None:
        """Start a part that ends by itself; return when it has ended with exit status 0.

        Raises:
            PartFailedError: it ended otherwise or not within its `ready_timeout` seconds.
        """
        process = self._launch(part, expected=True)
        if not process.gone.wait(part.ready_timeout):
            process.stop(self._grace)
            raise self._failure(process, f"did not end within {part.ready_timeout:g} seconds")
        del self._processes[part.name]
        if not process.succeeded:
            raise self._failure(process, f"did not succeed: it ended with {process.ending()}")

    def wait(self, timeout: float | None = None) -> None:
        """Return after `timeout` seconds (None: never) in which every part lived.

        Raises:
            PartFailedError: at once when a part dies.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._dead is not None, timeout)
        self.check()

    def check(self) -> None:
        """Return at once if every part lives.

        Raises:
            PartFailedError: one has died; says which, of what, and the last lines of its log.
        """
        dead = self._dead
        if dead is not None:
            raise self._failure(dead, f"stopped by itself: {dead.ending()}")

    def pid(self, name: str) -> int:
        """Return the process id of a part.

        Raises:
            KeyError: no part of that name was started.
        """
        return self._processes[name].pid

    def kill(self, name: str, signal_number: int = signal.SIGKILL) -> None:
        """Send a part a signal; its death counts as wanted. Return when it is gone.

        After a signal that only freezes or wakes a part, return at once.
        """
        process = self._processes[name]
        if signal_number not in _FREEZING:
            process.expected = True
        process.send(signal_number)
        if signal_number not in _FREEZING and not process.gone.wait(self._grace):
            raise self._failure(process, f"did not end on signal {int(signal_number)}")

    def restart(self, name: str) -> None:
        """Start a part again, stopping it first if it lives; return when it answers.

        Raises:
            PartFailedError: it did not answer in its time, or died.
        """
        process = self._processes[name]
        process.stop(self._grace)
        with self._changed:
            if self._dead is process:
                self._dead = None
        self._wait_until_ready(self._launch(process.part))

    def stop(self) -> None:
        """Stop the parts in reverse order; return when all have stopped. Idempotent."""
        try:
            self._stop_all()
        except BaseException:
            # Ctrl-C while stopping: the rest is stopped all the same.
            self._stop_all()
            raise

    @contextlib.contextmanager
    def running(self, *parts: Part) -> Iterator["Supervisor"]:
        """Run the parts inside the block and stop them at its end, however it ends."""
        try:
            self.start(*parts)
            yield self
        finally:
            self.stop()

    def _stop_all(self) -> None:
        finish_launching()
        for process in reversed(self._processes.values()):
            process.stop(self._grace)
        self._processes.clear()
        self._dead = None

    def _launch(self, part: Part, *, expected: bool = False) -> PartProcess:
        if part.prepare is not None:
            part.prepare()
        self._log_folder.mkdir(parents=True, exist_ok=True)

        def start() -> PartProcess:
            process = PartProcess(part, self._log_folder / f"{part.name}.log", self._has_died)
            process.expected = expected
            # Here and not in the caller, whom Ctrl-C could interrupt before it knows the process.
            # A restarted part keeps its place in the order of stopping.
            self._processes[part.name] = process
            if self._on_start is not None:
                self._on_start(part.name, process.pid)
            return process

        try:
            return launch(start)
        except (OSError, subprocess.SubprocessError) as error:
            raise PartFailedError(
                part.name, f"{part.name} could not be started ({part.command[0]}): {error}"
            ) from error

    def _wait_until_ready(self, process: PartProcess) -> None:
        part = process.part
        deadline = time.monotonic() + part.ready_timeout
        while part.ready is not None and not part.ready():
            if time.monotonic() > deadline:
                where = f" at {part.address}" if part.address else ""
                raise self._failure(
                    process, f"did not answer{where} within {part.ready_timeout:g} seconds"
                )
            self.wait(_STEP)
        self.check()

    def _has_died(self, process: PartProcess) -> None:
        with self._changed:
            if not process.expected and self._dead is None:
                self._dead = process
                self._changed.notify_all()

    @staticmethod
    def _failure(process: PartProcess, what_happened: str) -> PartFailedError:
        name = process.part.name
        lines = process.last_lines() or "    (it wrote nothing)"
        return PartFailedError(
            name,
            f"{name} {what_happened}.\nIts log, {process.log}, ends with:\n{lines}",
            process.status,
        )
