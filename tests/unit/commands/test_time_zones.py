"""Which time zones an import takes, and by which name they are stored."""

from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

import pytest
from tzlocal.windows_tz import win_tz

from commands.time_zones import canonical_name

NAMES = {
    "Europe/Berlin": "Europe/Berlin",
    "europe/berlin": "Europe/Berlin",
    "Europe/Copenhagen": "Europe/Copenhagen",
    "US/Pacific": "America/Los_Angeles",
    "Asia/Calcutta": "Asia/Kolkata",
    "Europe/Kiev": "Europe/Kyiv",
    "Japan": "Asia/Tokyo",
    "GB": "Europe/London",
    "UTC": "UTC",
    "Etc/UTC": "UTC",
    "GMT": "UTC",
    "Zulu": "UTC",
    "UCT": "UTC",
    "Greenwich": "UTC",
    "GB-Eire": "Europe/London",
    "NZ": "Pacific/Auckland",
    "W-SU": "Europe/Moscow",
    "Navajo": "America/Denver",
    "Australia/ACT": "Australia/Sydney",
    "America/Godthab": "America/Nuuk",
    "America/New York": "America/New_York",
    " US/Eastern ": "America/New_York",
    "GMT Standard Time": "Europe/London",
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Central European Standard Time": "Europe/Warsaw",
    "Pacific Standard Time": "America/Los_Angeles",
    "W. Europe Standard Time": "Europe/Berlin",
    "India Standard Time": "Asia/Kolkata",
}
NONE = [
    "",
    "localtime",
    "Factory",
    "posixrules",
    "EST",
    "CET",
    "EST5EDT",
    "CST6CDT",
    "MST7MDT",
    "MET",
    "PST",
    "BST",
    "CEST",
    "Z",
    "UTC+01:00",
    "Pacific Time",
    "Kamchatka Standard Time",
    "W. Europe Daylight Time",
    "zone.tab",
    "leapseconds",
    "Europe",
    "Europe/Berlin\u200b",
    "Etc/GMT+5",
    "UTC-11",
    "Etc/Unknown",
    "posix/Europe/Berlin",
    "right/Europe/Berlin",
    "../etc/passwd",
    "Mars/Base",
    "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
]


@pytest.mark.parametrize(("written", "stored"), NAMES.items(), ids=NAMES)
def test_a_time_zone_is_stored_by_its_present_name(written: str, stored: str) -> None:
    assert canonical_name(written) == stored


@pytest.mark.parametrize("written", NONE)
def test_a_zone_without_a_place_is_none(written: str) -> None:
    assert canonical_name(written) is None


def test_every_stored_name_is_in_the_locked_package() -> None:
    stored = {name for one in [*available_timezones(), *win_tz] if (name := canonical_name(one))}
    assert len(stored) > 400
    for name in stored:
        with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
            assert ZoneInfo.from_file(file, name).key == name
