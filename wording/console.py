"""What the console says: of each order it offers, and of one that is not carried out."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts import rules
from contracts.notices import RecipientKind
from contracts.orders import OrderRefusal
from contracts.problems import Problem
from wording import sentences
from wording.orders import REFUSED
from wording.problems import EVERYWHERE, OBJECT_ID, refused_words, worded


@dataclass(frozen=True)
class OrderWords:
    """What the console says of an order that it offers."""

    button: str
    does: str
    """What happens, in one sentence."""
    done: str
    """What is said once it was given."""
    date: str = ""
    """Label of the date that it asks for, if it does."""


ORDER_WORDS = {
    "start": OrderWords(
        "Start the go-live",
        "It begins at once; what an earlier go-live finished is passed over.",
        "The go-live is started.",
    ),
    "confirm-entitlement": OrderWords(
        "Confirm the entitlement",
        "SSO is in the subscription agreement; the go-live goes on.",
        "The entitlement is confirmed; the go-live goes on.",
    ),
    "decline-entitlement": OrderWords(
        "Decline the entitlement",
        "SSO is not in the subscription agreement; the go-live ends and nothing was changed.",
        "The entitlement is declined; the go-live ends.",
    ),
    "retry": OrderWords(
        "Try again",
        "What stopped is tried once more.",
        "It is being tried again.",
    ),
    "skip": OrderWords(
        "Go on without it",
        "Only a mail, the IT team's acknowledgement or one user can be left out.",
        "It is left out; the go-live goes on.",
    ),
    "approve": OrderWords(
        "Approve the plan",
        "Users are moved by exactly the plan shown here; the exceptions stay as they are.",
        "The plan is approved; users are being moved.",
    ),
    "replan": OrderWords(
        "Plan again",
        "The directory is read again, and whoever became possible is moved.",
        "The directory is being read again.",
    ),
    "acknowledge": OrderWords(
        "Acknowledge for customer IT",
        "The IT team told you that it is ready; it may have chosen when users move.",
        "It is noted that the IT team is ready.",
        date="Users move at",
    ),
    "extend": OrderWords(
        "Move the deadline",
        "Reminders and the end of this wait move with it. Without a date it is "
        f"{sentences.counted(rules.EXTENSION_DAYS, 'day')} later.",
        "The deadline is moved.",
        date="New deadline",
    ),
    "pause": OrderWords(
        "Pause",
        "No reminder goes out and nobody is moved until you resume; a consent still counts.",
        "The go-live is paused.",
    ),
    "resume": OrderWords(
        "Resume",
        "It goes on; dates from before the pause move by it, those chosen during it stay.",
        "The go-live goes on.",
    ),
    "confirm-consent": OrderWords(
        "Accept the consent that stands already",
        "Microsoft's grant is older than this go-live, or was given in another way, and the "
        "organisation told you to go on with it. Tenant, domains and permissions are checked all "
        "the same.",
        "The consent is being checked at Microsoft.",
    ),
    "close-declined": OrderWords(
        "Close as declined",
        "The customer declined the consent for good; people log in as before.",
        "The go-live is closed as declined.",
    ),
    "roll-back": OrderWords(
        "Roll back",
        "Every stage is undone and the go-live ends; people log in with their password as before.",
        "The go-live is being rolled back.",
    ),
}
"""Every order of the console, by its name in addresses."""

RELINK_USER = "Link a user to another Microsoft account"

DONE = {
    "send-again": "The go-live pack is on its way again; its older links no longer work.",
    "resend": "The refused mails are on their way again.",
    "resend-later": "It is noted: the refused mails go out a little later.",
    "send-later": "It is noted: the pack goes out a little later; its older links no longer work.",
    "owner": "The organisation is handed over; mails to its manager go there from now on.",
    "contact": "The contact is noted; who is new to the go-live gets the pack with own links.",
    "remove-contact": "This contact gets no more mail, and the links sent there no longer work.",
    "to-be-confirmed": "Another member of staff confirms it within an hour; until then it waits.",
    "confirmed": "The order is confirmed and given.",
    "started-before": "Nothing new is started: this go-live was started before.",
    "remove-domain": "The domain is off the list. If the go-live waits for it, try again.",
}
"""What is said once something else was done."""

IMPORTED = "The files are imported."
NO_FILES = "Choose both files: the organisations and the users."

USER_DONE = {
    "link": "This user is linked to the account you named",
    "relink": "This user is linked to the account you named from now on",
    "to-be-confirmed": (
        "Another member of staff confirms it within an hour, on the page of the organisation; "
        "until then nothing changes"
    ),
    "exclude": "This user is left out",
    "include": "The directory decides about this user again",
}
"""What is said once something was decided about one user."""

FILTERS = {
    "all": "All",
    "attention": "Needs attention",
    "ours": "Waiting on us",
    "theirs": "Waiting on the customer",
    "running": "Running",
    "ended": "Ended",
    "not_started": "Not started",
}
"""Which organisations the list shows."""

NOT_STARTED = (
    "Nobody has started a go-live yet. Customer success starts it. Nothing happens by itself."
)
NO_SUCH_ADDRESS = "Nobody here has this address."
NO_SUCH_USER = "There is no such user here."
CONTACT_HAS_LEFT = "This contact has left already."
NO_PACK_NOW = "The pack cannot be sent to this contact now."

# --- orders that are not carried out --------------------------------------------------------------

_THE_PLAN_NOW = "The plan shown here now is {plan:.12}."

PROBLEMS: dict[Problem, str] = {
    **EVERYWHERE,
    Problem.NOTHING_REFUSED: "No mail is refused now.",
    Problem.NOT_A_DATE: "“{text}” is not a date and hour, such as 2026-12-31T09:00.",
    Problem.NOT_A_CONTACT: "This is not a complete e-mail address, such as ira.tee@acme.example.",
    Problem.NOT_AN_OBJECT_ID: (
        "“{object_id}” is no object id. It looks like 6f9c3c1e-2c1f-4b43-9a80-0a6c9d0e7f11; "
        f"customer IT {OBJECT_ID}"
    ),
    Problem.NOT_A_PLAN_HASH: "This form named no plan. Read the plan shown here, then approve.",
    Problem.REASON_MISSING: "Please say why; it goes into the audit trail.",
    Problem.UNKNOWN_ORGANISATION: (
        "No organisation has this name any more. Look for it in the list of all organisations."
    ),
    Problem.UNKNOWN_STAFF: (
        "Nobody of ours has the handle {handle} any more. Handles come with an import."
    ),
    Problem.UNKNOWN_SUCCESSOR: (
        "Nobody of ours has the handle “{handle}”. Choose one from the list; a new one comes with "
        "an import."
    ),
    Problem.UNKNOWN_CONTACT: (
        "There is no IT contact “{address}” here. The contacts are: {contacts}."
    ),
    Problem.ONLY_CONTACT: (
        "{address} is the only IT contact. Name another one instead, under “Name an IT contact”."
    ),
    Problem.UNKNOWN_DOMAIN: "“{domain}” is not on the list. The domains are: {domains}.",
    Problem.ONLY_DOMAIN: (
        "{domain} is the only domain here, so it stays. Another one comes with an import."
    ),
    Problem.DOMAIN_IN_USE: (
        "{people} with SSO by an address of {domain}, or are about to, and would find no way in "
        "without it. Import whoever has left as deactivated, or roll the open go-live back; then "
        "take the domain off."
    ),
    Problem.UNKNOWN_USER: "Nobody here has the address {address}.",
    Problem.NOT_RUNNING: (
        "No go-live runs here that could take the order. “Start the go-live” goes on with the open "
        "one, or begins another."
    ),
    Problem.STILL_ENDING: (
        "The go-live before is still ending. Start again in a minute; nothing is done twice."
    ),
    Problem.NOT_CONSENTED: (
        "Nobody has consented yet, so the Microsoft directory cannot be read. A dry run can be "
        "made once the administrator's consent is proven."
    ),
    Problem.NO_PLAN: (
        "There is no plan yet. “Make a dry run” shows what it would be, once the consent is proven."
    ),
    Problem.ANOTHER_PLAN_SINCE: f"Since then: {{difference}}. {_THE_PLAN_NOW}",
    Problem.UNKNOWN_PLAN: f"No plan of this go-live begins with {{wanted:.12}}. {_THE_PLAN_NOW}",
    Problem.ORDER_OF_EARLIER_GO_LIVE: (
        "This order was given to an earlier go-live; it is not given to the present one. To give "
        "it to this one, use its button on this page."
    ),
    Problem.ID_OF_ANOTHER_ORDER: (
        "This form has been used for another order. The button on this page gives a new one."
    ),
    Problem.REFUSED_BEFORE: (
        "This order was refused before. The button on this page gives it anew."
    ),
    Problem.REFUSED_OTHERWISE: "{why}",
    Problem.TO_BE_CONFIRMED: (
        "Another member of staff confirms it within an hour; until then it waits."
    ),
    Problem.NOTHING_TO_CONFIRM: "No such order waits for a second person.",
    Problem.OWN_ORDER: "You gave this order yourself; another member of staff confirms it.",
    Problem.ROLE_TOO_LOW: "Your role does not allow this order; it takes a {role}.",
    Problem.CONFIRMED_ALREADY: "{by} has confirmed this already.",
    Problem.CONFIRMED_TOO_LATE: (
        "This order was to be confirmed within an hour. Whoever gave it gives it anew."
    ),
    Problem.MOVED_ALREADY: (
        "{address} has moved already: from then on only the Microsoft account counts. “Link to "
        "another Microsoft account” puts another one in its place; rolling back undoes the move."
    ),
    Problem.LINKED_ELSEWHERE: (
        "{address} is linked in another Microsoft organisation than the one that people here sign "
        "in with. Only an account of the same one can take its place."
    ),
    Problem.TEMPORAL_REFUSES: (
        "Temporal refuses the order ({status}). An operator looks at the worker and its namespace."
    ),
    Problem.CHANGE_NOT_SIGNALLED: (
        "The change is noted and mails follow it, but the go-live could not be told. Send the form "
        "once more in a minute; nothing is done twice."
    ),
    Problem.PACK_NOT_SIGNALLED: (
        "The contact is named, but the pack could not be sent yet. It follows by itself within a "
        "few minutes, unless the go-live ends."
    ),
    Problem.SEARCH_ATTRIBUTES_MISSING: (
        "Temporal refuses it: this installation was not set up to the end. An operator does that."
    ),
}
"""A sentence or two for each code that an order of the console may end with."""


def said_of(problem: Problem | OrderRefusal, facts: Mapping[str, object]) -> str:
    """Return why an order is not carried out, and which button or page helps."""
    if isinstance(problem, OrderRefusal):
        return REFUSED[problem]
    return PROBLEMS[problem].format_map(worded(facts))


def mail_refused(address: str, whose: RecipientKind, ask: str, unclear: bool = False) -> str:
    """Return that an address refuses our mail, and who must do what; `ask` is a contact, or ""."""
    whom = f"Ask {ask}" if ask else "No other contact is known: call the customer"
    to_do = {
        RecipientKind.CONTACT: f"{whom} for the right address, then name the contact anew under "
        "“Name an IT contact”, instead of this one.",
        RecipientKind.USER: f"{whom} for the right address, and have it imported; the person does "
        "not know yet that SSO is there.",
        RecipientKind.STAFF: "Ask an operator: this is one of our own.",
    }[whose]
    return f"{refused_words(address, unclear)} {to_do}"


_CODES = {
    **{code.value: words for code, words in REFUSED.items()},
    Problem.NOT_RUNNING.value: "No go-live ran that could take it.",
    Problem.TEMPORAL_REFUSES.value: "Temporal refused it.",
}


def why_refused(code: str) -> str:
    """Return what the console says of the code that an order was refused with."""
    return _CODES.get(code, code)
