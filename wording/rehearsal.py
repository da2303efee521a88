"""What a rehearsal says: of each part, of what happens in it, and to whom."""

from collections.abc import Iterator

from contracts.notices import Audience
from contracts.rehearsals import PartEnd, Planned, PlannedEnd, PlannedMail, RehearsalPart, Rehearsed
from wording import sentences

_PARTS = {
    RehearsalPart.NOT_ENTITLED: "The agreement does not include SSO, and nobody answers",
    RehearsalPart.IT_NOTIFIED: "Customer IT is told",
    RehearsalPart.CONSENT_AWAITED: "The consent is awaited, and nobody answers",
    RehearsalPart.TOO_MANY_EXCEPTIONS: (
        "More than {threshold} users cannot be moved, and nobody approves the plan"
    ),
    RehearsalPart.CONSENT_GIVEN: "The consent is given now",
    RehearsalPart.FIRST_SIGN_IN_AWAITED: (
        "The first users have moved, and none of them signs in with SSO"
    ),
}
ENDS = {
    PartEnd.NOT_ENTITLED: "It ends as not entitled",
    PartEnd.GOES_ON: "It goes on without them",
    PartEnd.CONSENT_EXPIRED: "It ends as expired; people log in as before",
    PartEnd.NEEDS_ATTENTION: "It needs attention",
    PartEnd.LIVE: "The go-live closes as LIVE",
}
"""What happens at the end of a part."""

_TO = {
    Audience.CUSTOMER_SUCCESS: "customer success",
    Audience.FIRST_CONTACT: "the first IT contact",
    Audience.EVERY_CONTACT: "every IT contact",
    Audience.CUSTOMER_SUCCESS_AND_CONTACTS: "customer success and every IT contact",
    Audience.USERS: "users who have not signed in",
}


def part(which: RehearsalPart, threshold: int) -> str:
    """Return what has happened where a part begins."""
    return _PARTS[which].format(threshold=threshold)


def purpose(mail: PlannedMail) -> str:
    """Return what a mail is for, as the end of a sentence: `reminds the IT team …`."""
    said = mail.purpose.rstrip(".")
    return f"{said[0].lower()}{said[1:]}"


def what(one: Planned) -> str:
    """Return what happens: which mail goes out and what it is for, or how the part ends."""
    if isinstance(one, PlannedEnd):
        return ENDS[one.end]
    return f"{one.message.value.replace('_', ' ')}: {purpose(one)}"


def to(one: Planned) -> str:
    """Return who gets it; empty = it is no mail."""
    if isinstance(one, PlannedEnd):
        return ""
    return "users who move" if one.is_on_move else _TO[one.audience]


def lines(rehearsed: Rehearsed) -> Iterator[str]:
    """Yield what to print: a heading for each part, a line for each mail and date."""
    yield "Each part is shown as if it began now; nothing is sent."
    shown: RehearsalPart | None = None
    for one in rehearsed.planned:
        if one.part is not shown:
            shown = one.part
            yield f"{part(shown, rehearsed.threshold)}:"
        whom = f" (to {to(one)})" if to(one) else ""
        yield f"  {sentences.instant(one.at):<28} {what(one)}{whom}"
