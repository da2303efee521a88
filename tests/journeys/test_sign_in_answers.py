"""Signing in with Microsoft when it leads into no account: each reason has its own answer."""

import asyncio
from collections.abc import Callable

import pytest

from contracts.go_live import Wait
from contracts.sign_in import SignInAnswer
from tests.administrators import CLIENT, Consenting, somebody
from tests.cluster import Cluster, Organisation, Person
from wording.pages import SIGN_IN

OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
GUEST = Person(
    "partner",
    status=None,
    directory={
        "userType": "Guest",
        "userPrincipalName": "partner_elsewhere.example#EXT#@home.example",
        "mail": "partner@elsewhere.example",
        "proxyAddresses": [],
    },
)


def _log_in(who: Consenting, account: str) -> None:
    who.open("/login").press("Continue", email=who.organisation.address("anna"))
    who.press("Login with SSO").sign_in(account)


def _guest(who: Consenting) -> None:
    _log_in(who, "partner@elsewhere.example")


def _unknown(who: Consenting) -> None:
    """In the directory, not with us."""
    _log_in(who, who.organisation.address("stranger"))


def _deactivated(who: Consenting) -> None:
    who.organisation.cluster.rows(
        "UPDATE pulse.app_user SET status = 'deactivated' WHERE address = :address",
        address=who.organisation.address("anna"),
    )
    _log_in(who, who.organisation.address("anna"))


def _of_another_tenant(who: Consenting) -> None:
    who.organisation.cluster.control(
        "POST",
        "/faults",
        match={"tenant": who.organisation.tenant_id},
        kind="id_token",
        times=1,
        claims={"tid": OTHER_TENANT},
    )
    _log_in(who, who.organisation.address("anna"))


def _cancelled(who: Consenting) -> None:
    """The consent was taken back; an administrator is asked again at the sign-in and cancels."""
    organisation = who.organisation
    organisation.cluster.control("DELETE", f"/tenants/{organisation.tenant_id}/grants/{CLIENT}")
    _log_in(who, organisation.administrator)
    who.press("Cancel")


def _taken_back(who: Consenting) -> None:
    organisation = who.organisation
    organisation.cluster.control("DELETE", f"/tenants/{organisation.tenant_id}/grants/{CLIENT}")
    _log_in(who, organisation.address("anna"))
    who.press("Return to the application without granting consent")


@pytest.mark.parametrize(
    ("act", "answer"),
    [
        (_guest, SignInAnswer.GUEST),
        (_unknown, SignInAnswer.UNKNOWN),
        (_deactivated, SignInAnswer.DEACTIVATED),
        (_of_another_tenant, SignInAnswer.OTHER_TENANT),
        (_cancelled, SignInAnswer.CANCELLED),
        (_taken_back, SignInAnswer.NOT_ALLOWED),
    ],
    ids=lambda one: one.value if isinstance(one, SignInAnswer) else "",
)
async def test_whoever_cannot_be_let_in_reads_why_and_what_to_do(
    cluster: Cluster, act: Callable[[Consenting], None], answer: SignInAnswer
) -> None:
    organisation = await _moved(cluster)

    def work() -> None:
        with somebody(organisation) as who:
            act(who)
            assert who.status == 403, who.text
            advice = SIGN_IN[answer]
            assert advice.happened in who.text, who.text
            assert advice.to_do in who.text
            who.open("/")
            assert "with Microsoft single sign-on" not in who.text

    await asyncio.to_thread(work)
    assert _refusals(organisation) == [answer.value]


def _refusals(organisation: Organisation) -> list[str]:
    """What staff see of the organisation."""
    rows = organisation.cluster.rows(
        "SELECT a.reason FROM golive.audit_entry a JOIN pulse.organisation o "
        "ON o.id = a.organisation_id WHERE action = 'sign_in_refused' AND o.slug = :slug "
        "ORDER BY a.id",
        slug=organisation.slug,
    )
    return [row.reason for row in rows]


async def _moved(cluster: Cluster) -> Organisation:
    organisation = cluster.create_organisation(
        Person("anna"), Person("ben"), Person("stranger", status=None), GUEST
    )
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(lambda now: now.wait in {Wait.FIRST_SIGN_IN, Wait.AFTERCARE})
    return organisation


@pytest.mark.parametrize(
    ("kind", "number", "answer"),
    [
        ("assignment_required", 50105, SignInAnswer.NOT_ASSIGNED),
        ("country", 53003, SignInAnswer.CONDITIONAL_ACCESS),
        ("device", 53000, SignInAnswer.CONDITIONAL_ACCESS),
        ("mfa", 50076, SignInAnswer.CONDITIONAL_ACCESS),
    ],
)
async def test_a_rule_of_the_customer_is_named_with_microsofts_number(
    cluster: Cluster, kind: str, number: int, answer: SignInAnswer
) -> None:
    organisation = await _moved(cluster)

    def work(*, redirect: bool) -> None:
        rules = [{"kind": kind, "redirect": redirect}]
        organisation.change_tenant(sign_in_rules=rules)
        with somebody(organisation) as who:
            _log_in(who, organisation.address("anna"))
            assert f"AADSTS{number}" in who.text
            if not redirect:
                # It is Microsoft's own page, and nobody comes back.
                assert who.browser.url.startswith(cluster.settings.entra_authority)
                return
            assert SIGN_IN[answer].happened in who.text
            assert SIGN_IN[answer].to_do in who.text

    await asyncio.to_thread(work, redirect=False)
    assert _refusals(organisation) == []
    await asyncio.to_thread(work, redirect=True)
    assert _refusals(organisation) == [answer.value]
    ((subject,),) = cluster.rows(
        "SELECT a.subject FROM golive.audit_entry a JOIN pulse.organisation o "
        "ON o.id = a.organisation_id WHERE action = 'sign_in_refused' AND o.slug = :slug",
        slug=organisation.slug,
    )
    assert subject.startswith(f"AADSTS{number} trace:")


async def test_before_the_consent_the_password_still_works_and_the_button_says_so(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def work() -> None:
        with somebody(organisation) as who:
            who.open("/login").press("Continue", email=organisation.address("anna"))
            who.press("Login with SSO")
            assert "One step is missing" in who.text, who.text
            who.press("I am not the administrator")
            assert who.status == 200
            assert "please use your password" in who.text

    await asyncio.to_thread(work)
    assert await organisation.signals() == []


async def test_an_administrator_without_a_link_consents_from_the_login_page(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"))
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)

    def work() -> None:
        with somebody(organisation) as who:
            who.open("/login").press("Continue", email=organisation.administrator)
            who.press("Login with SSO").press("I am the administrator")
            who.sign_in(organisation.administrator).press("Accept")
            assert "/consent/progress" in who.browser.url

    await asyncio.to_thread(work)
    await organisation.until(Wait.MOVE_DATE)
    # No account of ours is made for whoever consents.
    assert (
        cluster.rows(
            "SELECT 1 FROM pulse.app_user WHERE address = :address",
            address=organisation.administrator,
        )
        == []
    )


async def test_an_administrator_consents_again_although_an_older_connection_is_there(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(Person("anna"), Person("ben"))
    await organisation.go_live()
    cluster.control("DELETE", f"/tenants/{organisation.tenant_id}/grants/{CLIENT}")
    await organisation.start()
    await organisation.until(lambda now: now.number == 2 and now.wait is Wait.ADMIN_CONSENT)

    def whoever_has_moved(who: Consenting) -> None:
        who.open("/login").press("Continue", email=organisation.address("anna"))
        who.press("Login with SSO").press("I am not the administrator")
        # They have moved, so it is Microsoft who lets them in, as before.
        assert who.browser.url.startswith(cluster.settings.entra_authority), who.text

    def the_administrator(who: Consenting) -> None:
        who.open("/login").press("Continue", email=organisation.administrator)
        who.press("Login with SSO").press("I am the administrator")
        who.sign_in(organisation.administrator).press("Accept")
        assert "/consent/progress" in who.browser.url

    def work() -> None:
        for act in (whoever_has_moved, the_administrator):
            with somebody(organisation) as who:
                act(who)

    await asyncio.to_thread(work)
    await organisation.until(Wait.MOVE_DATE)
