"""Nothing that Temporal keeps of a go-live, and no line of a log, names a person."""

import logging

import pytest
from temporalio.client import Client

from contracts.go_live import ConfirmEntitlement, Wait, go_live_id
from database.engine import open_sessions
from local import queries
from local.histories import everything_kept, found_in
from telemetry.logs import JsonLines
from tests.cluster import Cluster, Organisation, Person
from workflows.go_live import SsoGoLive


def personal_data(cluster: Cluster, organisation: Organisation) -> list[str]:
    with open_sessions(cluster.engine).begin() as session:
        return queries.personal_data(session, organisation.standing().organisation_id)


async def kept_of(client: Client, organisation: Organisation) -> list[str]:
    _, texts = await everything_kept(client, go_live_id(organisation.slug))
    return texts


async def test_a_go_live_with_failures_keeps_and_logs_no_personal_data(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    web_log = cluster.folder / "web.log"
    logged = web_log.stat().st_size
    organisation = cluster.create_organisation(
        Person("quentin.quark"), Person("rosa.rochefort"), Person("stella.stone", status="invited")
    )
    cluster.mail_faults(reject=organisation.second_contact, code=550)
    cluster.mail_faults(defer=organisation.contact, code=451, times=1)
    cluster.control(
        "POST",
        "/faults",
        match={"path": "/graph/v1.0/users", "method": "GET", "tenant": organisation.tenant_id},
        kind="server_error",
        status=503,
        times=2,
    )
    await organisation.go_live()
    searched = personal_data(cluster, organisation)
    assert {organisation.address("quentin.quark"), "Quentin.Quark"} <= set(searched)
    assert found_in(await kept_of(cluster.client, organisation), searched) == []
    # The workers run in this process, the web in its own.
    lines = [JsonLines().format(record) for record in caplog.records]
    assert len(lines) > 5
    lines.append(web_log.read_bytes()[logged:].decode())
    assert found_in(lines, searched) == []


async def test_an_address_that_is_planted_is_found(cluster: Cluster) -> None:
    organisation = cluster.create_organisation(sso_included="no")
    await organisation.start()
    await organisation.until(Wait.ENTITLEMENT)
    planted = organisation.address("anna")
    await organisation.handle.execute_update(
        SsoGoLive.confirm_entitlement, ConfirmEntitlement(by=planted)
    )
    await organisation.until(Wait.ADMIN_CONSENT)
    texts = await kept_of(cluster.client, organisation)
    assert planted in found_in(texts, personal_data(cluster, organisation))
    await organisation.handle.cancel()
