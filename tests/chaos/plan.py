"""What goes wrong and when, decided before it begins: the same seed decides the same."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

WORKERS = 4
"""Worker processes that are killed and started again."""

OUTAGES = ("temporal", "postgresql", "mailbox", "simulator", "web-1", "web-2")
"""What is taken away as a whole, by kill -9, and brought back."""


LINE_FAULTS = (
    "postgresql cut",
    "postgresql silent",
    "postgresql read-only",
    "temporal cut",
    "temporal silent",
    "relay silent",
)
"""What happens to the lines of workers and web: cut, or everything swallowed and then cut, as a
firewall does; or the server at their end takes nothing for a while, as after a failover. A line to
the relay that is cut is among the mailbox's own faults."""


class Kind(StrEnum):
    """What becomes of an organisation when nobody disturbs it."""

    LIVE = "live"
    LARGE = "large"
    ROLLED_BACK = "rolled-back"
    NOT_ENTITLED = "not-entitled"


_KINDS = (Kind.LIVE, Kind.LIVE, Kind.LARGE, Kind.ROLLED_BACK, Kind.LIVE, Kind.NOT_ENTITLED)

_GRAPH_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "throttle", "retry_after": "1", "times": 3},
    {"kind": "server_error", "status": 503, "times": 3},
    {"kind": "cut", "times": 2, "match": {"path": "/graph/*"}},
    {"kind": "slow", "seconds": 0.5, "times": 4},
    {"kind": "malformed", "times": 1, "match": {"path": "/graph/v1.0/users"}},
)


@dataclass(frozen=True)
class Step:
    """One kill of a worker, and what else goes wrong with it."""

    slot: int
    """Which worker."""
    after: float
    """Seconds it works before it is killed."""
    outage: str | None = None
    """A part that is taken away at the same time."""
    away: float = 0.0
    """Seconds until it is brought back, or until the fault of a line is over."""
    line_fault: str | None = None
    graph_fault: dict[str, Any] | None = None
    drop_after_data: int = 0
    """How many mails are taken without a word to us."""


@dataclass(frozen=True)
class Plan:
    """All of it."""

    seed: int
    kinds: list[Kind] = field(default_factory=list)
    """The go-lives, in the order of their starts."""
    steps: list[Step] = field(default_factory=list)


def make_plan(seed: int, kills: int) -> Plan:
    """Decide everything that chance would decide."""
    rng = random.Random(seed)
    go_lives = max(8, kills * 3 // 10)
    kinds = [_KINDS[number % len(_KINDS)] for number in range(go_lives)]
    rng.shuffle(kinds)
    outages, line_faults = _each_in_turn(rng, OUTAGES), _each_in_turn(rng, LINE_FAULTS)
    steps = []
    for number in range(kills):
        outage = next(outages) if number % 6 == 3 else None
        line_fault = next(line_faults) if number % 6 == 5 else None
        steps.append(
            Step(
                slot=rng.randrange(WORKERS),
                after=rng.uniform(0.0, 0.8),
                outage=outage,
                away=rng.uniform(0.3, 2.0) if outage or line_fault else 0.0,
                line_fault=line_fault,
                graph_fault=rng.choice(_GRAPH_FAULTS) if number % 4 == 1 else None,
                drop_after_data=rng.randint(1, 3) if number % 5 == 2 else 0,
            )
        )
    return Plan(seed, kinds, steps)


def _each_in_turn(rng: random.Random, things: Sequence[str]) -> Iterator[str]:
    """Every one once, in some order, then every one once more."""
    while True:
        yield from rng.sample(things, len(things))
