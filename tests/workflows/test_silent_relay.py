"""A relay that takes mail and then says nothing holds up mail, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import PendingActivityState

import worker
from contracts.go_live import GoLiveOutcome, GoLiveStage, Wait
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, build_cluster, working
from tests.workflows.driver import pending_activities


@asynccontextmanager
async def _cluster_of_few_threads(folder: Path) -> AsyncIterator[Cluster]:
    async with build_cluster(folder) as cluster, working(cluster):
        try:
            yield cluster
        finally:
            cluster.mail_faults()


async def _asked(cluster: Cluster) -> Organisation:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    return organisation


async def _mail_is_stuck(organisation: Organisation) -> bool:
    return any(
        one.activity_type.name == "deliver_mail"
        and (one.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED or one.attempt > 1)
        for one in await pending_activities(organisation)
    )


async def test_consents_are_proven_while_the_mail_of_others_is_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ACTIVITY_THREADS", 3)
    monkeypatch.setattr(worker, "DELIVERIES", 2)
    async with _cluster_of_few_threads(tmp_path / "cluster") as cluster:
        small = [await _asked(cluster) for _ in range(3)]
        other = await _asked(cluster)
        for one in small:
            cluster.mail_faults(silent=one.address("anna"))
            await one.consent()
            await one.until(Wait.MOVE_DATE)
        for one in small:
            await one.skip_to_due()
        # As many organisations as there are threads have moved, and their mail is stuck: it holds
        # one of the two slots, or has found none free and is tried again.
        async with asyncio.timeout(LONGEST_WAIT):
            while not all([await _mail_is_stuck(one) for one in small]):
                await asyncio.sleep(0.05)
        await other.consent()
        # The consent is proven and that is recorded; what is mailed about it has to wait, too.
        await other.until(lambda now: now.stage is GoLiveStage.USERS_MIGRATED)
        stuck = [one.mails("sign_in_with_sso") for one in small]
        assert all("queued" in {state for *_, state in mails} for mails in stuck), stuck
        cluster.mail_faults()
        await other.until(Wait.MOVE_DATE)
        for one in small:
            assert (await one.ended()).outcome is GoLiveOutcome.LIVE
            sent = one.mails("sign_in_with_sso")
            assert {state for *_, state in sent} == {"sent"}
            for _, address, _ in sent:
                await one.received_by(address, "sign in")
                assert len(one.received(address)) == 1
