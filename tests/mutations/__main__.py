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
from typing import NamedTuple

from bootstrap.exit import leave
from tests.mutations.catalogue import MUTATIONS, Mutation, copy_of_the_code

LONGEST = 1800
"""Seconds for the tests of one mutation, or for all of them on the unbroken code."""
_HUNG = -1
_PASSED, _FAILED = 0, 1
"""pytest's own exit statuses; any other is a fault of the run, not a mutation that was caught."""


class Outcome(NamedTuple):
    """What a run of pytest came to."""

    status: int
    first: str
    """The first test that failed."""
    reasons: str = ""
    """Why tests failed, in pytest's words (its lines that begin with E)."""

    def catches(self, mutation: Mutation) -> bool:
        """Whether a test failed, and for the reason that the mutation gives it."""
        failed = self.status == _FAILED and self.first.startswith("FAILED")
        return failed and mutation.says in self.reasons


def run_tests(folder: Path, tests: tuple[str, ...]) -> Outcome:
    """Run these tests on the code in a folder, until one fails."""
    try:
        done = subprocess.run(
            # Without what was logged meanwhile: a line of a log may begin with ERROR too.
            [
                *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
                "--show-capture=no",
                *tests,
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(_HUNG, f"not finished after {LONGEST} s")
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    first = failed[0].split(" - ")[0] if failed else done.stdout[-500:]
    reasons = "\n".join(line for line in lines if line.startswith("E  "))
    return Outcome(done.returncode, first, reasons)


def judge(mutation: Mutation, unbroken: Path) -> bool:
    """Tell who noticed one mutation, and return whether anybody did."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = copy_of_the_code(Path(folder) / "code", unbroken)
        mutation.apply(copy)
        outcome = run_tests(copy, mutation.caught_by)
    caught = outcome.catches(mutation)
    word = "caught" if caught else "NOT CAUGHT"
    seconds = time.monotonic() - begun
    print(f"{word:10}  {mutation.name}  ({seconds:.0f} s)  {outcome.first}", flush=True)
    if not caught and outcome.status == _FAILED and mutation.says:
        print(f"  It failed, but did not say “{mutation.says}”:\n{outcome.reasons}", flush=True)
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
        before = run_tests(unbroken, tests)
        if before.status != _PASSED:
            print(
                "These tests do not pass on the unbroken code, so they prove nothing: "
                f"{before.first}\n{before.reasons}"
            )
            return 1
        caught = [judge(one, unbroken) for one in chosen]
    print(f"{sum(caught)} of {len(caught)} mutations were caught.")
    return 0 if chosen and all(caught) else 1


if __name__ == "__main__":
    leave(main())
