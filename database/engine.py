"""Opens the database and migrates its schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import configure_mappers, sessionmaker
from sqlmodel import Session

Sessions = sessionmaker[Session]


class UnknownRevisionError(Exception):
    """The tables have a revision that is not among our migrations; nothing was changed."""


def open_engine(url: str, *, pool_size: int = 10) -> Engine:
    """Return an engine; nothing is connected yet.

    A connection that the server dropped is noticed and replaced when it is next used, so a
    restarted PostgreSQL costs one retry and no restart of ours.
    """
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        # A failed statement must not carry rows into an exception's text.
        hide_parameters=True,
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC"},
    )


def open_sessions(engine: Engine) -> Sessions:
    """Return the factory of sessions: `with sessions.begin() as session:` is one transaction."""
    # Now, and not at the first use: if anything interrupts SQLAlchemy while it configures models,
    # it refuses every further query.
    configure_mappers()
    return sessionmaker(engine, class_=Session, expire_on_commit=False)


def commit_without_waiting(session: Session) -> None:
    """Commit this transaction without waiting for the disk, as one of many steps.

    For work that continues from what the database holds: if PostgreSQL itself is killed, the last
    steps may be missing, each as a whole, and run again. Nobody outside may act on a step until a
    later transaction that writes and waits has committed: it makes all earlier ones durable.
    """
    session.execute(text("SET LOCAL synchronous_commit = off"))


@contextmanager
def _alembic(engine: Engine) -> Iterator[Config]:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        yield config


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; a second run changes nothing.

    Raises:
        UnknownRevisionError: another release, older or newer, made the tables.
    """
    with _alembic(engine) as config:
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            if isinstance(error.__cause__, ResolutionError):
                raise UnknownRevisionError(error.__cause__.argument) from None
            raise
