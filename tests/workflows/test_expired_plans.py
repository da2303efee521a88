"""A plan that waited for people is not applied before Microsoft has been asked once more."""

from datetime import timedelta

from contracts.go_live import Wait
from tests.cluster import Cluster, Organisation
from tests.workflows.driver import bring_to, go_on, new_organisation, stopped_in_the_midst_of_a_move

DAY = timedelta(days=1)


def disable(organisation: Organisation, name: str) -> None:
    """Somebody leaves the customer."""
    (person,) = (one for one in organisation.people if one.name == name)
    organisation.cluster.control(
        "PATCH",
        f"/tenants/{organisation.tenant_id}/users/{person.object_id}",
        accountEnabled=False,
    )


async def another_plan_waits(organisation: Organisation, than: str | None) -> None:
    await organisation.until(lambda now: now.wait is Wait.APPROVAL and now.plan_hash != than)


async def test_who_leaves_while_a_plan_waits_for_approval_is_not_moved(cluster: Cluster) -> None:
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.APPROVAL)
    approved = organisation.progress.plan_hash
    assert approved is not None
    await organisation.skip(DAY)
    disable(organisation, "ben")
    await cluster.orders().approve(organisation.slug, approved)
    await another_plan_waits(organisation, approved)
    assert organisation.progress.users_done == 0
    assert await go_on(organisation, Wait.APPROVAL) is Wait.FIRST_SIGN_IN
    assert await go_on(organisation, Wait.FIRST_SIGN_IN) is Wait.AFTERCARE
    assert organisation.user("ben")["object_id"] is None
    assert organisation.user("cleo")["object_id"] is not None


async def test_who_leaves_before_the_first_sign_in_is_not_moved_with_the_rest(
    cluster: Cluster,
) -> None:
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.FIRST_SIGN_IN)
    approved = organisation.progress.plan_hash
    (leaver, *_) = (
        one.name
        for one in organisation.people
        if one.status == "active"
        and one.in_directory
        and organisation.user(one.name)["object_id"] is None
    )
    await organisation.skip(DAY)
    disable(organisation, leaver)
    await organisation.sign_in(organisation.first_moved())
    await another_plan_waits(organisation, approved)
    renewed = organisation.progress.plan_hash
    assert renewed is not None
    await cluster.orders().approve(organisation.slug, renewed)
    await organisation.until(Wait.AFTERCARE)
    assert organisation.user(leaver)["object_id"] is None
    assert organisation.user("nora")["object_id"] is not None


async def test_a_plan_that_is_still_true_is_applied_however_long_it_waited(
    cluster: Cluster,
) -> None:
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.APPROVAL)
    approved = organisation.progress.plan_hash
    await organisation.skip(DAY)
    assert await go_on(organisation, Wait.APPROVAL) is Wait.FIRST_SIGN_IN
    await organisation.skip(DAY)
    assert await go_on(organisation, Wait.FIRST_SIGN_IN) is Wait.AFTERCARE
    assert organisation.progress.plan_hash == approved
    assert organisation.mails("approval_needed") == [
        ("approval_needed", "dana@clientshare.example", "sent")
    ]


async def test_who_moved_before_a_pause_is_told_before_another_plan_waits(cluster: Cluster) -> None:
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.FIRST_SIGN_IN)
    approved = organisation.progress.plan_hash
    await stopped_in_the_midst_of_a_move(organisation)
    disable(organisation, "nora")
    await cluster.orders().resume(organisation.slug)
    await another_plan_waits(organisation, approved)
    assert organisation.progress.users_done == 5
    told = [state for _, _, state in organisation.mails("sign_in_with_sso")]
    assert told == ["sent"] * 5
    await organisation.handle.cancel()
