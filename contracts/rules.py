"""The product's rules: how long people have, how often they are reminded, how much is allowed.

Whatever says or keeps one of them reads it here: mails, pages, the shell, the workflow, the
database. What calls are given and how they are retried is in `workflows/policies.py`.
"""

from datetime import time, timedelta
from typing import NamedTuple

from contracts.notices import Audience, Message


class ReminderRule(NamedTuple):
    """A message that goes out some time after a wait began, if nobody has answered."""

    after: timedelta
    message: Message
    audience: Audience


def _on_days(message: Message, audience: Audience, *days: int) -> tuple[ReminderRule, ...]:
    return tuple(ReminderRule(timedelta(days=day), message, audience) for day in days)


# --- working hours and dates ----------------------------------------------------------------------

MORNING = time(9, 0)
"""When working hours begin, in each reader's time zone; by default users move then."""

EVENING = time(17, 0)
"""When working hours end."""

WORKING_DAYS = frozenset(range(5))
"""Monday (0) to Friday, as `date.weekday` counts; holidays are not known."""

SAME_DAY = timedelta(days=1)
"""Nobody gets two mails within this time, unless a person asked."""

LATE = timedelta(hours=1)
"""A reminder this late (no worker ran) is put into working hours anew."""

DATE_QUIET_TIME = timedelta(hours=1)
"""Another date of the move is announced once it has stood unchanged for so long."""

DATE_ANNOUNCED_AT_MOST_EVERY = timedelta(days=1)
"""No two announcements of another date follow each other within this time."""

MOST_DATE_CHANGES_A_DAY = 10
"""How often an organisation's contacts may choose another date of the move in 24 hours."""

MOST_MAILS_REQUESTED_A_DAY = 100
"""New links that all people of a go-live may ask for in 24 hours: a run's history has a limit."""

FURTHEST_DATE = timedelta(days=366)
"""No date that people choose may lie beyond; a slip in the year would hold everyone up for ever."""

OTHER_DATE = timedelta(hours=1)
"""A move that a short pause would shift by less keeps its announced hour."""

EXTENSION_DAYS = 7
"""What a deadline moves by when nobody says until when."""

MOST_EXTENSION_DAYS = FURTHEST_DATE.days
"""What a deadline may move by at once."""

DIGEST_LOOKS_BACK = timedelta(days=4)
"""How far a manager's first digest looks back for what is new: over a weekend."""

# --- 1. entitlement -------------------------------------------------------------------------------

ENTITLEMENT_WINDOW = timedelta(days=28)
"""How long customer success has to confirm or decline before the run ends."""

ENTITLEMENT_REMINDERS = _on_days(Message.ENTITLEMENT_REMINDER, Audience.CUSTOMER_SUCCESS, 3, 10, 21)

# --- 2. the customer's IT team --------------------------------------------------------------------

ACKNOWLEDGEMENT_WINDOW = timedelta(days=14)
"""How long an organisation that wants to acknowledge has; then it goes on by itself."""

ACKNOWLEDGEMENT_REMINDERS = _on_days(
    Message.IT_ACKNOWLEDGEMENT_REMINDER, Audience.FIRST_CONTACT, 4, 9
)

MOST_CONTACTS = 10
"""Contacts of one organisation, as far as its own IT team names them."""

LINK_DAYS = 14
"""How long a set-up, consent or invitation link lives that is made anew, or for a new contact.

Where the present wait has a later deadline, it lives until then."""

NEW_LINKS_A_DAY = 3
"""New links for one person in 24 hours; more only fill a mailbox."""

# --- 4. the consent -------------------------------------------------------------------------------

CONSENT_WINDOW = timedelta(days=28)
"""How long the administrator has, from the consent request on; so long the links live, too."""

CONSENT_REMINDERS = (
    *_on_days(Message.CONSENT_REMINDER, Audience.FIRST_CONTACT, 3, 7),
    *_on_days(Message.CONSENT_REMINDER, Audience.EVERY_CONTACT, 12),
    *_on_days(Message.CONSENT_ESCALATION, Audience.CUSTOMER_SUCCESS, 18),
)
"""To the person, to their colleagues, then to customer success; the deadline follows."""

AUTHORIZATION_REQUEST_MINUTES = 30
"""How long a browser that was sent to Microsoft is waited for."""

AUTHORIZATION_REQUEST_KEPT_DAYS = 1
"""How long an authorization request is kept after that, without its secrets."""

PROPAGATION = timedelta(minutes=15)
"""How long a consent is read back from Microsoft until a person looks."""

EVIDENCE_DAYS = 7
"""How long an administrator's sign-in counts: a proof that gave up can be retried on Monday."""

# --- 5. users move --------------------------------------------------------------------------------

APPROVAL_REMINDERS = _on_days(Message.APPROVAL_NEEDED, Audience.CUSTOMER_SUCCESS, 3, 10, 21)
"""A plan waits for approval without a deadline: nothing else happens by itself."""

PLAN_LIFE = timedelta(hours=1)
"""How long a plan may wait before it is applied; then the directory may say otherwise by now."""

FIRST_WAVE_SIZE = 5
"""How many move first where nobody was named for the first wave (`group` = pilot)."""

FIRST_SIGN_IN_WINDOW = timedelta(days=5)
"""How long the first few users have before someone of ours looks why nobody signs in."""

FIRST_SIGN_IN_CHECKS = tuple(timedelta(days=day) for day in (1, 2, 3, 4))
"""When the database is asked too: a signal may have been lost on its way."""

FIRST_SIGN_IN_REMINDERS = _on_days(Message.PILOT_WAITING, Audience.CUSTOMER_SUCCESS, 1)

STRAGGLER_REMINDERS = _on_days(Message.SIGN_IN_REMINDER, Audience.USERS, 3, 8)
"""After the move, to moved users who have not signed in through SSO."""

PASSWORD_GRACE_DAYS = 14
"""How long a moved user's password still works if they never sign in through SSO."""

INVITATION_DAYS = 30
"""How long the link in an invitation lives, from the move on."""

AFTERCARE_DAYS = 14
"""How long a go-live stays open after the move, unless whoever starts it says otherwise."""

MOST_AFTERCARE_DAYS = 365
"""The longest that it may be said to stay open; 0 ends it at once."""

# --- signing in -----------------------------------------------------------------------------------

SESSION_HOURS = 12
"""How long a user stays signed in."""

STAFF_SESSION_HOURS = 9
"""A working day; the role in the token is read again with the next sign-in."""

FAILURE_MINUTES = 15
"""How long a wrong password, or a guess, counts; whoever made too many waits as long."""
