"""The page for customer success says what the commands really print."""

from tests.cluster import Cluster
from tests.journeys.transcript import comparable, play


async def test_the_commands_of_the_customer_success_page_print_what_it_shows(
    cluster: Cluster,
) -> None:
    said: list[tuple[str, str, str]] = []
    await play(cluster, lambda *one: said.append(one))
    assert len(said) > 15
    for command, expected, printed in said:
        if " start " in command:
            # What it prints below its first line depends on how far the go-live has come.
            printed, expected = printed.splitlines()[0], expected.splitlines()[0]
        assert comparable(printed) == comparable(expected), command
