"""What the workflow tells Temporal on each recorded path, argument by argument, stays the same."""

import ast
import difflib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest
from temporalio.client import WorkflowHistory

from tests.replay.commands import commands_of
from tests.replay.paths import PATHS

FOLDER = Path(__file__).parent
WORKFLOWS = FOLDER.parents[1] / "workflows"
OF_ANOTHER_WORKFLOW = {"staff_digest.py"}


def history(name: str) -> WorkflowHistory:
    kept = json.loads((FOLDER / "histories" / f"{name}.json").read_text(encoding="utf-8"))
    return WorkflowHistory.from_json("sso-go-live/recorded", kept)


@pytest.mark.parametrize("name", PATHS)
async def test_commands_of_a_recorded_path_are_unchanged(name: str) -> None:
    golden = FOLDER / "commands" / f"{name}.txt"
    now = await commands_of(history(name))
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(now, encoding="utf-8")
    before = golden.read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        before.splitlines(), now.splitlines(), "before", "now", lineterm="", n=1
    )
    assert before == now, "\n".join(difference)


def test_every_golden_belongs_to_a_path() -> None:
    assert {file.stem for file in (FOLDER / "commands").glob("*.txt")} == set(PATHS)


async def test_recorded_paths_reach_every_await_of_a_go_live() -> None:
    """A place where a run can wait and that no history has reached is guarded by no replay."""
    measured = coverage.Coverage(data_file=None, config_file=False, include=[f"{WORKFLOWS}/*"])
    with measured.collect():
        for name in PATHS:
            await commands_of(history(name))
    missed = []
    for file in sorted(WORKFLOWS.glob("*.py")):
        if file.name not in OF_ANOTHER_WORKFLOW and (waiting := set(_awaiting(file))):
            *_, never, _ = measured.analysis2(str(file))
            missed += [f"{file.name}:{line}" for line in sorted(waiting & set(never))]
    assert missed == []


def _awaiting(file: Path) -> Iterator[int]:
    """Return the line of each statement in which a coroutine of the file may wait."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.stmt) and not isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            own = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
            waits = isinstance(node, ast.AsyncWith | ast.AsyncFor) or any(
                isinstance(part, ast.Await) for one in own for part in ast.walk(one)
            )
            if waits:
                yield node.lineno
