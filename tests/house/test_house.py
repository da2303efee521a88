"""What the house rules promise about the code as a whole."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio import activity

import worker
from activities.digests import DigestActivities
from activities.directory import DirectoryActivities
from activities.notices import NoticeActivities
from activities.records import RecordActivities
from contracts.notices import Message
from mail.messages import MESSAGES
from mail.rendering import render
from scripts import reference
from settings import EXAMPLES, Settings
from tests.bounds import LONGEST_WAIT

ROOT = Path(__file__).parents[2]
ROOMS = (
    "activities", "bootstrap", "commands", "contracts", "database", "graph", "local", "mail",
    "telemetry", "web", "wording", "workflows",
)  # fmt: skip


MOST_LINES = 90
"""Of a function, its docstring and its statements of SQL included."""


def product_code(*rooms: str) -> Iterator[Path]:
    for room in rooms or ROOMS:
        yield from (ROOT / room).rglob("*.py")
    if not rooms:
        yield from (
            ROOT / name for name in ("worker.py", "starter.py", "settings.py", "setting_checks.py")
        )


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def test_no_line_of_the_log_has_an_exception_in_it() -> None:
    # The log leaves its text out, and with it all that the line was to say.
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in product_code()
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(handler, ast.ExceptHandler) and handler.name
        for call in ast.walk(handler)
        if isinstance(call, ast.Call)
        and re.fullmatch(r"(_log|(activity|workflow)\.logger)\.\w+", ast.unparse(call.func))
        if handler.name in map(ast.unparse, call.args)
    ]
    assert found == []


def test_nothing_but_the_clock_reads_the_wall_clock_to_decide() -> None:
    asks = re.compile(r"(datetime|date)\.(now|today|utcnow)|time\.time")
    found = [
        f"{path.relative_to(ROOT)}:{line} {call}"
        for path in product_code()
        if path != ROOT / "contracts" / "clock.py"
        for line, call in calls(path)
        if asks.fullmatch(call)
    ]
    assert found == []


def test_sql_never_asks_for_now() -> None:
    for path in product_code("database"):
        assert not re.search(r"\b(now\(\)|current_timestamp|clock_timestamp)", path.read_text())


def test_only_web_commands_and_the_local_stack_use_the_wall_clock() -> None:
    users = {
        path.relative_to(ROOT).parts[0]
        for path in product_code()
        if "wall_clock" in path.read_text() and path.name != "clock.py"
    }
    assert users <= {"web", "bootstrap", "commands", "local", "starter.py"}


def test_every_activity_is_registered() -> None:
    source = inspect.getsource(worker.activities)
    for room in (RecordActivities, NoticeActivities, DirectoryActivities, DigestActivities):
        for name, member in inspect.getmembers(room, inspect.isfunction):
            if activity._Definition.from_callable(member):
                assert f".{name}," in source, f"{room.__name__}.{name} is not registered"


def test_no_activity_is_interrupted_in_the_midst_of_a_statement_or_a_mail() -> None:
    """Each looks between its steps whether it was cancelled, by `stop_if_cancelled`."""
    for room in (RecordActivities, NoticeActivities, DirectoryActivities, DigestActivities):
        for name, member in inspect.getmembers(room, inspect.isfunction):
            if defined := activity._Definition.from_callable(member):
                assert defined.no_thread_cancel_exception, f"{room.__name__}.{name}"


def test_the_sandbox_stays_on() -> None:
    for path in (*product_code("workflows"), ROOT / "worker.py"):
        text = path.read_text()
        assert "UnsandboxedWorkflowRunner" not in text
        assert "sandboxed=False" not in text


def test_every_message_has_a_template_that_renders() -> None:
    for message in Message:
        assert render(message, MESSAGES[message].sample).subject


def test_the_help_page_names_every_word_the_product_uses() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run: make reference"


def test_every_setting_has_an_example_or_a_default() -> None:
    for name, field in Settings.model_fields.items():
        assert name.upper() in EXAMPLES or not field.is_required(), name


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_is_longer_than_a_screen_or_two(room: str) -> None:
    """A file is split where its subject splits; a function that scrolls away is hard to follow."""
    long = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in product_code(room)
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_LINES
    ]
    assert long == []


def test_the_lock_file_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    for requirement in re.findall(r"(?m)^[a-z0-9][^\s]*==[^\s]+.*(?:\n    .*)*", lock):
        assert "--hash=sha256:" in requirement


def test_running_a_program_without_settings_says_what_is_missing() -> None:
    for program in ("worker.py", "starter.py list", "-m web"):
        done = subprocess.run(
            [sys.executable, *program.split()],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=LONGEST_WAIT,
            check=False,
        )
        assert done.returncode == 1
        assert "GOLIVE_DATABASE_URL is not set. Example:" in done.stderr
        assert "Traceback" not in done.stderr


def test_each_decision_has_a_number_of_its_own_and_its_title_says_it() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    for number, page in zip(numbers, pages, strict=True):
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. "), page.name
