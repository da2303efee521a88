"""What people did while a part of us was away is neither lost nor asked for again."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import worker
from commands import orders
from contracts.go_live import GoLiveOutcome, Wait
from contracts.links import LinkPurpose
from local import people
from local.ports import Ports
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation, web
from tests.set_up_page import clicking, pending
from web.outbox_relay import ANSWER_WITHIN


@contextmanager
def web_without_temporal(cluster: Cluster, log: Path) -> Iterator[str]:
    """A web process that does not reach Temporal, at its own address."""
    ports = Ports.free()
    public = f"http://127.0.0.1:{ports.web}"
    environment = {
        **cluster.environment,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{ports.temporal}",
        "GOLIVE_PUBLIC_URL": public,
    }
    with web(environment, ports.web, log):
        yield public


async def proven_by_a_web_without_temporal(
    cluster: Cluster, organisation: Organisation, log: Path
) -> str:
    """Consent by the link in the mail, at a web process that does not reach Temporal."""
    link = await asyncio.to_thread(cluster.endpoints.consent_link, organisation.contact)

    def consent() -> str:
        with web_without_temporal(cluster, log) as public:

            class There(people.Endpoints):
                def consent_link(self, address: str) -> str:
                    return link.replace(cluster.endpoints.web, public)

            try:
                people.consent(
                    There(public, cluster.endpoints.mailbox),
                    organisation.contact,
                    organisation.administrator,
                )
            except people.SceneFailedError as page:
                return str(page)
        raise AssertionError("Temporal was reached")

    return await asyncio.to_thread(consent)


async def test_a_consent_given_while_temporal_is_away_is_told_later_by_itself(
    cluster: Cluster, tmp_path: Path
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    page = await proven_by_a_web_without_temporal(cluster, organisation, tmp_path / "web.log")
    assert "Your consent is noted." in page
    assert "There is nothing more for you to do." in page
    await organisation.until(Wait.MOVE_DATE)
    assert await organisation.signals() == ["consent_reported"]
    assert (
        cluster.rows(
            "SELECT x.id FROM golive.outbox x JOIN golive.go_live g ON g.id = x.go_live_id "
            "JOIN pulse.organisation o ON o.id = g.organisation_id WHERE o.slug = :slug",
            slug=organisation.slug,
        )
        == []
    )
    await organisation.handle.cancel()


async def test_a_click_is_answered_while_no_worker_runs_and_counts_when_one_comes(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = "served-by-one-worker-alone"
    for module in (orders, worker):
        monkeypatch.setattr(module, "GO_LIVE_QUEUE", queue)
    dependencies = cluster.dependencies._replace(
        settings=cluster.settings.model_copy(update={"worker_queue": queue})
    )
    organisation = cluster.create_organisation(it_acknowledgement="yes")
    async with worker.build_workers(cluster.client, dependencies)[0]:
        await organisation.start()
        await organisation.until(Wait.IT_ACKNOWLEDGEMENT)
    chosen = (datetime.now(UTC) + timedelta(days=40)).replace(second=0, microsecond=0)

    def click() -> tuple[int, str]:
        with clicking(cluster, organisation) as contact:
            return contact.ready(chosen).status_code, contact.shown()

    status, shown = await asyncio.to_thread(click)
    assert status == 303
    assert "You are ready" in shown
    assert f'value="{chosen:%Y-%m-%dT%H:%M}"' in shown
    assert organisation.progress.wait is Wait.IT_ACKNOWLEDGEMENT
    async with worker.build_workers(cluster.client, dependencies)[0]:
        await organisation.until(Wait.ADMIN_CONSENT)
        assert await organisation.signals() == ["it_acknowledged"]
        await organisation.consent()
        assert (await organisation.until(Wait.MOVE_DATE)).due_at == chosen
        await cluster.orders().roll_back(organisation.slug, "The test is over.")
        await organisation.ended()


async def test_a_click_while_temporal_is_away_is_answered_at_once_and_told_later_by_itself(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Whoever changes the date meanwhile is told once, with the last date."""
    organisation = cluster.create_organisation(it_acknowledgement="yes")
    await organisation.start()
    await organisation.until(Wait.IT_ACKNOWLEDGEMENT)
    first = (datetime.now(UTC) + timedelta(days=30)).replace(second=0, microsecond=0)
    dates = [first + timedelta(days=number) for number in range(3)]

    def click() -> list[dict[str, str]]:
        with (
            web_without_temporal(cluster, tmp_path / "web.log") as public,
            clicking(cluster, organisation, web=public) as contact,
        ):
            seconds = []
            for date in dates:
                begun = time.monotonic()
                assert contact.ready(date).headers["location"].endswith("done=acknowledged")
                seconds.append(time.monotonic() - begun)
            # If Temporal was asked first, each would take so long; on a busy machine one may.
            assert min(seconds) < ANSWER_WITHIN.total_seconds()
            assert "You are ready" in contact.shown()
            return [argument for _, argument in pending(cluster, organisation)]

    (kept,) = await asyncio.to_thread(click)
    assert datetime.fromisoformat(kept["move_at"]) == dates[-1]
    await organisation.until(Wait.ADMIN_CONSENT)
    assert await organisation.signals() == ["it_acknowledged"]
    await organisation.consent()
    moves = await organisation.until(Wait.MOVE_DATE)
    assert moves.due_at == dates[-1]
    await organisation.handle.cancel()


async def test_a_new_link_asked_for_while_temporal_is_away_comes_later_by_itself(
    cluster: Cluster, tmp_path: Path
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    before = len(await asyncio.to_thread(organisation.received, organisation.contact))

    def ask() -> None:
        with (
            web_without_temporal(cluster, tmp_path / "web.log") as public,
            clicking(cluster, organisation, web=public, purpose=LinkPurpose.CONSENT) as contact,
        ):
            cluster.rows(
                "UPDATE golive.personal_link SET expires_at = '2020-01-01' "
                "WHERE go_live_id = :g RETURNING id",
                g=str(organisation.standing().go_live_id),
            )
            answer = contact.new_link()
            assert answer.status_code == 202
            assert "A new link will come" in answer.text

    await asyncio.to_thread(ask)
    async with asyncio.timeout(LONGEST_WAIT):
        while len(await asyncio.to_thread(organisation.received, organisation.contact)) == before:
            await asyncio.sleep(0.1)
    assert await organisation.signals() == ["mail_requested"]
    await organisation.handle.cancel()


async def test_a_mail_that_has_lost_its_point_is_withdrawn_with_the_ending(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(
        sso_included="no",
        customer_success_handle="zoe",
        customer_success_email="zoe@clientshare.example",
    )
    cluster.mail_faults(defer="zoe@clientshare.example", times=2)
    await organisation.start()
    await organisation.until(lambda now: now.wait is Wait.ENTITLEMENT)
    await cluster.orders().decline_entitlement(organisation.slug, "Not sold.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.NOT_ENTITLED
    assert "queued" not in {state for _, _, state in organisation.mails()}
