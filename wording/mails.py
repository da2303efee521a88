"""What mails say that depends on the go-live and is no template: choices, calendar, digest."""

from datetime import datetime

from contracts.go_live import GoLiveStage, Refusal
from contracts.waiting_on import WaitingOn
from wording import sentences
from wording.refusals import REFUSALS


def choices(slug: str, *, may_skip: bool) -> list[tuple[str, str]]:
    """Return what a person may do where something needs attention, and what to type for it."""
    skip = ("Go on without it", f'python starter.py skip {slug} --reason "..."')
    return [
        ("Try again", f"python starter.py retry {slug}"),
        *([skip] if may_skip else []),
        ("Undo everything", f'python starter.py roll-back {slug} --reason "..."'),
    ]


def move_in_calendar(organisation: str) -> str:
    """Return the title of the move in people's calendars."""
    return f"{organisation} moves to Microsoft single sign-on"


def move_described(product: str) -> str:
    """Return what the calendar says of the move besides its title."""
    return f"Users of {product} are moved from this hour on."


# --- the daily digest -----------------------------------------------------------------------------

_ON_THE_CUSTOMER = "Waiting on the customer"
_GROUPS = {
    WaitingOn.CUSTOMER_SUCCESS: "Waiting on you",
    WaitingOn.OPERATORS: "Waiting on those who run this",
    WaitingOn.CUSTOMER_IT: _ON_THE_CUSTOMER,
    WaitingOn.ADMINISTRATOR: _ON_THE_CUSTOMER,
    WaitingOn.FIRST_USERS: _ON_THE_CUSTOMER,
}
_BY_ITSELF = "Going on by itself"
GROUPS = list(dict.fromkeys((*_GROUPS.values(), _BY_ITSELF)))
"""The headings of a digest, in their order."""


def group(waiting_on: WaitingOn) -> str:
    """Return the heading under which a digest names a go-live."""
    return _GROUPS.get(waiting_on, _BY_ITSELF)


def news(action: str, detail: str, times: int) -> str:
    """Return what a digest says of an entry of the audit trail, or of a new stage."""
    said = _news(action, detail)
    return f"{said} ({times} times)" if times > 1 else said


def _news(action: str, detail: str) -> str:
    if action == "stage":
        return f"Now at the stage “{sentences.STAGES[GoLiveStage(detail)]}”."
    if action == "consent_refused" and detail in list(Refusal):
        return f"{sentences.NEWS[action]} {REFUSALS[Refusal(detail)].happened}"
    return sentences.NEWS[action]


def credential_refused(go_lives: int) -> str:
    """Return what operators are told while Microsoft refuses our own credential."""
    return (
        "Microsoft refuses our own certificate or secret, at every customer: "
        f"{sentences.counted(go_lives, 'go-live waits', 'go-lives wait')} for a new one. Make one, "
        "name it in the settings and restart worker and web; then they go on by themselves."
    )


def credential_ends(at: datetime, days_left: int) -> str:
    """Return what operators are told before our own credential ends, or once it has."""
    end = (
        f"ends on {sentences.day(at)}, in {sentences.counted(days_left, 'day')}"
        if days_left >= 0
        else f"ended on {sentences.day(at)}"
    )
    return (
        f"Our own certificate or secret at Microsoft {end}: without a new one nobody signs in with "
        "Microsoft any more and no go-live goes on, at any customer. Add one to the app "
        "registration beside it, name it in the settings and restart worker and web."
    )
