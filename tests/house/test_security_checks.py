"""The checks that look for secrets and vulnerabilities find what they are there to find."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import audit, find_secrets

ROOT = Path(__file__).parents[2]
# Put together here, so that this file holds none of them.
PLANTED = {
    "Entra client secret": 'secret = "' + "abc8" + "Q~" + "d" * 10 + "E5f.G" * 5 + '"',
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "AWS Access Key": "id = AKIA" + "IOSFODNN7EXAMPL3",
    "GitHub Token": "ghp_" + "Ab1" * 12,
    "Basic Auth Credentials": "url: postgresql+psycopg://pulse:" + "hunter22x@db.corp.net/pulse",
    "Secret Keyword": "client_" + "secret = " + repr("Zq81hGt5Lm"),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found_and_not_repeated(kind: str, tmp_path: Path) -> None:
    (tmp_path / "settings.txt").write_text(f"harmless\n{PLANTED[kind]}\n", encoding="utf-8")
    found = list(find_secrets.find(["settings.txt"], tmp_path))
    assert kind in {one.kind for one in found}
    assert all(one.line == 2 for one in found)
    assert PLANTED[kind] not in str(found)


def test_a_planted_secret_ends_the_check_and_says_what_to_do() -> None:
    planted = ROOT / "tests" / "house" / "planted.txt"
    planted.write_text(PLANTED["Entra client secret"], encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "scripts.find_secrets", str(planted.relative_to(ROOT))],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        planted.unlink()
    assert done.returncode == 1
    assert "tests/house/planted.txt:1: Entra client secret" in done.stderr
    assert "Q~" not in done.stderr


def test_the_baseline_holds_hashes_and_only_files_that_are_there() -> None:
    accepted = json.loads((ROOT / find_secrets.BASELINE).read_text(encoding="utf-8"))
    assert accepted
    for one in accepted:
        assert (ROOT / one["file"]).exists(), one["file"]
        assert len(one["sha1"]) == 40


def test_an_audit_names_what_is_vulnerable_and_never_calls_silence_good_news(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUDIT_MAY_BE_SILENT", raising=False)
    bad = {
        "name": "fresh",
        "version": "1.0",
        "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}],
    }
    unknown = {"name": "unheard", "skip_reason": "Dependency not found"}
    assert audit.report([bad, unknown, {"name": "good", "version": "2", "vulns": []}]) == 1
    said = capsys.readouterr().out
    assert "fresh 1.0: PYSEC-2026-1; mended in 1.1" in said
    assert "not audited: unheard" in said
    assert audit.report([unknown]) == 3
    monkeypatch.setenv("AUDIT_MAY_BE_SILENT", "1")
    assert audit.report([unknown]) == 0
    assert "NOTHING WAS AUDITED" in capsys.readouterr().out
