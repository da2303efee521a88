"""What the console says of an order that is not carried out: why, and which button helps."""

from collections.abc import Mapping

from contracts.notices import RecipientKind
from contracts.orders import OrderRefusal
from contracts.problems import Problem
from wording.orders import REFUSED

_OBJECT_ID = "finds the object id in Microsoft Entra on the user's page."
_THE_PLAN_NOW = "The plan shown here now is {plan:.12}."

PROBLEMS: dict[Problem, str] = {
    Problem.NOT_A_DATE: "“{text}” is not a date and hour, such as 2026-12-31T09:00.",
    Problem.NOT_A_CONTACT: "This is not a complete e-mail address, such as ira.tee@acme.example.",
    Problem.NOT_AN_OBJECT_ID: (
        "“{object_id}” is no object id. It looks like 6f9c3c1e-2c1f-4b43-9a80-0a6c9d0e7f11; "
        f"customer IT {_OBJECT_ID}"
    ),
    Problem.NOT_A_PLAN_HASH: "This form named no plan. Read the plan shown here, then approve.",
    Problem.DEADLINE_OUT_OF_RANGE: "A deadline moves by 1 to {most} days, not by {days}.",
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
    Problem.CONFIRMED_ALREADY: "{by} has confirmed this already.",
    Problem.CONFIRMED_TOO_LATE: (
        "This order was to be confirmed within an hour. Whoever gave it gives it anew."
    ),
    Problem.MOVED_ALREADY: (
        "{address} has moved already: from then on only the Microsoft account counts. “Link to "
        "another Microsoft account” puts another one in its place; rolling back undoes the move."
    ),
    Problem.MOVED_BACK: "{address} was moved back meanwhile. Give the order once more.",
    Problem.LINKED_ELSEWHERE: (
        "{address} is linked in another Microsoft organisation than the one that people here sign "
        "in with. Only an account of the same one can take its place."
    ),
    Problem.ACCOUNT_TAKEN: (
        "Another user is linked to this account already. One account is one user."
    ),
    Problem.ACCOUNT_MISSING: (
        "The organisation's Microsoft directory has no account {object_id}. Customer IT "
        f"{_OBJECT_ID}"
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
    return PROBLEMS[problem].format_map(facts)


def mail_refused(address: str, whose: RecipientKind, ask: str) -> str:
    """Return that an address refuses our mail, and who must do what; `ask` is a contact, or ""."""
    whom = f"Ask {ask}" if ask else "No other contact is known: call the customer"
    to_do = {
        RecipientKind.CONTACT: f"{whom} for the right address, then name the contact anew under "
        "“Name an IT contact”, instead of this one.",
        RecipientKind.USER: f"{whom} for the right address, and have it imported; the person does "
        "not know yet that SSO is there.",
        RecipientKind.STAFF: "Ask an operator: this is one of our own.",
    }[whose]
    return f"{address} refuses our mail for good. {to_do}"


_CODES = {
    **{code.value: words for code, words in REFUSED.items()},
    Problem.NOT_RUNNING.value: "No go-live ran that could take it.",
    Problem.TEMPORAL_REFUSES.value: "Temporal refused it.",
}


def why_refused(code: str) -> str:
    """Return what the console says of the code that an order was refused with."""
    return _CODES.get(code, code)
