"""The glossary leads to files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TERMS = [
    (term.strip(), where)
    for term, _, where in re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$",
        (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"),
        re.M,
    )
    if term.strip() not in {"Term", "---"}
]


@pytest.mark.parametrize(("term", "where"), TERMS, ids=[term for term, _ in TERMS])
def test_the_files_of_a_term_exist(term: str, where: str) -> None:
    files = [one for one in re.findall(r"`([^`]+)`", where) if "/" in one]
    assert files
    assert [one for one in files if not (ROOT / one).is_file()] == []


def test_a_term_is_explained_once() -> None:
    terms = [term for term, _ in TERMS]
    assert len(terms) > 60
    assert len(set(terms)) == len(terms)
