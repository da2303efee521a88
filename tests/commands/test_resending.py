"""Refused mails that are sent again."""

import asyncio

import pytest

from commands.errors import CommandError
from commands.resending import resend
from commands.standings import refused_mail
from contracts.go_live import Wait
from contracts.problems import Problem
from tests.cluster import STAFF, Cluster
from tests.web.test_imports import Console


async def test_a_refused_mail_is_sent_again_and_its_address_is_named_no_more(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    cluster.mail_faults(reject=organisation.second_contact, code=550)
    try:
        await organisation.start()
        await organisation.until(Wait.ADMIN_CONSENT)
    finally:
        cluster.mail_faults()
    standing = organisation.standing()
    assert [one.address for one in refused_mail(cluster.engine, standing)] == [
        organisation.second_contact
    ]
    resent = await resend(
        cluster.engine,
        cluster.client,
        STAFF,
        organisation.slug,
        "Its IT let us in.",
        to_users=False,
    )
    assert (resent.mails, resent.signalled) == (1, True)
    await organisation.received_by(organisation.second_contact, "SSO")
    while await asyncio.to_thread(refused_mail, cluster.engine, standing):
        await asyncio.sleep(0.05)
    assert (STAFF, "mails_resent", "Its IT let us in.") in organisation.audit()
    with pytest.raises(CommandError) as nothing:
        await resend(cluster.engine, cluster.client, STAFF, organisation.slug, to_users=True)
    assert nothing.value.problem is Problem.NOTHING_REFUSED
    # The same by the button of the console.
    cluster.rows(
        "UPDATE golive.mail SET state = 'refused' WHERE go_live_id = :g AND message = 'it_pack'",
        g=standing.go_live_id,
    )
    console = Console(cluster)
    where = f"/console/{organisation.slug}"
    answered = await asyncio.to_thread(
        console.http.post, f"{where}/mails/resend", data={"form_token": console.form_token}
    )
    console.http.close()
    assert answered.headers["location"] == f"{where}?done=resend"
    while {state for *_, state in organisation.mails("it_pack")} != {"sent"}:
        await asyncio.sleep(0.05)
    await organisation.handle.cancel()
    await organisation.ended()


async def test_without_a_go_live_nothing_can_be_sent_again(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    with pytest.raises(CommandError) as nothing:
        await resend(cluster.engine, cluster.client, STAFF, organisation.slug, to_users=True)
    assert nothing.value.problem is Problem.NOT_RUNNING
