"""The one folder that holds what the local stack remembers; used by one running stack at a time."""

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from local.errors import MissingPieceError, StateInUseError

PROJECT_FOLDER = Path(__file__).resolve().parent.parent

_LEFTOVER_SECONDS = 10.0
"""Seconds for parts of a killed stack to end by themselves before they are killed."""


def chosen_state_folder() -> Path:
    """Return GOLIVE_LOCAL_STATE, else `.state` in the project."""
    chosen = os.environ.get("GOLIVE_LOCAL_STATE", "").strip()
    return Path(chosen).expanduser().resolve() if chosen else PROJECT_FOLDER / ".state"


class StateFolder:
    """Where each part keeps its state, who is using it, and what a killed stack left running."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.logs = self.path / "logs"
        self._parts_file = self.path / "parts.json"
        self._parts: dict[str, tuple[int, float]] = {}

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for this process; make it where it is missing.

        Whatever a killed stack left running on it is gone before the block starts.

        Raises:
            StateInUseError: a stack is running on it.
            MissingPieceError: it cannot be made or written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            claim = (self.path / "stack.lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise MissingPieceError(
                f"The state folder {self.path} cannot be used: {error.strerror}. "
                "Choose another by GOLIVE_LOCAL_STATE=FOLDER"
            ) from error
        with claim:
            try:
                # The kernel drops this lock with its process, also after kill -9: it is the proof
                # that a stack lives, where a process id in a file could be somebody else's.
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                claim.seek(0)
                raise StateInUseError(
                    f"A stack is already running on {self.path} "
                    f"(process {claim.read().strip() or 'unknown'}). Stop that one, or choose "
                    "another folder by GOLIVE_LOCAL_STATE=FOLDER"
                ) from None
            claim.truncate(0)
            claim.write(f"{os.getpid()}\n")
            claim.flush()
            self._end_leftovers()
            self._keep_previous_logs()
            yield
            self._parts_file.unlink(missing_ok=True)

    def record(self, name: str, pid: int) -> None:
        """Record the process of a part, so that the next start can end it if we are killed."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._parts[name] = (pid, psutil.Process(pid).create_time())
        draft = self._parts_file.with_suffix(".new")
        draft.write_text(json.dumps(self._parts), encoding="utf-8")
        draft.replace(self._parts_file)

    def secret_key(self) -> str:
        """Return this state's own random key of 64 characters, made at the first call."""
        path = self.path / "secret.key"
        if not path.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            draft = self.path / f"secret.key.{os.getpid()}"
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            draft.replace(path)
        return path.read_text(encoding="ascii")

    def _end_leftovers(self) -> None:
        leftovers = [
            process
            for pid, created in self._recorded().values()
            if (process := _same_process(pid, created)) is not None
        ]
        # On Linux they end with their supervisor; this waits for their last moments.
        if not _all_gone(leftovers):
            for process in leftovers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            _all_gone(leftovers)

    def _recorded(self) -> dict[str, tuple[int, float]]:
        try:
            content = json.loads(self._parts_file.read_text(encoding="utf-8"))
            return {name: (int(pid), float(created)) for name, (pid, created) in content.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def _keep_previous_logs(self) -> None:
        """Begin new logs for this start; those of the start before are kept beside them."""
        self.logs.mkdir(exist_ok=True)
        for log in self.logs.glob("*.log"):
            if not log.name.endswith(".previous.log"):
                log.replace(log.with_suffix(".previous.log"))


def _same_process(pid: int, created: float) -> psutil.Process | None:
    """Return that process unless it is gone and its id belongs to another by now."""
    try:
        process = psutil.Process(pid)
        # A corrected clock moves the time of creation a little.
        return process if abs(process.create_time() - created) < 2 else None
    except psutil.NoSuchProcess:
        return None


def _all_gone(processes: list[psutil.Process]) -> bool:
    """Wait for them to end; a zombie that nobody reaps (as in some containers) has ended."""
    deadline = time.monotonic() + _LEFTOVER_SECONDS
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
