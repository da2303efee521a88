"""Whatever people see is word for word as it was: mails, pages, shell, audit trail, schema."""

import os
import re
import subprocess

import pytest_asyncio
from typer.main import get_command

import starter
from contracts.notices import Message
from database.engine import migrate, open_engine
from local.postgresql import PROGRAMS
from mail.messages import MESSAGES
from mail.preview import preview
from tests.cluster import Cluster
from tests.golden.golden import check, check_folder, normalised, readable
from tests.golden.scenes import Recording, recorded, shell

# Whichever test comes first waits for all scenes, on a machine that may have other work.


@pytest_asyncio.fixture(scope="module")
async def seen(cluster: Cluster) -> Recording:
    """The scenes are played once for all tests here."""
    return await recorded(cluster)


def test_mails() -> None:
    # Sample values are always the same: nothing has to be made alike here.
    assert {str(message) for message in Message} <= MESSAGES.keys()
    mails = {message: preview(message) for message in MESSAGES}
    check_folder(
        "mails",
        {
            f"{message}.txt": f"Subject: {mail.subject}\n\n{mail.text}\n\n"
            f"=== as HTML ===\n\n{readable(mail.html)}"
            for message, mail in mails.items()
        },
    )


def test_pages(seen: Recording) -> None:
    check_folder("pages", seen.pages)


def test_shell(cluster: Cluster, seen: Recording) -> None:
    commands = [(), *((name,) for name in get_command(starter.app).commands)]  # type: ignore[attr-defined]
    helps = {
        f"help/{''.join(command) or 'starter'}.txt": normalised(shell(cluster, *command, "--help"))
        for command in commands
    }
    check_folder("shell", seen.shell | helps)


def test_temporal(seen: Recording) -> None:
    check_folder("temporal", seen.temporal)


def test_inboxes(seen: Recording) -> None:
    check_folder("inboxes", seen.inboxes)


def test_audit(seen: Recording) -> None:
    check_folder("audit", seen.audit)


def test_schema(cluster: Cluster) -> None:
    check("schema.sql", schema_after_migrations(cluster))


def schema_after_migrations(cluster: Cluster) -> str:
    """Both schemas of a database that holds nothing but our migrations."""
    fresh = "golden_schema"
    url = re.sub(r"/\w+$", f"/{fresh}", cluster.owner_url)
    with cluster.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {fresh}")
        engine = open_engine(url)
        try:
            migrate(engine)
            dumped = subprocess.run(
                [
                    PROGRAMS / "pg_dump",
                    *("--schema-only", "--no-owner", "--schema=pulse", "--schema=golive"),
                    url.replace("+psycopg", ""),
                ],
                env={"PATH": os.defpath},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        finally:
            engine.dispose()
            connection.exec_driver_sql(f"DROP DATABASE {fresh}")
    # Comments name versions, \restrict holds a word made at random, SETs are for reading it in.
    kept = [
        line
        for line in dumped.splitlines()
        if not re.match(r"--|\\(un)?restrict|SET |SELECT pg_catalog\.set_config", line)
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept))
