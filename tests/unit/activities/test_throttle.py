"""Mail to all users is rate limited, and notices a cancellation while it waits."""

import time

import pytest
from temporalio.exceptions import CancelledError
from temporalio.testing import ActivityEnvironment

from activities.throttle import LARGEST_CHUNK, UNBOUNDED, RateLimiter


def _take(rate_limiter: RateLimiter, turns: int) -> float:
    began = time.monotonic()
    for _ in range(turns):
        rate_limiter.wait_for_turn()
    return time.monotonic() - began


def test_turns_are_spaced_and_the_first_comes_at_once() -> None:
    seconds = ActivityEnvironment().run(_take, RateLimiter(50), 11)
    assert seconds >= 10 / 50


def test_time_in_which_nobody_asked_is_not_made_up_for() -> None:
    rate_limiter = RateLimiter(50)
    time.sleep(0.2)
    assert ActivityEnvironment().run(_take, rate_limiter, 11) >= 10 / 50


def test_without_a_bound_nobody_waits() -> None:
    # Outside an activity, where waiting would fail.
    UNBOUNDED.wait_for_turn()
    assert UNBOUNDED.turns_in(2) == LARGEST_CHUNK


@pytest.mark.parametrize(("per_second", "together"), [(0.1, 1), (50, 100), (10_000, LARGEST_CHUNK)])
def test_a_paced_delivery_reads_no_more_than_it_can_send_soon(
    per_second: float, together: int
) -> None:
    assert RateLimiter(per_second).turns_in(2) == together


def test_whoever_waits_hears_that_it_is_cancelled() -> None:
    environment = ActivityEnvironment()
    rate_limiter = RateLimiter(0.001)
    environment.run(rate_limiter.wait_for_turn)
    environment.cancel()
    with pytest.raises(CancelledError):
        environment.run(rate_limiter.wait_for_turn)
