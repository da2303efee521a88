"""Every duration and retry of the workflow, one name per kind of call or wait."""

from datetime import timedelta
from typing import NamedTuple

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig, LocalActivityConfig

from contracts.directory import Snapshot
from contracts.go_live import GO_LIVE_BULK_QUEUE
from contracts.notices import Audience, Message

RECORD_CALL = ActivityConfig(
    # A statement or two. A database that is away for a day is a matter for a person.
    start_to_close_timeout=timedelta(seconds=15),
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
    ),
)

POSITION_CALL = LocalActivityConfig(
    # The run's own diary: one marker in the history each, tried until the database is back.
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)
    ),
    local_retry_threshold=timedelta(seconds=20),
)

GRAPH_CALL = ActivityConfig(
    # Microsoft answers in seconds; an outage of theirs has lasted most of a day.
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=5)
    ),
)

PROPAGATION, FIRST_CHECK = timedelta(minutes=15), timedelta(minutes=1)
"""How long a consent is read back until a person looks; nothing else goes on in its first part."""

PROPAGATION_CALL = ActivityConfig(
    # Microsoft takes seconds to minutes to apply a consent; no bound is documented. Growing
    # pauses, never over a minute, for 15 minutes; then a person looks.
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=PROPAGATION,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2),
        backoff_coefficient=1.6,
        maximum_interval=timedelta(minutes=1),
    ),
)

NEARLY_A_FIRST_CHECK = timedelta(seconds=20)
"""A first check is over when the next try does not fit into it; so little left is no matter."""

FIRST_CHECK_CALL = ActivityConfig(
    # Most consents are there within seconds. Nothing else is done for so long: nobody is reminded
    # of what they have just given, and a list need not say that Microsoft is waited for.
    {**PROPAGATION_CALL, "schedule_to_close_timeout": FIRST_CHECK}
)

AFTER_FIRST_CHECK_CALL = ActivityConfig(
    {**PROPAGATION_CALL, "schedule_to_close_timeout": PROPAGATION - FIRST_CHECK}
)

MAIL_CALL = ActivityConfig(
    # A relay may defer for hours (greylisting, maintenance).
    start_to_close_timeout=timedelta(minutes=10),
    schedule_to_close_timeout=timedelta(days=1),
    heartbeat_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10)
    ),
)

MAIL_TO_USERS_CALL = ActivityConfig(
    {
        **MAIL_CALL,
        # Of many users, at their own pace.
        "start_to_close_timeout": timedelta(hours=6),
        "schedule_to_close_timeout": timedelta(days=2),
    }
)

DIGEST_CALL = ActivityConfig(
    # A round is over before the next one comes, an hour later; that one makes up for it.
    start_to_close_timeout=timedelta(minutes=10),
    schedule_to_close_timeout=timedelta(minutes=50),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10)
    ),
)

ALL_USERS_CALL = ActivityConfig(
    # Works on all users in bounded steps and says so by heartbeat; a killed worker is noticed
    # in half a minute. Cancelling waits for the step at hand, so that undo meets no move.
    start_to_close_timeout=timedelta(hours=6),
    schedule_to_close_timeout=timedelta(days=2),
    heartbeat_timeout=timedelta(seconds=30),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=2)
    ),
)

BULK_CALL = ActivityConfig(
    # How large a directory is shows only when it has been read.
    {**ALL_USERS_CALL, "task_queue": GO_LIVE_BULK_QUEUE}
)

FEW_USERS, SMALL_DIRECTORY = 50, 2_000
"""So many of ours, in a directory of so many entries, are planned, moved and mailed in a second or
two, on the queue of everything else: they hold up nobody. All others stand on the bulk queue."""


def are_few(read: Snapshot) -> bool:
    """Tell whether the users of this directory hold up nobody."""
    return read.users <= FEW_USERS and read.entries <= SMALL_DIRECTORY


LATE = timedelta(hours=1)
"""A reminder this late (no worker ran) is put into working hours anew."""

OTHER_DATE = timedelta(hours=1)
"""A move that a short pause would shift by less keeps its announced hour."""

SAME_DAY = timedelta(days=1)
"""Nobody gets two mails within this time, unless a person asked."""


MAIL_GOES_FIRST = timedelta(minutes=1)
"""How long a new proof waits for the mail about the last one; not until a relay is back."""


class Reminder(NamedTuple):
    """A message that goes out some time after a wait began, if nobody has answered."""

    after: timedelta
    message: Message
    audience: Audience


ENTITLEMENT_WINDOW = timedelta(days=28)
"""How long customer success has to confirm or decline before the run ends."""

ENTITLEMENT_REMINDERS = tuple(
    Reminder(timedelta(days=days), Message.ENTITLEMENT_REMINDER, Audience.CUSTOMER_SUCCESS)
    for days in (3, 10, 21)
)

ACKNOWLEDGEMENT_WINDOW = timedelta(days=14)
"""How long an organisation that wants to acknowledge has; then it goes on by itself."""

ACKNOWLEDGEMENT_REMINDERS = tuple(
    Reminder(timedelta(days=days), Message.IT_ACKNOWLEDGEMENT_REMINDER, Audience.FIRST_CONTACT)
    for days in (4, 9)
)

APPROVAL_REMINDERS = tuple(
    Reminder(timedelta(days=days), Message.APPROVAL_NEEDED, Audience.CUSTOMER_SUCCESS)
    for days in (3, 10, 21)
)
"""A plan waits for approval without a deadline: nothing else happens by itself."""

PLAN_LIFE = timedelta(hours=1)
"""How long a plan may wait before it is applied; then the directory may say otherwise by now."""

CONSENT_REMINDERS = (
    Reminder(timedelta(days=3), Message.CONSENT_REMINDER, Audience.FIRST_CONTACT),
    Reminder(timedelta(days=7), Message.CONSENT_REMINDER, Audience.FIRST_CONTACT),
    Reminder(timedelta(days=12), Message.CONSENT_REMINDER, Audience.EVERY_CONTACT),
    Reminder(timedelta(days=18), Message.CONSENT_ESCALATION, Audience.CUSTOMER_SUCCESS),
)
"""To the person, to their colleagues, then to customer success; the deadline follows."""

FIRST_SIGN_IN_WINDOW = timedelta(days=5)
"""How long the first few users have before someone of ours looks why nobody signs in."""

FIRST_SIGN_IN_CHECKS = tuple(timedelta(days=days) for days in (1, 2, 3, 4))
"""When the database is asked too: a signal may have been lost on its way."""

FIRST_SIGN_IN_REMINDERS = (
    Reminder(timedelta(days=1), Message.PILOT_WAITING, Audience.CUSTOMER_SUCCESS),
)

STRAGGLER_REMINDERS = tuple(
    Reminder(timedelta(days=days), Message.SIGN_IN_REMINDER, Audience.USERS) for days in (3, 8)
)
"""After the move, to moved users who have not signed in through SSO."""

PASSWORD_GRACE_DAYS = 14
"""How long a moved user's password still works if they never sign in through SSO."""

MORNING_HOUR = 9
"""Users move at nine on a working morning, in the organisation's time zone."""
