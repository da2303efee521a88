"""The preview shows every message."""

import subprocess
import sys
from pathlib import Path

import pytest

from mail.errors import UnknownMessageError
from mail.messages import MESSAGES
from mail.preview import index_page, preview, write_previews
from tests.bounds import LONGEST_WAIT


def test_writes_an_index_and_every_message_in_both_forms(tmp_path: Path) -> None:
    count = write_previews(tmp_path / "previews")
    files = {file.name for file in (tmp_path / "previews").iterdir()}
    expected = {f"{message}.{part}" for message in MESSAGES for part in ("html", "txt")}
    assert files == {"index.html", *expected}
    assert count == len(MESSAGES)
    index = (tmp_path / "previews" / "index.html").read_text()
    assert all(f'href="{name}"' in index for name in expected)


def test_the_page_for_the_web_takes_the_webs_own_addresses() -> None:
    page = index_page(lambda message, part: f"/console/mails/{message}?part={part}&x=1")
    assert 'href="/console/mails/result?part=html&amp;x=1"' in page


def test_an_unknown_message_has_no_preview() -> None:
    with pytest.raises(UnknownMessageError):
        preview("birthday_wishes")


def test_the_command_says_where_to_look(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mail.preview", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=LONGEST_WAIT,
        cwd=Path(__file__).parents[2],
    )
    assert "index.html" in done.stdout
    assert (tmp_path / "index.html").exists()
