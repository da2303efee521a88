import threading

import pytest

from graph.budget import Budget, charge
from graph.directory import USER_FIELDS
from graph.errors import ThrottledError
from graph.retry_budget import LONGEST_PAUSE_SECONDS, LONGEST_PAUSES_SECONDS, RetryBudget
from tests.graph.scripted import SteppedClock


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/users", 2),
        (f"/users?$select={USER_FIELDS}&$top=999", 1),
        ("/users?$top=19", 1),
        ("/users?$top=20", 2),
        ("/users?$top=1&$select=id", 1),
        ("/users?$expand=manager", 3),
        ("/users?$expand=manager&$select=id", 2),
        ("/users/some-id", 2),
        ("/organization?$select=id,verifiedDomains", 1),
        ("/servicePrincipals", 1),
        ("/servicePrincipals/some-id/appRoleAssignments", 2),
        ("/oauth2PermissionGrants", 2),
        ("/domains", 1),
        ("https://graph.microsoft.com/v1.0/users?$select=id&$skiptoken=abc", 1),
    ],
)
def test_each_request_is_charged_as_microsoft_documents(path: str, units: int) -> None:
    assert charge(path) == units


def test_a_budget_spends_one_window_at_once_and_refills_evenly(clock: SteppedClock) -> None:
    budget = Budget(clock, units=100)

    assert budget.take(100) == 0
    assert budget.take(10) == pytest.approx(1.0)
    clock.now += 1.0
    assert budget.take(10) == 0
    assert budget.charged == 110


def test_a_budget_never_saves_up_more_than_one_window(clock: SteppedClock) -> None:
    budget = Budget(clock, units=100)
    clock.now += 3600

    assert budget.take(100) == 0
    assert budget.take(1) > 0


def test_a_request_dearer_than_the_whole_budget_still_gets_through(clock: SteppedClock) -> None:
    assert Budget(clock, units=10).take(25) == 0


def test_units_that_graph_charged_beyond_our_estimate_are_counted(clock: SteppedClock) -> None:
    budget = Budget(clock, units=100)
    budget.take(1)
    budget.correct(99)

    assert budget.charged == 100
    assert budget.take(1) > 0


def test_a_throttled_tenant_is_closed_to_everyone_until_the_wait_is_over(
    clock: SteppedClock,
) -> None:
    budget = Budget(clock)
    budget.close_for(2.128)
    budget.close_for(1.0)

    assert budget.take(1) == pytest.approx(2.128)
    clock.now += 2.2
    assert budget.take(1) == 0


def test_many_threads_never_spend_more_than_the_limit(clock: SteppedClock) -> None:
    budget = Budget(clock, units=500)
    granted: list[float] = []

    def spend() -> None:
        granted.extend(w for w in (budget.take(1) for _ in range(100)) if w == 0)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(granted) == 500


def test_short_waits_happen_inside_and_long_ones_go_back(clock: SteppedClock) -> None:
    retry_budget = RetryBudget(clock.pause)
    retry_budget.wait(LONGEST_PAUSE_SECONDS)

    with pytest.raises(ThrottledError) as caught:
        retry_budget.wait(LONGEST_PAUSE_SECONDS + 0.1)

    assert caught.value.retry_after_seconds == LONGEST_PAUSE_SECONDS + 0.1
    assert clock.pauses == [LONGEST_PAUSE_SECONDS]


def test_the_waits_of_one_call_are_bounded_together(clock: SteppedClock) -> None:
    retry_budget = RetryBudget(clock.pause)

    for _ in range(int(LONGEST_PAUSES_SECONDS / 2.5)):
        retry_budget.wait(2.5)

    with pytest.raises(ThrottledError):
        retry_budget.wait(2.5)
    assert sum(clock.pauses) == LONGEST_PAUSES_SECONDS
