"""Turns a state into words: the same in the Temporal UI, on pages, in mails and in the shell."""

from dataclasses import dataclass
from datetime import datetime

from contracts.directory import ExceptionReason
from contracts.go_live import GoLiveOutcome, GoLiveStage, Progress, Refusal, Wait
from contracts.situations import ATTENTION, OUTCOMES, WAITS

STAGES = {
    GoLiveStage.ENTITLEMENT_CONFIRMED: "Entitlement confirmed",
    GoLiveStage.IT_NOTIFIED: "IT notified",
    GoLiveStage.SSO_ACTIVATED: "SSO activated",
    GoLiveStage.ADMIN_CONSENT_AWAITED: "Admin consent awaited",
    GoLiveStage.USERS_MIGRATED: "Users migrated",
}

WAITING_ON = {
    Wait.NOTHING: "nobody",
    Wait.ENTITLEMENT: "customer success",
    Wait.IT_ACKNOWLEDGEMENT: "customer IT",
    Wait.ADMIN_CONSENT: "administrator",
    Wait.MICROSOFT: "Microsoft",
    Wait.MOVE_DATE: "the agreed date",
    Wait.APPROVAL: "customer success",
    Wait.FIRST_SIGN_IN: "first users",
    Wait.AFTERCARE: "nobody",
}
"""Whom each wait is for; also the value of the search attribute `WaitingOn`."""


@dataclass(frozen=True)
class Advice:
    """What the consent doctor says: what happened, who must do what, and the one way on."""

    happened: str
    to_do: str
    button: str
    """Label of the one button or link."""


_CONSENT_AGAIN = "Consent for the organisation"
_NEW_LINK = "Send me a new link"

REFUSALS = {
    Refusal.STATE_UNKNOWN: Advice(
        "This answer from Microsoft does not belong to a request of ours.",
        "Start again from the link in your mail.",
        "Start again",
    ),
    Refusal.STATE_EXPIRED: Advice(
        "Too much time passed between our page and Microsoft's answer.",
        "Start again; it takes about two minutes.",
        "Start again",
    ),
    Refusal.STATE_USED: Advice(
        "This answer from Microsoft was already used.",
        "Nothing was done twice. Look at where the go-live stands.",
        "Show where it stands",
    ),
    Refusal.OTHER_BROWSER: Advice(
        "This answer from Microsoft belongs to another browser.",
        "Start again in the browser you want to use, with cookies allowed.",
        "Start again",
    ),
    Refusal.ID_TOKEN_INVALID: Advice(
        "Microsoft's sign-in answer could not be verified.",
        "Start again. If it happens again, tell your customer success manager.",
        "Start again",
    ),
    Refusal.OTHER_TENANT_SIGNED_IN: Advice(
        "You signed in to another Microsoft organisation than the one that consented.",
        "Sign in again with your work account of this organisation.",
        "Sign in again",
    ),
    Refusal.WRONG_TENANT: Advice(
        "The consent was given in a Microsoft organisation that is not this customer's.",
        "Sign in with an administrator account of the organisation's own tenant.",
        "Sign in again",
    ),
    Refusal.DOMAINS_NOT_VERIFIED: Advice(
        "This Microsoft organisation has not verified the customer's e-mail domains.",
        "Customer success checks the list of domains with the customer's IT team.",
        "Ask customer success",
    ),
    Refusal.GUEST: Advice(
        "You signed in with a guest account.",
        "Sign in with an administrator account that belongs to the organisation itself.",
        "Sign in again",
    ),
    Refusal.NOT_AN_ADMINISTRATOR: Advice(
        "Your account may not consent for the organisation.",
        "A Global Administrator or Privileged Role Administrator must do it.",
        "Hand this to the administrator",
    ),
    Refusal.APPROVAL_REQUESTED: Advice(
        "Your request went to your organisation's administrators.",
        "An administrator approves it in Microsoft Entra, or opens the consent link themself.",
        "Hand this to the administrator",
    ),
    Refusal.DECLINED: Advice(
        "The consent was declined.",
        "Nothing was changed. If this was a mistake, consent now; otherwise tell your customer "
        "success manager.",
        _CONSENT_AGAIN,
    ),
    Refusal.SELF_ONLY: Advice(
        "The consent counts for your own account only; everyone else is still blocked.",
        "Consent once more, this time for the whole organisation.",
        _CONSENT_AGAIN,
    ),
    Refusal.LINK_EXPIRED: Advice(
        "This link has expired.",
        "Ask for a new one; it goes to the address we have on file.",
        _NEW_LINK,
    ),
    Refusal.LINK_USED: Advice(
        "This link was already used.",
        "Nothing was done twice. Look at where the go-live stands.",
        "Show where it stands",
    ),
    Refusal.LINK_REVOKED: Advice(
        "This link was replaced by a newer one or is no longer needed.",
        "Use the newest mail from us, or ask for a new link.",
        _NEW_LINK,
    ),
    Refusal.PERMISSION_MISSING: Advice(
        "The consent lacks a permission that is needed.",
        "Consent once more, to everything that is asked; each is explained on the page.",
        _CONSENT_AGAIN,
    ),
    Refusal.TENANT_UNKNOWN: Advice(
        "The organisation's e-mail domains do not lead to one Microsoft organisation.",
        "Customer success checks the list of domains with the customer's IT team.",
        "Ask customer success",
    ),
    Refusal.NOT_CAUGHT_UP: Advice(
        "Microsoft is still applying the consent; this usually takes a few minutes.",
        "Nobody has to do anything; it is checked again by itself.",
        "Show where it stands",
    ),
    Refusal.APPLICATION_DISABLED: Advice(
        "Our application is switched off in this Microsoft organisation.",
        "The administrator enables it under Enterprise applications, then consents again.",
        _CONSENT_AGAIN,
    ),
    Refusal.UNPROVEN: Advice(
        "A consent was reported that no browser of ours has seen.",
        "It was not accepted. The administrator uses the link in our mail.",
        "Start again",
    ),
    Refusal.OTHER: Advice(
        "Microsoft ended the consent without saying why.",
        "Try once more. If it happens again, tell your customer success manager.",
        "Start again",
    ),
}


@dataclass(frozen=True)
class ExceptionWords:
    """Why a user could not be moved, and who does what about it."""

    why: str
    next_step: str


EXCEPTIONS = {
    ExceptionReason.NO_MATCH: ExceptionWords(
        "No account in the Microsoft directory has this address.",
        "Customer IT adds the address to the right account, or customer success excludes the user.",
    ),
    ExceptionReason.AMBIGUOUS: ExceptionWords(
        "More than one account in the Microsoft directory has this address.",
        "Customer IT removes it from all but one; or customer success links the right one.",
    ),
    ExceptionReason.SAME_PERSON_TWICE: ExceptionWords(
        "Two of our users lead to the same Microsoft account.",
        "Customer success asks which one to keep and excludes the other.",
    ),
    ExceptionReason.GUEST: ExceptionWords(
        "The Microsoft account is a guest of the organisation.",
        "Customer IT decides whether the person gets an account of their own.",
    ),
    ExceptionReason.DISABLED: ExceptionWords(
        "The Microsoft account is disabled.",
        "Customer IT enables it, or customer success excludes the user.",
    ),
    ExceptionReason.OUTSIDE_VERIFIED_DOMAINS: ExceptionWords(
        "The address is not in a domain that the organisation has verified with Microsoft.",
        "Customer success asks for the person's work address.",
    ),
    ExceptionReason.LINKED_TO_ANOTHER: ExceptionWords(
        "The Microsoft account, or the user, is already linked to another one.",
        "Customer success checks which of the two is right.",
    ),
    ExceptionReason.SHARED_OR_SERVICE_ACCOUNT: ExceptionWords(
        "This looks like a shared mailbox or a service account, not a person.",
        "Customer success asks who uses it; that person gets an account of their own.",
    ),
    ExceptionReason.MORE_THAN_ONE_ORGANISATION: ExceptionWords(
        "This address has an account in more than one organisation with us.",
        "Customer success decides which organisation the person signs in to by SSO.",
    ),
    ExceptionReason.DEACTIVATED: ExceptionWords(
        "The account is deactivated with us.", "Nobody has to do anything."
    ),
    ExceptionReason.EXCLUDED: ExceptionWords(
        "Customer success left this user out.", "Nobody has to do anything."
    ),
}


def instant(at: datetime) -> str:
    """Return an instant as people read it, such as `Tue 24 Nov 2026, 09:00 UTC`."""
    zone = at.tzname() or "UTC"
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M} {zone}"


def day(at: datetime) -> str:
    """Return a day as people read it, such as `Tuesday 24 November 2026`."""
    return f"{at:%A} {at.day} {at:%B %Y}"


def waiting_on(progress: Progress) -> str:
    """Return who moves next."""
    if progress.outcome is not None:
        return "nobody"
    return "customer success" if progress.attention else WAITING_ON[progress.wait]


def happened(progress: Progress) -> str:
    """Return where a go-live stands, in one sentence."""
    if progress.outcome is not None:
        return OUTCOMES[progress.outcome]
    if progress.attention is not None:
        return ATTENTION[progress.attention][0]
    if progress.wait is Wait.ADMIN_CONSENT and progress.refusal is not None:
        return REFUSALS[progress.refusal].happened
    return WAITS[progress.wait][0]


def to_do(progress: Progress) -> str:
    """Return who must do what, in one sentence."""
    if progress.outcome is not None:
        return "Nobody has to do anything."
    if progress.attention is not None:
        return ATTENTION[progress.attention][1]
    if progress.wait is Wait.ADMIN_CONSENT and progress.refusal is not None:
        return REFUSALS[progress.refusal].to_do
    return WAITS[progress.wait][1]


def by_itself(progress: Progress) -> str:
    """Return what happens without anybody, and when."""
    if progress.outcome is not None:
        return "Nothing more happens."
    if progress.paused:
        return "Paused: no reminder goes out and nothing moves until it is resumed."
    if progress.attention is not None:
        return "Nothing happens until someone retries, skips or rolls back."
    if progress.due_at is None:
        return "It goes on by itself."
    what = {
        Wait.ENTITLEMENT: "Without an answer it ends as not entitled",
        Wait.IT_ACKNOWLEDGEMENT: "Without an answer it goes on",
        Wait.ADMIN_CONSENT: "Reminders go out; without a consent it ends",
        Wait.MOVE_DATE: "Users start to move",
        Wait.FIRST_SIGN_IN: "Without a sign-in it needs attention",
        Wait.AFTERCARE: "The go-live closes",
    }.get(progress.wait, "It is looked at again")
    return f"{what} on {instant(progress.due_at)}."


def sentences(progress: Progress) -> str:
    """Return what happened, who must do what, and what happens by itself."""
    return " ".join((happened(progress), to_do(progress), by_itself(progress)))


def stage_state(progress: Progress, stage: GoLiveStage) -> str:
    """Return what is to be said beside one stage: done, now, waiting on whom, next."""
    stages = list(GoLiveStage)
    position, current = stages.index(stage), stages.index(progress.stage)
    if progress.outcome is GoLiveOutcome.LIVE or position < current:
        return "done"
    if progress.outcome is not None:
        return "not reached" if position > current else "ended here"
    if position > current:
        return "next"
    if progress.attention is not None:
        return "needs attention"
    if progress.paused:
        return f"paused, waiting on {waiting_on(progress)} since {instant(progress.since)}"
    if progress.wait is Wait.NOTHING:
        return "now"
    return f"waiting on {waiting_on(progress)} since {instant(progress.since)}"


def details(progress: Progress) -> str:
    """Return the Markdown that the Temporal UI shows: a row per stage, then the sentences."""
    rows = ["| Stage | |", "|---|---|"]
    for number, (stage, words) in enumerate(STAGES.items(), start=1):
        state = stage_state(progress, stage)
        shown = f"**{state}**" if stage is progress.stage and progress.outcome is None else state
        rows.append(f"| {number}. {words} | {shown} |")
    users = (
        f"\n\nUsers moved: {progress.users_done} of {progress.users_total}; "
        f"{progress.exceptions} cannot be moved."
        if progress.plan_hash
        else ""
    )
    return "\n".join(rows) + f"\n\n{sentences(progress)}{users}"
