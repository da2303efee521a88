"""What is said of our app registration: every finding, in eighty columns."""

import pytest

from contracts.registration import (
    SIGN_IN_PATH,
    RegistrationFinding,
    RegistrationPart,
    RegistrationResult,
    RegistrationVerdict,
)
from graph.causes import Cause
from graph.tokens import OPTIONAL_CLAIMS
from wording import registration

NAMES = {
    "tenant": "99999999-0000-0000-0000-000000000000",
    "client_id": "11111111-2222-3333-4444-555555555555",
    "authority": "https://login.microsoftonline.com",
    "cloud": "Microsoft's worldwide cloud",
    "public_url": "https://pulse.example.com",
}
SUBJECTS = {
    RegistrationFinding.OTHER_CLOUD: "us_government",
    RegistrationFinding.CLAIM_MISSING: "acct",
    RegistrationFinding.UNREACHABLE: RegistrationPart.PERMISSIONS,
    RegistrationFinding.NOT_CHECKED: RegistrationPart.SIGN_IN,
    RegistrationFinding.REDIRECT_MISSING: SIGN_IN_PATH,
}


@pytest.mark.parametrize("finding", RegistrationFinding)
def test_every_finding_has_words_and_what_to_mend_says_where(finding: RegistrationFinding) -> None:
    result = RegistrationResult(finding, SUBJECTS.get(finding, "subject"), (7000215,))
    words = registration.found_words(result, NAMES)
    assert "{" not in words.found + words.to_do
    assert words.found.endswith(" (AADSTS7000215).")
    wants = result.verdict in (RegistrationVerdict.MEND, RegistrationVerdict.LOOK)
    assert bool(words.to_do) is wants


def test_all_of_it_fits_into_eighty_columns() -> None:
    every = [
        RegistrationResult(one, SUBJECTS.get(one, "subject"), (7000215,))
        for one in RegistrationFinding
    ]
    said = registration.lines(every, NAMES, 80)
    assert [line for line in said if len(line) > 80] == []


def test_closed_sets_have_all_their_words() -> None:
    assert registration.PARTS.keys() == set(RegistrationPart)
    assert registration.HEADINGS.keys() == set(RegistrationVerdict)
    for name in OPTIONAL_CLAIMS:
        missing = RegistrationResult(RegistrationFinding.CLAIM_MISSING, name)
        assert "Token configuration" in registration.found_words(missing, NAMES).to_do
    for cause in set(Cause) - {Cause.UNKNOWN, Cause.TENANT_UNKNOWN, Cause.OUR_CREDENTIAL}:
        refused = RegistrationResult(RegistrationFinding.SIGN_IN_REFUSED, cause)
        assert registration.found_words(refused, NAMES).found != "Microsoft ended the sign-in."


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "Nothing is to be mended."), (1, "1 thing is to be"), (2, "2 things are to be")],
)
def test_the_last_line_says_how_much_is_to_be_mended(count: int, expected: str) -> None:
    results = [RegistrationResult(RegistrationFinding.KEYS_UNREADABLE)] * count
    said = " ".join(registration.lines(results, NAMES, 80))
    assert expected in said
