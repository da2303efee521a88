from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import rules
from contracts.business_hours import (
    into_business_hours,
    into_business_hours_of_all,
    is_working_time,
    next_working_morning,
    spread_over_business_hours,
)

ZONES = ("Europe/London", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata")


def test_two_reminders_of_one_weekend_stay_two_mails_on_two_days() -> None:
    zone = ZoneInfo("Europe/London")
    saturday = datetime(2027, 1, 9, 9, tzinfo=zone)
    monday = datetime(2027, 1, 11, 9, tzinfo=zone)
    moments = spread_over_business_hours(
        [(saturday, ["Europe/London"]), (monday, ["Europe/London"])]
    )
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
    moments = spread_over_business_hours(asked)
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
    assert spread_over_business_hours(moments) == [moment for moment, _ in moments]


def local(zone: str, year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "at", "wanted"),
    [
        pytest.param("Europe/London", (2027, 1, 5, 8, 59), (2027, 1, 5, 9, 0), id="too early"),
        pytest.param("Europe/London", (2027, 1, 5, 9, 0), (2027, 1, 5, 9, 0), id="on the hour"),
        pytest.param("Europe/London", (2027, 1, 5, 16, 59), (2027, 1, 5, 16, 59), id="last minute"),
        pytest.param("Europe/London", (2027, 1, 5, 17, 0), (2027, 1, 6, 9, 0), id="too late"),
        pytest.param(
            "Europe/London", (2027, 1, 8, 17, 0), (2027, 1, 11, 9, 0), id="a Friday night"
        ),
        pytest.param("Europe/London", (2026, 12, 31, 18, 0), (2027, 1, 1, 9, 0), id="year's end"),
        pytest.param(
            "Europe/London", (2027, 12, 31, 18, 0), (2028, 1, 3, 9, 0), id="and a weekend"
        ),
        pytest.param(
            "Europe/London", (2027, 3, 27, 12, 0), (2027, 3, 29, 9, 0), id="summer begins"
        ),
        pytest.param(
            "Europe/London", (2026, 10, 24, 12, 0), (2026, 10, 26, 9, 0), id="summer ends"
        ),
        pytest.param("Pacific/Auckland", (2027, 4, 3, 9, 0), (2027, 4, 5, 9, 0), id="in the south"),
        pytest.param(
            "America/Los_Angeles", (2027, 3, 13, 9, 0), (2027, 3, 15, 9, 0), id="the west"
        ),
    ],
)
def test_a_moment_comes_into_working_hours_of_its_reader(
    zone: str, at: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    moment = into_business_hours(local(zone, *at), zone)
    assert moment == local(zone, *wanted)
    assert is_working_time(moment, zone)


def test_nine_in_the_morning_stays_nine_when_the_clocks_change() -> None:
    """Three days later is not 72 hours later, where an hour is lost in between."""
    friday = local("Europe/London", 2027, 3, 26, 9)
    monday = next_working_morning(friday, "Europe/London")
    assert monday.astimezone(ZoneInfo("Europe/London")).hour == 9
    assert monday.astimezone(UTC) - friday.astimezone(UTC) == timedelta(hours=71)


def test_a_moment_for_several_readers_lies_in_the_hours_of_all() -> None:
    zones = ["Europe/London", "America/New_York"]
    moment = into_business_hours_of_all(local("Europe/London", 2027, 1, 5, 9), zones)
    assert moment == local("America/New_York", 2027, 1, 5, 9)


def test_without_a_common_hour_the_first_reader_counts() -> None:
    zones = ["Europe/London", "Pacific/Auckland"]
    moment = into_business_hours_of_all(local("Europe/London", 2027, 1, 4, 7), zones)
    assert moment == local("Europe/London", 2027, 1, 4, 9)
