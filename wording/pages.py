"""What pages say that hold one message: a title, what happened, who must do what, one button."""

from dataclasses import dataclass, replace
from enum import StrEnum

from contracts import rules
from contracts.go_live import GoLiveOutcome, Refusal
from contracts.sign_in import SignInAnswer, StaffSessionEnd
from wording.refusals import CHOOSE_ACCOUNT, REFUSALS, Advice
from wording.sentences import counted
from wording.situations import OUTCOMES


@dataclass(frozen=True)
class PageMessage:
    """The whole text of a page that holds one message."""

    title: str
    happened: str
    to_do: str
    button: str

    @classmethod
    def of(cls, title: str, advice: Advice) -> "PageMessage":
        """Return the advice under a title."""
        return cls(title, advice.happened, advice.to_do, advice.button)


_LOGIN_PAGE = "Go to the login page"
_OPEN_AGAIN = "Open the page again"
_START_AGAIN = "Start again"
_LOG_IN = "Log in with SSO"

# --- errors ---------------------------------------------------------------------------------------

FAILED = PageMessage(
    "This did not work",
    "Something went wrong on our side, and we have noted it.",
    "Look whether it was done before you try again. If it stays like this, write to us.",
    _OPEN_AGAIN,
)
NOT_FOUND = PageMessage(
    "This page does not exist",
    "There is nothing at this address.",
    "Go to the login page, or use the newest mail from us.",
    _LOGIN_PAGE,
)
NOT_UNDERSTOOD = PageMessage(
    "That could not be read",
    "Something in this address or form is longer or other than it can be.",
    "Go back, correct it and try again. Nothing was changed.",
    "Go on",
)
_SEND_ONCE_MORE = "Go back and send it once more. Nothing was changed."
TOO_LARGE = PageMessage(
    "That could not be read",
    "More was sent than any form of ours can hold.",
    _SEND_ONCE_MORE,
    _LOGIN_PAGE,
)
TOO_SLOW = PageMessage(
    "That could not be read", "The form did not arrive in time.", _SEND_ONCE_MORE, _LOGIN_PAGE
)
FORM_REFUSED = PageMessage(
    "Please try once more",
    "This form did not come from a page that this browser opened.",
    "Allow cookies for this site, open the page again and repeat the click.",
    _OPEN_AGAIN,
)


BUSY = PageMessage(
    "One moment, please",
    "Many people ask for this at the same time. Nothing was changed.",
    "Wait a few seconds and repeat the click.",
    "Try again",
)


class AwayAt(StrEnum):
    """What a browser was doing when a part of our service did not answer."""

    PAGE = "page"
    FORM = "form"
    MICROSOFTS_ANSWER = "microsofts_answer"


def _away(to_do: str, button: str) -> PageMessage:
    happened = "A part of our service does not answer right now. Nothing was changed."
    return PageMessage("One moment, please", happened, to_do, button)


AWAY = {
    AwayAt.PAGE: _away("Wait a minute and repeat the click; nothing happens twice.", "Try again"),
    AwayAt.FORM: _away(
        "Wait a minute, go back and repeat the click; nothing happens twice.", "Go back"
    ),
    AwayAt.MICROSOFTS_ANSWER: _away(
        "Wait a minute, then start again; nothing happens twice.", _START_AGAIN
    ),
}


class RateLimit(StrEnum):
    """What one network may send only so many of."""

    LINKS = "links"
    DOMAINS = "domains"
    ANSWERS = "answers"
    REQUESTS = "requests"


_TOO_MANY = {
    RateLimit.LINKS: "links that are not ours",
    RateLimit.DOMAINS: "e-mail addresses of organisations that are not with us",
    RateLimit.ANSWERS: "answers of Microsoft that belong to no request of ours",
    RateLimit.REQUESTS: "sign-ins with Microsoft",
}


def too_many(limit: RateLimit) -> PageMessage:
    """Return what is said to a network that sends too many."""
    return PageMessage(
        "Please wait a little",
        f"Too many {_TOO_MANY[limit]} were tried from your network.",
        f"Wait {counted(rules.FAILURE_MINUTES, 'minute')}, then try again, "
        "or open the link from our mail.",
        _LOGIN_PAGE,
    )


# --- sign-in and consent --------------------------------------------------------------------------

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
    SignInAnswer.OTHER_DIRECTORY: Advice(
        "The account you used belongs to another Microsoft directory.",
        "Choose the work account of the organisation whose address you entered.",
        CHOOSE_ACCOUNT,
    ),
    SignInAnswer.NOT_ASSIGNED: Advice(
        "Your organisation lets only people in who are assigned to this application, and you are "
        "not.",
        "Ask your IT team: it assigns you in Microsoft Entra, or turns “Assignment required?” off "
        "for this application.",
        _LOGIN_PAGE,
    ),
    SignInAnswer.CONDITIONAL_ACCESS: Advice(
        "A rule of your organisation (Conditional Access) did not let you in.",
        "Try the device and the place you usually work from. If it stays like this, give your IT "
        "team this page: the sign-in logs of Microsoft Entra name the rule.",
        _START_AGAIN,
    ),
    SignInAnswer.ACCESS_RESTRICTED: Advice(
        "A rule of your organisation restricts which Microsoft organisations you may use from "
        "here.",
        "Ask your IT team about tenant restrictions and cross-tenant access, and give it this "
        "page.",
        _LOGIN_PAGE,
    ),
    SignInAnswer.OURS_TO_MEND: Advice(
        "Something on our side is wrong; it is not your account.",
        "We put it right. Try again later, or use your password as long as you have one.",
        _START_AGAIN,
    ),
    SignInAnswer.PASSING_FAULT: Advice(
        "Microsoft had a passing fault and could not sign you in.",
        "Wait a few minutes, then choose “Login with SSO” once more.",
        _START_AGAIN,
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
"""Why a sign-in leads nowhere, and the way on."""


def _with_number(happened: str, number: int | None) -> str:
    return happened if number is None else f"{happened} (Microsoft's number: AADSTS{number}.)"


def not_signed_in(answer: SignInAnswer, number: int | None = None) -> PageMessage:
    """Return why a sign-in leads nowhere; `number` is Microsoft's, for whoever looks it up."""
    message = PageMessage.of("You are not signed in", SIGN_IN[answer])
    return replace(message, happened=_with_number(message.happened, number))


ALREADY_BACK = PageMessage(
    "Already done",
    "This answer from Microsoft was already used.",
    "Nothing was done twice. The start page says whether you are signed in.",
    "Go to the start page",
)
NOTHING_CAME_OF_IT = PageMessage(
    "Not completed",
    "This answer from Microsoft was already used, and nothing came of it: it was refused or "
    "interrupted.",
    "Start again. Nothing is done twice.",
    "Start again",
)
NOTHING_TO_SHOW = PageMessage(
    "There is nothing to show here",
    "No consent of this browser is under way.",
    "Open the link from our mail; it shows where the go-live stands.",
    _LOGIN_PAGE,
)
CONSENT_PENDING = PageMessage(
    "Thank you",
    "Your consent is noted. A part of our service does not answer right now, so it is "
    "checked a little later, by itself.",
    "There is nothing more for you to do. In a minute you can see here how far it is.",
    "Look again",
)


def granted_before(proven_on: str) -> PageMessage:
    """Return what the holder of a link reads whose organisation has granted everything already.

    `proven_on` is the day on which an earlier go-live saw that grant work; "" for none.
    """
    known = (
        f"The grant worked on {proven_on}, before this go-live."
        if proven_on
        else "It was not given in this go-live, as far as we know: perhaps in the Microsoft Entra "
        "admin center, or for another organisation of the same Microsoft tenant."
    )
    return PageMessage(
        "This is allowed already",
        f"Microsoft says that your organisation has allowed it already. {known}",
        "There is nothing left to accept at Microsoft. To go on with this grant now, sign in with "
        "an account of your organisation. If your organisation does not want that, do nothing and "
        "write to us.",
        "Login with SSO and go on",
    )


_TITLES = {
    Refusal.GRANTED_BEFORE: "This is allowed already",
    **dict.fromkeys((Refusal.STATE_USED, Refusal.LINK_USED), "Already done"),
    **dict.fromkeys((Refusal.LINK_EXPIRED, Refusal.LINK_REVOKED), "This link no longer works"),
}


_NO_REASON_FOR_A_MISSING_PROOF = {Refusal.DECLINED, Refusal.WENT_BACK, Refusal.OTHER}
"""Their sentences speak of the consent, which was given."""


def refused(
    refusal: Refusal, *, number: int | None = None, because: Refusal | None = None
) -> PageMessage:
    """Return the advice on a refusal.

    Args:
        refusal: what it is.
        number: Microsoft's, for whoever looks it up.
        because: why the proof of a consent is missing.
    """
    message = PageMessage.of(_TITLES.get(refusal, "This did not work"), REFUSALS[refusal])
    happened, to_do = message.happened, message.to_do
    if because is not None and because not in _NO_REASON_FOR_A_MISSING_PROOF:
        happened = f"{happened} {REFUSALS[because].happened}"
        to_do = f"{REFUSALS[because].to_do} {to_do}"
    return replace(message, happened=_with_number(happened, number), to_do=to_do)


TO_THE_ADMINISTRATOR_SUBJECT = "An administrator's consent is needed"
_TO_THE_ADMINISTRATOR = """\
Hello,

our organisation moves to Microsoft single sign-on in Clientshare Pulse. It needs the consent of a \
Global Administrator or a Privileged Role Administrator, once. Please open this page, enter your \
work address, choose “Login with SSO” and then “I am the administrator”:

{url}
"""


def to_the_administrator(url: str) -> str:
    """Return a message that whoever is not the administrator can send on; it holds no secret."""
    return _TO_THE_ADMINISTRATOR.format(url=url)


HAND_OFF = """Hello,

{organisation} is moving {product} to Microsoft single sign-on. One step needs a Global \
Administrator or Privileged Role Administrator of our Microsoft Entra directory: please allow it, \
once for the whole organisation.

Open this page, read what is asked and why, press the button, sign in at Microsoft and accept. It \
takes about two minutes, and nothing in our directory changes:
{link}

The link works until {until}. Questions: {support}

Thank you"""
"""What whoever opened a consent link sends on to the administrator."""

# --- personal links -------------------------------------------------------------------------------

_ENDED = "This go-live has ended"


def has_ended(outcome: GoLiveOutcome | None) -> PageMessage:
    """Return how a go-live ended and whom to ask; None = it is just being ended."""
    if outcome is None:
        return PageMessage(
            _ENDED,
            "This go-live is just being ended.",
            "In a minute this page says how. Your customer success manager can say more.",
            _LOGIN_PAGE,
        )
    if outcome is GoLiveOutcome.LIVE:
        now = "From now on everyone there logs in with SSO."
        return PageMessage(_ENDED, OUTCOMES[outcome], now, _LOG_IN)
    return PageMessage(
        _ENDED,
        OUTCOMES[outcome],
        "Nothing more happens by itself. Your customer success manager can say more; if another "
        "go-live has begun since, its links are in our newest mail.",
        _LOGIN_PAGE,
    )


HAS_LEFT = PageMessage(
    "This link no longer works",
    "We write to other people of your organisation about the go-live now.",
    "Ask a colleague of your IT team, or your customer success manager.",
    _LOGIN_PAGE,
)
INVITATION_USED = PageMessage(
    "Log in with SSO",
    REFUSALS[Refusal.LINK_USED].happened,
    "From now on you log in with SSO.",
    _LOG_IN,
)
INVITATION_NOT_NEEDED = PageMessage(
    "Log in with SSO",
    "This invitation is over, and no longer needed: your account is ready.",
    "Log in with SSO, with your Microsoft work account.",
    _LOG_IN,
)
INVITATION_WITHDRAWN = PageMessage(
    "This link no longer works",
    "This invitation was withdrawn.",
    "Ask the person in your organisation who manages access for a new one.",
    _LOGIN_PAGE,
)
UNKNOWN_LINK = PageMessage(
    "This link is not complete",
    "We cannot find what this link should open.",
    "Open it from our mail once more, or copy the whole line.",
    _LOGIN_PAGE,
)
NEW_LINK_SENT = PageMessage(
    "A new link is on its way",
    "We have sent a new link to the address we have on file.",
    "Use the newest mail from us; the links in older ones no longer work.",
    _LOGIN_PAGE,
)
NEW_LINK_PENDING = PageMessage(
    "A new link will come",
    "It is noted. A part of our service does not answer right now, so the new "
    "link comes a little later, by itself, to the address we have on file.",
    "There is nothing more for you to do. The links in older mails no longer work.",
    _LOGIN_PAGE,
)
TICK_THE_BOX = (
    "Please tick the box as well. Programs that check mail press buttons, too; by the box we know "
    "that it is you."
)
NO_MORE_HAND_OFFS = PageMessage(
    "No more hand-offs today",
    "This consent link was handed on several times today. That is as often as it may be in a day.",
    "Use the link that was made last, or try again tomorrow. Your own link still works.",
    "Back to the consent page",
)
NO_MORE_LINKS = PageMessage(
    "No more new links today",
    "Several new links were asked for today, and they go to the address we have on "
    "file. That is as many as we send in a day.",
    "Use the newest mail from us, also in the folder for junk; or try again tomorrow.",
    _LOGIN_PAGE,
)

# --- the console ----------------------------------------------------------------------------------


class StaffRefusal(StrEnum):
    """Why somebody who signed in is not let into the console."""

    NOT_OURS = "not_ours"
    NO_ROLE = "no_role"
    NO_HANDLE = "no_handle"


_NOT_ADMITTED = {
    StaffRefusal.NOT_OURS: (
        "You signed in with an account that does not belong to Clientshare itself."
    ),
    StaffRefusal.NO_ROLE: (
        "Your account works, but it has none of the roles “CustomerSuccess.Reader”, "
        "“CustomerSuccess.Manager” and “CustomerSuccess.Lead”."
    ),
    StaffRefusal.NO_HANDLE: (
        "Your account has the role, but no staff handle here belongs to your address."
    ),
}


def not_admitted(why: StaffRefusal) -> PageMessage:
    """Return why somebody who signed in is not let into the console."""
    return PageMessage(
        "The console is for customer success",
        _NOT_ADMITTED[why],
        "Sign in with the account that has access, or ask an administrator of Clientshare "
        "to give it to this one. The product itself has a login page of its own.",
        CHOOSE_ACCOUNT,
    )


CONSOLE_SESSION_ENDED = {
    StaffSessionEnd.ROLE_LOST: (
        "You were signed out: your account has no role in the console any more. An administrator "
        "of Clientshare gives roles."
    ),
    StaffSessionEnd.SIGN_IN_AGAIN: (
        "You were signed out: Microsoft asks you to sign in again before you go on."
    ),
    StaffSessionEnd.UNBOUND: (
        "You were signed out: a colleague undid which Microsoft account is yours. The next sign-in "
        "sets it anew."
    ),
}
"""What is said at the sign-in of the console when a session was ended."""

ROLE_TOO_LOW = PageMessage(
    "Your role does not allow this",
    "You are signed in to read. Nothing was changed.",
    "A manager or a lead does it; an administrator of Clientshare gives roles.",
    "Show all organisations",
)
NO_SUCH_ORGANISATION = PageMessage(
    "No such organisation",
    "No organisation has this name.",
    "Look for it in the list; a new one comes with an import.",
    "Show all organisations",
)
