"""The list of organisations: names whole, nothing cut, at any width."""

from datetime import UTC, datetime
from io import StringIO
from uuid import uuid4

import pytest
from rich.console import Console

from commands import terminal
from contracts.go_live import GoLiveStage, Progress, Wait
from database.go_live.standings import Standing

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
LONGEST = "the-longest-name-there-may-be-of-an-organisation-has-63-letters"


def paused(slug: str) -> Standing:
    """Return an organisation whose every cell of the list has words."""
    progress = Progress(
        slug=slug,
        number=1,
        stage=GoLiveStage.ADMIN_CONSENT_AWAITED,
        wait=Wait.ADMIN_CONSENT,
        since=AT,
        due_at=AT,
        paused=True,
        plan_hash="a" * 64,
        users_done=1_200,
        users_total=44_000,
    )
    return Standing(uuid4(), slug, slug, "dana", uuid4(), progress, AT, None, signed_in=0)


def printed(width: int, *slugs: str) -> str:
    """Return the list as a terminal of this width shows it."""
    shown = StringIO()
    console = Console(file=shown, width=width)
    console.print(terminal.listed([paused(slug) for slug in slugs], console))
    return shown.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("slug", ["harbour", LONGEST[:37], LONGEST])
def test_no_word_of_the_list_is_cut_short(width: int, slug: str) -> None:
    shown = printed(width, "acme", slug)
    assert "…" not in shown
    words = shown.split()
    assert words.count(slug) == 1, "a name can be typed into the next command"
    assert {"administrator", "(paused)", "consent", "1,200", "44,000"} <= set(words)
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize("width", [20, 40])
def test_where_a_name_is_longer_than_the_terminal_is_wide_it_goes_on_below(width: int) -> None:
    assert LONGEST in printed(width, LONGEST).replace("\n", "")


def test_a_long_name_gives_each_organisation_a_second_line() -> None:
    assert printed(80, "acme", LONGEST).splitlines() == [
        "acme",
        "  Admin consent awaited · administrator (paused) · 1 Dec 2026 · 1,200 of 44,000",
        LONGEST,
        "  Admin consent awaited · administrator (paused) · 1 Dec 2026 · 1,200 of 44,000",
    ]
    assert printed(80, "acme").splitlines()[0].split()[0] == "Organisation"
