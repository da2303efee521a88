"""What a command ends with where Microsoft did not give what was asked."""

import pytest

from commands.errors import CommandError, UnavailableError, plain_microsoft_errors
from contracts.problems import Problem
from graph import errors
from wording import console, shell

UNREACHABLE = errors.MicrosoftUnreachableError("Microsoft answered with status 503.")
ODD = errors.UnexpectedAnswerError("Graph answered with status 418.")


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (errors.ThrottledError(90), Problem.MICROSOFT_ASKS_TO_WAIT),
        (
            errors.ConsentNotVisibleError(errors.ConsentNotVisibleKind.TOKEN_REFUSED),
            Problem.CONSENT_NOT_IN_EFFECT,
        ),
        (UNREACHABLE, Problem.MICROSOFT_UNREACHABLE),
        (errors.PermissionMissingError("User.Read.All"), Problem.PERMISSION_MISSING),
        (errors.ApplicationDisabledError(), Problem.APPLICATION_DISABLED),
        (errors.TenantUnknownError(), Problem.TENANT_UNKNOWN),
        (errors.CredentialRefusedError(), Problem.CREDENTIAL_REFUSED),
        (ODD, Problem.MICROSOFT_ANSWER_UNKNOWN),
        (errors.ListingExpiredError(), Problem.MICROSOFT_ANSWER_UNKNOWN),
    ],
)
def test_each_trouble_with_microsoft_is_a_code_and_said_in_our_words(
    error: errors.GraphError, problem: Problem
) -> None:
    with pytest.raises(CommandError) as caught, plain_microsoft_errors():
        raise error
    assert caught.value.problem is problem
    surfaces = [shell] if isinstance(caught.value, UnavailableError) else [shell, console]
    for surface in surfaces:
        said = caught.value.words(surface.said_of)
        is_detail = problem is Problem.MICROSOFT_ANSWER_UNKNOWN
        assert (str(error) in said) == is_detail


def test_the_permission_that_is_missing_is_named() -> None:
    with pytest.raises(CommandError) as caught, plain_microsoft_errors():
        raise errors.PermissionMissingError("User.Read.All")
    assert "the permission User.Read.All" in caught.value.words(console.said_of)
