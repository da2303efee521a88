"""Opens the database and migrates its schema."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from psycopg.abc import PQGen
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.orm import configure_mappers, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from database.faults import ReadOnlyError, drops_connection

Sessions = sessionmaker[Session]
Answer = TypeVar("Answer")


class UnknownRevisionError(Exception):
    """The tables have a revision that is not among our migrations; nothing was changed."""


class OtherEncodingError(Exception):
    """The database keeps text otherwise than as UTF-8, and so cannot hold every name."""


class Limits(NamedTuple):
    """How long one statement may take, by what the process is for; in seconds, 0 is for ever."""

    statement: int
    lock: int
    """Of it, waiting for a lock that somebody else holds."""


PAGES = Limits(statement=30, lock=10)
"""Somebody waits before a browser."""
WORK = Limits(statement=600, lock=120)
"""Activities and commands, which read and move a million users in few statements."""
MIGRATIONS = Limits(statement=0, lock=5)
"""The old release serves meanwhile, and behind a lock that is waited for everybody waits."""

SILENCE_SECONDS = 5
"""So long after its statement's limit an answer of the server is waited for."""

_LINE_CHECKS = {
    # A line that a firewall dropped in silence is noticed within twenty seconds, busy or idle.
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up when the server is silent for longer than a statement may take.

    What lies between, such as a proxy that hangs, may acknowledge every packet, so that the
    system's own checks of the line see nothing wrong.
    """

    longest_wait: float | None = None

    def wait(
        self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None
    ) -> Answer:
        """Wait for one answer.

        Raises:
            OperationalError: none came in time; the connection is closed.
        """
        try:
            return super().wait(gen, interval, self.longest_wait if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.errors.ConnectionTimeout(
                "the server is silent: timeout expired"
            ) from None


def open_engine(
    url: str,
    *,
    pool_size: int = 10,
    limits: Limits = WORK,
    ca_bundle: Path | None = None,
    transaction_pooling: bool = False,
) -> Engine:
    """Return an engine; nothing is connected yet.

    A connection that the server dropped is noticed and replaced when it is next used, so a
    restarted PostgreSQL costs one retry and no restart of ours. One to a server that has become
    read-only, as after a failover, is dropped with all others at its first refusal.

    Args:
        url: with the driver `postgresql+psycopg`; its own options are kept.
        pool_size: connections kept; twice as many are opened at most.
        limits: how long statements may take.
        ca_bundle: authorities that the server's certificate is held against, where the address
            has no `sslrootcert`.
        transaction_pooling: a pooler gives each transaction another connection to the server, so
            nothing may be kept on one.
    """
    parsed = make_url(url)
    arguments = _line(parsed, ca_bundle)
    server_settings = {
        "statement_timeout": f"{limits.statement}s",
        "lock_timeout": f"{limits.lock}s",
    }
    if transaction_pooling:
        arguments["prepare_threshold"] = None
    else:
        ours = " ".join(f"-c {name}={value}" for name, value in server_settings.items())
        # The later one counts: whoever runs the database may choose other limits.
        arguments["options"] = f"{ours} {_options(parsed)} -c timezone=UTC"

    def connect(
        _dialect: Dialect,
        _record: ConnectionPoolEntry,
        given: tuple[str, ...],
        named: dict[str, Any],
    ) -> BoundedConnection:
        connection = BoundedConnection.connect(*given, **named)
        if limits.statement:
            connection.longest_wait = limits.statement + SILENCE_SECONDS
        return connection

    engine = create_engine(
        parsed,
        connect_args=arguments,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        # A failed statement must not carry rows into an exception's text.
        hide_parameters=True,
    )
    event.listen(engine, "do_connect", connect)
    event.listen(engine, "handle_error", _drop_useless)
    if transaction_pooling:
        event.listen(engine, "begin", _setter({"timezone": "UTC", **server_settings}))
    return engine


def _line(url: URL, ca_bundle: Path | None) -> dict[str, Any]:
    """Return what is set for a connection where its address does not say otherwise."""
    # A standby answers and takes nothing; where the address names several servers, the next is it.
    wanted: dict[str, Any] = {
        "connect_timeout": 5,
        "client_encoding": "utf8",
        "target_session_attrs": "read-write",
        **_LINE_CHECKS,
    }
    if str(url.query.get("sslmode", "")).startswith("verify"):
        # libpq's own default is a file in the user's home folder.
        of_system = ssl.get_default_verify_paths().cafile or "system"
        wanted["sslrootcert"] = str(ca_bundle or of_system)
    return {name: value for name, value in wanted.items() if name not in url.query}


def _options(url: URL) -> str:
    given = url.query.get("options", "")
    return given if isinstance(given, str) else " ".join(given)


def _drop_useless(context: ExceptionContext) -> None:
    """Have SQLAlchemy drop the connection, and all that were opened before this moment."""
    if drops_connection(context.original_exception):
        context.is_disconnect = True


def _setter(values: dict[str, str]) -> Any:
    statement = "SELECT " + ", ".join(
        f"set_config('{name}', '{value}', true)" for name, value in values.items()
    )

    def at_begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return at_begin


@contextmanager
def given_longer(session: Session, limits: Limits) -> Iterator[None]:
    """Let each statement of this transaction take as long as these limits say.

    How long it waits for a lock stays: whoever waits before a browser hears of it soon.
    """
    connection = cast("BoundedConnection", session.connection().connection.driver_connection)
    longest_wait = connection.longest_wait
    session.execute(
        text("SELECT set_config('statement_timeout', :most, true)"),
        {"most": f"{limits.statement}s"},
    )
    connection.longest_wait = limits.statement + SILENCE_SECONDS
    try:
        yield
    finally:
        connection.longest_wait = longest_wait


def check_usable(session: Session) -> None:
    """Return if our tables are there, and what is written is taken.

    Raises:
        SQLAlchemyError: not so; `database.faults` tells why.
    """
    refuse_read_only(session)
    session.execute(text("SELECT version_num FROM golive.alembic_version")).one()


def refuse_read_only(session: Session) -> None:
    """Return if this server takes what is written.

    Raises:
        ReadOnlyError: it does not, as a standby after a failover; the connection is dropped.
    """
    if (
        session.execute(text("SELECT current_setting('transaction_read_only')")).scalar_one()
        == "on"
    ):
        session.connection().invalidate()
        raise ReadOnlyError


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
    place = str(Path(__file__).parent / "migrations")
    # Alembic puts other options in where it reads a percent sign.
    config.set_main_option("script_location", place.replace("%", "%%"))
    with engine.begin() as turn, engine.connect() as connection:
        # Two processes that migrate take turns. The lock is held apart from the migrations, each of
        # which commits by itself: an index that is made concurrently bears no transaction.
        turn.exec_driver_sql("SELECT pg_advisory_xact_lock(7305)")
        config.attributes["connection"] = connection
        yield config


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version; a second run changes nothing.

    Raises:
        UnknownRevisionError: another release, older or newer, made the tables.
        OtherEncodingError: the database cannot hold every name.
    """
    with engine.begin() as connection:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise OtherEncodingError(encoding)
    with _alembic(engine) as config:
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            if isinstance(error.__cause__, ResolutionError):
                raise UnknownRevisionError(error.__cause__.argument) from None
            raise
