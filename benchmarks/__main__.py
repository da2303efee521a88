"""Runs every benchmark and keeps the figures in `results.json`, flat: name to number.

The table in the README is written anew from the same figures.

Run: `python -m benchmarks` for all of them, `python -m benchmarks listing` for some. Figures of
benchmarks that did not run stay as they were.
"""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from benchmarks import table
from benchmarks.slow_work_load import Work

MODULES = ("listing", "migration", "mail_rate", "go_lives", "web_pages", "slow_work")
"""Each has a `measure()` that returns its figures."""

LONG = ("migration_million", "history", "fairness", "waiting")
"""Those that take many minutes: `make bench-full`."""

AT_LEAST = {
    "graph_listing_vs_floor_ratio": 0.6,
    "migration_100k_vs_one_by_one": 15,
    "go_live_vs_bare_ratio": 0.8,
    "mail_vs_smtplib_ratio": 1.3,
    "web_login_ratio": 0.3,
    "web_console_ratio": 0.1,
    "fairness_ratio": 0.7,
}
"""What a figure must reach, other things being equal; shown beside it."""

AT_MOST = {
    "migration_100k_floor_ratio": 8,
    "migration_1m_vs_100k": 15,
    "migration_worker_rss_mb": 300,
    "go_live_history_events_40": 150,
    "go_live_history_events_100k": 150,
    "consent_to_next_activity_ratio": 1.3,
    "waiting_10000_rss_mb": 500,
    "waiting_10000_answer_ratio": 5,
    **dict.fromkeys((f"beside_{work}_ratio" for work in Work), 3),
    "beside_turned_away": 0.05,
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
    figures["machine_cores"] = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    figures["machine_memory_gib"] = round(memory / 2**30)
    RESULTS.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")
    page = table.README.read_text(encoding="utf-8")
    shown = table.table(figures, AT_LEAST, AT_MOST)
    table.README.write_text(table.replaced(page, shown), encoding="utf-8")
    for figure in short:
        print(f"{figure} fell short.", file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
