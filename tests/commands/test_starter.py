"""The shell: plain messages, exit statuses that hold, no traceback."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

import starter
from contracts.go_live import Wait
from database.engine import open_engine
from mail.messages import MESSAGES
from mail.preview import preview
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT, STAFF, Cluster, Organisation
from tests.shell import plain, run, shell
from workflows.staff_digest import SCHEDULE_ID


@pytest.fixture(scope="module")
def organisation(cluster: Cluster) -> Organisation:
    return cluster.create_organisation()


async def test_a_start_is_said_and_a_second_one_shows_the_first(
    cluster: Cluster, organisation: Organisation
) -> None:
    assert "is started" in plain(await run(cluster, "start", organisation.slug), 0)
    await organisation.until(Wait.ADMIN_CONSENT)
    again = plain(await run(cluster, "start", organisation.slug), 0)
    assert f"Go-live 1 of {organisation.slug} is already running" in again
    assert "Admin consent awaited" in again
    data = json.loads(plain(await run(cluster, "start", organisation.slug, "--json"), 0))
    assert data["already_running"] is True


async def test_status_answers_in_five_lines_and_as_data(
    cluster: Cluster, organisation: Organisation
) -> None:
    assert len(plain(await run(cluster, "status", organisation.slug), 0).strip().splitlines()) == 5
    data = json.loads(plain(await run(cluster, "status", organisation.slug, "--json"), 0))
    assert data["slug"] == organisation.slug
    listed = json.loads(plain(await run(cluster, "list", "--json"), 0))
    assert organisation.slug in {one["slug"] for one in listed}


ABORTING = """
import atexit, os, runpy, sys
atexit.register(os.abort)
sys.argv = ["starter.py", *sys.argv[1:]]
runpy.run_path("starter.py", run_name="__main__")
"""
"""The shell in an interpreter that aborts where it ends by itself, as one that used Temporal's
client sometimes does."""


@pytest.mark.parametrize(("slug", "status"), [("known", 0), ("nobody", 1)])
async def test_a_command_leaves_with_its_own_status_where_the_interpreter_would_abort(
    cluster: Cluster, organisation: Organisation, slug: str, status: int
) -> None:
    arguments = ("start", organisation.slug if slug == "known" else slug)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", ABORTING, *arguments],
        cwd=ROOT,
        env={**os.environ, **cluster.environment, "GOLIVE_BY": STAFF},
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert organisation.slug in done.stdout or "No organisation is called" in done.stderr


async def test_an_unknown_organisation_is_named_with_the_mend(cluster: Cluster) -> None:
    for command in ("status", "start"):
        said = plain(await run(cluster, command, "nobody"), 1)
        assert "No organisation is called 'nobody'" in said
        assert "starter.py import" in said


async def test_an_unknown_member_of_staff_may_give_no_order(
    cluster: Cluster, organisation: Organisation
) -> None:
    said = plain(await run(cluster, "start", organisation.slug, by="mallory"), 2)
    assert "'mallory' is no known staff handle" in said


async def test_an_order_that_makes_no_sense_now_is_refused_in_words(
    cluster: Cluster, organisation: Organisation
) -> None:
    said = plain(await run(cluster, "confirm-entitlement", organisation.slug), 1)
    assert "The entitlement is already confirmed." in said


@pytest.mark.parametrize(
    ("changes", "status", "expected"),
    [
        ({"GOLIVE_DATABASE_URL": None}, 1, "GOLIVE_DATABASE_URL is not set. Example:"),
        ({"GOLIVE_SECRET_KEY": "short"}, 1, "GOLIVE_SECRET_KEY must have at least 32"),
        ({"GOLIVE_STAFF_TENANT_ID": "ours"}, 1, "GOLIVE_STAFF_TENANT_ID must be a tenant's id"),
        ({"GOLIVE_PUBLIC_URL": "http://pulse.example"}, 1, "GOLIVE_PUBLIC_URL must be an https"),
        ({"GOLIVE_CLIENT_SECRET": None}, 1, "GOLIVE_CLIENT_CERTIFICATE_PATH is not set"),
        (
            {"GOLIVE_DATABASE_URL": "postgresql+psycopg://pulse:hidden@127.0.0.1:9/pulse"},
            1,
            "No database answers at 127.0.0.1:9/pulse",
        ),
    ],
)
async def test_a_wrong_setting_is_named_with_an_example(
    cluster: Cluster, changes: dict[str, str | None], status: int, expected: str
) -> None:
    environment = {**cluster.environment, **{k: v for k, v in changes.items() if v is not None}}
    for name in [name for name, value in changes.items() if value is None]:
        del environment[name]
    done = shell(environment, "status", "acme")
    assert expected in plain(done, status)
    assert "hidden" not in done.stdout + done.stderr


async def test_a_temporal_server_that_is_not_there_is_said_with_the_mend(
    cluster: Cluster, organisation: Organisation
) -> None:
    away = {**cluster.environment, "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    said = plain(shell(away, "start", organisation.slug), 1)
    assert "No Temporal server answers at 127.0.0.1:9" in said


async def test_a_database_without_tables_is_said_with_the_mend(cluster: Cluster) -> None:
    with cluster.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE DATABASE without_tables")
    empty = cluster.environment["GOLIVE_DATABASE_URL"].rsplit("/", 1)[0] + "/without_tables"
    done = shell({**cluster.environment, "GOLIVE_DATABASE_URL": empty}, "list")
    assert "is not set up. Run: python starter.py setup" in plain(done, 1)


async def test_tables_of_another_release_are_said_with_the_mend(cluster: Cluster) -> None:
    with cluster.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE DATABASE of_another_release")
    other = cluster.owner_url.rsplit("/", 1)[0] + "/of_another_release"
    engine = open_engine(other)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA golive")
        connection.exec_driver_sql(
            "CREATE TABLE golive.alembic_version AS SELECT '0016'::varchar(32) AS version_num"
        )
    engine.dispose()
    said = plain(shell({**cluster.environment, "GOLIVE_DATABASE_URL": other}, "setup"), 4)
    assert "were made by another release (revision 0016) and are left as they are" in said
    assert "Use the release that made them, or name an empty database" in said
    assert "make clean" in said
    assert len(said.strip().splitlines()) == 1


async def test_wrong_usage_leaves_with_two(cluster: Cluster) -> None:
    assert "No such command" in plain(await run(cluster, "dance"), 2)
    assert "ORG" in plain(await run(cluster, "status"), 2)


async def test_setting_up_twice_changes_nothing(cluster: Cluster) -> None:
    try:
        assert "(0 new)" in plain(await run(cluster, "setup"), 0)
    finally:
        # Other tests read mailboxes; no digest is to come to them on the hour.
        await cluster.client.get_schedule_handle(SCHEDULE_ID).delete()


async def test_the_examples_are_imported_by_the_command_in_the_readme(cluster: Cluster) -> None:
    files = [str(Path("examples") / name) for name in ("organisations.csv", "users.csv")]
    assert "Imported 3 organisations and 2,045 users." in plain(
        await run(cluster, "import", *files), 0
    )


@pytest.mark.parametrize("message", MESSAGES)
def test_every_command_that_a_mail_names_is_one(message: str) -> None:
    commands = get_command(starter.app).commands  # type: ignore[attr-defined]
    for line in re.findall(r"python starter\.py (.+)", preview(message).text):
        name, *arguments = shlex.split(line)
        options = {one for parameter in commands[name].params for one in parameter.opts}
        assert {one for one in arguments if one.startswith("--")} <= options, line
