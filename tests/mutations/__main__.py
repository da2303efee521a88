"""Breaks the code in every listed way and tells who noticed: python -m tests.mutations [NAME ...].

Each mutation is made in a copy of its own, so that nothing here changes. First the same tests must
pass on a copy that nobody broke: a test that always fails notices nothing.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from commands.leaving import leave
from tests.mutations.catalogue import MUTATIONS, Mutation, copy_of_the_code

LONGEST = 1800
"""Seconds for the tests of one mutation, or for all of them on the unbroken code."""
_HUNG = -1
_PASSED, _FAILED = 0, 1
"""pytest's own exit statuses; any other is a fault of the run, not a mutation that was caught."""


def run_tests(folder: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Return pytest's exit status and the first test that failed."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _HUNG, f"not finished after {LONGEST} s"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    first = failed[0].split(" - ")[0] if failed else done.stdout[-500:]
    return done.returncode, first


def judge(mutation: Mutation, unbroken: Path) -> bool:
    """Tell who noticed one mutation, and return whether anybody did."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = copy_of_the_code(Path(folder) / "code", unbroken)
        mutation.apply(copy)
        status, first = run_tests(copy, mutation.caught_by)
    caught = status == _FAILED and first.startswith("FAILED")
    word = "caught" if caught else "NOT CAUGHT"
    print(f"{word:10}  {mutation.name}  ({time.monotonic() - begun:.0f} s)  {first}", flush=True)
    return caught


def main() -> int:
    """Return 0 when every mutation was caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="only those whose name holds this")
    names = parser.parse_args().names
    chosen = [one for one in MUTATIONS if not names or any(part in one.name for part in names)]
    tests = tuple(dict.fromkeys(test for one in chosen for test in one.caught_by))
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        unbroken = copy_of_the_code(Path(folder) / "code")
        status, first = run_tests(unbroken, tests)
        if status != _PASSED:
            print(f"These tests do not pass on the unbroken code, so they prove nothing: {first}")
            return 1
        caught = [judge(one, unbroken) for one in chosen]
    print(f"{sum(caught)} of {len(caught)} mutations were caught.")
    return 0 if chosen and all(caught) else 1


if __name__ == "__main__":
    leave(main())
