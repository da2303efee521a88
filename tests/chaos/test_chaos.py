"""Many go-lives in the middle of kills and outages end as if nobody had disturbed them."""

from pathlib import Path

import pytest

from tests.chaos.__main__ import SEED
from tests.chaos.plan import LINE_FAULTS, OUTAGES
from tests.chaos.runner import run

KILLS = 36
"""With every sixth another of the six parts is taken away, with every sixth another of the six
faults of lines is made: each of them once."""


# Connections are cut in the middle of opening them, hundreds of times: some libraries leave the
# half-opened socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(900)
async def test_three_dozen_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    report = await run(tmp_path, KILLS, SEED)
    assert report.found.doubled == []
    assert report.found.everything == []
    assert report.kills == KILLS
    assert report.outages == dict.fromkeys(OUTAGES, 1)
    assert {fault: report.faults[fault] for fault in LINE_FAULTS} == dict.fromkeys(LINE_FAULTS, 1)
    assert report.attentions == []
