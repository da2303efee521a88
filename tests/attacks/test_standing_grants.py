"""A grant that stood before this go-live is nobody's new consent."""

import asyncio

from contracts.go_live import GoLiveOutcome, Refusal, Wait
from tests.administrators import CLIENT, GRANT, Consenting, somebody, waiting_for_consent
from tests.attacks.conftest import Target
from tests.cluster import Cluster, Organisation, Person

EMPLOYEE = Person("stranger", status=None)
"""Somebody of the customer's tenant without a role there and without a link of ours."""


def grant(organisation: Organisation) -> None:
    """Somebody of the tenant granted us everything, for another organisation or by hand."""
    organisation.cluster.control(
        "PUT", f"/tenants/{organisation.tenant_id}/grants/{CLIENT}", **GRANT
    )


def claim_to_be_the_administrator(who: Consenting) -> None:
    who.open("/login").press("Continue", email=who.organisation.address("stranger"))
    who.press("Login with SSO").press("I am the administrator")


def connections(organisation: Organisation) -> list[object]:
    """The administrator on record of each connection of the organisation."""
    rows = organisation.cluster.rows(
        "SELECT c.administrator_object_id AS who FROM golive.sso_connection c "
        "JOIN pulse.organisation o ON o.id = c.organisation_id WHERE o.slug = :slug",
        slug=organisation.slug,
    )
    return [row.who for row in rows]


async def test_after_a_roll_back_an_employee_without_a_link_takes_the_grant_for_nobody(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"), EMPLOYEE)
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(lambda now: now.wait in {Wait.FIRST_SIGN_IN, Wait.AFTERCARE})
    await cluster.orders().roll_back(organisation.slug, "The customer changed its mind.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK
    await organisation.start()
    await organisation.until(lambda now: now.number == 2 and now.wait is Wait.ADMIN_CONSENT)
    target = Target(organisation)
    since = target.newest_line()

    def come() -> None:
        with somebody(organisation) as who:
            claim_to_be_the_administrator(who)
            if "state=" in who.browser.url:
                who.come_back(
                    admin_consent="True", tenant=organisation.tenant_id, state=who.state
                ).sign_in(organisation.address("stranger"))
            assert "/consent/progress" not in who.browser.url, who.text
            who.assert_told(Refusal.GRANTED_BEFORE, 409)

    await asyncio.to_thread(come)
    assert target.audited(since) == [("consent_refused", Refusal.GRANTED_BEFORE)]
    await target.assert_nothing_moved()
    assert connections(organisation) == []


async def test_the_holder_of_a_link_reads_of_the_grant_and_goes_on_with_a_sign_in(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), EMPLOYEE)
    grant(organisation)

    def come() -> None:
        with somebody(organisation) as who:
            who.to_microsoft()
            assert "This is allowed already" in who.text
            assert "not given in this go-live" in who.text
            who.press("Login with SSO and go on").sign_in(organisation.address("stranger"))
            assert "/consent/progress" in who.browser.url, who.text

    await asyncio.to_thread(come)
    await organisation.until(Wait.MOVE_DATE)
    assert connections(organisation) == [None]


async def test_a_link_that_was_replaced_on_the_way_takes_no_grant(cluster: Cluster) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), EMPLOYEE)
    grant(organisation)
    target = Target(organisation)

    def come() -> None:
        with somebody(organisation) as who:
            who.to_microsoft().press("Login with SSO and go on")
            cluster.rows(
                "UPDATE golive.personal_link SET version = version + 1 WHERE go_live_id = :g",
                g=organisation.standing().go_live_id,
            )
            who.sign_in(organisation.address("stranger"))
            who.assert_told(Refusal.GRANTED_BEFORE)

    await asyncio.to_thread(come)
    await target.assert_nothing_moved()


async def test_customer_success_confirms_a_grant_and_it_is_proven_all_the_same(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), EMPLOYEE)
    grant(organisation)
    why = "Ira Tee confirmed it by telephone."
    await cluster.orders().confirm_consent(organisation.slug, why)
    await organisation.until(Wait.MOVE_DATE)
    assert connections(organisation) == [None]
    assert ("dana", "confirm_consent", why) in organisation.audit()
    assert ("workflow", "consent_proven", "") in organisation.audit()


async def test_who_cannot_be_told_from_anybody_waits_while_microsoft_is_away(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"), EMPLOYEE)
    cluster.control(
        "POST",
        "/faults",
        match={
            "tenant": organisation.tenant_id,
            "path": f"/{organisation.tenant_id}/oauth2/v2.0/token",
        },
        kind="server_error",
        retry_after=None,
        times=1,
    )

    def come() -> None:
        with somebody(organisation) as who:
            claim_to_be_the_administrator(who)
            who.assert_told(Refusal.GRANT_NOT_LOOKED_FOR, 503)
            claim_to_be_the_administrator(who)
            assert "Sign in to your account" in who.text

    await asyncio.to_thread(come)
