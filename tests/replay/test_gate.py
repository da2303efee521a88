"""The gate before a deployment: who would be stranded is named, and nobody else."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.go_live import Wait
from tests.bounds import LONGEST_WAIT
from tests.cluster import Cluster
from tests.mutations.catalogue import MUTATIONS, copy_of_the_code

REORDERED = next(one for one in MUTATIONS if one.name == "two stages change places")


def gate(folder: Path, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run the gate with the code in a folder, as `make replay` does."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TEMPORAL_", "GOLIVE_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "scripts.replay", *arguments],
        cwd=folder,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it is, with one recorded history: all of them are replayed elsewhere."""
    return with_one_history(copy_of_the_code(tmp_path_factory.mktemp("gate") / "code"))


def with_one_history(code: Path) -> Path:
    for history in (code / "tests" / "replay" / "histories").glob("*.json"):
        if history.stem != "not_entitled":
            history.unlink()
    return code


async def test_it_names_the_organisations_that_new_code_would_strand(
    cluster: Cluster, brief: Path, tmp_path: Path
) -> None:
    past, before = cluster.create_organisation(), cluster.create_organisation(sso_included="no")
    await past.start()
    await before.start()
    await past.until(Wait.ADMIN_CONSENT)
    await before.until(Wait.ENTITLEMENT)
    broken = copy_of_the_code(tmp_path / "code", brief)
    REORDERED.apply(broken)

    status, said = await asyncio.to_thread(gate, brief, cluster.environment, past.slug, before.slug)
    assert (status, "2 of 2 can go on with this code" in said) == (0, True), said

    status, said = await asyncio.to_thread(gate, broken, cluster.environment)
    assert status == 1
    assert "Recorded histories: 1 of 1 replay." in said
    assert f"  {past.slug}: Activity " in said
    # Nothing is changed for one that has not come to the changed place yet.
    assert f"  {before.slug}:" not in said
    assert "Do not deploy this code" in said
    assert "workflow.patched" in said
    for organisation in (past, before):
        await organisation.handle.cancel()


async def test_the_files_alone_are_replayed_on_request_and_it_says_so(brief: Path) -> None:
    nowhere = {"TEMPORAL_CONFIG_FILE": os.devnull}
    status, said = await asyncio.to_thread(gate, brief, nowhere, "--recorded-only")
    assert status == 0, said
    assert "1 of 1 replay" in said
    assert "Running go-lives: not looked at, as you asked." in said
    status, said = await asyncio.to_thread(gate, brief, nowhere, "--recorded-only", "northwind")
    assert status == 2
    assert "--recorded-only looks at no organisation" in said


async def test_without_an_address_it_looks_where_the_worker_does(brief: Path) -> None:
    """It once took an unset TEMPORAL_ADDRESS for no server, and said yes without looking."""
    nowhere = {"TEMPORAL_CONFIG_FILE": os.devnull}
    status, said = await asyncio.to_thread(gate, brief, nowhere)
    if "Running go-lives: not looked at" in said:
        assert status == 1
        assert "No Temporal server answers at localhost:7233" in said
        assert "--recorded-only" in said
    else:
        # A stack of somebody's is up on this machine: then its go-lives were looked at.
        assert "can go on with this code" in said


@pytest.mark.parametrize("address", ["127.0.0.1:9"])
async def test_a_cluster_that_does_not_answer_is_no_yes(brief: Path, address: str) -> None:
    away = {"TEMPORAL_CONFIG_FILE": os.devnull, "TEMPORAL_ADDRESS": address}
    status, said = await asyncio.to_thread(gate, brief, away)
    assert status == 1
    assert "Running go-lives: not looked at, so do not deploy yet." in said
    assert f"No Temporal server answers at {address}" in said
    assert "Traceback" not in said


async def test_an_unknown_organisation_is_named(cluster: Cluster, brief: Path) -> None:
    status, said = await asyncio.to_thread(gate, brief, cluster.environment, "nobody-here")
    assert status == 1
    assert "There is no go-live sso-go-live/nobody-here" in said
