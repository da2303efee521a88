"""Where a go-live stands is put together from its parts, which messages change before it runs."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import temporalio.workflow

from contracts.go_live import (
    Attention,
    ConsentNotGiven,
    ConsentReported,
    GoLiveOutcome,
    GoLiveStage,
    ItAcknowledged,
    Retry,
    Skip,
    StartGoLive,
    UserSignedIn,
    Wait,
)
from contracts.notices import Audience, Message
from workflows.go_live import SsoGoLive
from workflows.reminders import Reminder, ReminderSchedule

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> SsoGoLive:
    """A run that has been made, and has not begun."""
    monkeypatch.setattr(temporalio.workflow, "now", lambda: NOW)
    monkeypatch.setattr(
        temporalio.workflow, "info", lambda: SimpleNamespace(typed_search_attributes=[])
    )
    return SsoGoLive(StartGoLive("id", "organisation", "acme", 1, "dana"))


def reminder(at: datetime) -> Reminder:
    return Reminder(at, "reminder", Message.CONSENT_REMINDER, Audience.FIRST_CONTACT)


def test_a_run_begins_with_nothing_done(run: SsoGoLive) -> None:
    now = run.progress()
    assert (now.stage, now.wait, now.since) == (
        GoLiveStage.ENTITLEMENT_CONFIRMED,
        Wait.NOTHING,
        NOW,
    )
    assert now.goes_on
    assert not now.may_skip
    assert (now.due_at, now.attention, now.plan_hash, now.outcome) == (None, None, None, None)


def test_messages_may_come_before_it_runs(run: SsoGoLive) -> None:
    run.consent_reported(ConsentReported("tenant", "administrator"))
    run.consent_not_given(ConsentNotGiven("declined"))
    run.user_signed_in(UserSignedIn("user"))
    assert run._consent.reports.is_any_waiting
    assert not run.progress().consent_not_given, "the consent is not awaited yet"
    run._state.enter(GoLiveStage.ADMIN_CONSENT_AWAITED)
    assert run.progress().consent_not_given


def test_the_deadline_and_the_next_reminder_are_those_of_the_present_wait(run: SsoGoLive) -> None:
    run._state.wait_for(Wait.ADMIN_CONSENT)
    run._waits.show(ReminderSchedule(NOW + 28 * DAY, [reminder(NOW + 3 * DAY)]))
    assert run.progress().due_at == NOW + 28 * DAY
    assert run.progress().reminder_at == NOW + 3 * DAY
    run._waits.release()
    assert run.progress().due_at is None


def test_a_reminder_that_is_overdue_is_not_announced_while_microsoft_is_asked(
    run: SsoGoLive,
) -> None:
    run._state.wait_for(Wait.MICROSOFT)
    run._waits.hold(ReminderSchedule(NOW + DAY, [reminder(NOW - DAY)]))
    assert run.progress().reminder_at is None


def test_the_second_part_of_a_proof_waits_since_its_first(
    run: SsoGoLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    run._state.wait_for(Wait.MICROSOFT)
    monkeypatch.setattr(temporalio.workflow, "now", lambda: NOW + timedelta(minutes=1))
    run._state.wait_for(Wait.MICROSOFT)
    assert run.progress().since == NOW
    run._state.wait_for(Wait.ADMIN_CONSENT)
    assert run.progress().since == NOW + timedelta(minutes=1)


def test_only_the_acknowledgement_and_some_trouble_may_be_skipped(run: SsoGoLive) -> None:
    run._state.wait_for(Wait.IT_ACKNOWLEDGEMENT)
    assert run.progress().may_skip
    run._attention.show_beside(Attention.MAIL_UNAVAILABLE)
    assert not run.progress().may_skip
    run._attention.may_skip = True
    assert run.progress().may_skip


def test_a_trouble_beside_a_wait_is_retried_and_not_skipped(run: SsoGoLive) -> None:
    run._attention.show_beside(Attention.MICROSOFT_NOT_CAUGHT_UP)
    assert run.progress().attention is Attention.MICROSOFT_NOT_CAUGHT_UP
    assert not run._attention.is_retried_beside
    run._attention.answer(Retry("dana"))
    run._attention.answer(Skip("dana", 1))
    assert run._attention.is_retried_beside, "the first answer counts"
    run._attention.clear()
    assert run.progress().attention is None


def test_an_old_answer_is_none_to_a_trouble_that_is_shown_later(run: SsoGoLive) -> None:
    """A mail was stuck during a proof, and somebody said *retry*; then the proof gave up."""
    run._attention.answer(Retry("dana"))
    run._attention.show_beside(Attention.SELF_ONLY)
    assert not run._attention.is_retried_beside


def test_an_ending_ends_the_pause_and_then_the_wait(run: SsoGoLive) -> None:
    run._state.wait_for(Wait.MOVE_DATE)
    run._state.pause()
    assert run.progress().paused
    run._state.begin_ending(GoLiveOutcome.ROLLED_BACK)
    ending = run.progress()
    assert (ending.paused, ending.ending, ending.goes_on) == (
        False,
        GoLiveOutcome.ROLLED_BACK,
        False,
    )
    run._state.end(GoLiveOutcome.ROLLED_BACK)
    assert (run.progress().wait, run.progress().outcome) == (
        Wait.NOTHING,
        GoLiveOutcome.ROLLED_BACK,
    )


class TestReportsOfAConsent:
    ONE, OTHER = ConsentReported("tenant", "one"), ConsentReported("tenant", "other")

    def test_the_newest_is_proven_and_ages_from_the_stage_on(self, run: SsoGoLive) -> None:
        reports = run._consent.reports
        reports.record_consent(self.ONE)
        reports.record_consent(self.OTHER)
        asked = reports.to_verify("id", NOW + DAY)
        assert asked.administrator_object_id == "other"
        assert asked.received_at == NOW + DAY
        assert not reports.is_any_waiting

    def test_a_report_that_is_being_verified_is_not_kept_twice(self, run: SsoGoLive) -> None:
        reports = run._consent.reports
        reports.record_consent(self.ONE)
        reports.to_verify("id", NOW)
        reports.begin_check()
        reports.record_consent(self.ONE)
        assert not reports.is_any_waiting
        reports.record_consent(self.OTHER)
        assert reports.is_any_waiting
        reports.end_check()
        reports.take_newest()
        reports.record_consent(self.ONE)
        assert reports.is_any_waiting

    def test_somebody_who_could_not_consent_did_not_decline(self, run: SsoGoLive) -> None:
        reports = run._consent.reports
        reports.record_not_given(ConsentNotGiven("not_an_administrator", said_no=False))
        assert not reports.said_no
        reports.record_not_given(ConsentNotGiven("declined"))
        assert reports.said_no

    def test_a_decline_is_reported_once_until_somebody_tries_again(self, run: SsoGoLive) -> None:
        reports, no = run._consent.reports, ConsentNotGiven("declined")
        reports.record_not_given(no)
        assert reports.take_unnotified() == no
        reports.record_not_given(no)
        assert reports.take_unnotified() is None
        reports.record_consent(self.ONE)
        reports.record_not_given(no)
        assert reports.take_unnotified() == no


def test_a_date_that_was_chosen_earlier_and_told_late_changes_nothing(run: SsoGoLive) -> None:
    run._answers.acknowledge(NOW + 20 * DAY, 12)
    run.it_acknowledged(ItAcknowledged("contact:1", 10, NOW + 5 * DAY))
    assert run._answers.take_date() == NOW + 20 * DAY
    run.it_acknowledged(ItAcknowledged("contact:1", 13, NOW + 5 * DAY))
    assert run._answers.take_date() == NOW + 5 * DAY
