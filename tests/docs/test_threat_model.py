"""Each line of the threat model names tests that are there."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "threat-model.md"
NAMED = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")


def functions(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells for cells in found if cells[0] not in {"Wants", "---"}]


def test_every_test_that_it_names_is_there() -> None:
    named = [one for cells in rows() for one in NAMED.findall(cells[2])]
    assert len(named) >= 40
    for file, test in named:
        assert (TESTS / file).exists(), file
        assert not test or test in functions(TESTS / file), (file, test)


def test_a_line_without_a_test_says_whose_boundary_it_is() -> None:
    for wants, stopped, held, left in rows():
        assert held or ("nothing of ours" in stopped and left), wants


def test_it_is_one_page() -> None:
    assert len(PAGE.read_text(encoding="utf-8").splitlines()) < 90
