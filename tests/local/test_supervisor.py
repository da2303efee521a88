import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from local.errors import PartFailedError
from local.processes import Part
from local.supervisor import Supervisor
from tests.bounds import LONGEST_WAIT

WAIT = "import signal; signal.pause()"
PROJECT = Path(__file__).resolve().parents[2]


def program(name: str, code: str, *arguments: object, **options: object) -> Part:
    command = (sys.executable, "-c", code, *map(str, arguments))
    return Part(name=name, command=command, **{"ready_timeout": LONGEST_WAIT, **options})


def says_when_stopped(name: str, folder: Path) -> Part:
    """A part that is ready once it can say, in a file of all parts, that it was asked to stop."""
    ready = folder / f"{name}.ready"
    ready.unlink(missing_ok=True)
    code = (
        "import pathlib, signal, sys\n"
        "def stop(*_):\n"
        "    with open(sys.argv[2], 'a') as order: order.write(sys.argv[3] + ' ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "while True: signal.pause()\n"
    )
    return program(name, code, ready, folder / "order", name, ready=ready.exists)


@pytest.fixture
def supervisor(tmp_path):
    supervisor = Supervisor(tmp_path / "logs", grace=LONGEST_WAIT)
    yield supervisor
    supervisor.stop()


def gone(*pids: int) -> bool:
    """Whether none of them lives any more; a zombie that init has yet to reap is dead."""
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        if not any(lives(pid) for pid in pids):
            return True
        time.sleep(0.01)
    return False


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_part_has_answered_when_start_returns(supervisor, tmp_path):
    mark = tmp_path / "ready"
    code = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).touch(); signal.pause()"
    supervisor.start(program("part", code, mark, ready=mark.exists))
    assert mark.exists()
    assert lives(supervisor.pid("part"))


def test_parts_stop_in_reverse_order(supervisor, tmp_path):
    supervisor.start(*(says_when_stopped(name, tmp_path) for name in ("one", "two", "three")))
    supervisor.stop()
    assert (tmp_path / "order").read_text().split() == ["three", "two", "one"]


def test_a_restarted_part_keeps_its_place_in_the_order(supervisor, tmp_path):
    supervisor.start(*(says_when_stopped(name, tmp_path) for name in ("one", "two")))
    supervisor.kill("one")
    (tmp_path / "one.ready").unlink()
    supervisor.restart("one")
    supervisor.stop()
    assert (tmp_path / "order").read_text().split() == ["two", "one"]


def test_a_part_that_dies_is_named_with_its_status_and_last_lines(supervisor):
    code = "[print('line', number) for number in range(100)]; raise SystemExit(3)"
    supervisor.start(program("steady", WAIT))
    with pytest.raises(PartFailedError) as failure:
        supervisor.start(program("part", code, ready=lambda: False))
    assert failure.value.part == "part"
    first, second, *lines = str(failure.value).splitlines()
    assert first == "part stopped by itself: exit status 3."
    assert second.endswith("part.log, ends with:")
    assert lines == [f"    line {number}" for number in range(80, 100)]


def test_a_part_that_is_killed_is_named_with_its_signal(supervisor):
    supervisor.start(program("part", WAIT))
    supervisor.check()
    os.kill(supervisor.pid("part"), signal.SIGKILL)
    with pytest.raises(PartFailedError, match=r"part stopped by itself: signal 9 \(SIGKILL\)"):
        supervisor.wait(LONGEST_WAIT)
    with pytest.raises(PartFailedError):
        supervisor.check()


def test_a_part_that_died_while_another_starts_ends_the_start(supervisor):
    supervisor.start(program("first", WAIT))
    os.kill(supervisor.pid("first"), signal.SIGKILL)
    with pytest.raises(PartFailedError, match="first stopped by itself"):
        supervisor.start(program("second", WAIT, ready=lambda: False))


def test_a_part_that_never_answers_is_given_up(supervisor):
    part = program("part", WAIT, ready=lambda: False, ready_timeout=0.2, address="there")
    with pytest.raises(PartFailedError, match=r"part did not answer at there within 0\.2 seconds"):
        supervisor.start(part)


def test_a_program_that_is_not_there_is_named(supervisor):
    with pytest.raises(PartFailedError, match=r"part could not be started \(/no/such/program\)"):
        supervisor.start(Part(name="part", command=("/no/such/program",)))


def test_nothing_runs_after_the_block_even_if_it_raises(supervisor):
    pids = []

    def fail() -> None:
        with supervisor.running(program("one", WAIT), program("two", WAIT)):
            pids.extend(supervisor.pid(name) for name in ("one", "two"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.parametrize("trouble", ["deaf", "frozen"])
def test_a_part_that_does_not_hear_is_killed_after_the_grace(tmp_path, trouble):
    supervisor = Supervisor(tmp_path, grace=0.3)
    mark = tmp_path / "ready"
    code = (
        "import pathlib, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "while True: signal.pause()"
    )
    with supervisor.running(program("part", code, mark, ready=mark.exists)):
        pid = supervisor.pid("part")
        if trouble == "frozen":
            supervisor.kill("part", signal.SIGSTOP)
    assert not psutil.pid_exists(pid)


def test_children_of_a_part_end_with_it(supervisor, tmp_path):
    mark = tmp_path / "child"
    code = (
        "import pathlib, signal, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[2]])\n"
        "draft = pathlib.Path(sys.argv[1] + '.new'); draft.write_text(str(child.pid))\n"
        "draft.rename(sys.argv[1]); signal.pause()"
    )
    supervisor.start(program("part", code, mark, WAIT, ready=mark.exists))
    child = int(mark.read_text())
    assert lives(child)
    supervisor.kill("part")
    assert gone(child)


def test_a_wanted_death_is_no_failure_and_the_part_comes_back(supervisor):
    supervisor.start(program("part", WAIT), program("other", WAIT))
    before = supervisor.pid("part")
    supervisor.kill("part")
    assert not psutil.pid_exists(before)
    supervisor.wait(0.05)
    supervisor.restart("part")
    supervisor.check()
    assert supervisor.pid("part") != before
    os.kill(supervisor.pid("part"), signal.SIGTERM)
    with pytest.raises(PartFailedError, match="SIGTERM"):
        supervisor.wait(LONGEST_WAIT)


def test_a_part_that_died_by_itself_can_be_restarted(supervisor):
    supervisor.start(program("part", WAIT))
    os.kill(supervisor.pid("part"), signal.SIGKILL)
    with pytest.raises(PartFailedError):
        supervisor.wait(LONGEST_WAIT)
    supervisor.restart("part")
    supervisor.check()


def test_a_frozen_part_goes_on_when_woken(supervisor):
    supervisor.start(program("part", WAIT))
    supervisor.kill("part", signal.SIGSTOP)
    supervisor.kill("part", signal.SIGCONT)
    supervisor.check()
    os.kill(supervisor.pid("part"), signal.SIGTERM)
    with pytest.raises(PartFailedError):
        supervisor.wait(LONGEST_WAIT)


def test_a_restart_prepares_again_and_shows_only_its_own_lines(supervisor, tmp_path):
    prepared = []
    mark = tmp_path / "ready"
    code = (
        "import pathlib, signal, sys; print('hello', flush=True)\n"
        "pathlib.Path(sys.argv[1]).touch(); signal.pause()"
    )

    def prepare() -> None:
        prepared.append(1)
        mark.unlink(missing_ok=True)

    supervisor.start(program("part", code, mark, ready=mark.exists, prepare=prepare))
    supervisor.kill("part")
    supervisor.restart("part")
    assert len(prepared) == 2
    assert (tmp_path / "logs" / "part.log").read_text() == "hello\nhello\n"
    os.kill(supervisor.pid("part"), signal.SIGKILL)
    with pytest.raises(PartFailedError) as failure:
        supervisor.wait(LONGEST_WAIT)
    assert str(failure.value).count("hello") == 1


def test_a_part_outlives_the_thread_that_started_it(supervisor):
    thread = threading.Thread(target=supervisor.start, args=(program("part", WAIT),))
    thread.start()
    thread.join()
    supervisor.wait(0.2)
    assert lives(supervisor.pid("part"))


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path):
    code = (
        "import pathlib, signal, sys\n"
        "from local.processes import Part\n"
        "from local.supervisor import Supervisor\n"
        "supervisor = Supervisor(pathlib.Path(sys.argv[1]))\n"
        "parts = [Part(name, (sys.executable, '-c', sys.argv[2])) for name in ('one', 'two')]\n"
        "supervisor.start(*parts)\n"
        "print(supervisor.pid('one'), supervisor.pid('two'), flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), WAIT],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    ) as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) == 2
        assert all(lives(pid) for pid in pids)
        process.kill()
        process.wait()
    assert gone(*pids)


def test_a_part_that_ends_by_itself_is_waited_for(supervisor, tmp_path):
    code = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"
    supervisor.run_once(program("setup", code, tmp_path / "done"))
    assert (tmp_path / "done").exists()
    supervisor.check()


def test_a_failed_set_up_says_why(supervisor):
    with pytest.raises(PartFailedError) as failure:
        supervisor.run_once(program("setup", "raise SystemExit('The database is not there.')"))
    assert "setup did not succeed: it ended with exit status 1." in str(failure.value)
    assert str(failure.value).endswith("    The database is not there.")


def test_a_set_up_that_hangs_is_given_up(supervisor):
    with pytest.raises(PartFailedError, match=r"setup did not end within 0\.2 seconds"):
        supervisor.run_once(program("setup", WAIT, ready_timeout=0.2))


def test_an_environment_replaces_our_own(supervisor):
    code = "import os, sys; sys.exit(os.environ.get('PLANET') != 'Mars' or 'HOME' in os.environ)"
    supervisor.run_once(program("part", code, environment={"PLANET": "Mars"}))
