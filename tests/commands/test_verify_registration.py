"""The shell's check of our app registration: what it prints, writes and leaves with."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from commands import terminal
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT
from tests.graph.registrations import (
    EXPIRED,
    PUBLIC_URL,
    Registrations,
    registrations_at_simulator,
)
from tests.graph.simulated import CALLBACK, CLIENT_ID, HOME, SECRET, Browser
from tests.shell import plain, shell


@pytest.fixture(scope="module")
def registrations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registrations]:
    with registrations_at_simulator(tmp_path_factory.mktemp("registrations")) as found:
        yield found


def _environment(registrations: Registrations, **changed: str) -> dict[str, str]:
    return {
        "GOLIVE_DATABASE_URL": "postgresql+psycopg://pulse@127.0.0.1:9/pulse",
        "GOLIVE_ENTRA_AUTHORITY": registrations.url,
        "GOLIVE_GRAPH_URL": f"{registrations.url}/graph/v1.0",
        "GOLIVE_CLIENT_ID": CLIENT_ID,
        "GOLIVE_CLIENT_SECRET": SECRET,
        "GOLIVE_SMTP_URL": "smtp://127.0.0.1:1025",
        "GOLIVE_MAIL_FROM": "sso@example.com",
        "GOLIVE_PUBLIC_URL": PUBLIC_URL,
        "GOLIVE_SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "GOLIVE_SUPPORT_ADDRESS": "support@example.com",
        "GOLIVE_STAFF_TENANT_ID": HOME,
        "COLUMNS": "80",
        **changed,
    }


def test_a_registration_to_mend_leaves_with_one_and_a_transcript(
    registrations: Registrations, tmp_path: Path
) -> None:
    file = tmp_path / "transcript.json"
    environment = _environment(registrations, GOLIVE_CLIENT_ID=EXPIRED)
    done = shell(environment, "verify-registration", "--transcript", str(file))
    said = plain(done, 1)
    assert "has ended; nobody can go live or sign in (AADSTS7000222)." in " ".join(said.split())
    assert "New client secret" in " ".join(said.split())
    assert "1 thing is to be mended." in said
    assert max(map(len, said.splitlines())) <= 80
    assert SECRET not in said
    text = file.read_text(encoding="utf-8")
    assert json.loads(text)["format"] == 1
    assert [one for one in (SECRET, EXPIRED, HOME, PUBLIC_URL) if one in text] == []


def test_a_transcript_that_cannot_be_written_is_said(
    registrations: Registrations, tmp_path: Path
) -> None:
    file = tmp_path / "nowhere" / "transcript.json"
    done = shell(_environment(registrations), "verify-registration", "--transcript", str(file))
    assert "cannot be written" in plain(done, 1)


def test_without_any_tenant_it_says_how_to_name_one(registrations: Registrations) -> None:
    environment = _environment(registrations)
    del environment["GOLIVE_STAFF_TENANT_ID"]
    assert "--tenant" in plain(shell(environment, "verify-registration"), 2)


def test_somebody_signs_in_by_a_browser_and_pastes_where_it_led(
    registrations: Registrations,
) -> None:
    kept = {name: one for name, one in os.environ.items() if not name.startswith("GOLIVE_")}
    command = subprocess.Popen(
        [sys.executable, "starter.py", "verify-registration", "--sign-in"],
        cwd=ROOT,
        env={**kept, **_environment(registrations, GOLIVE_CLIENT_SECRET_EXPIRES_ON="2099-12-31")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert command.stdout is not None
    url = next(line for line in command.stdout if line.startswith("http")).strip()
    browser = Browser()
    query = browser.until_callback(url, login="dana@home.example")
    browser.close()
    said, _ = command.communicate(f"{CALLBACK}?{urlencode(query)}\n", timeout=LONGEST_WAIT)
    assert command.returncode == 0, said
    assert "app role CustomerSuccess.Lead" in said
    assert "optional claim wids" in said
    assert "Nothing is to be mended." in said
    assert query["code"] not in said


def test_at_a_terminal_what_is_pasted_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked: list[str] = []
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(terminal, "getpass", lambda prompt: asked.append(prompt) or "pasted")
    assert terminal.ask_for_sign_in("https://pulse.example.com", "https://login/") == "pasted"
    assert "not shown" in asked[0]
    assert "https://pulse.example.com/auth/microsoft/callback" in capsys.readouterr().out
