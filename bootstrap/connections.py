"""Opens what commands talk to, and says in plain words when it is not there."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx2
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError
from temporalio.client import Client, Interceptor, Plugin
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from activities.mail_content import Surroundings
from commands.errors import CommandError, UnavailableError
from contracts.links import LinkSigner
from database.engine import open_engine
from graph import errors as graph_errors
from graph.client import GraphClient
from graph.credentials import chosen_credential
from graph.tokens import EntraClient
from graph.transport import open_http
from mail.outgoing import parse_address
from settings import Settings
from workflows.payloads import DATA_CONVERTER


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


def surroundings(settings: Settings) -> Surroundings:
    """Return what every mail says that is the same for every organisation."""
    return Surroundings(
        public_url=settings.public_url,
        support_address=settings.support_address,
        client_id=settings.client_id,
        sender_address=parse_address(settings.mail_from).address,
        signer=LinkSigner(settings.secret_key.get_secret_value().encode()),
    )


def graph_client(settings: Settings, http: httpx2.Client) -> GraphClient:
    """Return the client of Microsoft Graph that the settings name; nothing is called yet."""
    entra = EntraClient(
        authority=settings.entra_authority,
        client_id=settings.client_id,
        credential=chosen_credential(settings.client_certificate_path, settings.client_secret_text),
        http=http,
        clock=time.time,
    )
    return GraphClient(http, settings.graph_url, entra)


@contextmanager
def microsoft(settings: Settings) -> Iterator[GraphClient]:
    """Open Microsoft Graph for one command."""
    with open_http(str(settings.ca_bundle) if settings.ca_bundle else None) as http:
        yield graph_client(settings, http)


@contextmanager
def plain_microsoft_errors() -> Iterator[None]:
    """Say in plain words why Microsoft did not give what was asked."""
    try:
        yield
    except graph_errors.Throttled as error:
        raise UnavailableError(
            f"Microsoft asks to wait {error.retry_after_seconds:.0f} seconds. Try again then."
        ) from None
    except graph_errors.ConsentNotVisible:
        raise CommandError(
            "The consent is not in effect at Microsoft: not yet, or no longer. Try again in a few "
            "minutes; if it stays so, the administrator consents again."
        ) from None
    except graph_errors.Retryable as error:
        raise UnavailableError(f"{error} Try again in a minute.") from None
    except graph_errors.GraphError as error:
        raise CommandError(str(error)) from None


def is_first_connection(error: Exception) -> bool:
    """Tell whether the Temporal client could not connect at all; that has no kind of its own."""
    return "Failed client connect" in str(error)


async def temporal(
    *,
    plugins: tuple[Plugin, ...] = (),
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
    lazy: bool = False,
) -> Client:
    """Return a client of the Temporal server that the standard `TEMPORAL_*` settings name.

    A lazy one connects when it is first used, and so never raises here.

    Raises:
        UnavailableError: no server answers there.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "localhost:7233")
    try:
        return await Client.connect(
            **config,
            data_converter=DATA_CONVERTER,
            plugins=plugins,
            interceptors=interceptors,
            runtime=runtime,
            lazy=lazy,
        )
    except (RuntimeError, RPCError):
        raise UnavailableError(
            f"No Temporal server answers at {config['target_host']}. "
            "Start it (make stack runs one on this machine), or correct TEMPORAL_ADDRESS."
        ) from None
