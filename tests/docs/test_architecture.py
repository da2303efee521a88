"""The architecture page names what there is: every room, and everything in divided rooms."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LEFT_OUT = {"__init__.py", "__main__.py", "__pycache__", "static", "templates"}


@pytest.mark.parametrize("room", ["web", "database"])
def test_each_sub_room_and_file_of_a_divided_room_is_in_its_table(room: str) -> None:
    found = {
        f"`{path.name}/`" if path.is_dir() else f"`{path.name}`"
        for path in (ROOT / room).iterdir()
        if path.name not in LEFT_OUT
    }
    assert len(found) > 8
    assert {name for name in found if name not in PAGE} == set()


def test_each_room_is_in_the_picture() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"scripts"}
    assert {room for room in rooms if f"<b>{room}</b>" not in PAGE} == set()
