"""Revisions go up and down, and tables of another release are left as they are."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from database.engine import UnknownRevisionError, _alembic, migrate, open_engine


@pytest.fixture
def empty(engine: Engine) -> Iterator[Engine]:
    """A database of its own with nothing in it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE DATABASE revisions")
        own = open_engine(
            engine.url.set(database="revisions").render_as_string(hide_password=False)
        )
        yield own
        own.dispose()
        connection.exec_driver_sql("DROP DATABASE revisions")


def left(engine: Engine) -> set[str]:
    """What is there of ours, besides the table in which Alembic keeps the revision."""
    with engine.connect() as connection:
        names = connection.scalars(
            text(
                """
                SELECT n.nspname || '.' || c.relname FROM pg_class c
                JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname IN ('pulse', 'golive') AND c.relname NOT LIKE 'alembic_version%'
                UNION SELECT n.nspname || '.' || p.proname FROM pg_proc p
                JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname IN ('pulse', 'golive')
                """
            )
        )
        return set(names)


def test_every_revision_goes_up_and_down_and_up_again(empty: Engine) -> None:
    migrate(empty)
    before = left(empty)
    with _alembic(empty) as config:
        command.downgrade(config, "base")
    assert left(empty) == set()
    migrate(empty)
    assert left(empty) == before
    with _alembic(empty) as config:
        command.check(config)


def test_tables_of_another_release_are_left_as_they_are(empty: Engine) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.exec_driver_sql("UPDATE golive.alembic_version SET version_num = '0016'")
    with pytest.raises(UnknownRevisionError, match="0016"):
        migrate(empty)
    with empty.connect() as connection:
        kept = connection.scalar(text("SELECT version_num FROM golive.alembic_version"))
    assert kept == "0016"
    assert "go_live" in inspect(empty).get_table_names("golive")
