"""A go-live in the words of the customer's own people; `wording.sentences` speaks to ours."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from contracts.go_live import Attention, Progress, Refusal, Wait
from contracts.waiting_on import is_held_up
from wording import sentences

_WAITS = {
    Wait.NOTHING: ("The next step is being done now.", "Nobody has to do anything."),
    Wait.ENTITLEMENT: (
        "We are checking that your subscription agreement includes single sign-on.",
        "Your customer success manager sees to it.",
    ),
    Wait.IT_ACKNOWLEDGEMENT: (
        "Your IT team has the go-live pack.",
        "Please confirm on the set-up page that you have read it.",
    ),
    Wait.ADMIN_CONSENT: (
        "“Login with SSO” is on your login page; passwords still work.",
        "An administrator of your Microsoft directory opens the consent page and allows it.",
    ),
    Wait.MOVE_DATE: (
        "The consent is complete and the move is announced.",
        "Nobody has to do anything; your users start to move at the announced time.",
    ),
    Wait.APPROVAL: (
        "More of your users than expected cannot be moved yet.",
        "Your customer success manager goes through the list with you.",
    ),
    Wait.FIRST_SIGN_IN: (
        "The first few of your users have moved; the others still log in as before.",
        "One of the first, not the administrator, logs in with SSO; then the others follow.",
    ),
    Wait.AFTERCARE: (
        "Everyone who can be moved has moved.",
        "Nobody has to do anything; users who have not logged in with SSO yet are reminded.",
    ),
}
_REMIND_THE_CUSTOMER = {
    Wait.IT_ACKNOWLEDGEMENT,
    Wait.ADMIN_CONSENT,
    Wait.MICROSOFT,
    Wait.AFTERCARE,
}
"""The waits whose reminders go to the customer's own people."""

_OURS_TO_MEND = {
    Attention.MICROSOFT_UNREACHABLE,
    Attention.CREDENTIAL_REFUSED,
    Attention.MAIL_REFUSED,
    Attention.MAIL_UNAVAILABLE,
    Attention.RECORD_AHEAD,
    Attention.UNEXPECTED,
}
_WE_SEE_TO_IT = (
    "Something on our side has to be put right before it goes on.",
    "Your customer success manager sees to it, and writes to you if you have to do anything.",
)
_ATTENTION = {
    **dict.fromkeys(_OURS_TO_MEND, _WE_SEE_TO_IT),
    Attention.NO_ONE_SIGNED_IN: (
        "None of the first users has logged in with SSO yet.",
        "Please ask one of them to; until then the others keep logging in as before. If Microsoft "
        "does not let them in, look at two settings in the Microsoft Entra admin center: "
        "“Assignment required?” under Enterprise applications, Properties, and Conditional Access.",
    ),
    Attention.MICROSOFT_NOT_CAUGHT_UP: (
        "Microsoft is taking longer than usual to apply the consent.",
        "It is checked again; if it stays so, the administrator consents once more.",
    ),
    Attention.DIFFERENT_TENANTS: (
        "Your e-mail domains belong to different Microsoft organisations.",
        "Your customer success manager settles with you which of them it is.",
    ),
    Attention.PEOPLE_IN_ANOTHER_TENANT: (
        "Your e-mail domains now lead to another Microsoft organisation than the one your people "
        "sign in with.",
        "Your customer success manager settles with you which of them it is; until then everyone "
        "signs in as before.",
    ),
}
_SETTLE = "Your customer success manager settles with you which e-mail domains are yours."
_NOT_VERIFIED = ("Your Microsoft organisation has verified none of your e-mail domains.", _SETTLE)
_UNKNOWN = ("Your e-mail domains do not lead to a Microsoft organisation.", _SETTLE)
_TROUBLE = {
    Attention.DOMAINS_NOT_VERIFIED: _NOT_VERIFIED,
    Refusal.DOMAINS_NOT_VERIFIED: _NOT_VERIFIED,
    Attention.TENANT_UNKNOWN: _UNKNOWN,
    Refusal.TENANT_UNKNOWN: _UNKNOWN,
    Refusal.WRONG_TENANT: (
        "The consent was given in another Microsoft organisation than yours.",
        "An administrator of your own organisation's tenant consents there.",
    ),
}
"""The advice on a refusal in words for our own people."""


@dataclass(frozen=True)
class CustomerStatus:
    """Three sentences, each to be read alone."""

    happened: str
    to_do: str
    by_itself: str


def customer_status(progress: Progress, time_zone: str) -> CustomerStatus:
    """Return where a go-live stands, who does what, and what comes by itself, in local time."""
    zone = ZoneInfo(time_zone)
    reminder_at = progress.reminder_at if progress.wait in _REMIND_THE_CUSTOMER else None
    local = replace(
        progress,
        due_at=progress.due_at and progress.due_at.astimezone(zone),
        reminder_at=reminder_at and reminder_at.astimezone(zone),
    )
    happened, to_do = sentences.happened(local), sentences.to_do(local)
    by_itself = sentences.by_itself(local)
    if progress.outcome is not None:
        return CustomerStatus(happened, to_do, by_itself)
    if progress.paused:
        by_itself = "It is paused: nobody is moved and no reminder goes out until it goes on."
    elif progress.attention is not None:
        by_itself = "Until then nothing changes for your users."
    trouble = progress.attention or (progress.refusal if _is_refused(progress) else None)
    if trouble in _TROUBLE:
        happened, to_do = _TROUBLE[trouble]
    elif progress.attention is not None:
        happened, to_do = _ATTENTION.get(progress.attention, (happened, to_do))
    elif is_held_up(progress):
        happened, to_do = "The next step waits.", "Your customer success manager lets it go on."
    elif trouble is None and progress.ending is None:
        happened, to_do = _WAITS.get(progress.wait, (happened, to_do))
    return CustomerStatus(happened, to_do, by_itself)


def _is_refused(progress: Progress) -> bool:
    # The words of a refused consent speak to the administrator already.
    return progress.wait is Wait.ADMIN_CONSENT and progress.refusal is not None
