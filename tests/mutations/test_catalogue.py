"""The list of mutations cannot rot: each still fits the code, and the page names each."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutations.__main__ import judge, run_tests
from tests.mutations.catalogue import (
    LEFT_OUT,
    MUTATIONS,
    ROOT,
    Mutation,
    MutationRottenError,
    copy_of_the_code,
)

PAGE = ROOT / "docs" / "testing.md"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_mutation_still_fits_the_code_and_leaves_python(
    mutation: Mutation, tmp_path: Path
) -> None:
    copy = tmp_path / mutation.file
    copy.parent.mkdir(parents=True)
    before = (ROOT / mutation.file).read_text(encoding="utf-8")
    copy.write_text(before, encoding="utf-8")
    mutation.apply(tmp_path)
    after = copy.read_text(encoding="utf-8")
    assert after != before
    compile(after, mutation.file, "exec")


def test_a_mutation_whose_text_has_gone_says_so(tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("pass\n", encoding="utf-8")
    rotten = Mutation("rotten", "", "file.py", "return\n", "", ())
    with pytest.raises(MutationRottenError, match="rotten: its text is 0 times"):
        rotten.apply(tmp_path)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_the_tests_that_catch_it_are_there(mutation: Mutation) -> None:
    assert mutation.caught_by
    for test in mutation.caught_by:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists(), path
        if name:
            assert re.search(rf"def {name}\b", (ROOT / path).read_text(encoding="utf-8")), test


def test_a_test_that_fails_for_another_reason_catches_nothing(tmp_path: Path) -> None:
    (tmp_path / "sent.py").write_text("def sent():\n    return 1\n", encoding="utf-8")
    (tmp_path / "test_sent.py").write_text(
        "from sent import sent\n\ndef test_sent():\n    assert sent() == 1, 'too many mails'\n",
        encoding="utf-8",
    )
    doubled = Mutation(
        "doubled", "", "sent.py", "return 1", "return 2", ("test_sent.py",), says="too many"
    )
    dead = replace(doubled, name="dead", new="raise RuntimeError")
    assert run_tests(tmp_path, ("test_sent.py",)).status == 0
    assert judge(doubled, tmp_path)
    assert not judge(dead, tmp_path)


def test_the_page_names_every_mutation_and_the_tests_that_catch_it() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for mutation in MUTATIONS:
        (row,) = (line for line in lines if line.startswith(f"| {mutation.name} |"))
        for test in mutation.caught_by:
            assert test.removeprefix("tests/") in row, (mutation.name, test)


def test_a_copy_holds_the_code_and_nothing_that_was_built(tmp_path: Path) -> None:
    copy = copy_of_the_code(tmp_path / "code")
    assert (copy / "worker.py").exists()
    assert not any((copy / name).exists() for name in LEFT_OUT)
