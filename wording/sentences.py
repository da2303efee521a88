"""Turns a state into words: the same in the Temporal UI, on pages, in mails and in the shell."""

from dataclasses import dataclass
from datetime import datetime

from contracts.directory import ExceptionReason
from contracts.go_live import Attention, GoLiveOutcome, GoLiveStage, Progress, Wait
from contracts.stage_states import StageState, stage_state
from contracts.waiting_on import WaitingOn, is_held_up, waiting_on
from wording.refusals import REFUSALS
from wording.situations import ATTENTION, ENDINGS, OUTCOMES, WAITS

STAGES = {
    GoLiveStage.ENTITLEMENT_CONFIRMED: "Entitlement confirmed",
    GoLiveStage.IT_NOTIFIED: "IT notified",
    GoLiveStage.SSO_ACTIVATED: "SSO activated",
    GoLiveStage.ADMIN_CONSENT_AWAITED: "Admin consent awaited",
    GoLiveStage.USERS_MIGRATED: "Users migrated",
}

WHOM = {
    WaitingOn.NOBODY: "nobody",
    WaitingOn.CUSTOMER_SUCCESS: "customer success",
    WaitingOn.OPERATORS: "operators",
    WaitingOn.CUSTOMER_IT: "customer IT",
    WaitingOn.ADMINISTRATOR: "administrator",
    WaitingOn.MICROSOFT: "Microsoft",
    WaitingOn.AGREED_DATE: "the agreed date",
    WaitingOn.FIRST_USERS: "first users",
}
"""Who moves next, in words."""


@dataclass(frozen=True)
class ExceptionWords:
    """Why a user could not be moved, and who does what about it."""

    why: str
    next_step: str
    who: str
    """Who does it."""
    command: str = ""
    """What customer success types for it; never in a mail or on a page."""

    @property
    def in_shell(self) -> str:
        """The next step as a terminal or a list for customer success says it."""
        return f"{self.next_step} With: {self.command}" if self.command else self.next_step


_LINK = "python starter.py link ORG ADDRESS OBJECT_ID --reason …"
_EXCLUDE = "python starter.py exclude ORG ADDRESS --reason …"
_INCLUDE = "python starter.py include ORG ADDRESS --reason …"

EXCEPTIONS = {
    ExceptionReason.NO_MATCH: ExceptionWords(
        "No account in the Microsoft directory has this address.",
        "Customer IT adds the address to the right account, or customer success excludes the user.",
        "customer IT",
    ),
    ExceptionReason.LINKED_ACCOUNT_GONE: ExceptionWords(
        "The Microsoft account that this user is linked to is no longer in the directory.",
        "Customer IT names the person's present account, and customer success links that one.",
        "customer IT",
        _LINK,
    ),
    ExceptionReason.DECIDED_ACCOUNT_MISSING: ExceptionWords(
        "Customer success named an account for this user that is not in the Microsoft directory.",
        "Customer success checks the object id with customer IT and links the right account, or "
        "takes the decision back.",
        "customer success",
        f"{_LINK}, or {_INCLUDE}",
    ),
    ExceptionReason.AMBIGUOUS: ExceptionWords(
        "More than one account in the Microsoft directory has this address, or one has it in "
        "another spelling, such as ß for ss.",
        "Customer IT removes it from all but one; or customer success links the right one.",
        "customer IT",
        _LINK,
    ),
    ExceptionReason.SAME_PERSON_TWICE: ExceptionWords(
        "Two of our users lead to the same Microsoft account.",
        "Customer success asks which one to keep and excludes the other.",
        "customer success",
    ),
    ExceptionReason.GUEST: ExceptionWords(
        "The Microsoft account is a guest of the organisation.",
        "Customer IT decides whether the person gets an account of their own.",
        "customer IT",
    ),
    ExceptionReason.EXTERNAL_MEMBER: ExceptionWords(
        "The Microsoft account is a member that came from another Microsoft organisation of the "
        "same group.",
        "Customer success asks customer IT whether these are the organisation's own people: links "
        "the user, or excludes them. Where it is so for everyone, the organisation's import says "
        "link_external_members = yes.",
        "customer success",
        f"{_LINK}, or {_EXCLUDE}",
    ),
    ExceptionReason.DISABLED: ExceptionWords(
        "The Microsoft account is disabled.",
        "Customer IT enables it, or customer success excludes the user.",
        "customer IT",
    ),
    ExceptionReason.OUTSIDE_VERIFIED_DOMAINS: ExceptionWords(
        "The address is not in a domain that the organisation has verified with Microsoft.",
        "Customer success asks for the person's work address and links the account of that name, "
        "or excludes the user.",
        "customer success",
        f"{_LINK}, or {_EXCLUDE}",
    ),
    ExceptionReason.DOMAIN_NOT_LISTED: ExceptionWords(
        "The organisation has verified the domain of this address with Microsoft, but it is not on "
        "its list of domains with us, so the login page would offer no SSO for it.",
        "Customer success asks customer IT whether people here use this domain: imports the "
        "organisation with it in the list and plans again, or excludes the user.",
        "customer success",
        f"python starter.py import ORGANISATIONS.csv USERS.csv, or {_EXCLUDE}",
    ),
    ExceptionReason.LINKED_TO_ANOTHER: ExceptionWords(
        "The Microsoft account, or the user, is already linked to another one.",
        "Customer success checks which of the two is right.",
        "customer success",
    ),
    ExceptionReason.SHARED_OR_SERVICE_ACCOUNT: ExceptionWords(
        "This looks like a shared mailbox or a service account, not a person.",
        "Customer success asks who uses it: links it if it is one person's, or excludes the user.",
        "customer success",
        f"{_LINK}, or {_EXCLUDE}",
    ),
    ExceptionReason.MORE_THAN_ONE_ORGANISATION: ExceptionWords(
        "This address has an account in more than one organisation with us.",
        "Customer success decides which organisation the person signs in to by SSO.",
        "customer success",
    ),
    ExceptionReason.DEACTIVATED: ExceptionWords(
        "The account is deactivated with us.",
        "Nobody has to do anything.",
        "nobody",
    ),
    ExceptionReason.EXCLUDED: ExceptionWords(
        "Customer success left this user out.",
        "Nobody has to do anything.",
        "nobody",
    ),
}


AUDIT = {
    "consent_signed_in": "A consent came back from Microsoft",
    "consent_reported": "The go-live heard of a consent",
    "consent_refusal_reported": "The go-live heard that nobody consented",
    "setup_signed_in": "Somebody of the tenant signed in at the set-up page",
    "sso_offered": "“Login with SSO” is on the login page",
    "sso_withdrawn": "“Login with SSO” is off the login page again",
    "order_refused": "An order was refused",
}
"""What the console says of an entry of the audit trail whose action does not say it by its name."""

NEWS = {
    "go_live_started": "The go-live has begun.",
    "owner_changed": "You look after it from now on.",
    "acknowledge_it": "The customer's IT team has read the pack.",
    "second_contact_named": "The customer's IT team named a second contact.",
    "consent_refused": "A consent was tried and not accepted.",
    "consent_proven": "The consent is given and proven.",
}
"""What the daily digest says of an entry of the audit trail, by its action."""


_WITHOUT = {
    Wait.ENTITLEMENT: "without an answer it ends as not entitled",
    Wait.IT_ACKNOWLEDGEMENT: "without an answer it continues",
    Wait.ADMIN_CONSENT: "without a consent it ends",
    Wait.MICROSOFT: "without a proven consent it ends",
    Wait.MOVE_DATE: "users start to move",
    Wait.FIRST_SIGN_IN: "without a sign-in it needs attention",
    Wait.AFTERCARE: "the go-live closes",
}
"""What happens at the end of each wait; the day is said after it."""

_STOPS_EVERYTHING = {
    Attention.MAIL_REFUSED,
    Attention.MAIL_UNAVAILABLE,
    Attention.RECORD_AHEAD,
    Attention.UNEXPECTED,
}
"""Trouble that may hold up the reminders themselves."""


def instant(at: datetime) -> str:
    """Return an instant as people read it, such as `Tue 24 Nov 2026, 09:00 UTC`."""
    zone = at.tzname() or "UTC"
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M} {zone}"


def day(at: datetime) -> str:
    """Return a day as people read it, such as `Tuesday 24 November 2026`."""
    return f"{at:%A} {at.day} {at:%B %Y}"


def short_day(at: datetime) -> str:
    """Return a day as lists show it, such as `24 Nov 2026`."""
    return f"{at.day} {at:%b %Y}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return `1 user`, `2 users` or `12,000 users`."""
    exact = int(number)
    return f"{exact:,} {one if exact == 1 else many or one + 's'}"


def whom(progress: Progress) -> str:
    """Return who moves next, in words."""
    return WHOM[waiting_on(progress)]


def happened(progress: Progress) -> str:
    """Return where a go-live stands, in one sentence."""
    if progress.outcome is not None:
        return OUTCOMES[progress.outcome]
    if progress.attention is not None:
        return ATTENTION[progress.attention][0]
    if progress.ending is not None:
        return ENDINGS[progress.ending]
    if progress.wait is Wait.ADMIN_CONSENT and progress.refusal is not None:
        return REFUSALS[progress.refusal].happened
    if is_held_up(progress):
        return "The next step waits."
    return WAITS[progress.wait][0]


def to_do(progress: Progress) -> str:
    """Return who must do what, in one sentence."""
    if progress.outcome is not None:
        return "Nobody has to do anything."
    if progress.attention is not None:
        return ATTENTION[progress.attention][1]
    if progress.ending is not None:
        return "Nobody has to do anything."
    if progress.wait is Wait.ADMIN_CONSENT and progress.refusal is not None:
        return REFUSALS[progress.refusal].to_do
    if is_held_up(progress):
        return "Customer success resumes it."
    return WAITS[progress.wait][1]


def by_itself(progress: Progress) -> str:
    """Return what happens without anybody, and when."""
    if progress.outcome is not None:
        return "Nothing more happens."
    if progress.paused:
        paused = "Paused: no reminder goes out and nothing moves until it is resumed."
        if progress.due_at is None:
            return paused
        return (
            f"{paused} Dates from before the pause move by it; the date now is "
            f"{instant(progress.due_at)}."
        )
    if progress.attention is Attention.NO_ONE_SIGNED_IN:
        return "It goes on as soon as one of them signs in, or someone retries or rolls back."
    if progress.attention is Attention.CREDENTIAL_REFUSED:
        return "It goes on by itself within minutes once Microsoft accepts the new one."
    if progress.attention is not None and not _is_still_asked(progress):
        choices = "retries or skips it" if progress.may_skip else "retries"
        end = "" if progress.ending is not None else ", or rolls back"
        return f"Nothing happens until someone {choices}{end}."
    if progress.ending is not None:
        return "Once that is done, it ends by itself."
    if progress.wait is Wait.APPROVAL:
        return f"Nobody moves until then. {_sentence(_reminder(progress))}".rstrip()
    if progress.due_at is None:
        return "It goes on by itself."
    what = _WITHOUT.get(progress.wait, "it is looked at again")
    if progress.attention is not None:
        what = "without a retry or another consent it ends"
    return _sentence(_reminder(progress), f"{what} on {instant(progress.due_at)}")


def _is_still_asked(progress: Progress) -> bool:
    """Tell whether the wait for a consent goes on beside the trouble: its proof gave up."""
    return progress.wait is Wait.ADMIN_CONSENT and progress.attention not in _STOPS_EVERYTHING


def _reminder(progress: Progress) -> str:
    if progress.reminder_at is not None:
        return f"a reminder goes out on {instant(progress.reminder_at)}"
    return "no reminder goes out" if progress.wait is Wait.ADMIN_CONSENT else ""


def _sentence(*parts: str) -> str:
    """Return one sentence of those parts that say something, else an empty text."""
    said = "; ".join(part for part in parts if part)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def sentences(progress: Progress) -> str:
    """Return what happened, who must do what, and what happens by itself."""
    return " ".join((happened(progress), to_do(progress), by_itself(progress)))


def beside_stage(progress: Progress, stage: GoLiveStage) -> str:
    """Return what is to be said beside one stage: done, now, waiting on whom, next."""
    state, is_here = stage_state(progress, stage), stage is progress.stage
    if progress.outcome is not None and progress.outcome is not GoLiveOutcome.LIVE:
        ended = "ended here" if is_here else ""
        undone = "as before" if state is StageState.UNDONE else ""
        return ", ".join(words for words in (ended, undone) if words) or state.value
    if state is StageState.BEING_UNDONE:
        return "being put back"
    if state is StageState.DONE or not is_here:
        return state.value
    if progress.attention is not None:
        return "needs attention"
    if progress.ending is not None:
        return "ending here"
    if is_held_up(progress):
        return "paused"
    if progress.paused:
        return f"paused, waiting on {whom(progress)} since {instant(progress.since)}"
    if progress.wait is Wait.NOTHING:
        return "now"
    return f"waiting on {whom(progress)} since {instant(progress.since)}"


def details(progress: Progress, console_url: str = "") -> str:
    """Return the Markdown that the Temporal UI shows: a row per stage, the sentences, a link."""
    rows = ["| Stage | |", "|---|---|"]
    for number, (stage, words) in enumerate(STAGES.items(), start=1):
        state = beside_stage(progress, stage)
        shown = f"**{state}**" if stage is progress.stage and progress.outcome is None else state
        rows.append(f"| {number}. {words} | {shown} |")
    users = (
        f"\n\nUsers moved: {progress.all_moved} of {progress.all_users}; "
        f"{progress.exceptions} cannot be moved."
        if progress.plan_hash
        else ""
    )
    link = f"\n\n[Open it in the console]({console_url})" if console_url else ""
    return "\n".join(rows) + f"\n\n{sentences(progress)}{users}{link}"
