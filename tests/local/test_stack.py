import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest

from database.engine import open_engine
from local import loopback
from local.errors import (
    OtherReleaseError,
    PartFailedError,
    PortsTakenError,
    StateInUseError,
    WrongSettingError,
)
from local.ports import Ports
from local.postgresql import url
from local.stack import PROJECT_FOLDER, SEED, Stack
from settings import Settings
from tests.bounds import LONGEST_WAIT

# These parts are programs of other rooms; the journeys run them.
OTHERS = ("simulator", "setup", "worker", "web")
needs_seed = pytest.mark.skipif(
    not (PROJECT_FOLDER / SEED).exists(), reason="the simulator's seed is not there"
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    stack = Stack(
        tmp_path_factory.mktemp("state"),
        Ports.free(),
        without=OTHERS,
        temporal_extra_args=("--namespace", "second"),
    )
    with stack.running():
        yield stack


def get(url: str) -> httpx2.Response:
    return loopback.get(url, timeout=LONGEST_WAIT)


@contextmanager
def command_line(state: Path, ports: Ports):
    """`python -m local` with these ports and the quickest parts, once it says that it runs."""
    environment = os.environ | {
        f"GOLIVE_LOCAL_{service.upper()}_PORT": str(port)
        for service, port in ports.by_service().items()
    }
    environment["GOLIVE_LOCAL_STATE"] = str(state)
    without = [word for name in (*OTHERS, "temporal") for word in ("--without", name)]
    with subprocess.Popen(
        [sys.executable, "-m", "local", *without],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=PROJECT_FOLDER,
    ) as process:
        try:
            while (line := process.stdout.readline()) and not line.startswith("Running."):
                continue
            yield process
        finally:
            process.kill()


def test_every_part_answers_where_the_table_says(stack):
    assert [place.part for place in stack.places()] == ["postgresql", "temporal", "mailbox"]
    assert all(place.log.exists() for place in stack.places())
    assert get(f"http://127.0.0.1:{stack.ports.mailbox}/health").status_code == 200
    stack.check()


def test_temporal_gets_the_extra_arguments(stack):
    namespaces = f"http://127.0.0.1:{stack.ports.temporal_ui}/api/v1/namespaces"
    deadline = time.monotonic() + LONGEST_WAIT
    while get(f"{namespaces}/second").status_code != 200:
        assert time.monotonic() < deadline


def test_a_second_stack_on_the_same_state_is_refused(stack):
    with (
        pytest.raises(StateInUseError, match="already running"),
        Stack(stack.state.path, Ports.free(), without=OTHERS).running(),
    ):
        pass


def test_a_second_stack_on_the_same_ports_is_refused_before_anything_starts(stack, tmp_path):
    with (
        pytest.raises(PortsTakenError) as refusal,
        Stack(tmp_path / "state", stack.ports, without=OTHERS).running(),
    ):
        pass
    assert len(str(refusal.value).splitlines()) == 5
    assert not (tmp_path / "state" / "postgresql").exists()


def test_another_part_can_be_started_like_one_of_the_stack(stack):
    assert stack.part("temporal").command[1:3] == ("server", "start-dev")
    with pytest.raises(KeyError):
        stack.part("worker")


def test_temporal_killed_and_restarted_still_answers(stack):
    before = stack.supervisor.pid("temporal")
    stack.supervisor.kill("temporal")
    stack.supervisor.restart("temporal")
    assert stack.supervisor.pid("temporal") != before
    stack.wait(0.01)


def test_an_unknown_part_cannot_be_left_out(tmp_path):
    with pytest.raises(WrongSettingError, match="No part is called wrker"):
        Stack(tmp_path, Ports(), without={"wrker"})


@needs_seed
def test_the_environment_holds_every_setting_the_product_needs(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("GOLIVE_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    ports = Ports.free()
    for name, value in Stack(tmp_path, ports).environment().items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.public_url == f"http://127.0.0.1:{ports.web}"
    assert settings.graph_url == f"http://127.0.0.1:{ports.simulator}/graph/v1.0"
    assert settings.worker_health_port == ports.worker_health
    assert len(settings.staff_tenant_id) == 36
    assert os.environ["TEMPORAL_ADDRESS"] == f"127.0.0.1:{ports.temporal}"


@needs_seed
def test_the_shell_s_own_settings_do_not_reach_the_parts(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_CLIENT_CERTIFICATE_PATH", "/real/certificate.pem")
    monkeypatch.setenv("TEMPORAL_API_KEY", "real")
    monkeypatch.setenv("GOLIVE_BY", "anna")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    worker = {part.name: part for part in Stack(tmp_path, Ports.free())._describe()}["worker"]
    assert "GOLIVE_CLIENT_CERTIFICATE_PATH" not in worker.environment
    assert "TEMPORAL_API_KEY" not in worker.environment
    assert worker.environment["GOLIVE_BY"] == "anna"
    assert "HTTPS_PROXY" not in worker.environment


def test_a_part_that_does_not_start_stops_the_others_and_says_why(tmp_path):
    stack = Stack(
        tmp_path / "state", Ports.free(), without=OTHERS, temporal_extra_args=("--no-such-option",)
    )
    with pytest.raises(PartFailedError, match=r"(?s)temporal stopped .*no-such-option"):  # noqa: SIM117
        with stack.running():
            pass
    stack.ports.check_free()


@needs_seed
def test_the_state_of_another_release_is_refused_in_one_sentence(tmp_path):
    ports = Ports.free()
    with Stack(tmp_path, ports, without={*OTHERS, "temporal", "mailbox"}).running():
        other = open_engine(url(ports.postgresql))
        with other.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA golive")
            connection.exec_driver_sql(
                "CREATE TABLE golive.alembic_version AS SELECT '0016'::varchar(32) AS version_num"
            )
        other.dispose()
    without = {*OTHERS, "temporal", "mailbox"} - {"setup"}
    with (
        pytest.raises(OtherReleaseError) as refusal,
        Stack(tmp_path, ports, without=without).running(),
    ):
        pass
    assert str(refusal.value) == (
        f"Another release of this project wrote {tmp_path}, and this one cannot go on from it. "
        "To forget it and begin anew: make clean"
    )
    ports.check_free()


def test_the_command_runs_until_it_is_asked_to_stop_and_again_after_kill_9(tmp_path):
    ports = Ports.free()
    for ending in (signal.SIGKILL, signal.SIGTERM):
        with command_line(tmp_path, ports) as process:
            parts = psutil.Process(process.pid).children()
            assert len(parts) == 2
            process.send_signal(ending)
            _, errors = process.communicate(timeout=LONGEST_WAIT)
            assert errors == ""
            assert process.returncode == (0 if ending == signal.SIGTERM else -9)
    ports.check_free()


def test_the_command_says_which_part_died_and_leaves_with_status_1(tmp_path):
    ports = Ports.free()
    with command_line(tmp_path, ports) as process:
        children = psutil.Process(process.pid).children()
        next(child for child in children if child.name() != "postgres").kill()
        _, errors = process.communicate(timeout=LONGEST_WAIT)
    assert process.returncode == 1
    assert errors.startswith("mailbox stopped by itself: signal 9 (SIGKILL).\nIts log, ")
    assert "    mailbox listening on smtp://" in errors
    ports.check_free()


def test_the_command_refuses_taken_ports_in_plain_words(stack, tmp_path):
    with command_line(tmp_path, stack.ports) as process:
        _, errors = process.communicate(timeout=LONGEST_WAIT)
    assert process.returncode == 1
    assert "GOLIVE_LOCAL_SMTP_PORT=" in errors
    assert "Traceback" not in errors
