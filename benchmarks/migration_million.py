"""A million users beside 100,000, in one run. Takes minutes: a part of `make bench-full`."""

from benchmarks import migration


def measure() -> dict[str, float]:
    """Return every figure of a move, by its key in `results.json`."""
    return migration.measure(full=True)
