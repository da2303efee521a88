"""The README's figures are those of benchmarks/results.json, in the form a program gives them."""

import json

import pytest

from benchmarks import table
from benchmarks.__main__ import AT_LEAST, AT_MOST, LONG, MODULES, RESULTS

FIGURES = {"machine_cores": 2, "machine_memory_gib": 24}


def test_the_readme_shows_what_was_measured() -> None:
    figures = json.loads(RESULTS.read_text(encoding="utf-8"))
    shown = table.table(figures, AT_LEAST, AT_MOST)
    page = table.README.read_text(encoding="utf-8")
    assert table.replaced(page, shown) == page, "python -m benchmarks writes both"


def test_a_figure_stands_beside_what_was_promised() -> None:
    shown = table.table({**FIGURES, "migration_100k_floor_ratio": 4.96}, AT_LEAST, AT_MOST)
    assert "2 cores, 24 GiB" in shown
    assert "| 5.0 × |" in shown
    assert "| at most 8 |" in shown


def test_a_page_without_the_marks_is_not_touched() -> None:
    with pytest.raises(ValueError, match="lacks"):
        table.replaced("a page", "a table")


def test_every_promise_is_a_row_and_every_benchmark_exists() -> None:
    assert {*AT_LEAST, *AT_MOST} <= {key for key, _, _ in table.ROWS}
    folder = RESULTS.parent
    assert all((folder / f"{name}.py").is_file() for name in (*MODULES, *LONG))
