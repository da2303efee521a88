"""What shell and console say alike of a command that is not carried out."""

from collections.abc import Mapping
from typing import cast

from contracts.problems import Problem
from wording.plans import difference

OBJECT_ID = "finds the object id in Microsoft Entra on the user's page."

EVERYWHERE: dict[Problem, str] = {
    Problem.DEADLINE_OUT_OF_RANGE: "A deadline moves by 1 to {most} days, not by {days}.",
    Problem.FILE_IS_NOT_UTF8: "{path} is not UTF-8 text. Save it as CSV UTF-8.",
    Problem.FILE_IS_TOO_LARGE: (
        "{path} is larger than {megabytes} MB. Split it into files that are imported one by one."
    ),
    Problem.NO_IMPORT_WAITS: (
        "This import is done already, or nobody confirmed it within a day. Upload the files again "
        "if they are still to be imported."
    ),
    Problem.IMPORT_CHANGES_OTHERWISE: (
        "Something was changed since, so this import would do something else than the page showed. "
        "Read it again, then import."
    ),
    Problem.ADDRESS_AT_FAULT: "“{address}” {what_is_wrong}.",
    Problem.MOVED_BACK: "{address} was moved back meanwhile. Give the order once more.",
    Problem.ACCOUNT_TAKEN: (
        "Another user is linked to this account already. One account is one user."
    ),
    Problem.ACCOUNT_MISSING: (
        "The organisation's Microsoft directory has no account {object_id}. Customer IT "
        f"{OBJECT_ID}"
    ),
    Problem.ACCOUNT_IS_GUEST: (
        "The Microsoft account {object_id} is a guest of the organisation; nobody is linked to it."
    ),
    Problem.ACCOUNT_IS_DISABLED: (
        "The Microsoft account {object_id} is disabled; nobody is linked to it."
    ),
    Problem.CONSENT_NOT_IN_EFFECT: (
        "The consent is not in effect at Microsoft: not yet, or no longer. Try again in a few "
        "minutes; if it stays so, the administrator consents again."
    ),
    Problem.PERMISSION_MISSING: (
        "The consent lacks the permission {permission}. The administrator consents once more, to "
        "everything that is asked."
    ),
    Problem.APPLICATION_DISABLED: (
        "Our application is switched off in the organisation's Microsoft directory. The "
        "administrator enables it under Enterprise applications in Microsoft Entra."
    ),
    Problem.TENANT_UNKNOWN: (
        "Microsoft does not know the tenant that the organisation signs in with. Ask customer IT "
        "whether it was deleted."
    ),
    Problem.CREDENTIAL_REFUSED: (
        "Microsoft refuses our own application secret or certificate. An operator renews it."
    ),
    Problem.MICROSOFT_ANSWER_UNKNOWN: (
        "Microsoft gave an answer that we do not know. Try again; if it stays so, tell an "
        "operator: {detail}"
    ),
    Problem.DATABASE_REFUSES: (
        "The database does not take this, and nothing was changed. Tell an operator that it breaks "
        "the rule {rule}."
    ),
}


def worded(facts: Mapping[str, object]) -> dict[str, object]:
    """Return the facts of a problem as sentences name them: lists as text, counts as a difference.

    Of two plans, `before` and `after` are the users by class. `why` is what a worker of a later
    release says of a refusal, where it says anything.
    """
    said = {name: _worded(fact) for name, fact in facts.items()}
    if {"before", "after"} <= facts.keys():
        counts = cast("Mapping[str, Mapping[str, int]]", facts)
        said["difference"] = difference(counts["before"], counts["after"])
    if "why" in facts and facts["why"] is None:
        said["why"] = "It was refused."
    return said


def _worded(fact: object) -> object:
    if isinstance(fact, (list, tuple)):
        return ", ".join(map(str, fact)) or "none"
    return fact


def refused_words(address: str, unclear: bool) -> str:
    """Return that an address refuses our mail; or that the relay did not say whose fault it is."""
    if not unclear:
        return f"{address} refuses our mail for good."
    return (
        f"Our relay refuses mail to {address}, and does not say whether for this address or for "
        "us: an operator reads its answer in the ledger. If it is the address:"
    )
