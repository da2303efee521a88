"""Pages for what cannot be done: what happened, who must do what, one way on."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote
from uuid import UUID

from fastapi.responses import Response

from contracts.go_live import GoLiveOutcome, Refusal
from database.models import GoLive
from web.rate_limits import note_guess
from web.visit import Visit
from wording.refusals import CHOOSE_ACCOUNT, REFUSALS, Advice
from wording.situations import OUTCOMES


class SignInAnswer(StrEnum):
    """Why a Microsoft sign-in does not lead into an account."""

    OTHER_TENANT = "other_tenant"
    GUEST = "guest"
    UNKNOWN = "unknown"
    DEACTIVATED = "deactivated"
    NOT_THE_INVITED = "not_the_invited"
    CANCELLED = "cancelled"
    NOT_ALLOWED = "not_allowed"
    SWITCHED_OFF = "switched_off"
    FAILED = "failed"
    MICROSOFT_NOT_ASKED = "microsoft_not_asked"


_LOGIN_PAGE = "Go to the login page"
_START_AGAIN = "Start again"
SIGN_IN = {
    SignInAnswer.OTHER_TENANT: Advice(
        "You signed in with an account of another Microsoft organisation.",
        "Sign in again with your work account of the organisation whose address you entered.",
        CHOOSE_ACCOUNT,
    ),
    SignInAnswer.GUEST: Advice(
        "You are a guest in this Microsoft organisation, and no account with us is linked to you.",
        "Sign in with the work account of your own organisation, or ask the IT team of this one.",
        _LOGIN_PAGE,
    ),
    SignInAnswer.UNKNOWN: Advice(
        "Microsoft knows you, but no account with us is linked to your Microsoft account yet.",
        "If you have a password with us, log in with it. Otherwise ask your IT team or the person "
        "who invited you.",
        _LOGIN_PAGE,
    ),
    SignInAnswer.DEACTIVATED: Advice(
        "Your account with us is deactivated.",
        "Ask the person in your organisation who manages access to have it activated.",
        _LOGIN_PAGE,
    ),
    SignInAnswer.NOT_THE_INVITED: Advice(
        "This invitation is for another person; it was not used up.",
        "Sign in with the account the invitation was sent to, or ask for one of your own.",
        CHOOSE_ACCOUNT,
    ),
    SignInAnswer.CANCELLED: Advice(
        "You left Microsoft's page before you were signed in.",
        "Choose “Login with SSO” once more, or use your password as long as you have one.",
        _START_AGAIN,
    ),
    SignInAnswer.NOT_ALLOWED: Advice(
        "Your organisation does not allow signing in to us with Microsoft at the moment.",
        "Ask your IT team; an administrator of theirs has to allow it again.",
        _LOGIN_PAGE,
    ),
    SignInAnswer.SWITCHED_OFF: Advice(
        "Your organisation has switched our application off in Microsoft Entra.",
        "Ask your IT team; an administrator of theirs can enable it again.",
        _LOGIN_PAGE,
    ),
    SignInAnswer.FAILED: Advice(
        "Microsoft ended the sign-in with an error.",
        "Choose “Login with SSO” once more. If it happens again, ask your IT team.",
        _START_AGAIN,
    ),
    SignInAnswer.MICROSOFT_NOT_ASKED: REFUSALS[Refusal.MICROSOFT_NOT_ASKED],
}


@dataclass(frozen=True)
class Way:
    """Where the one button leads: to a page, or to something that is done by a form."""

    link: str = "/login"
    action: str = ""


OTHER_ACCOUNT = "/auth/microsoft/other-account"
"""Where a browser that came back with an account of no use here has Microsoft ask for another."""


def sign_in_page(
    visit: Visit, answer: SignInAnswer, *, link: str = "/login", status: int = 403
) -> Response:
    """Say why this sign-in leads nowhere, and the way on; `link` is where it can be begun again."""
    advice = SIGN_IN[answer]
    way = Way(action=OTHER_ACCOUNT) if advice.button == CHOOSE_ACCOUNT else Way(link)
    return _message(visit, "You are not signed in", advice, way, status)


def already_back(visit: Visit, link: str) -> Response:
    """Answer a reload of a sign-in: what it did, the page behind `link` shows."""
    advice = Advice(
        "This answer from Microsoft was already used.",
        "Nothing was done twice. The start page says whether you are signed in.",
        "Go to the start page",
    )
    return _message(visit, "Already done", advice, Way(link), 400)


def nothing_to_show(visit: Visit) -> Response:
    """Answer a browser that has no consent of its own to follow."""
    advice = Advice(
        "No consent of this browser is under way.",
        "Open the link from our mail; it shows where the go-live stands.",
        _LOGIN_PAGE,
    )
    return _message(visit, "There is nothing to show here", advice, Way(), 404)


_LOG_IN = "Log in with SSO"
_ENDING = Advice(
    "This go-live is just being ended.",
    "In a minute this page says how. Your customer success manager can say more.",
    _LOGIN_PAGE,
)
_CAN_SAY_MORE = (
    "Nothing more happens by itself. Your customer success manager can say more; if another "
    "go-live has begun since, its links are in our newest mail."
)
_LEFT = Advice(
    "We write to other people of your organisation about the go-live now.",
    "Ask a colleague of your IT team, or your customer success manager.",
    _LOGIN_PAGE,
)
_INVITATION_USED = Advice(
    REFUSALS[Refusal.LINK_USED].happened, "From now on you log in with SSO.", _LOG_IN
)
_INVITATION_NOT_NEEDED = Advice(
    "This invitation is over, and no longer needed: your account is ready.",
    "Log in with SSO, with your Microsoft work account.",
    _LOG_IN,
)
_INVITATION_WITHDRAWN = Advice(
    "This invitation was withdrawn.",
    "Ask the person in your organisation who manages access for a new one.",
    _LOGIN_PAGE,
)


def has_ended(visit: Visit, go_live_id: UUID | None) -> Response:
    """Say how a go-live ended and whom to ask; nobody gets a new link for it."""
    with visit.rooms.sessions.begin() as session:
        go_live = session.get(GoLive, go_live_id) if go_live_id else None
    outcome = GoLiveOutcome(go_live.outcome) if go_live and go_live.outcome else None
    if outcome is None:
        advice = _ENDING
    elif outcome is GoLiveOutcome.LIVE:
        advice = Advice(OUTCOMES[outcome], "From now on everyone there logs in with SSO.", _LOG_IN)
    else:
        advice = Advice(OUTCOMES[outcome], _CAN_SAY_MORE, _LOGIN_PAGE)
    return _message(visit, "This go-live has ended", advice, Way(), 410)


def has_left(visit: Visit) -> Response:
    """Answer somebody who is no contact of the organisation any more."""
    return _message(visit, "This link no longer works", _LEFT, Way(), 410)


def invitation_is_over(visit: Visit, *, used: bool, can_log_in: bool) -> Response:
    """Say how someone logs in whose invitation is used up or too old, if they can."""
    if not can_log_in:
        return _message(visit, "This link no longer works", _INVITATION_WITHDRAWN, Way(), 410)
    advice = _INVITATION_USED if used else _INVITATION_NOT_NEEDED
    return _message(visit, "Log in with SSO", advice, Way(), 410)


def refused(
    visit: Visit,
    refusal: Refusal,
    *,
    link: str = "/login",
    status: int = 400,
    action: str = "",
) -> Response:
    """Say what the consent doctor says about a refusal.

    `link` leads to where the same can be begun again; `action` is a form's instead.
    """
    title = _TITLES.get(refusal, "This did not work")
    return _message(visit, title, REFUSALS[refusal], _way(visit, refusal, link, action), status)


_TITLES = {
    **dict.fromkeys((Refusal.STATE_USED, Refusal.LINK_USED), "Already done"),
    **dict.fromkeys((Refusal.LINK_EXPIRED, Refusal.LINK_REVOKED), "This link no longer works"),
}


def _way(visit: Visit, refusal: Refusal, link: str, action: str) -> Way:
    match refusal:
        case Refusal.STATE_USED:
            return Way("/consent/progress")
        case Refusal.NOT_AN_ADMINISTRATOR | Refusal.APPROVAL_REQUESTED:
            # Whoever came by a personal link hands on just that.
            to_hand_off = link.replace("/consent/", "/hand-off/", 1)
            return Way(to_hand_off if to_hand_off != link else _to_the_administrator(visit))
        case Refusal.GUEST | Refusal.OTHER_TENANT_SIGNED_IN:
            return Way(action=OTHER_ACCOUNT)
        case Refusal.DOMAINS_NOT_VERIFIED | Refusal.TENANT_UNKNOWN:
            return Way(f"mailto:{visit.rooms.settings.support_address}")
        case _:
            return Way(link, action)


def _to_the_administrator(visit: Visit) -> str:
    """Return a mail to be addressed: nothing in it is secret, so it can go to anyone."""
    text = (
        "Hello,\n\nour organisation moves to Microsoft single sign-on in Clientshare Pulse. It "
        "needs the consent of a Global Administrator or a Privileged Role Administrator, once. "
        "Please open this page, enter your work address, choose “Login with SSO” and then “I am "
        f"the administrator”:\n\n{visit.rooms.url('/login')}\n"
    )
    subject = quote("An administrator's consent is needed")
    return f"mailto:?subject={subject}&body={quote(text)}"


def unknown_link(visit: Visit) -> Response:
    """Say that a link was never one of ours; nothing about whose it might be."""
    note_guess(visit)
    return _message(
        visit,
        "This link is not complete",
        Advice(
            "We cannot find what this link should open.",
            "Open it from our mail once more, or copy the whole line.",
            _LOGIN_PAGE,
        ),
        Way(),
        404,
    )


def _message(visit: Visit, title: str, advice: Advice, way: Way, status: int) -> Response:
    return visit.page(
        "message.html",
        status=status,
        title=title,
        happened=advice.happened,
        to_do=advice.to_do,
        link=way.link,
        action=way.action,
        button=advice.button,
    )
