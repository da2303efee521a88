"""What the sandbox would notice as a run goes on, noticed in the text of the workflow's modules.

Most parts of a go-live are loaded once for all runs, past the sandbox (decision 0021).
"""

import ast
from pathlib import Path

import pytest

import workflows

MODULES = sorted(Path(workflows.__file__).parent.glob("*.py"))
ALLOWED = {
    "activities",
    "asyncio",
    "collections",
    "contextlib",
    "contracts",
    "dataclasses",
    "datetime",
    "temporalio",
    "types",
    "typing",
    "wording",
    "workflows",
}
"""None of these reads a clock, a file, chance or the network, but for the calls below."""
CLOCKS = {"now", "utcnow", "today", "time", "sleep", "to_thread", "run_in_executor"}


def imported(tree: ast.Module) -> set[str]:
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def calls_of_a_clock(tree: ast.Module) -> list[str]:
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and ast.unparse(node.func.value) != "workflow"
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_workflow_module_reads_neither_clock_nor_chance_nor_files(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert imported(tree) <= ALLOWED
    assert calls_of_a_clock(tree) == []
    assert not any(
        isinstance(node, ast.Call) and ast.unparse(node.func) in {"open", "print", "input"}
        for node in ast.walk(tree)
    )


@pytest.mark.parametrize(
    "text", ["datetime.now(UTC)", "date.today()", "await asyncio.to_thread(f)"]
)
def test_a_call_of_a_clock_is_noticed(text: str) -> None:
    assert calls_of_a_clock(ast.parse(text)) == [text.removeprefix("await ")]
