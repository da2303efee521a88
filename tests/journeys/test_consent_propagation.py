"""Microsoft takes its time, or has applied less than was asked: waited out, then a person's."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from contracts.go_live import Attention, GoLiveStage, Progress, Refusal, Wait
from tests.administrators import CLIENT, Consenting, in_a_browser, somebody, waiting_for_consent
from tests.cluster import Cluster, Organisation, Person
from wording import sentences, situations
from wording.refusals import REFUSALS

FORMS = ("token_refused_400", "token_refused_401", "token_without_roles")
AGAIN = "Consent for the organisation"
STEP = timedelta(seconds=30)
"""Shorter than the longest pause between two checks at Microsoft."""


def _delay(organisation: Organisation, form: str, seconds: int) -> None:
    organisation.cluster.control(
        "POST",
        "/propagation",
        tenant=organisation.tenant_id,
        client_id=CLIENT,
        mode=form,
        seconds=seconds,
    )


async def _let_pass(
    organisation: Organisation, at_most: timedelta, until: Callable[[Progress], bool]
) -> None:
    """Move the go-live's clock and Microsoft's together, until something is true, and stays so.

    A step skips to the go-live's next timer at least: where it has just gone on, that may be the
    hour at which users move, days away.
    """
    moved = timedelta()
    while moved < at_most and not until(organisation.progress):
        organisation.cluster.control("POST", "/clock", advance_seconds=STEP.total_seconds())
        await organisation.skip(STEP)
        moved += STEP
    await organisation.until(until)


async def _read_back_at(organisation: Organisation) -> datetime:
    """Return when, on the go-live's clock, the consent was read back from Microsoft."""
    proofs = set()
    for event in (await organisation.handle.fetch_history()).events:
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name == "verify_consent":
            proofs.add(event.event_id)
        if event.activity_task_completed_event_attributes.scheduled_event_id in proofs:
            return event.event_time.ToDatetime(UTC)
    raise AssertionError("The consent was not read back.")


@pytest.mark.parametrize("form", FORMS)
async def test_ninety_seconds_are_waited_out_by_itself(cluster: Cluster, form: str) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _delay(organisation, form, 90)
    # Before Microsoft's own ninety seconds begin: however slow the browser, these are no fewer.
    began = await organisation.now()
    await in_a_browser(organisation, Consenting.accept)
    now = await organisation.until(Wait.MICROSOFT)
    assert sentences.happened(now) == REFUSALS[Refusal.NOT_CAUGHT_UP].happened
    assert REFUSALS[Refusal.NOT_CAUGHT_UP].happened in await organisation.temporal_details()
    await _let_pass(
        organisation, timedelta(minutes=4), lambda now: now.stage is GoLiveStage.USERS_MIGRATED
    )
    passed = await _read_back_at(organisation) - began
    # Ninety seconds of Microsoft's clock, which also counts what each skip of this one took.
    assert timedelta(seconds=60) <= passed < timedelta(minutes=15)
    assert organisation.mails("needs_attention") == []
    # Who consented, by which link, and that it was proven.
    whose = f"account {organisation.administrator_id}"
    assert ("system", "consent_signed_in", whose) in organisation.audit()
    assert ("workflow", "consent_proven", whose) in organisation.audit()
    (line,) = cluster.rows(
        "SELECT l.purpose FROM golive.audit_entry a JOIN golive.go_live g ON g.id = a.go_live_id "
        "JOIN golive.personal_link l ON a.subject = 'link:' || l.id "
        "WHERE a.action = 'consent_signed_in' AND g.id = :g",
        g=organisation.standing().go_live_id,
    )
    assert line.purpose == "consent"


@pytest.mark.parametrize(
    ("form", "attention"),
    [
        ("token_refused_400", Attention.MICROSOFT_NOT_CAUGHT_UP),
        ("token_without_roles", Attention.SELF_ONLY),
    ],
)
async def test_twenty_minutes_need_attention_and_retry_finishes_it(
    cluster: Cluster, form: str, attention: Attention
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    _delay(organisation, form, 20 * 60)
    await in_a_browser(organisation, Consenting.accept)
    # The fifteen minutes begin when the run has heard of it.
    await organisation.until(lambda now: now.wait is Wait.MICROSOFT or now.attention is not None)
    since = organisation.progress.since
    await _let_pass(organisation, timedelta(minutes=18), lambda now: now.attention is attention)
    gave_up = organisation.progress.since - since
    assert timedelta(minutes=13) <= gave_up <= timedelta(minutes=16)
    assert organisation.progress.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
    assert ("workflow", "consent_refused", attention.value) in organisation.audit()
    await organisation.received_by("dana@clientshare.example", situations.ATTENTION[attention][0])
    # All of Microsoft's twenty minutes, whatever has passed: so the next check is the one.
    cluster.control("POST", "/clock", advance_seconds=20 * 60)
    await cluster.orders().retry(organisation.slug)
    done = await organisation.until(Wait.MOVE_DATE)
    assert done.attention is None


def _for_oneself_only(who: Consenting) -> None:
    """Whoever writes the callback by hand meets the ordinary sign-in prompt, its box off."""
    state = who.to_microsoft().state
    who.come_back(state=state, admin_consent="True", tenant=who.organisation.tenant_id)
    who.sign_in(who.organisation.administrator)
    assert "Consent on behalf of your organization" in who.text
    who.press("Accept")
    assert "/consent/progress" in who.browser.url


def _without_one_permission(who: Consenting) -> None:
    who.organisation.cluster.control(
        "POST",
        "/consent_endings",
        tenant=who.organisation.tenant_id,
        ending=None,
        application=["User.Read.All"],
    )
    who.accept()


@pytest.mark.parametrize(
    ("act", "refusal", "attention"),
    [
        (_for_oneself_only, Refusal.SELF_ONLY, Attention.SELF_ONLY),
        (_without_one_permission, Refusal.PERMISSION_MISSING, Attention.PERMISSION_MISSING),
    ],
)
async def test_less_than_was_asked_leads_to_the_organisation_wide_consent_page(
    cluster: Cluster, act: Callable[[Consenting], None], refusal: Refusal, attention: Attention
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    advice = REFUSALS[refusal]
    with somebody(organisation) as who:
        await asyncio.to_thread(act, who)
        await _let_pass(organisation, timedelta(minutes=18), lambda now: now.attention is attention)
        assert organisation.progress.stage is GoLiveStage.ADMIN_CONSENT_AWAITED
        assert organisation.audit().count(("workflow", "consent_refused", attention.value)) == 1
        assert advice.happened in await organisation.temporal_details()
        for address in ("dana@clientshare.example", organisation.contact):
            await organisation.received_by(address, advice.happened)

        def once_more() -> None:
            who.open("/consent/progress")
            assert advice.happened in who.text
            assert advice.to_do in who.text
            who.press(AGAIN).press("Accept")

        await asyncio.to_thread(once_more)
    # Nobody had to say "retry": a new consent is as good.
    await organisation.until(Wait.MOVE_DATE)
    assert "retry" not in {action for _, action, _ in organisation.audit()}


async def test_an_application_that_is_switched_off_needs_attention_at_once(
    cluster: Cluster,
) -> None:
    organisation = await waiting_for_consent(cluster, Person("anna"))
    cluster.control(
        "POST",
        "/propagation",
        tenant=organisation.tenant_id,
        client_id=CLIENT,
        mode="token_refused_400",
        attempts=1,
    )
    await in_a_browser(organisation, Consenting.accept)
    grants = f"/tenants/{organisation.tenant_id}/grants"
    (grant,) = cluster.control("GET", grants)["grants"]
    kept = {name: grant[name] for name in ("application", "delegated", "all_principals")}
    cluster.control("PUT", f"{grants}/{CLIENT}", **kept, enabled=False)
    now = await organisation.until(lambda now: now.attention is Attention.APPLICATION_DISABLED)
    advice = REFUSALS[Refusal.APPLICATION_DISABLED]
    assert (sentences.happened(now), sentences.to_do(now)) == (advice.happened, advice.to_do)
    assert ("workflow", "consent_refused", now.attention.value) in organisation.audit()  # type: ignore[union-attr]
    for address in ("dana@clientshare.example", organisation.contact):
        await organisation.received_by(address, advice.happened)
    cluster.control("PUT", f"{grants}/{CLIENT}", **kept, enabled=True)
    await cluster.orders().retry(organisation.slug)
    await organisation.until(Wait.MOVE_DATE)
