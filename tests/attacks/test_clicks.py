"""Whoever clicks without end: the go-live hears once, and customer success is still heard."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from contracts import rules
from contracts.go_live import GoLiveOutcome, Refusal, Wait
from contracts.links import LinkPurpose
from contracts.orders import OrderRefusal
from contracts.rules import MOST_DATE_CHANGES_A_DAY
from database.go_live.repeated_events import WRITTEN_EACH
from local.browser import Browser
from tests.administrators import somebody
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster, Organisation
from tests.set_up_page import Clicking, Page, clicking, pending, personal_link
from wording import sentences
from wording.orders import REFUSED

CLICKS = 2_010
"""Temporal takes 2,000 updates of a run, and 10,000 signals."""

BY_HTTP = 55
"""Clicks of each of two browsers; the others call what answers them, as that takes no minute."""


@pytest_asyncio.fixture
async def asked(cluster: Cluster) -> AsyncIterator[Organisation]:
    """A go-live that waits for the consent."""
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    yield organisation
    if organisation.progress.goes_on:
        await cluster.orders().roll_back(organisation.slug, "The test is over.")
        await organisation.ended()


async def test_two_thousand_clicks_are_one_signal_and_no_update(
    cluster: Cluster, asked: Organisation
) -> None:
    def click() -> Counter[int]:
        with clicking(cluster, asked) as contact:
            return Counter(contact.ready().status_code for _ in range(BY_HTTP))

    def call() -> Counter[int]:
        page = Page(cluster, asked)
        return Counter(page.ready().status_code for _ in range((CLICKS - 2 * BY_HTTP) // 2))

    answers = await asyncio.gather(*(asyncio.to_thread(one) for one in (click, click, call, call)))
    assert sum(answers, Counter()) == {303: CLICKS}
    await _told(cluster, asked)
    assert await asked.signals() == ["it_acknowledged"]
    assert [action for _, action, _ in asked.audit()].count("acknowledge_it") == 1
    orders = cluster.orders()
    assert (await orders.pause(asked.slug)).paused
    await orders.resume(asked.slug)
    await orders.extend(asked.slug, days=3)
    await orders.roll_back(asked.slug, "It is still taken.")
    assert (await asked.ended()).outcome is GoLiveOutcome.ROLLED_BACK


async def test_a_date_that_is_changed_all_the_time_is_one_mail_about_the_last(
    cluster: Cluster, asked: Organisation
) -> None:
    await asked.consent()
    await asked.until(Wait.MOVE_DATE)
    announced = _announced(asked)
    assert set(announced.values()) == {1}
    first = (datetime.now(UTC) + timedelta(days=20)).replace(second=0, microsecond=0)
    dates = [first + timedelta(days=number) for number in range(25)]

    def change() -> tuple[list[int], str]:
        with clicking(cluster, asked, login=asked.administrator) as contact:
            answers = [contact.ready(date) for date in dates]
            # The date that stands is no change, and is taken however often it is said.
            answers.append(contact.ready(dates[MOST_DATE_CHANGES_A_DAY - 1]))
            return [one.status_code for one in answers], answers[-2].text

    taken, said = await asyncio.to_thread(change)
    most = MOST_DATE_CHANGES_A_DAY
    assert taken == [303] * most + [429] * (25 - most) + [303]
    last = dates[most - 1]
    said = " ".join(said.split())
    assert f"Your team has changed this {most} times within a day" in said
    assert "You can change it again from" in said
    assert "your customer success manager can change it for you" in said
    await asked.until(lambda now: now.wait is Wait.MOVE_DATE and now.due_at == last)
    # A date that is still in the outbox is replaced by the next: fewer signals than dates, perhaps.
    first_signal, *dates_told = await asked.signals()
    assert first_signal == "consent_reported"
    assert dates_told == ["it_acknowledged"] * len(dates_told)
    assert 1 <= len(dates_told) <= most
    assert _announced(asked) == announced, "it has not stood for an hour"
    await asked.skip(timedelta(hours=1, minutes=5))
    for contact in (asked.contact, asked.second_contact):
        await asked.received_by(contact, sentences.instant(last).removesuffix(" UTC"))
    await asked.skip(timedelta(days=2))
    assert _announced(asked) == dict.fromkeys(announced, 2)
    # Who may not change it any more asks customer success, who may.
    other = last + timedelta(days=40)
    await cluster.orders().acknowledge(asked.slug, other)
    await asked.until(lambda now: now.wait is Wait.MOVE_DATE and now.due_at == other)


async def test_dates_that_cannot_be_are_refused_before_anything_is_written(
    cluster: Cluster, asked: Organisation
) -> None:
    refusals = {
        "2020-01-02T09:00": OrderRefusal.DATE_IN_THE_PAST,
        "0001-01-01T00:00": OrderRefusal.DATE_IN_THE_PAST,
        "9999-12-31T23:59": OrderRefusal.DATE_TOO_FAR,
        "9999-12-31T23:59-14:00": OrderRefusal.DATE_TOO_FAR,
        "0001-01-01T00:00+14:00": OrderRefusal.DATE_IN_THE_PAST,
    }
    nonsense = ("tomorrow", "2027-01-01", "2027-13-01T09:00", "T", "٢٠٢٧-٠١-٠١T٠٩:٠٠")

    def send(contact: Clicking) -> None:
        for date, refusal in refusals.items():
            answer = contact.ready(date)
            assert answer.status_code == 409, date
            assert REFUSED[refusal] in answer.text, date
        for date in nonsense:
            answer = contact.ready(date)
            assert answer.status_code == 409, date
            assert "Please give the date with an hour." in answer.text

    def come() -> None:
        with clicking(cluster, asked) as contact:
            send(contact)

    await asyncio.to_thread(come)
    assert "acknowledge_it" not in {action for _, action, _ in asked.audit()}
    assert pending(cluster, asked) == []
    assert await asked.signals() == []


async def test_once_users_move_the_date_is_refused_and_nobody_hears_of_it(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.come_to_the_move(aftercare_days=14)
    await organisation.until(Wait.AFTERCARE)
    before = await organisation.signals()

    def come() -> tuple[int, str]:
        with clicking(cluster, organisation) as contact:
            answer = contact.ready(datetime.now(UTC) + timedelta(days=9))
            return answer.status_code, answer.text

    status, text = await asyncio.to_thread(come)
    assert (status, REFUSED[OrderRefusal.MOVING_ALREADY] in text) == (409, True)
    assert "acknowledge_it" not in {action for _, action, _ in organisation.audit()}
    assert await organisation.signals() == before


async def test_a_program_that_opens_every_link_and_presses_every_button_decides_nothing(
    cluster: Cluster, asked: Organisation
) -> None:
    """As mail scanners do: it fills nothing in, and presses what it finds, page by page."""

    def come() -> list[str]:
        with Browser() as scanner:
            for purpose in (LinkPurpose.CONSENT, LinkPurpose.SETUP):
                page = cluster.endpoints.web + personal_link(cluster, asked, purpose)
                for address in (page, page.replace("/consent/", "/hand-off/")):
                    scanner.open(address)
                    for form in list(scanner._page.forms):
                        for words, *_ in form.buttons:
                            scanner.open(address)
                            with suppress(LookupError):
                                scanner.press(words)
                # A form that the page does not offer: it would end the link that works.
                scanner.open(page)
                own = {"form_token": scanner._page.forms[0].fields["form_token"]}
                scanner._http.post(f"{page}/new-link", data=own)
                scanner.open(page)
                assert scanner.status == 200
        return [action for _, action, _ in asked.audit()]

    actions = await asyncio.to_thread(come)
    for decided in ("acknowledge_it", "consent_handed_off", "consent_link_revoked"):
        assert decided not in actions
    assert await asked.signals() == []
    assert pending(cluster, asked) == []


async def test_new_links_are_asked_for_without_end_and_the_go_live_hears_of_few(
    cluster: Cluster, asked: Organisation
) -> None:
    cluster.rows(
        "UPDATE golive.personal_link SET expires_at = '2020-01-01' WHERE go_live_id = :g",
        g=asked.standing().go_live_id,
    )

    def come() -> list[int]:
        answers = []
        with clicking(cluster, asked, purpose=LinkPurpose.SETUP) as contact:
            for _ in range(30):
                answers.append(contact.new_link().status_code)
                time.sleep(0.05)
        return answers

    answers = await asyncio.to_thread(come)
    assert set(answers) == {200, 429}
    heard = await asked.signals()
    assert set(heard) == {"mail_requested"}
    assert len(heard) <= rules.NEW_LINKS_A_DAY


async def _told(cluster: Cluster, organisation: Organisation) -> None:
    async with asyncio.timeout(LONGEST_WAIT):
        while pending(cluster, organisation):
            await asyncio.sleep(0.02)


def _announced(organisation: Organisation) -> Counter[str]:
    return Counter(address for _, address, _ in organisation.mails("move_announcement"))


async def test_whoever_knows_the_domain_writes_a_few_lines_into_the_audit_trail(
    cluster: Cluster, asked: Organisation
) -> None:
    def come() -> None:
        with somebody(asked) as who:
            for _ in range(20):
                who.open("/login").press("Continue", email=asked.address("nobody"))
                who.press("Login with SSO").press("I am the administrator")
                who.come_back(error="access_denied", state=who.state)
                who.assert_told(Refusal.WENT_BACK)

    await asyncio.to_thread(come)
    refused = [action for _, action, _ in asked.audit()].count("consent_refused")
    assert refused == WRITTEN_EACH
    (counted,) = cluster.rows(
        "SELECT times FROM golive.repeated_event WHERE go_live_id = :g",
        g=asked.standing().go_live_id,
    )
    assert counted.times == 20
