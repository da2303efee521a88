"""What the IT team's page says of what was sent to it."""

from datetime import datetime

from contracts import rules
from contracts.addresses import AddressFault, AddressProblem
from contracts.problems import SecondContactRefusal
from wording import addresses, sentences

NO_PACK = "The pack cannot be made just now: its consent link has been replaced or withdrawn."
NO_HOUR = "Please give the date with an hour."
SIGN_IN_FIRST = (
    "Nothing was changed. Your organisation has consented, so whoever changes the date or names a "
    "contact signs in with an account of it first, with the button below."
)
NO_NAME = "Please give the person's name."
DONE = {
    "acknowledged": "Thank you. We have noted that you are ready.",
    "contact": "Thank you. We ask this person too when the first contact does not answer.",
}

SECOND_CONTACT = {
    SecondContactRefusal.IS_THE_FIRST: "This is the first contact already; name somebody else.",
    SecondContactRefusal.TOO_MANY: (
        f"There are {rules.MOST_CONTACTS} contacts already; "
        "ask your customer success manager to tidy up."
    ),
    SecondContactRefusal.FOREIGN_DOMAIN: (
        "The address must be one of your organisation's own; for anyone else, "
        "ask your customer success manager."
    ),
    SecondContactRefusal.TOO_OFTEN: (
        f"Your team has named contacts {rules.MOST_CONTACT_CHANGES_A_DAY} times within a day, and "
        "that is as often as we take it here. Until tomorrow your customer success manager can "
        "name one for you."
    ),
}
"""Why a second contact is not taken."""


def address_at_fault(problem: AddressProblem) -> str:
    """Return what is wrong with the address of a second contact."""
    if problem.fault is AddressFault.NOT_AN_ADDRESS:
        return "This is not a complete e-mail address."
    return f"This address {addresses.said_of(problem)}."


def too_many_dates(again_at: datetime) -> str:
    """Return when the date can be changed again, and who can change it until then."""
    return (
        f"Your team has changed this {rules.MOST_DATE_CHANGES_A_DAY} times within a day, and that "
        f"is as often as we take it here. You can change it again from "
        f"{sentences.instant(again_at)}. Until then your customer success manager can change it "
        "for you."
    )
