"""Opens what commands talk to, and says in plain words when it is not there."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError
from temporalio.client import Client, Plugin
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from commands.errors import UnavailableError
from database.engine import open_engine
from settings import Settings


def database(settings: Settings) -> Engine:
    """Return the engine of the app database; nothing is connected yet."""
    return open_engine(settings.database_url.get_secret_value())


@contextmanager
def plain_database_errors(engine: Engine) -> Iterator[None]:
    """Say in one sentence that the database is not there or not set up."""
    where = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except OperationalError:
        raise UnavailableError(
            f"No database answers at {where}. Start it, or correct GOLIVE_DATABASE_URL."
        ) from None
    except ProgrammingError as error:
        # 42P01 undefined table, 3F000 no such schema: the migrations have not run.
        if getattr(error.orig, "sqlstate", "") in {"42P01", "3F000", "42703"}:
            raise UnavailableError(
                f"The database at {where} is not set up. Run: python starter.py setup"
            ) from None
        raise


async def temporal(*, plugins: tuple[Plugin, ...] = ()) -> Client:
    """Return a client of the Temporal server that the standard `TEMPORAL_*` settings name.

    Raises:
        UnavailableError: no server answers there.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "localhost:7233")
    try:
        return await Client.connect(**config, plugins=plugins)
    except (RuntimeError, RPCError):
        raise UnavailableError(
            f"No Temporal server answers at {config['target_host']}. "
            "Start it (make stack runs one on this machine), or correct TEMPORAL_ADDRESS."
        ) from None
