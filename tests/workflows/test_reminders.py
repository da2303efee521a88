"""Reminders in skipped time: each once, in business hours, until somebody answers."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

from contracts import rules
from contracts.go_live import GoLiveOutcome, Progress, Wait
from tests.bounds import LONGEST_WAIT
from tests.cluster import A_WHILE, Cluster, Organisation, Person
from tests.workflows.driver import bring_to, new_organisation
from tests.workflows.schedule import (
    A_MOMENT,
    TO_FIRST_CONTACT,
    TO_SECOND_CONTACT,
    count_by_message,
    is_in_business_hours,
    ledger,
    sent_more_than_once,
    within_a_day,
)
from wording import sentences

SECOND = timedelta(seconds=1)
TIME_ZONES = ("Europe/London", "Pacific/Auckland", "America/Los_Angeles")
REMINDERS = (
    "entitlement_reminder",
    "it_acknowledgement_reminder",
    "consent_reminder",
    "consent_escalation",
)


async def test_customer_success_is_reminded_until_the_entitlement_is_too_late(
    cluster: Cluster,
) -> None:
    await asyncio.gather(*(_nobody_answers_about_entitlement(cluster, zone) for zone in TIME_ZONES))


async def _nobody_answers_about_entitlement(cluster: Cluster, time_zone: str) -> None:
    organisation = cluster.create_organisation(sso_included="no", time_zone=time_zone)
    await organisation.start(skipping=True)
    assert (await organisation.ended()).outcome is GoLiveOutcome.NOT_ENTITLED
    mails = ledger(organisation)
    assert count_by_message(mails) == {
        "entitlement_question": 1,
        "entitlement_reminder": len(rules.ENTITLEMENT_REMINDERS),
        "closing_notice": 1,
    }
    _check(mails)
    opened, *_, closed = mails
    assert timedelta(days=28) <= closed.due_at - opened.due_at < timedelta(days=28) + A_MOMENT


async def test_customer_it_and_then_the_administrator_are_reminded_until_the_consent_expires(
    cluster: Cluster,
) -> None:
    await asyncio.gather(*(_nobody_answers_at_the_customer(cluster, zone) for zone in TIME_ZONES))


async def _nobody_answers_at_the_customer(cluster: Cluster, time_zone: str) -> None:
    organisation = cluster.create_organisation(it_acknowledgement="yes", time_zone=time_zone)
    await organisation.start(skipping=True)
    assert (await organisation.ended()).outcome is GoLiveOutcome.CONSENT_EXPIRED
    mails = ledger(organisation)
    assert count_by_message(mails) == {
        "it_pack": 1,
        "it_acknowledgement_reminder": len(rules.ACKNOWLEDGEMENT_REMINDERS),
        "consent_request": 1,
        "consent_reminder": TO_FIRST_CONTACT,
        "consent_escalation": 1,
        "closing_notice": 1,
    }
    _check(mails)
    reminded = [one.address for one in ledger(organisation, "consent_reminder")]
    assert Counter(reminded) == {
        organisation.contact: TO_FIRST_CONTACT,
        organisation.second_contact: TO_SECOND_CONTACT,
    }
    assert {one.address for one in ledger(organisation, "consent_request")} == {
        organisation.contact
    }


async def test_the_second_contact_lives_elsewhere_and_both_are_written_to_in_working_hours(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation(time_zone="Pacific/Auckland")
    cluster.rows(
        "UPDATE golive.contact SET time_zone = 'America/Los_Angeles' WHERE address = :address",
        address=organisation.second_contact,
    )
    await organisation.start(skipping=True)
    assert (await organisation.ended()).outcome is GoLiveOutcome.CONSENT_EXPIRED
    reminders = ledger(organisation, "consent_reminder")
    assert len(reminders) == TO_FIRST_CONTACT + TO_SECOND_CONTACT
    _check(ledger(organisation))


async def test_a_consent_between_any_two_reminders_stops_the_rest(cluster: Cluster) -> None:
    every = range(len(rules.CONSENT_REMINDERS) + 1)
    await asyncio.gather(*(_consent_after(cluster, before) for before in every))


async def _consent_after(cluster: Cluster, reminders_before: int) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await _let_be_reminded(organisation, reminders_before)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    assert _count(organisation) == reminders_before
    await _roll_back(organisation)
    assert _count(organisation) == reminders_before


async def _let_be_reminded(organisation: Organisation, times: int) -> None:
    """Skip to so many reminders, one after another."""
    for sent in range(1, times + 1):
        await organisation.skip_to_reminder()
        await organisation.until(lambda _, sent=sent: _count(organisation) == sent)


def _count(organisation: Organisation) -> int:
    """How many reminders have gone out, each to one or several people."""
    return count_by_message(ledger(organisation, *REMINDERS)).total()


async def test_a_pause_across_a_reminder_moves_dates_by_the_time_paused(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    orders, slug = cluster.orders(), organisation.slug
    await organisation.start()
    before = await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.skip(timedelta(days=1))
    pausing_at = await organisation.now()
    await orders.pause(slug, "The customer's IT team is away.")
    paused_at = await organisation.now()
    await organisation.skip(timedelta(days=40))
    assert ledger(organisation, *REMINDERS) == []
    assert organisation.standing().progress.wait is Wait.ADMIN_CONSENT  # type: ignore[union-attr]
    resuming_at = await organisation.now()
    resumed = await orders.resume(slug)
    resumed_at = await organisation.now()
    assert before.due_at is not None
    assert resumed.due_at is not None
    paused = resumed.due_at - before.due_at
    assert resuming_at - paused_at <= paused <= resumed_at - pausing_at
    await cluster.skipper.fast_forward(organisation.handle, None)
    assert (await organisation.ended()).outcome is GoLiveOutcome.CONSENT_EXPIRED
    mails = ledger(organisation)
    assert count_by_message(mails)["consent_reminder"] == TO_FIRST_CONTACT
    assert min(one.due_at for one in ledger(organisation, *REMINDERS)) > resuming_at
    _check(mails)


async def test_the_next_reminder_is_known_from_each_reminder_to_the_last(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    promised: list[datetime] = []

    def is_new(now: Progress) -> bool:
        return now.reminder_at is not None and now.reminder_at not in promised

    for _ in rules.CONSENT_REMINDERS:
        reminder_at = (await organisation.until(is_new)).reminder_at
        assert reminder_at is not None
        promised.append(reminder_at)
        await organisation.skip(reminder_at - await organisation.now() + A_WHILE)
    last = await organisation.until(lambda now: now.reminder_at is None)
    assert sentences.by_itself(last).startswith(
        "No reminder goes out; without a consent it ends on"
    )
    sent = sorted({one.due_at for one in ledger(organisation, *REMINDERS)})
    for said, did in zip(promised, sent, strict=True):
        assert timedelta() <= did - said < A_MOMENT
    await _roll_back(organisation)


async def test_what_is_chosen_during_a_pause_stays_as_chosen(cluster: Cluster) -> None:
    """A date that passes before the pause is over moves by the time since it was chosen."""
    organisation = cluster.create_organisation()
    orders, slug = cluster.orders(), organisation.slug
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await orders.pause(slug)
    await organisation.skip(timedelta(days=6))
    extended = await orders.extend(slug, await organisation.now() + timedelta(days=20))
    await organisation.skip(timedelta(days=2))
    resumed = await orders.resume(slug)
    assert extended.due_at is not None
    assert resumed.due_at is not None
    assert resumed.due_at == extended.due_at
    await orders.pause(slug)
    chosen_at = await organisation.now()
    extended = await orders.extend(slug, chosen_at + timedelta(days=1))
    extended_at = await organisation.now()
    await organisation.skip(timedelta(days=3))
    resuming_at = await organisation.now()
    resumed = await orders.resume(slug)
    resumed_at = await organisation.now()
    assert extended.due_at is not None
    assert resumed.due_at is not None
    moved = resumed.due_at - extended.due_at
    assert resuming_at - extended_at <= moved <= resumed_at - chosen_at
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    await orders.pause(slug)
    await organisation.skip(timedelta(days=1))
    chosen = (await organisation.now() + timedelta(days=10)).replace(microsecond=0)
    await orders.acknowledge(slug, chosen)
    await organisation.skip(timedelta(days=3))
    await orders.resume(slug)
    moves = await organisation.until(lambda now: not now.paused and now.due_at is not None)
    assert moves.due_at == chosen
    await _roll_back(organisation)


async def test_a_deadline_moves_both_ways_and_takes_the_consent_link_with_it(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    orders, slug = cluster.orders(), organisation.slug
    await organisation.start()
    before = await organisation.until(Wait.ADMIN_CONSENT)
    assert before.due_at is not None
    later = await orders.extend(slug, before.due_at + timedelta(days=30))
    assert later.due_at == before.due_at + timedelta(days=30)
    await organisation.skip(timedelta(days=35))
    standing = organisation.standing().progress
    assert standing is not None
    assert standing.wait is Wait.ADMIN_CONSENT
    ((expires_at,),) = cluster.rows(
        """
        SELECT max(k.expires_at) FROM golive.personal_link k
        JOIN golive.contact c ON c.id = k.contact_id WHERE c.address = :address
        AND k.purpose = 'consent'
        """,
        address=organisation.contact,
    )
    assert expires_at == later.due_at
    sooner = await orders.extend(slug, await organisation.now() + timedelta(hours=2))
    await organisation.skip(timedelta(hours=3))
    result = await organisation.ended()
    assert result.outcome is GoLiveOutcome.CONSENT_EXPIRED
    closed = ledger(organisation, "closing_notice")[0]
    assert sooner.due_at is not None
    assert closed.due_at - sooner.due_at < A_MOMENT
    assert (
        count_by_message(ledger(organisation, "consent_reminder"))["consent_reminder"]
        == TO_FIRST_CONTACT
    )


async def test_a_sooner_deadline_overtakes_reminders_that_were_still_to_come(
    cluster: Cluster,
) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await cluster.orders().extend(organisation.slug, await organisation.now() + timedelta(days=1))
    await organisation.skip(timedelta(days=2))
    assert (await organisation.ended()).outcome is GoLiveOutcome.CONSENT_EXPIRED
    assert ledger(organisation, *REMINDERS) == []


def _check(mails: list) -> None:  # type: ignore[type-arg]
    """Once each, in business hours, and never two within a day to anyone."""
    assert all(one.state == "sent" for one in mails)
    assert sent_more_than_once(mails) == []
    outside = [one for one in mails if one.message in REMINDERS and not is_in_business_hours(one)]
    assert outside == []
    assert within_a_day(mails) == []


async def _roll_back(organisation: Organisation) -> None:
    await organisation.cluster.orders().roll_back(organisation.slug, "The test is over.")
    assert (await organisation.ended()).outcome is GoLiveOutcome.ROLLED_BACK


ANSWERS = {
    "move_announcement": "the administrator consented, or somebody chose another date",
    "approval_needed": "the announced hour came, and it cannot go on without a yes",
    "result": "one of the first users signed in",
}
"""What may follow another mail within a day, and whose act it answers."""


async def test_in_a_whole_go_live_nobody_gets_two_mails_a_day_unless_a_person_acted(
    cluster: Cluster,
) -> None:
    organisation = new_organisation(cluster)
    await bring_to(organisation, Wait.AFTERCARE)
    await organisation.skip(timedelta(days=15))
    assert (await organisation.ended()).outcome is GoLiveOutcome.LIVE
    mails = ledger(organisation)
    assert all(one.state == "sent" for one in mails)
    assert sent_more_than_once(mails) == []
    # Eight moved, one of them signed in: seven are reminded, twice.
    assert count_by_message(mails)["sign_in_reminder"] == 2
    assert len(ledger(organisation, "sign_in_reminder")) == 14
    assert [
        one for one in ledger(organisation, "sign_in_reminder") if not is_in_business_hours(one)
    ] == []
    unasked = [pair for pair in within_a_day(mails) if pair[2] not in ANSWERS]
    assert unasked == []


async def test_a_pause_stops_the_reminders_to_users_in_their_midst(cluster: Cluster) -> None:
    """The relay lets two of three wait; one of these signs in before it goes on."""
    names = ("anna", "ben", "cleo")
    organisation = cluster.create_organisation(*(Person(name) for name in names))
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(Wait.AFTERCARE)
    until = organisation.user("anna")["password_until"]
    for name in ("anna", "cleo"):
        cluster.mail_faults(defer=organisation.address(name), times=4)
    due = organisation.progress.reminder_at
    assert due is not None
    await organisation.skip(due - await organisation.now() + SECOND)
    await _reminded(organisation, anna="queued", ben="sent", cleo="queued")
    await cluster.orders().pause(organisation.slug)
    cluster.mail_faults()
    async with asyncio.timeout(LONGEST_WAIT):
        while (await organisation.handle.describe()).raw_description.pending_activities:
            await asyncio.sleep(0.05)
    await _reminded(organisation, anna="queued", ben="sent", cleo="queued")
    await organisation.sign_in("cleo")
    await organisation.skip(timedelta(days=20))
    await cluster.orders().resume(organisation.slug)
    await _reminded(organisation, anna="sent", ben="sent", cleo="withdrawn")
    told = organisation.newest_mail_to(organisation.address("anna"))
    assert f"stops working after {sentences.day(until + timedelta(days=20))}" in told
    await organisation.handle.cancel()


async def _reminded(organisation: Organisation, **states: str) -> None:
    """Return once the reminders to sign in are so, one each."""
    wanted = {(organisation.address(name), state) for name, state in states.items()}
    async with asyncio.timeout(LONGEST_WAIT):
        while {row[1:] for row in organisation.mails("sign_in_reminder")} != wanted:
            await asyncio.sleep(0.05)
    assert len(organisation.mails("sign_in_reminder")) == len(states)
