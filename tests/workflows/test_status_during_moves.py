"""While all users are worked on, nobody is said to be waited for any more."""

import asyncio

import pytest

from contracts.go_live import GoLiveStage, Wait
from contracts.waiting_on import waiting_on
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation
from tests.workflows.driver import bring_to, new_organisation, work_held_up
from wording import sentences


async def _act(organisation: Organisation, wait: Wait) -> None:
    """What ends this wait, and begins work on all users."""
    match wait:
        case Wait.MOVE_DATE:
            await organisation.skip_to_due()
        case Wait.APPROVAL:
            progress = organisation.progress
            assert progress.plan_hash is not None
            await organisation.cluster.orders().approve(organisation.slug, progress.plan_hash)
        case Wait.FIRST_SIGN_IN:
            await organisation.sign_in(organisation.first_moved())
        case _:
            await organisation.cluster.orders().replan(organisation.slug)


@pytest.mark.parametrize(
    "wait", [Wait.MOVE_DATE, Wait.APPROVAL, Wait.FIRST_SIGN_IN, Wait.AFTERCARE]
)
async def test_it_is_being_done_now_wherever_one_looks(cluster: Cluster, wait: Wait) -> None:
    organisation = new_organisation(cluster)
    await bring_to(organisation, wait)
    async with work_held_up(organisation, _act(organisation, wait)):
        now = organisation.progress
        assert (now.stage, now.wait) == (GoLiveStage.USERS_MIGRATED, Wait.NOTHING)
        assert now.due_at is None
        assert now.users_total == (0 if wait is Wait.MOVE_DATE else 8)
        assert sentences.happened(now) == "This is being done now."
        assert sentences.to_do(now) == "Nobody has to do anything."
        assert sentences.happened(now) in await organisation.temporal_details()
        async with asyncio.timeout(LONGEST_WAIT):
            while await organisation.shown("WaitingOn") != waiting_on(now):
                await asyncio.sleep(0.02)
    await organisation.handle.cancel()
    await organisation.ended()
