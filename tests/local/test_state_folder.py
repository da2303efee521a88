import json
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local.errors import MissingPieceError, StateInUseError
from local.state_folder import StateFolder, chosen_state_folder


def test_the_folder_is_moved_by_its_setting(monkeypatch, tmp_path):
    monkeypatch.delenv("GOLIVE_LOCAL_STATE", raising=False)
    assert chosen_state_folder().name == ".state"
    monkeypatch.setenv("GOLIVE_LOCAL_STATE", str(tmp_path / "elsewhere"))
    assert chosen_state_folder() == tmp_path / "elsewhere"


def test_a_folder_in_use_is_refused_naming_the_process(tmp_path):
    code = (
        "import pathlib, signal, sys\n"
        "from local.state_folder import StateFolder\n"
        "with StateFolder(pathlib.Path(sys.argv[1])).claimed():\n"
        "    print('claimed', flush=True)\n"
        "    signal.pause()\n"
    )
    project = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=project
    ) as holder:
        holder.stdout.readline()
        with (
            pytest.raises(StateInUseError, match=f"process {holder.pid}"),
            StateFolder(tmp_path).claimed(),
        ):
            pass
        holder.kill()
    with StateFolder(tmp_path).claimed():
        """The claim of a killed process is void."""


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(MissingPieceError, match="GOLIVE_LOCAL_STATE"),
        StateFolder(tmp_path / "file" / "state").claimed(),
    ):
        pass


def test_the_secret_key_is_made_once_and_readable_by_its_owner_alone(tmp_path):
    key = StateFolder(tmp_path).secret_key()
    assert len(key) == 64
    assert StateFolder(tmp_path).secret_key() == key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert StateFolder(tmp_path / "other").secret_key() != key


def test_what_a_killed_stack_left_running_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("local.state_folder._LEFTOVER_SECONDS", 0.2)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as leftover:
        StateFolder(tmp_path).record("worker", leftover.pid)
        with StateFolder(tmp_path).claimed():
            assert leftover.wait() == -9


def test_a_process_that_only_has_the_id_of_a_part_is_left_alone(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as other:
        earlier = psutil.Process(other.pid).create_time() - 60
        (tmp_path / "parts.json").write_text(json.dumps({"worker": [other.pid, earlier]}))
        with StateFolder(tmp_path).claimed():
            assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("content", ["", "nonsense", "[]", '{"worker": 5}', '{"worker": ["x", 1]}'])
def test_a_spoilt_record_of_parts_is_no_trouble(tmp_path, content):
    (tmp_path / "parts.json").write_text(content)
    with StateFolder(tmp_path).claimed():
        pass


def test_each_start_begins_its_own_logs_and_keeps_those_before(tmp_path):
    for text in ("first", "second", "third"):
        with StateFolder(tmp_path).claimed():
            assert not (tmp_path / "logs" / "web.log").exists()
            (tmp_path / "logs" / "web.log").write_text(text)
    assert (tmp_path / "logs" / "web.previous.log").read_text() == "second"
    assert len(list((tmp_path / "logs").iterdir())) == 2
