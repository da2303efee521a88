"""What a shell says about other systems stays away from the local stack and the tests."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local import early_stop
from local.shielding import shield_this_process, shielded
from tests.bounds import LONGEST_WAIT

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "name",
    [
        "GOLIVE_CLIENT_CERTIFICATE_PATH",
        "GOLIVE_DATABASE_URL",
        "TEMPORAL_API_KEY",
        "TEMPORAL_PROFILE",
        "TEMPORAL_TLS_CLIENT_CERT_PATH",
        "PGHOST",
        "PGSSLMODE",
        "PGOPTIONS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "WEB_CONCURRENCY",
        "FORWARDED_ALLOW_IPS",
        "UVICORN_WORKERS",
        "SSLKEYLOGFILE",
        "PYTHONPATH",
        "PYTHONWARNINGS",
        "https_proxy",
        "HTTP_PROXY",
        "NO_PROXY",
    ],
)
def test_another_system_s_variable_is_left_out(name: str) -> None:
    assert name not in shielded({name: "theirs"})


@pytest.mark.parametrize("name", ["PATH", "HOME", "LANG", "GOLIVE_BY", "GOLIVE_LOCAL_WEB_PORT"])
def test_one_that_means_this_machine_is_kept(name: str) -> None:
    assert shielded({name: "ours"})[name] == "ours"


def test_text_is_utf_8_whatever_the_shell_speaks() -> None:
    assert shielded({"PYTHONUTF8": "0", "LC_ALL": "POSIX"})["PYTHONUTF8"] == "1"


def test_a_process_shields_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"TEMPORAL_API_KEY": "theirs", "HOME": "/home/x"})
    shield_this_process({"TEMPORAL_ADDRESS": "127.0.0.1:7233"})
    assert os.environ == {
        "HOME": "/home/x",
        "PYTHONUTF8": "1",
        "TEMPORAL_ADDRESS": "127.0.0.1:7233",
    }


def test_ctrl_c_during_the_imports_ends_in_words() -> None:
    code = "import local.early_stop, os, signal; os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
        check=False,
        # As in a terminal; a runner of tests in the background may ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert done.returncode == early_stop.STATUS
    assert done.stderr == "Stopped before anything was started.\n"


@pytest.mark.parametrize("program", ["demo.py", "__main__.py"])
def test_nothing_is_imported_before_ctrl_c_is_minded(program: str) -> None:
    tree = ast.parse((ROOT / "local" / program).read_text(encoding="utf-8"))
    first = next(node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    assert ast.unparse(first) == "import local.early_stop"
