"""The floor of go_lives.py: a bare workflow with as many no-op activities, and one signal."""

from datetime import timedelta

from temporalio import activity, workflow

TIMEOUT = timedelta(seconds=30)


@activity.defn
def nothing(number: int) -> int:
    """Do nothing."""
    return number


@workflow.defn
class Bare:
    """Runs so many activities and so many local ones, waiting for a signal in the middle."""

    def __init__(self) -> None:
        """Begin without the signal."""
        self._told = False

    @workflow.signal
    def go_on(self) -> None:
        """End the wait."""
        self._told = True

    @workflow.run
    async def run(self, counts: tuple[int, int]) -> None:
        """Run them one after the other."""
        activities, local = counts
        for number in range(max(activities, local)):
            if number < local:
                await workflow.execute_local_activity(nothing, -1, start_to_close_timeout=TIMEOUT)
            if number == activities // 2:
                await workflow.wait_condition(lambda: self._told)
            if number < activities:
                await workflow.execute_activity(nothing, number, start_to_close_timeout=TIMEOUT)
