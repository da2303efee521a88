"""Pages for what cannot be done: what happened, who must do what, one way on."""

from enum import StrEnum

from fastapi.responses import Response

from contracts.go_live import Refusal
from contracts.refusals import REFUSALS, Advice
from web.deps import Visit


class SignInAnswer(StrEnum):
    """Why a Microsoft sign-in does not lead into an account."""

    OTHER_TENANT = "other_tenant"
    UNKNOWN = "unknown"
    DEACTIVATED = "deactivated"
    NOT_THE_INVITED = "not_the_invited"


_SIGN_IN = {
    SignInAnswer.OTHER_TENANT: Advice(
        "You signed in with an account of another Microsoft organisation.",
        "Sign in again with your work account of the organisation whose address you entered.",
        "Go to the login page",
    ),
    SignInAnswer.UNKNOWN: Advice(
        "Microsoft knows you, but no account with us is linked to your Microsoft account yet.",
        "If you have a password with us, log in with it. Otherwise ask your IT team or the person "
        "who invited you.",
        "Go to the login page",
    ),
    SignInAnswer.DEACTIVATED: Advice(
        "Your account with us is deactivated.",
        "Ask the person in your organisation who manages access to have it activated.",
        "Go to the login page",
    ),
    SignInAnswer.NOT_THE_INVITED: Advice(
        "This invitation is for another person; it was not used up.",
        "Sign in with the account the invitation was sent to, or ask for one of your own.",
        "Go to the login page",
    ),
}


def sign_in_page(visit: Visit, answer: SignInAnswer) -> Response:
    """Say why this sign-in leads nowhere, and the way on."""
    advice = _SIGN_IN[answer]
    return visit.page(
        "message.html",
        status=403,
        title="You are not signed in",
        happened=advice.happened,
        to_do=advice.to_do,
        link="/login",
        button=advice.button,
    )


def refused(visit: Visit, refusal: Refusal, *, link: str = "/login", status: int = 400) -> Response:
    """Say what the consent doctor says about a refusal."""
    advice = REFUSALS[refusal]
    return visit.page(
        "message.html",
        status=status,
        title="This did not work",
        happened=advice.happened,
        to_do=advice.to_do,
        link=link,
        button=advice.button,
    )


def unknown_link(visit: Visit) -> Response:
    """Say that a link was never one of ours; nothing about whose it might be."""
    return visit.page(
        "message.html",
        status=404,
        title="This link is not complete",
        happened="We cannot find what this link should open.",
        to_do="Open it from our mail once more, or copy the whole line.",
        link="/login",
        button="Go to the login page",
    )
