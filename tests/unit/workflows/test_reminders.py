"""Reminders of a wait: which is due, which is next, and what a pause or a person does to them."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.notices import Audience, Message
from workflows.reminders import Reminder, ReminderSchedule

OPENED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def mail(day: int, name: str = "") -> Reminder:
    return Reminder(
        OPENED + day * DAY,
        name or f"reminder of day {day}",
        Message.CONSENT_REMINDER,
        Audience.FIRST_CONTACT,
        f"day {day}",
    )


def check(day: int) -> Reminder:
    return Reminder(OPENED + day * DAY, "did someone sign in?", in_business_hours=False)


def question() -> Reminder:
    return Reminder(
        OPENED,
        "consent request",
        Message.CONSENT_REQUEST,
        Audience.FIRST_CONTACT,
        "first",
        in_business_hours=False,
    )


def schedule(*reminders: Reminder, deadline: int | None = 28) -> ReminderSchedule:
    return ReminderSchedule(None if deadline is None else OPENED + deadline * DAY, list(reminders))


class TestNearest:
    def test_is_the_first_reminder(self) -> None:
        assert schedule(mail(3), mail(7)).nearest() == (OPENED + 3 * DAY, "reminder of day 3")

    def test_is_the_deadline_where_it_comes_before_the_first_reminder(self) -> None:
        assert schedule(mail(3), deadline=2).nearest() == (OPENED + 2 * DAY, "deadline")

    def test_is_nothing_without_either(self) -> None:
        assert schedule(deadline=None).nearest() == (None, "deadline")


class TestNextReminder:
    def test_is_neither_the_opening_question_nor_a_check(self) -> None:
        assert schedule(question(), check(1), mail(3)).next_reminder() == OPENED + 3 * DAY

    def test_is_none_after_the_deadline(self) -> None:
        assert schedule(mail(3), deadline=3).next_reminder() is None

    def test_goes_on_without_a_deadline(self) -> None:
        assert schedule(mail(300), deadline=None).next_reminder() == OPENED + 300 * DAY


class TestTakeDue:
    def test_takes_the_newest_and_drops_older_ones(self) -> None:
        one = schedule(mail(3), mail(7), mail(12))
        due = one.take_due(OPENED + 8 * DAY)
        assert due is not None
        assert due.idempotency_key == "day 7"
        assert [left.idempotency_key for left in one.reminders] == ["day 12"]

    def test_prefers_a_mail_to_a_later_check(self) -> None:
        due = schedule(mail(1), check(2)).take_due(OPENED + 2 * DAY)
        assert due is not None
        assert due.is_mail

    def test_takes_the_opening_question_where_no_mail_is_due(self) -> None:
        due = schedule(question(), mail(3)).take_due(OPENED)
        assert due is not None
        assert due.name == "consent request"

    def test_takes_nothing_before_its_time(self) -> None:
        one = schedule(mail(3))
        assert one.take_due(OPENED + 3 * DAY - timedelta(seconds=1)) is None
        assert len(one.reminders) == 1


class TestDeadline:
    def test_is_over_at_its_moment(self) -> None:
        one = schedule(deadline=28)
        assert not one.is_over(OPENED + 28 * DAY - timedelta(seconds=1))
        assert one.is_over(OPENED + 28 * DAY)
        assert not schedule(deadline=None).is_over(OPENED + 9999 * DAY)

    def test_that_a_person_chooses_is_heeded_at_once(self) -> None:
        one = schedule()
        one.choose(OPENED + 9 * DAY, OPENED)
        assert (one.deadline, one.moved, one.shifted) == (OPENED + 9 * DAY, True, False)

    def test_that_a_person_chooses_in_a_pause_is_heeded_later(self) -> None:
        one = schedule()
        one.choose(OPENED + 9 * DAY, OPENED, after_pause=True)
        assert (one.deadline, one.moved) == (OPENED + 9 * DAY, False)


class TestResume:
    PAUSED, NOW = OPENED + 1 * DAY, OPENED + 6 * DAY

    def test_moves_every_date_by_the_time_paused(self) -> None:
        one = schedule(mail(3), mail(7))
        one.resume(self.PAUSED, self.NOW)
        assert [left.at for left in one.reminders] == [OPENED + 8 * DAY, OPENED + 12 * DAY]
        assert one.deadline == OPENED + 33 * DAY
        assert (one.moved, one.shifted) == (True, True)

    def test_moves_stopped_reminders_too(self) -> None:
        one = schedule(mail(3))
        one.stop_reminders()
        one.resume(self.PAUSED, self.NOW)
        one.remind_again(self.NOW)
        assert [left.at for left in one.reminders] == [OPENED + 8 * DAY]

    @pytest.mark.parametrize(
        ("chosen_at", "deadline", "wanted"),
        [
            pytest.param(0, 10, 15, id="chosen before the pause: moves with it"),
            pytest.param(2, 10, 10, id="chosen during it: stays"),
            pytest.param(2, 4, 8, id="chosen during it and passed: moves by the time since"),
        ],
    )
    def test_a_deadline_that_was_chosen(self, chosen_at: int, deadline: int, wanted: int) -> None:
        one = schedule()
        one.choose(OPENED + deadline * DAY, OPENED + chosen_at * DAY, after_pause=True)
        one.resume(self.PAUSED, self.NOW)
        assert one.deadline == OPENED + wanted * DAY
        assert one.shifted is (wanted != deadline)


class TestStoppedReminders:
    def test_remind_nobody(self) -> None:
        one = schedule(mail(3), mail(7))
        one.stop_reminders()
        assert one.next_reminder() is None
        assert one.nearest() == (OPENED + 28 * DAY, "deadline")

    def test_come_back_if_they_are_still_to_come(self) -> None:
        one = schedule(mail(3), mail(7))
        one.stop_reminders()
        one.remind_again(OPENED + 3 * DAY)
        assert [left.idempotency_key for left in one.reminders] == ["day 7"]
        assert one.stopped == []


class TestBusinessHours:
    def test_bring_reminders_into_their_new_order(self) -> None:
        one = schedule(question(), mail(3, "a"), mail(4, "b"))
        asked = [(left, left.at) for left in one.mails()]
        one.put_into_business_hours(asked, [OPENED + 6 * DAY, OPENED + 5 * DAY])
        assert [left.name for left in one.reminders] == ["consent request", "b", "a"]

    def test_leave_a_reminder_that_has_moved_meanwhile(self) -> None:
        """A pause that ends while the database is asked is not forgotten."""
        one = schedule(mail(3))
        asked = [(left, left.at) for left in one.mails()]
        one.resume(OPENED, OPENED + 2 * DAY)
        one.put_into_business_hours(asked, [OPENED + 4 * DAY])
        assert [left.at for left in one.reminders] == [OPENED + 5 * DAY]
        assert (one.moved, one.in_business_hours) == (True, False)

    def test_are_asked_for_again_when_dates_or_readers_change(self) -> None:
        one = schedule(mail(3))
        assert one.in_business_hours
        one.move()
        assert (one.moved, one.in_business_hours) == (True, False)
