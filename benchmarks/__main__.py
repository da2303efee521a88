"""Runs every benchmark and keeps the figures in ``results.json``, flat: name to number.

Run: ``python -m benchmarks`` for all of them, ``python -m benchmarks listing`` for some. Figures of
benchmarks that did not run stay as they were.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

MODULES = ("listing", "mail_rate")
"""Each has a ``measure()`` that returns its figures."""

AT_LEAST = {"graph_listing_vs_floor_ratio": 0.6}
"""What a figure must reach, other things being equal; shown beside it."""

RESULTS = Path(__file__).with_name("results.json")


def main(names: list[str]) -> int:
    """Measure, print a table, and merge the figures into the file."""
    unknown = set(names) - set(MODULES)
    if unknown:
        print(
            f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(MODULES)}"
        )
        return 2
    figures: dict[str, float] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    short = []
    for name in names or MODULES:
        measure: Callable[[], dict[str, float]] = import_module(f"benchmarks.{name}").measure
        for figure, value in measure().items():
            figures[figure] = value
            wanted = AT_LEAST.get(figure)
            enough = wanted is None or value >= wanted
            if not enough:
                short.append(figure)
            note = "" if wanted is None else f"  (at least {wanted:g})"
            print(f"{figure:<48}{value:>14,.10g}{note}", flush=True)
    RESULTS.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")
    for figure in short:
        print(f"{figure} fell short.", file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
