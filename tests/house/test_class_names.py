"""One name, one meaning: no two public classes of the product share a name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = (
    "activities",
    "bootstrap",
    "commands",
    "contracts",
    "database",
    "graph",
    "local",
    "mail",
    "telemetry",
    "web",
    "wording",
    "workflows",
)
PROGRAMS = ("worker.py", "starter.py", "settings.py")


def product_files() -> Iterator[Path]:
    for room in ROOMS:
        yield from (ROOT / room).rglob("*.py")
    yield from map(ROOT.joinpath, PROGRAMS)


def test_no_two_public_classes_share_a_name() -> None:
    places = defaultdict(list)
    for file in product_files():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(file.relative_to(ROOT)))
    assert len(places) > 200
    assert {name: those for name, those in places.items() if len(those) > 1} == {}
