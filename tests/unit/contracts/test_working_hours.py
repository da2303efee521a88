from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import rules
from contracts.working_hours import humane_one_by_one

ZONES = ("Europe/London", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata")


def test_two_reminders_of_one_weekend_stay_two_mails_on_two_days() -> None:
    zone = ZoneInfo("Europe/London")
    saturday = datetime(2027, 1, 9, 9, tzinfo=zone)
    monday = datetime(2027, 1, 11, 9, tzinfo=zone)
    moments = humane_one_by_one([(saturday, ["Europe/London"]), (monday, ["Europe/London"])])
    assert moments == [monday, monday + timedelta(days=1)]


@given(
    st.integers(0, 17_000).map(
        lambda hours: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    ),
    st.lists(st.tuples(st.integers(0, 200), st.sampled_from(ZONES)), max_size=6),
)
def test_every_moment_is_in_working_hours_not_earlier_and_a_day_after_the_one_before(
    opened: datetime, planned: list[tuple[int, str]]
) -> None:
    asked = [(opened + timedelta(hours=hours), [zone]) for hours, zone in sorted(planned)]
    moments = humane_one_by_one(asked)
    for moment, (wished, (zone,)) in zip(moments, asked, strict=True):
        local = moment.astimezone(ZoneInfo(zone))
        assert moment >= wished
        assert local.weekday() < 5
        assert rules.MORNING <= local.time() < rules.EVENING
    assert all(later - earlier >= timedelta(days=1) for earlier, later in pairwise(moments))


@pytest.mark.parametrize(
    "moments", [[], [(datetime(2027, 1, 5, 12, tzinfo=ZoneInfo("UTC")), ["UTC"])]]
)
def test_nothing_is_moved_that_need_not_be(moments: list[tuple[datetime, list[str]]]) -> None:
    assert humane_one_by_one(moments) == [moment for moment, _ in moments]
