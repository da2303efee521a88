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

MODULES = ("listing", "mail_rate", "go_lives", "web_pages")
"""Each has a ``measure()`` that returns its figures."""

LONG = ("waiting", "fairness")
"""Those that take many minutes: ``make bench-full``."""

AT_LEAST = {
    "graph_listing_vs_floor_ratio": 0.6,
    "go_live_vs_bare_ratio": 0.8,
    "web_login_ratio": 0.3,
    "web_console_ratio": 0.1,
    "fairness_ratio": 0.7,
}
"""What a figure must reach, other things being equal; shown beside it."""

AT_MOST = {
    "consent_to_next_activity_ratio": 1.3,
    "waiting_10000_rss_mb": 500,
    "waiting_10000_answer_ratio": 5,
}
"""What a figure must not exceed, likewise."""

RESULTS = Path(__file__).with_name("results.json")


def main(names: list[str]) -> int:
    """Measure, print a table, and merge the figures into the file."""
    unknown = set(names) - {*MODULES, *LONG}
    if unknown:
        there_are = ", ".join(MODULES + LONG)
        print(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {there_are}")
        return 2
    figures: dict[str, float] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    short = []
    for name in names or MODULES:
        measure: Callable[[], dict[str, float]] = import_module(f"benchmarks.{name}").measure
        for figure, value in measure().items():
            figures[figure] = value
            least, most = AT_LEAST.get(figure), AT_MOST.get(figure)
            if (least is not None and value < least) or (most is not None and value > most):
                short.append(figure)
            note = "" if least is None else f"  (at least {least:g})"
            note += "" if most is None else f"  (at most {most:g})"
            print(f"{figure:<48}{value:>14,.10g}{note}", flush=True)
    RESULTS.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")
    for figure in short:
        print(f"{figure} fell short.", file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
