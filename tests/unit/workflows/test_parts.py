"""A go-live is put together from parts; each owns its state, and nobody else changes it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from workflows.go_live import SsoGoLive

WORKFLOWS = Path(__file__).parents[3] / "workflows"
MODULES = sorted(WORKFLOWS.glob("*.py"))
MOST_ATTRIBUTES = 12
MOST_STATEMENTS = 3
"""Of a handler, besides its docstring; what it does belongs to the part that owns the subject."""


def classes(module: Path) -> Iterator[ast.ClassDef]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield node


def assigned(node: ast.AST) -> Iterator[ast.Attribute]:
    """Every attribute that is assigned to below a node, whoever's it is."""
    for one in ast.walk(node):
        targets: list[ast.expr] = []
        match one:
            case ast.Assign():
                targets = one.targets
            case ast.AnnAssign() | ast.AugAssign():
                targets = [one.target]
        for target in targets:
            yield from (part for part in ast.walk(target) if _is_stored(part))


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)


def of_itself(attribute: ast.Attribute) -> bool:
    return isinstance(attribute.value, ast.Name) and attribute.value.id == "self"


def owned(part: ast.ClassDef) -> set[str]:
    """The attributes of a class: what it assigns to itself, and its fields."""
    fields = {
        one.target.id
        for one in part.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }
    return fields | {one.attr for one in assigned(part) if of_itself(one)}


def test_the_go_live_inherits_from_nothing_of_ours() -> None:
    assert SsoGoLive.__bases__ == (object,)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_no_part_has_more_than_twelve_attributes(module: Path) -> None:
    for part in classes(module):
        assert len(owned(part)) <= MOST_ATTRIBUTES, f"{part.name}: {sorted(owned(part))}"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_state_is_assigned_by_the_class_that_owns_it(module: Path) -> None:
    """Of another object only a reminder is changed, by the schedule that holds it."""
    by_file = {name for part in classes(module) for name in owned(part)}
    foreign = [
        f"{module.name}:{one.lineno} {ast.unparse(one)}"
        for one in assigned(ast.parse(module.read_text(encoding="utf-8")))
        if not of_itself(one) and not (module.stem == "reminders" and one.attr in by_file)
    ]
    assert foreign == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_no_part_inherits_the_attributes_of_another(module: Path) -> None:
    """With this and the test before, each attribute is assigned by one class: its own."""
    assert inherited(module.read_text(encoding="utf-8")) == []


def inherited(source: str) -> list[str]:
    ours = {part.name for path in MODULES for part in classes(path)} | {"Part"}
    return [
        f"{node.name}({ast.unparse(base)})"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name) and base.id in ours
    ]


def test_no_handler_has_more_than_three_statements() -> None:
    source = (WORKFLOWS / "go_live.py").read_text(encoding="utf-8")
    lengths = handlers(source)
    assert {"roll_back", "consent_reported", "_may_skip"} <= lengths.keys()
    assert {name for name, length in lengths.items() if length > MOST_STATEMENTS} == set()


def handlers(source: str) -> dict[str, int]:
    """The statements of each handler of a signal or update, and of each validator, nested too."""
    return {
        node.name: sum(isinstance(one, ast.stmt) for one in ast.walk(node))
        - (1 if ast.get_docstring(node) is None else 2)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(
            re.search(r"workflow\.(signal|update)\b|\.validator$", ast.unparse(decorator))
            for decorator in node.decorator_list
        )
    }


def test_what_a_part_may_not_do_is_found() -> None:
    """A test of these tests: planted offenders do not get through."""
    assert inherited("class Part: ...\nclass Other(Part): ...") == ["Other(Part)"]
    planted = ast.parse("class Other:\n  def take(self):\n    self.part.state = self.own = 1")
    assert [one.attr for one in assigned(planted) if not of_itself(one)] == ["state"]
    long = (
        '@workflow.update(description="x")\ndef take(self):\n  "Take."\n  if 1:\n    a()\n    b()'
    )
    assert handlers(long + "\n  return 2") == {"take": 4}
