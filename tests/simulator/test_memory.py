"""Grants outlive the process when a file for them is given."""

import json
from pathlib import Path

import pytest

from local import loopback
from tests.simulator.pretend import running

TENANT = "a1a1a1a1-0000-4000-8000-000000000001"
CLIENT = "11111111-2222-3333-4444-555555555555"


def test_a_grant_is_still_there_after_a_restart(tmp_path: Path) -> None:
    kept = str(tmp_path / "grants.json")
    grant = {"application": ["User.Read.All"], "delegated": ["openid"], "all_principals": True}
    with running("--memory", kept) as base:
        loopback.request("PUT", f"{base}/_control/tenants/{TENANT}/grants/{CLIENT}", json=grant)
    with running("--memory", kept) as base:
        found = loopback.get(f"{base}/_control/tenants/{TENANT}/grants").json()["grants"]
    assert [(one["client_id"], one["application"]) for one in found] == [
        (CLIENT, ["User.Read.All"])
    ]


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    for _ in range(2):
        with running() as base:
            url = f"{base}/_control/tenants/{TENANT}/grants"
            assert loopback.get(url).json() == {"grants": []}
            loopback.request("PUT", f"{url}/{CLIENT}", json={"application": [], "delegated": []})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["no json", "[]", f'{{"{TENANT}": [{{}}]}}'])
def test_a_file_that_is_no_memory_is_refused_in_words(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulator.__main__ import main

    (tmp_path / "grants.json").write_text(content)
    assert main(["--memory", str(tmp_path / "grants.json")]) == 2
    assert "holds no kept grants" in capsys.readouterr().err


def test_the_file_holds_grants_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / "grants.json"
    with running("--memory", str(kept)) as base:
        loopback.request(
            "PUT",
            f"{base}/_control/tenants/{TENANT}/grants/{CLIENT}",
            json={"application": ["User.Read.All"], "delegated": []},
        )
    assert set(json.loads(kept.read_text())) >= {TENANT}
