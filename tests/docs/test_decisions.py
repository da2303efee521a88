"""The index of decisions names each record with its date and status."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_the_index_has_the_title_date_and_status_of_a_record(record: Path) -> None:
    title, _, line, *_ = record.read_text(encoding="utf-8").splitlines()
    found = re.match(r"Date: (\d{4}-\d\d-\d\d)[^.]*\. Status: (accepted|superseded)", line)
    assert found, line
    number, _, decision = title.removeprefix("# ").partition(". ")
    row = f"| {number} | [{decision}]({record.name}) | {found[1]} | {found[2]}"
    assert row in INDEX


def test_the_index_has_no_other_rows() -> None:
    assert len(re.findall(r"(?m)^\| \d+ \|", INDEX)) == len(RECORDS)
