"""How long each kind of call may take and how it is tried again; `contracts.rules` has the rest."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig, LocalActivityConfig

from contracts import rules
from contracts.directory import Snapshot
from contracts.go_live import GO_LIVE_BULK_QUEUE

RECORD_CALL = ActivityConfig(
    # A statement or two. A database that is away for a day is a matter for a person.
    start_to_close_timeout=timedelta(seconds=15),
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
    ),
)

SMALL_DATABASE_CALL = LocalActivityConfig(
    # A small question or note to the database: one marker in the history each. A worker that tries
    # by itself has to tell Temporal every eight seconds that it still does, three events each time:
    # so it does for 43 seconds (0.2 + 0.4 + … + 10), and no longer. (A schedule-to-close time-out
    # does not end the retries of a local activity in this SDK.)
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=10,
    ),
    local_retry_threshold=timedelta(minutes=1),
)

DATABASE_AWAY_CALL = ActivityConfig(
    # The same when the worker's own tries of `SMALL_DATABASE_CALL` are used up, as an activity that
    # Temporal tries: its retries write no events.
    start_to_close_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
    ),
)

GRAPH_CALL = ActivityConfig(
    # Microsoft answers in seconds; an outage of theirs has lasted most of a day.
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=5)
    ),
)

FIRST_CHECK = timedelta(minutes=1)
"""The first part of reading a consent back, in which nothing else goes on."""

PROPAGATION_CALL = ActivityConfig(
    # Microsoft takes seconds to minutes to apply a consent; no bound is documented. Growing
    # pauses, never over a minute, until a person looks.
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=rules.PROPAGATION,
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
    {**PROPAGATION_CALL, "schedule_to_close_timeout": rules.PROPAGATION - FIRST_CHECK}
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


MAIL_GOES_FIRST = timedelta(minutes=1)
"""How long a new proof waits for the mail about the last one; not until a relay is back."""
