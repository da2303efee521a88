"""Timeouts and retries of each kind of call; `contracts.rules` has all other durations."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig, LocalActivityConfig

from contracts import rules
from contracts.directory import Snapshot
from contracts.go_live import GO_LIVE_BULK_QUEUE

RECORD_CALL = ActivityConfig(
    # One or two statements. A database that is unavailable for a day needs a person.
    start_to_close_timeout=timedelta(seconds=15),
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
    ),
)

SMALL_DATABASE_CALL = LocalActivityConfig(
    # A small read or write in the database: one marker in the history each. A worker that retries a
    # local activity reports to Temporal every eight seconds, three events each time, so it retries
    # for 43 seconds (0.2 + 0.4 + … + 10) and no longer. (A schedule-to-close time-out does not end
    # the retries of a local activity in this SDK.)
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        maximum_interval=timedelta(seconds=10),
        maximum_attempts=10,
    ),
    local_retry_threshold=timedelta(minutes=1),
)

DATABASE_AWAY_CALL = ActivityConfig(
    # The same as an ordinary activity, after the retries of `SMALL_DATABASE_CALL` have run out:
    # its retries write no events.
    start_to_close_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
    ),
)

GRAPH_CALL = ActivityConfig(
    # Microsoft answers within seconds; one of its outages lasted most of a day.
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=5)
    ),
)

FIRST_CHECK = timedelta(minutes=1)
"""The first part of checking a consent, during which nothing else happens."""

PROPAGATION_CALL = ActivityConfig(
    # Microsoft takes seconds to minutes to apply a consent; no bound is documented. Growing
    # intervals, never over a minute, until it needs a person's attention.
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=rules.PROPAGATION,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2),
        backoff_coefficient=1.6,
        maximum_interval=timedelta(minutes=1),
    ),
)

NEARLY_A_FIRST_CHECK = timedelta(seconds=20)
"""A first check ends early if the next try does not fit into it; this much left is ignored."""

FIRST_CHECK_CALL = ActivityConfig(
    # Most consents are there within seconds. Nothing else happens for this long: nobody gets a
    # reminder of what they have just given, and lists need not show a wait for Microsoft.
    {**PROPAGATION_CALL, "schedule_to_close_timeout": FIRST_CHECK}
)

AFTER_FIRST_CHECK_CALL = ActivityConfig(
    {**PROPAGATION_CALL, "schedule_to_close_timeout": rules.PROPAGATION - FIRST_CHECK}
)

CREDENTIAL_CALL = ActivityConfig(
    # Somebody renews our own credential within minutes, or after a weekend, and a worker that has
    # it asks next. Retries write no events, so there may be any number of them.
    start_to_close_timeout=timedelta(minutes=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=10), maximum_interval=timedelta(minutes=5)
    ),
)

BEFORE_CREDENTIAL_CALL = timedelta(minutes=1)
"""Where some workers have the new credential and others still the old one, a run asks one after
another; it does so once a minute, or its history would grow without bound."""

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
        # For many users, at the rate limit.
        "start_to_close_timeout": timedelta(hours=6),
        "schedule_to_close_timeout": timedelta(days=2),
    }
)

DIGEST_CALL = ActivityConfig(
    # A round ends before the next one, an hour later, which sends what this one could not.
    start_to_close_timeout=timedelta(minutes=10),
    schedule_to_close_timeout=timedelta(minutes=50),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=10)
    ),
)

ACCOUNT_NOTICES_CALL = ActivityConfig(
    # The digests wait for it, so it is not tried for long: the next round sends what is left.
    {**DIGEST_CALL, "schedule_to_close_timeout": timedelta(minutes=15)}
)

ALL_USERS_CALL = ActivityConfig(
    # Works on all users in bounded steps with heartbeats; Temporal notices a killed worker within
    # half a minute. Cancelling waits for the step at hand, so that an undo never meets a move.
    start_to_close_timeout=timedelta(hours=6),
    schedule_to_close_timeout=timedelta(days=2),
    heartbeat_timeout=timedelta(seconds=30),
    cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=2)
    ),
)

BULK_CALL = ActivityConfig(
    # The size of a directory is known only after it was read.
    {**ALL_USERS_CALL, "task_queue": GO_LIVE_BULK_QUEUE}
)

FEW_USERS, SMALL_DIRECTORY = 50, 2_000
"""This many users, in a directory of this many entries, are planned, moved and mailed within a
second or two, so they use the ordinary queue. All others use the bulk queue."""


def are_few(read: Snapshot) -> bool:
    """Tell whether this snapshot is small enough for the ordinary queue."""
    return read.users <= FEW_USERS and read.entries <= SMALL_DIRECTORY


MAIL_GOES_FIRST = timedelta(minutes=1)
"""How long a new proof waits for the mail about the last one, even if the relay is down."""
