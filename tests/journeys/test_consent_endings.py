"""Every way in which a consent can end: page, mail, audit line, `status`, Temporal UI, stage."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from commands import standings as shell
from contracts.go_live import GoLiveStage, Progress, Refusal, Wait
from tests.administrators import CLIENT, RETURN, Consenting, somebody
from tests.cluster import Cluster, Organisation, Person
from wording.refusals import REFUSALS

GUEST = Person(
    "partner",
    status=None,
    directory={
        "userType": "Guest",
        "userPrincipalName": "partner_elsewhere.example#EXT#@home.example",
        "mail": "partner@elsewhere.example",
        "proxyAddresses": [],
        "roles": ["Global Administrator"],
    },
)
OWNER = "dana@clientshare.example"


@dataclass(frozen=True)
class Ending:
    """One ending: what somebody does in a browser, and everything that must be true then."""

    name: str
    act: Callable[[Consenting], Any]
    refusal: Refusal
    status: int = 400
    mail: str | None = None
    """None: nobody has to act but the person who sees the page."""
    told: tuple[str, ...] = ()
    moves: bool = False
    """The run hears of it, so `status` and the Temporal UI say the same words."""
    reminded: bool = True
    """Reminders go on."""
    action: str = "consent_refused"


def forced(ending: str | None, **more: Any) -> Callable[[Consenting], None]:
    def act(who: Consenting) -> None:
        organisation = who.organisation
        organisation.cluster.control(
            "POST", "/consent_endings", tenant=organisation.tenant_id, ending=ending, **more
        )
        who.accept()

    return act


def lying(claims: dict[str, Any] | None = None, signature: str | None = None) -> Any:
    def act(who: Consenting) -> None:
        organisation = who.organisation
        organisation.cluster.control(
            "POST",
            "/faults",
            match={"tenant": organisation.tenant_id},
            kind="id_token",
            times=1,
            claims=claims,
            signature=signature,
        )
        who.accept()

    return act


def no_administrator(who: Consenting) -> None:
    who.to_microsoft().sign_in(who.organisation.address("anna")).press(RETURN)


def approval_requested(who: Consenting) -> None:
    organisation = who.organisation
    organisation.change_tenant(admin_consent_workflow=True)
    who.to_microsoft().sign_in(organisation.address("anna")).press("Request approval")


def guest(who: Consenting) -> None:
    who.accept("partner@elsewhere.example")


def wrong_tenant(who: Consenting) -> None:
    state = who.to_microsoft().state
    who.come_back(state=state, admin_consent="True", tenant="22222222-2222-4222-8222-222222222222")


def tenant_gone(who: Consenting) -> None:
    who.organisation.cluster.control("DELETE", f"/tenants/{who.organisation.tenant_id}")
    who.to_microsoft()


def sign_in_cancelled(who: Consenting) -> None:
    """The consent page ends well, and Microsoft ends the sign-in that follows."""
    organisation = who.organisation
    state = who.to_microsoft().state
    who.come_back(state=state, admin_consent="True", tenant=organisation.tenant_id)
    who.sign_in(organisation.administrator).press("Cancel")


CONTACTS = ("it@{domain}", "it2@{domain}")
ENDINGS = [
    Ending(
        "declined",
        lambda who: who.to_microsoft().sign_in(who.organisation.administrator).press("Cancel"),
        Refusal.DECLINED,
        mail="consent_declined",
        told=(OWNER,),
        moves=True,
        reminded=False,
    ),
    Ending(
        "not an administrator",
        no_administrator,
        Refusal.NOT_AN_ADMINISTRATOR,
        mail="consent_trouble",
        told=CONTACTS,
        moves=True,
    ),
    Ending(
        "declined in Microsoft's documented word",
        forced("permission_denied", error_description="The admin canceled the consent."),
        Refusal.DECLINED,
        mail="consent_declined",
        told=(OWNER,),
        moves=True,
        reminded=False,
    ),
    Ending(
        "went back without deciding",
        forced("access_denied", error_subcode="cancel", error_description="Cancelled."),
        Refusal.WENT_BACK,
    ),
    Ending(
        "an account of another directory",
        forced("access_denied", error_description="AADSTS50020: no such account here"),
        Refusal.OTHER_DIRECTORY,
        mail="consent_trouble",
        told=CONTACTS,
        moves=True,
    ),
    Ending(
        "approval requested",
        approval_requested,
        Refusal.APPROVAL_REQUESTED,
        mail="consent_trouble",
        told=CONTACTS,
        moves=True,
    ),
    Ending(
        "an unknown error",
        forced("something_new", error_description="AADSTS99999999: What now?"),
        Refusal.OTHER,
        mail="consent_trouble",
        told=CONTACTS,
        moves=True,
    ),
    Ending(
        "our own registration",
        forced("invalid_request", error_description="AADSTS50011: no such redirect address"),
        Refusal.OUR_REGISTRATION,
    ),
    Ending(
        "a passing fault of Microsoft's",
        forced("server_error", error_description="AADSTS90033: try again"),
        Refusal.PASSING_FAULT,
    ),
    Ending("guest", guest, Refusal.GUEST, mail="consent_trouble", told=CONTACTS, moves=True),
    Ending(
        "declined at the sign-in after the consent",
        sign_in_cancelled,
        Refusal.PROOF_MISSING,
        mail="consent_trouble",
        told=CONTACTS,
        moves=True,
    ),
    Ending(
        "an error without state and tenant",
        forced("access_denied", error_subcode="cancel", omit=["state", "tenant"]),
        Refusal.ERROR_WITHOUT_STATE,
    ),
    Ending("wrong tenant", wrong_tenant, Refusal.WRONG_TENANT),
    Ending("tenant unknown", tenant_gone, Refusal.TENANT_UNKNOWN, status=409),
    Ending(
        "somebody of another tenant signs in",
        lying({"tid": "22222222-2222-4222-8222-222222222222"}),
        Refusal.OTHER_TENANT_SIGNED_IN,
    ),
    Ending(
        "an ID token signed by somebody else",
        lying(signature="foreign_key"),
        Refusal.ID_TOKEN_INVALID,
    ),
    Ending("an ID token without signature", lying(signature="none"), Refusal.ID_TOKEN_INVALID),
    Ending(
        "an ID token of another issuer",
        lying({"iss": "https://login.attacker.example/v2.0"}),
        Refusal.ID_TOKEN_INVALID,
    ),
    Ending(
        "an ID token for another application",
        lying({"aud": "33333333-3333-4333-8333-333333333333"}),
        Refusal.ID_TOKEN_INVALID,
    ),
    Ending("an ID token that has expired", lying({"exp": 1_600_000_000}), Refusal.ID_TOKEN_INVALID),
    Ending("an ID token of another sign-in", lying({"nonce": "0" * 64}), Refusal.ID_TOKEN_INVALID),
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda one: one.name)
async def test_every_ending_says_what_happened_and_who_must_do_what(
    cluster: Cluster, ending: Ending
) -> None:
    organisation = cluster.create_organisation(Person("anna"), GUEST)
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await asyncio.to_thread(_act, organisation, ending)
    await _assert_heard(organisation, ending)
    assert (ending.action, ending.refusal.value) in {
        (action, reason) for _, action, reason in organisation.audit()
    }
    if ending.refusal is not Refusal.TENANT_UNKNOWN:
        await _assert_still_open(organisation)


def _act(organisation: Organisation, ending: Ending) -> None:
    with somebody(organisation) as who:
        ending.act(who)
        who.assert_told(ending.refusal, ending.status)


async def _assert_heard(organisation: Organisation, ending: Ending) -> None:
    """Stage, `status`, Temporal UI and mail agree with the page."""
    if not ending.moves:
        # The run was told nothing: its history holds no signal, and nobody got a mail.
        assert await organisation.signals() == []
        assert _troubles(organisation) == []
        progress = organisation.progress
        assert (progress.wait, progress.refusal) == (Wait.ADMIN_CONSENT, None)
        return
    progress = await organisation.until(
        lambda now: now.refusal is ending.refusal and now.wait is Wait.ADMIN_CONSENT
    )
    assert progress.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    advice = REFUSALS[ending.refusal]
    words = shell.as_data(organisation.standing())["words"]
    assert (words["why"], words["next"]) == (advice.happened, advice.to_do)
    details = await organisation.temporal_details()
    assert advice.happened in details
    assert advice.to_do in details
    told = tuple(sorted(one.format(domain=organisation.domain) for one in ending.told))
    # The mail goes out beside the wait.
    expected = [(ending.mail, one, "sent") for one in told]
    await organisation.until(lambda _: _troubles(organisation) == expected)
    for address in told:
        mail = organisation.newest_mail_to(address)
        assert advice.happened in mail, mail
    assert await _is_reminded(organisation) is ending.reminded


def _troubles(organisation: Organisation) -> list[tuple[str, str, str]]:
    kinds = {"consent_declined", "consent_trouble", "needs_attention"}
    return sorted(one for one in organisation.mails() if one[0] in kinds)


async def _is_reminded(organisation: Organisation) -> bool:
    """Whether something is sent before the deadline: the timer says which reminder comes next."""
    return "reminder" in await organisation.newest_timer()


async def _assert_still_open(organisation: Organisation) -> None:
    """Whatever ended before: the same link, another browser, and the consent is proven."""
    organisation.cluster.control(
        "DELETE", f"/tenants/{organisation.tenant_id}/grants/{CLIENT}", missing_ok=True
    )

    def consents() -> None:
        with somebody(organisation) as who:
            who.accept()
            assert "/consent/progress" in who.browser.url, who.text

    await asyncio.to_thread(consents)
    progress: Progress = await organisation.until(Wait.MOVE_DATE)
    assert progress.refusal is None
