"""A consent by the link in the pack, while the IT team has not confirmed yet."""

import asyncio

from contracts.clock import wall_clock
from contracts.go_live import Wait
from database.consent import authorization_requests
from database.engine import open_sessions
from tests.administrators import Consenting, somebody
from tests.cluster import Cluster, Person


async def test_a_consent_before_its_stage_is_noted_and_still_counts_when_the_stage_begins(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"), it_acknowledgement="yes")
    await organisation.start()
    await organisation.until(Wait.IT_ACKNOWLEDGEMENT)

    def act() -> None:
        with somebody(organisation) as who:
            who.accept()
            assert_noted(who)
            who.browser.open(f"{who.link}/progress")
            assert "The consent is complete" not in who.text

    def assert_noted(who: Consenting) -> None:
        assert "Your consent is noted." in who.text, who.text
        assert "Later, by itself" in who.text
        assert "The consent is complete" not in who.text

    await asyncio.to_thread(act)
    # Eight days of other people's visits later, by the web's own clock.
    cluster.rows(
        "UPDATE golive.consent_evidence SET checked_at = checked_at - interval '8 days' "
        "WHERE go_live_id = :g",
        g=organisation.standing().go_live_id,
    )
    with open_sessions(cluster.engine).begin() as session:
        authorization_requests.purge_expired(session, wall_clock())
    # Nobody answers: after two weeks it goes on by itself.
    await organisation.skip_to_due()
    await organisation.until(Wait.MOVE_DATE)
    assert await organisation.signals() == ["consent_reported"]
