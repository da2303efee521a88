"""What shell and console say alike of a command that is not carried out."""

from contracts.problems import Problem

OBJECT_ID = "finds the object id in Microsoft Entra on the user's page."

EVERYWHERE: dict[Problem, str] = {
    Problem.DEADLINE_OUT_OF_RANGE: "A deadline moves by 1 to {most} days, not by {days}.",
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
    Problem.MICROSOFT_REFUSES: "{what}",
}
