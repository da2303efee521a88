"""What the demo says when it cannot go on, and what it does again."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from commands.errors import UnavailableError
from contracts.problems import Problem
from local import demo
from local.errors import PartFailedError
from local.report import Report


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A stack that fails with `error`, and the arguments of the demo."""
    fails = SimpleNamespace(error=None, arguments=["demo"])

    class Failing:
        def __init__(self, *_: object, **__: object) -> None: ...

        def running(self) -> None:
            raise fails.error

    monkeypatch.setattr(demo, "Stack", Failing)
    monkeypatch.setattr("sys.argv", fails.arguments)
    monkeypatch.setenv("GOLIVE_LOCAL_STATE", str(tmp_path / "state"))
    return fails


def test_what_a_command_ends_with_is_said_in_words(
    failing: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    failing.error = UnavailableError(Problem.DATABASE_AWAY, where="127.0.0.1:5432/pulse")
    assert demo.main() == 1
    assert "No database answers at 127.0.0.1:5432/pulse" in capsys.readouterr().err


@pytest.mark.parametrize("once", [True, False])
def test_it_goes_on_only_where_its_folder_is_kept(
    failing: SimpleNamespace, capsys: pytest.CaptureFixture[str], once: bool
) -> None:
    failing.error = PartFailedError("worker", "The worker died.", 1)
    failing.arguments += ["--once"] * once
    assert demo.main() == 1
    said = capsys.readouterr().err
    assert "All parts were stopped." in said
    assert ("goes on where it was" in said) is not once


def test_a_report_that_cannot_be_written_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "no such folder" / "demo.json"
    demo._write(Report([], 1.0, None), file)
    assert capsys.readouterr().err == (
        f"The report could not be written to {file}: No such file or directory.\n"
    )


async def test_a_turn_that_no_worker_answered_in_time_comes_again() -> None:
    playing = object.__new__(demo.Demo)
    turn = ("alpenglow", 1, "ENTITLEMENT")
    unanswered = asyncio.get_running_loop().create_future()
    unanswered.set_exception(UnavailableError(Problem.DATABASE_AWAY))
    playing._stack = SimpleNamespace(check=lambda: None)  # type: ignore[assignment]
    playing._parts, playing._done = {unanswered: turn}, {turn}
    playing.standings = list  # type: ignore[method-assign]
    assert await playing.poll() == []
    assert (playing._parts, playing._done) == ({}, set())
