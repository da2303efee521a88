"""Opens connections to the database, Microsoft and Temporal, as the settings say."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx2
from sqlalchemy import Engine
from temporalio.client import Client, Interceptor, Plugin
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from activities.mail_content import Branding
from commands.errors import UnavailableError
from contracts.links import LinkSigner
from contracts.problems import Problem
from database.engine import WORK, Limits, open_engine
from graph.client import GraphClient
from graph.credentials import chosen_credential
from graph.tokens import EntraClient
from graph.transport import open_http
from mail.outgoing import parse_address
from settings import Settings
from workflows.payloads import DATA_CONVERTER


def database(settings: Settings, limits: Limits = WORK) -> Engine:
    """Return the engine of the app database; nothing is connected yet."""
    return open_engine(
        settings.database_url.get_secret_value(),
        limits=limits,
        ca_bundle=settings.ca_bundle,
        transaction_pooling=settings.database_pooling == "transaction",
    )


def branding(settings: Settings) -> Branding:
    """Return what every mail says about us, from the settings."""
    return Branding(
        public_url=settings.public_url,
        support_address=settings.support_address,
        client_id=settings.client_id,
        sender_address=parse_address(settings.mail_from).address,
        signer=LinkSigner(settings.secret_key.get_secret_value().encode()),
    )


def entra_client(settings: Settings, http: httpx2.Client) -> EntraClient:
    """Return the client of Microsoft Entra that the settings name; nothing is called yet."""
    return EntraClient(
        authority=settings.entra_authority,
        client_id=settings.client_id,
        credential=chosen_credential(settings.client_certificate_path, settings.client_secret_text),
        http=http,
        clock=time.time,
    )


def graph_client(settings: Settings, http: httpx2.Client) -> GraphClient:
    """Return the client of Microsoft Graph that the settings name; nothing is called yet."""
    return GraphClient(http, settings.graph_url, entra_client(settings, http))


@contextmanager
def microsoft(settings: Settings) -> Iterator[GraphClient]:
    """Open Microsoft Graph for one command."""
    with open_http(str(settings.ca_bundle) if settings.ca_bundle else None) as http:
        yield graph_client(settings, http)


async def temporal(
    *,
    plugins: tuple[Plugin, ...] = (),
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
    lazy: bool = False,
) -> Client:
    """Return a client of the Temporal server that the standard `TEMPORAL_*` settings name.

    A lazy client connects at its first use, and so never raises here.

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
        raise UnavailableError(Problem.TEMPORAL_AWAY, where=config["target_host"]) from None
