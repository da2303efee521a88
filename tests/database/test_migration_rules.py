"""A migration runs while the old release serves: it waits for nobody long, and breaks nothing."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

import database.engine as rooms
from database.engine import Limits, migrate, open_engine
from database.faults import DatabaseFault, fault_of
from tests.bounds import LONGEST_WAIT

SQUAWK = shutil.which("squawk", path=str(Path(sys.executable).parent)) or shutil.which("squawk")
needs_squawk = pytest.mark.skipif(SQUAWK is None, reason="squawk-cli is not installed")

FIRST = "0001_tables"
"""Makes empty tables, for which no rule is needed."""

HEAD = '''"""An artificial second version."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001_tables"


def upgrade() -> None:
'''
GOOD = """\
    op.execute("ALTER TABLE golive.staff ADD COLUMN team text")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS staff_team ON golive.staff (team)")
"""
BAD = {
    "an index that holds up writers": 'op.execute("CREATE INDEX of_team ON golive.staff (name)")',
    "a column that the old release does not fill": (
        'op.execute("ALTER TABLE golive.staff ADD COLUMN team text NOT NULL")'
    ),
    "a column that the old release reads": (
        'op.execute("ALTER TABLE golive.staff DROP COLUMN name")'
    ),
    "another name for what the old release reads": (
        'op.execute("ALTER TABLE golive.staff RENAME COLUMN name TO called")'
    ),
    "another type": 'op.execute("ALTER TABLE golive.staff ALTER COLUMN name TYPE varchar(10)")',
    "a check of every row": (
        'op.execute("ALTER TABLE golive.staff ADD CONSTRAINT named CHECK (name IS NOT NULL)")'
    ),
}
DDL = re.compile(r"\s*(CREATE|ALTER|DROP|COMMENT|REINDEX|TRUNCATE)\b", re.IGNORECASE)
NOT_OURS = ("prefer-robust-stmts", "require-timeout-settings", "prefer-text-field")
"""Alembic knows what has run; `MIGRATIONS` sets the limits; and a matter of taste."""


@pytest.fixture
def old(engine: Engine) -> Iterator[Engine]:
    """A database with the tables of today."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE DATABASE old_release")
        address = engine.url.set(database="old_release").render_as_string(hide_password=False)
        own = open_engine(address)
        migrate(own)
        yield own
        own.dispose()
        connection.exec_driver_sql("DROP DATABASE old_release WITH (FORCE)")


@pytest.fixture
def with_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts one more migration behind ours, with this body."""

    def add(body: str) -> None:
        copy = tmp_path / "database"
        shutil.copytree(Path(rooms.__file__).parent / "migrations", copy / "migrations")
        (copy / "migrations" / "versions" / "0002_next.py").write_text(HEAD + body)
        monkeypatch.setattr(rooms, "__file__", str(copy / "engine.py"))

    return add


def made_by(migrating: Engine) -> str:
    """Migrate, and return what that changed in the schema, as SQL."""
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if DDL.match(statement):
            statements.append(f"{statement.strip().rstrip(';')};")

    event.listen(migrating, "before_cursor_execute", note)
    try:
        migrate(migrating)
    finally:
        event.remove(migrating, "before_cursor_execute", note)
    return "\n".join(statements)


def faults_of(sql: str, folder: Path) -> str:
    """What the linter says; empty where it has nothing to say."""
    assert SQUAWK is not None
    file = folder / "migration.sql"
    file.write_text(sql)
    done = subprocess.run(
        [SQUAWK, f"--exclude={','.join(NOT_OURS)}", "--pg-version=16", str(file)],
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@needs_squawk
def test_every_migration_after_the_first_keeps_to_the_rules(old: Engine, tmp_path: Path) -> None:
    """All of them run again, behind the first, as an installation of today meets them."""
    with rooms._alembic(old) as config:
        command.downgrade(config, FIRST)
    assert faults_of(made_by(old), tmp_path) == ""


@needs_squawk
def test_what_only_adds_is_taken(
    old: Engine, with_next: Callable[[str], None], tmp_path: Path
) -> None:
    with_next(GOOD)
    sql = made_by(old)
    assert "CONCURRENTLY" in sql
    assert faults_of(sql, tmp_path) == ""


@needs_squawk
@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_what_would_hold_up_or_break_the_old_release_is_refused(
    old: Engine, with_next: Callable[[str], None], tmp_path: Path, body: str
) -> None:
    with_next(f"    {body}\n")
    assert "warning" in faults_of(made_by(old), tmp_path)


def test_the_old_release_serves_while_the_next_version_comes(
    old: Engine, with_next: Callable[[str], None]
) -> None:
    with_next(GOOD)
    read, write = (
        text("SELECT count(*) FROM golive.staff"),
        text("INSERT INTO pulse.failed_login (subject_sha256, at) VALUES (:s, :at)"),
    )
    values = {"s": b"x" * 32, "at": "2026-01-01 00:00Z"}
    next_release = open_engine(old.url.render_as_string(hide_password=False))
    with old.begin() as busy:
        busy.execute(write, values)
        migrate(next_release)
        busy.execute(write, values)
        busy.execute(read)
    with next_release.begin() as connection:
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'golive.staff_team'::regclass"
        assert connection.exec_driver_sql(valid).scalar_one() is True
    next_release.dispose()


def test_a_migration_gives_up_soon_rather_than_hold_up_everybody_behind_it(
    old: Engine, with_next: Callable[[str], None]
) -> None:
    with_next(GOOD)
    address = old.url.render_as_string(hide_password=False)
    next_release = open_engine(address, limits=Limits(statement=0, lock=1))
    with old.begin() as busy:
        busy.exec_driver_sql("SELECT count(*) FROM golive.staff")
        with pytest.raises(DBAPIError) as given_up:
            migrate(next_release)
        assert fault_of(given_up.value) is DatabaseFault.LOCKED
        busy.exec_driver_sql("SELECT count(*) FROM golive.staff")
    # Nothing is left half-done: it comes at the next try.
    migrate(next_release)
    next_release.dispose()
