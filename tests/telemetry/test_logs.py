"""A line of the log is JSON, says which go-live, and repeats nobody's words."""

import asyncio
import gc
import json
import logging
import subprocess
import sys

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from temporalio.exceptions import ApplicationError

from contracts.go_live import go_live_id
from telemetry.logs import JsonLines, PlainLines
from tests.cluster import ROOT, Cluster

ADDRESS = "anna.berg@alpenglow.example"


def line(record: logging.LogRecord) -> dict[str, object]:
    return dict(json.loads(JsonLines().format(record)))


def record(
    message: object, *arguments: object, error: BaseException | None = None
) -> logging.LogRecord:
    about = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("web", logging.ERROR, __file__, 1, message, arguments, about)  # type: ignore[arg-type]


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


@pytest.mark.parametrize("form", [JsonLines(), PlainLines()])
@pytest.mark.parametrize(
    "made",
    [
        lambda error: record("A page failed", error=error),
        lambda error: record("A page failed: %s", error),
        lambda error: record(error),
    ],
)
def test_the_text_of_a_foreign_exception_is_not_logged(form, made) -> None:
    said = form.format(made(raised(ValueError(f"{ADDRESS} is not there"))))
    assert ADDRESS not in said
    assert "is not there" not in said


async def test_what_an_unawaited_task_or_a_callback_said_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise ValueError(ADDRESS)

    def fails_too(_: str) -> None:
        raise ValueError(ADDRESS)

    task = asyncio.create_task(fails())
    asyncio.get_running_loop().call_soon(fails_too, ADDRESS)
    await asyncio.wait([task])
    del task
    gc.collect()
    # What earlier tests have left is collected now as well, and said here, too.
    ours = [one for one in caplog.records if one.exc_info and ADDRESS in str(one.exc_info[1])]
    told = [line(one) for one in ours if one.name == "asyncio"]
    assert {said["message"] for said in told} == {
        "Task exception was never retrieved",
        f"Exception in callback {fails_too.__qualname__}",
    }
    assert ADDRESS in caplog.text, "asyncio quotes what was raised"
    assert ADDRESS not in json.dumps(told)
    assert {said["error"] for said in told} == {"ValueError"}


async def test_a_database_error_names_no_row(cluster: Cluster) -> None:
    statement = text("SELECT CAST(:address AS uuid)")
    with pytest.raises(DBAPIError) as refused, cluster.engine.begin() as connection:
        connection.execute(statement, {"address": ADDRESS})
    assert ADDRESS in str(refused.value.orig), "the driver quotes what it was given"
    told = line(record("Exception in ASGI application", error=refused.value))
    assert ADDRESS not in json.dumps(told)
    assert told["error"] == "DataError"
    assert any("test_logs.py" in place for place in told["error_at"])  # type: ignore[attr-defined]


def test_what_an_activity_of_ours_says_for_the_history_is_logged() -> None:
    error = raised(ApplicationError("The relay asks to try 3 mails again later."))
    told = record("failed", error=error)
    assert "error_text" not in line(told)
    told.temporal_activity = {"workflow_id": go_live_id("acme")}
    assert line(told)["error_text"] == str(error)


def test_a_line_says_which_go_live() -> None:
    told = record("stuck")
    told.temporal_workflow = {"workflow_id": go_live_id("acme"), "run_id": "r", "other": "x"}
    assert line(told) | {"at": ""} == {
        "at": "",
        "level": "ERROR",
        "logger": "web",
        "message": "stuck",
        "workflow_id": "sso-go-live/acme",
        "run_id": "r",
        "organisation": "acme",
    }
    assert " ERROR web [acme] stuck" in PlainLines().format(told)
    told.temporal_workflow = {"workflow_id": "another/acme"}
    assert "organisation" not in line(told)


PROGRAM = f"""
import logging, threading, traceback, warnings
from telemetry.logs import set_up_logging
set_up_logging(terminal=False)
def fails():
    raise ValueError("{ADDRESS}")
class Goes:
    def __del__(self):
        fails()
threading.Thread(target=fails).start()
Goes()
logging.error("%d mails", "{ADDRESS}")
try:
    fails()
except ValueError:
    logging.error(traceback.format_exc())
fails()
"""


def test_what_nobody_caught_or_a_library_quotes_is_a_line_without_its_words() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert ADDRESS not in done.stdout + done.stderr
    told = {line["message"]: line for line in map(json.loads, done.stderr.splitlines())}
    assert set(told) == {
        "A thread ended by an exception",
        "An exception could not be raised",
        "An exception was raised",
        "The process ends by an exception",
    }
    assert told["The process ends by an exception"]["error"] == "ValueError"
    for line in told.values():
        assert any(place.endswith(" fails") for place in line["error_at"]), line
