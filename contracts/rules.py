"""The product's rules: how long people have, how often they are reminded, how much is allowed.

Mails, pages, the shell, the workflow and the database read each rule here. Timeouts and retries of
calls are in `workflows/policies.py`.
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


# --- mail -----------------------------------------------------------------------------------------

UNCLEAR_REFUSAL = timedelta(hours=1)
"""How long a mail waits that a relay refuses without saying whether for its address or for us."""

# --- imports --------------------------------------------------------------------------------------

MOST_IMPORTED_BYTES = 50_000_000
"""Of one file."""

MOST_IMPORTED_ROWS = 1_000_000
"""Of one file."""

MOST_FAULTS = 1_000
"""Of one file; it is not read any further then."""

UPLOAD_LIFE = timedelta(days=1)
"""How long an upload can be confirmed; its files are deleted then, or when it is done."""

MOST_WAITING_UPLOADS = 10
"""Uploads that wait to be confirmed; the oldest go first."""

# --- business hours and dates ---------------------------------------------------------------------

MORNING = time(9, 0)
"""When business hours begin, in each reader's time zone; by default users move then."""

EVENING = time(17, 0)
"""When business hours end."""

WORKING_DAYS = frozenset(range(5))
"""Monday (0) to Friday, as `date.weekday` counts; holidays are not known."""

SAME_DAY = timedelta(days=1)
"""Nobody gets two mails within this time, unless a person asked."""

LATE = timedelta(hours=1)
"""A reminder this late (no worker ran) is moved into business hours again."""

DATE_QUIET_TIME = timedelta(hours=1)
"""A changed date of the move is announced after it has stayed the same for this time."""

DATE_ANNOUNCED_AT_MOST_EVERY = timedelta(days=1)
"""Two announcements of a changed date are at least this far apart."""

MOST_DATE_CHANGES_A_DAY = 10
"""How often an organisation's contacts may choose another date of the move in 24 hours."""

MOST_MAILS_REQUESTED_A_DAY = 100
"""New links for all people of a go-live in 24 hours, because a run's history has a limit."""

FURTHEST_DATE = timedelta(days=366)
"""How far ahead a date may be; a wrong year would otherwise delay a go-live for ever."""

OTHER_DATE = timedelta(hours=1)
"""A move keeps its announced hour if a pause would shift it by less than this."""

EXTENSION_DAYS = 7
"""By how much a deadline is extended when the order names no date."""

MOST_EXTENSION_DAYS = FURTHEST_DATE.days
"""The most that one order may extend a deadline by."""

DIGEST_LOOKS_BACK = timedelta(days=4)
"""How far back a manager's first digest looks for news: over a weekend."""

CREDENTIAL_ENDS_SOON = timedelta(days=60)
"""Before our own credential at Microsoft ends, its end is said; operations/alerts.yaml alarms as
early."""

# --- 1. entitlement -------------------------------------------------------------------------------

ENTITLEMENT_WINDOW = timedelta(days=28)
"""How long customer success has to confirm or decline before the run ends."""

ENTITLEMENT_REMINDERS = _on_days(Message.ENTITLEMENT_REMINDER, Audience.CUSTOMER_SUCCESS, 3, 10, 21)

# --- 2. the customer's IT team --------------------------------------------------------------------

ACKNOWLEDGEMENT_WINDOW = timedelta(days=14)
"""How long an organisation has to acknowledge; then the go-live continues by itself."""

ACKNOWLEDGEMENT_REMINDERS = _on_days(
    Message.IT_ACKNOWLEDGEMENT_REMINDER, Audience.FIRST_CONTACT, 4, 9
)

MOST_CONTACTS = 10
"""How many contacts an organisation's own IT team may name."""

MOST_CONTACT_CHANGES_A_DAY = 10
"""How often they may name the second contact, or another one, in 24 hours."""

LINK_DAYS = 14
"""How long a renewed set-up, consent or invitation link is valid, or one for a new contact.

If the present wait has a later deadline, the link is valid until then."""

NEW_LINKS_A_DAY = 3
"""New links for one person in 24 hours; more would only fill a mailbox."""

MOST_HAND_OFFS_A_DAY = 10
"""How often the consent link of a go-live may be handed on in 24 hours."""

# --- 4. the consent -------------------------------------------------------------------------------

CONSENT_WINDOW = timedelta(days=28)
"""How long the administrator has after the consent request; the links are valid as long."""

CONSENT_REMINDERS = (
    *_on_days(Message.CONSENT_REMINDER, Audience.FIRST_CONTACT, 3, 7),
    *_on_days(Message.CONSENT_REMINDER, Audience.EVERY_CONTACT, 12),
    *_on_days(Message.CONSENT_ESCALATION, Audience.CUSTOMER_SUCCESS, 18),
)
"""First to the contact, then to all contacts, then to customer success, before the deadline."""

AUTHORIZATION_REQUEST_MINUTES = 30
"""How long a browser that was sent to Microsoft may take to come back."""

AUTHORIZATION_REQUEST_KEPT_DAYS = 1
"""How long an authorization request is kept after that, without its secrets."""

PROPAGATION = timedelta(minutes=15)
"""How long we check at Microsoft for a consent until it needs a person's attention."""

EVIDENCE_DAYS = 7
"""How long an administrator's sign-in counts: a failed proof can be retried after a weekend."""

# --- 5. users move --------------------------------------------------------------------------------

APPROVAL_REMINDERS = _on_days(Message.APPROVAL_NEEDED, Audience.CUSTOMER_SUCCESS, 3, 10, 21)
"""A plan waits for approval without a deadline; nothing else happens by itself."""

PLAN_LIFE = timedelta(hours=1)
"""How long a plan may wait before it is applied; after that the directory may have changed."""

FIRST_WAVE_SIZE = 5
"""How many users move first if nobody was named for the first wave (`group` = pilot)."""

FIRST_SIGN_IN_WINDOW = timedelta(days=5)
"""How long the first users have to sign in before the go-live needs attention."""

FIRST_SIGN_IN_CHECKS = tuple(timedelta(days=day) for day in (1, 2, 3, 4))
"""When the database is also checked, in case a signal was lost."""

FIRST_SIGN_IN_REMINDERS = _on_days(Message.PILOT_WAITING, Audience.CUSTOMER_SUCCESS, 1)

STRAGGLER_REMINDERS = _on_days(Message.SIGN_IN_REMINDER, Audience.USERS, 3, 8)
"""After the move, to moved users who have not signed in through SSO."""

PASSWORD_GRACE_DAYS = 14
"""How long a moved user's password still works if they never sign in through SSO."""

INVITATION_DAYS = 30
"""How long the link in an invitation is valid, from the move on."""

AFTERCARE_DAYS = 14
"""How long a go-live stays open after the move, unless the start order says otherwise."""

MOST_AFTERCARE_DAYS = 365
"""The longest time that a start order may ask for; 0 ends the go-live at once."""

# --- signing in -----------------------------------------------------------------------------------

SESSION_HOURS = 12
"""How long a user stays signed in."""

STAFF_SESSION_HOURS = 9
"""A working day; meanwhile Microsoft is asked for the role of now and then."""

ROLE_CHECK_MINUTES = 10
"""How long a session of the console goes on before Microsoft is asked again whether its person
still has a role. Nobody works with a lost role for more than 15 minutes: this, a try that got no
answer (`ROLE_CHECK_RETRY_MINUTES`), and the time that Microsoft takes."""

ROLE_CHECK_RETRY_MINUTES = 1
"""How soon Microsoft is asked again when it gave no answer."""

UNCHECKED_STAFF_SESSION_MINUTES = 15
"""How long somebody is signed in to the console whose role cannot be asked for again."""

SETUP_SIGN_IN_HOURS = 2
"""How long a sign-in at the set-up page counts for changes there."""

SESSION_KEPT_DAYS = 30
"""How long an ended session is kept: until then a browser is told why it ended."""

KNOWN_BROWSER_DAYS = 365
"""How long a browser is known by which somebody has been signed in."""

FAILURE_MINUTES = 15
"""How long a wrong password or a guess counts; after too many, the wait is as long."""

REFUSED_SIGN_INS_SHOWN = timedelta(days=7)
"""How far back the console counts an organisation's refused sign-ins."""
