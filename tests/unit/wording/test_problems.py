"""What each surface says of a command that is not carried out."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from commands.errors import OF_DATABASE_FAULTS, CommandError, ImportRefusedError, UsageError
from contracts.notices import RecipientKind
from contracts.orders import OrderRefusal
from contracts.problems import Problem
from wording import console, shell

ROOT = Path(__file__).parents[3]
RAISED_IN = [*ROOT.glob("commands/*.py"), *map(ROOT.joinpath, ("starter.py", "worker.py"))]
RAISED_IN += ROOT.glob("bootstrap/*.py")

IN_THE_SHELL_ONLY = {
    Problem.REASON_NAMES_AN_ADDRESS,
    Problem.REASON_NAMES_SOMEBODY,
    Problem.FILE_CANNOT_BE_READ,
    Problem.FILE_CANNOT_BE_WRITTEN,
    Problem.FILES_HAVE_FAULTS,
    Problem.NOT_CONFIRMED,
    Problem.NO_TENANT_NAMED,
    Problem.STAFF_ADDRESS_TAKEN,
    Problem.OLD_ADDRESS_NOT_TOLD,
    Problem.STILL_OPEN,
    Problem.SEARCH_ATTRIBUTE_OF_OTHER_TYPE,
    Problem.SEARCH_ATTRIBUTES_NOT_ALLOWED,
    Problem.SEARCH_ATTRIBUTES_REFUSED,
    Problem.VERSION_IS_CURRENT,
    Problem.TABLES_OF_ANOTHER_RELEASE,
    Problem.DATABASE_OF_ANOTHER_ENCODING,
    Problem.SECRET_KEY_IS_ANOTHER,
}
"""What `setup`, `import`, `forget`, `verify-registration`, `--csv` and a worker end with."""

A_PAGE_OF_ITS_OWN = {
    Problem.MICROSOFT_ASKS_TO_WAIT,
    Problem.MICROSOFT_UNREACHABLE,
    Problem.TEMPORAL_AWAY,
    Problem.TEMPORAL_UNKNOWN_HOST,
    Problem.TEMPORAL_NO_TLS,
    Problem.TEMPORAL_NOT_TRUSTED,
    Problem.TEMPORAL_ELSEWHERE,
    Problem.TEMPORAL_KEY_REFUSED,
    Problem.TEMPORAL_UNKNOWN_NAMESPACE,
    Problem.TEMPORAL_SILENT,
    Problem.START_NOT_TAKEN,
    Problem.ORDER_NOT_TAKEN,
    Problem.NO_WORKER_ANSWERS,
    *OF_DATABASE_FAULTS.values(),
}
"""The kinds of `UnavailableError`: every page of the web answers them alike."""


HASH = "1a2b3c4d5e6f7a8b"


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def raised() -> Iterator[tuple[Problem, set[str]]]:
    """Every place that makes an error, with the facts that it gives."""
    yield from ((problem, {"where"}) for problem in OF_DATABASE_FAULTS.values())
    for file in RAISED_IN:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("Error"):
                continue
            named = {
                Problem[one.attr]
                for argument in node.args
                for one in ast.walk(argument)
                if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "Problem"
            }
            for problem in named:
                yield problem, {str(one.arg) for one in node.keywords}


class TestTheShell:
    def test_has_a_sentence_for_every_problem(self) -> None:
        assert set(shell.PROBLEMS) == set(Problem) - {Problem.FILES_HAVE_FAULTS}

    @pytest.mark.parametrize("refusal", OrderRefusal)
    def test_names_the_organisation_that_refuses_an_order(self, refusal: OrderRefusal) -> None:
        error = CommandError(refusal, slug="acme")
        assert error.words(shell.said_of).startswith("acme: ")

    def test_counts_the_faults_of_files_and_lists_the_first(self) -> None:
        one = ImportRefusedError(["a.csv line 2, slug: is empty"])
        assert one.words(shell.said_of) == (
            "Nothing was imported: 1 fault was found.\n  a.csv line 2, slug: is empty"
        )
        said = ImportRefusedError([f"fault {n}" for n in range(60)]).words(shell.said_of)
        assert said.startswith("Nothing was imported: 60 faults were found.\n  fault 0\n")
        assert said.endswith("  fault 49\n  … and 10 more")


class TestTheConsole:
    def test_has_a_sentence_for_every_problem_that_it_can_meet(self) -> None:
        assert set(console.PROBLEMS) == set(Problem) - IN_THE_SHELL_ONLY - A_PAGE_OF_ITS_OWN

    def test_names_no_command(self) -> None:
        mails = {console.mail_refused("a@b.example", whose, "Ira") for whose in RecipientKind}
        refusals = {console.said_of(one, {}) for one in OrderRefusal}
        for said in {*console.PROBLEMS.values(), *mails, *refusals}:
            assert "starter.py" not in said
            assert "--" not in said

    @pytest.mark.parametrize(
        "sentence", list(console.PROBLEMS.values()), ids=list(console.PROBLEMS)
    )
    def test_speaks_in_whole_sentences(self, sentence: str) -> None:
        assert sentence[0].isupper() or sentence[0] in "“{"
        assert sentence.endswith((".", "{detail}", "{why}"))
        assert "  " not in sentence

    def test_joins_what_has_changed_since_to_the_refusal(self) -> None:
        since = CommandError(
            Problem.ANOTHER_PLAN_SINCE,
            slug="acme",
            plan=HASH,
            before={"link": 1},
            after={"link": 2},
        )
        error = CommandError(OrderRefusal.PLAN_HAS_CHANGED, slug="acme", also=since)
        assert error.words(console.said_of).splitlines() == [
            "The plan has changed since you read it; read it again, then approve.",
            "Since then: link 1 → 2. The plan shown here now is 1a2b3c4d5e6f.",
        ]
        in_shell = error.words(shell.said_of)
        assert in_shell.endswith("1a2b3c4d5e6f; see it with: python starter.py plan acme")

    def test_says_why_an_order_of_the_audit_trail_was_refused(self) -> None:
        assert console.why_refused("not_paused") == "This go-live is not paused."
        assert console.why_refused("not_running") == "No go-live ran that could take it."
        assert console.why_refused("What an earlier release wrote.").startswith("What an earlier")


def test_names_are_listed_in_words() -> None:
    facts = {"slug": "acme", "address": "a@b.example", "contacts": ["c@d.example", "e@f.example"]}
    for surface in (shell, console):
        some = surface.said_of(Problem.UNKNOWN_CONTACT, facts)
        assert "c@d.example, e@f.example." in some
        assert surface.said_of(Problem.UNKNOWN_CONTACT, facts | {"contacts": []}).endswith("none.")


def test_a_refusal_that_says_nothing_is_said_all_the_same() -> None:
    assert shell.said_of(Problem.REFUSED_OTHERWISE, {"slug": "acme", "why": None}) == (
        "acme: It was refused."
    )


class TestErrors:
    def test_as_text_are_a_code_and_name_nobody(self) -> None:
        error = UsageError(Problem.UNKNOWN_USER, slug="acme", address="ira.tee@acme.example")
        assert str(error) == "unknown_user"
        assert "ira" not in repr(error)

    def test_are_raised_for_every_problem(self) -> None:
        assert {problem for problem, _ in raised()} == set(Problem) - {Problem.FILES_HAVE_FAULTS}

    def test_carry_what_the_sentences_name(self) -> None:
        for problem, facts in raised():
            named = fields(shell.PROBLEMS[problem]) | fields(console.PROBLEMS.get(problem, ""))
            given = facts | ({"difference"} if {"before", "after"} <= facts else set())
            assert named <= given, (problem, named - given)
