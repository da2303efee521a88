"""Opens connections to the database, Microsoft and Temporal, as the settings say."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
from sqlalchemy import Engine
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Interceptor, Plugin
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from activities.digests import Operators
from activities.mail_content import Branding
from commands.errors import UnavailableError
from contracts import rules
from contracts.clock import wall_clock
from contracts.clouds import graph_scope
from contracts.links import LinkSigner
from contracts.problems import Problem
from contracts.registration import REDIRECT_PATHS, RegistrationSettings
from database.engine import WORK, Limits, open_engine
from graph.client import GraphClient
from graph.credentials import ClientCertificate, Credential, chosen_credential
from graph.errors import CredentialMalformedError
from graph.tokens import EntraClient
from graph.transport import open_http
from mail.mailer import SmtpMailer
from mail.outgoing import parse_address
from settings import LOCAL_TEMPORAL, Settings, SettingsError
from telemetry.metrics import CREDENTIAL_ENDS
from workflows.payloads import DATA_CONVERTER

_log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
"""A server that is there answers in milliseconds; who waits longer is told so."""

_ENDS_NOW_DAYS = 7
"""So many days before its end, our own credential's is in the log as an error."""


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
        signer=LinkSigner(settings.secret_keys),
    )


def mailer(settings: Settings) -> SmtpMailer:
    """Return the mailer that the settings name; nothing is connected yet."""
    return SmtpMailer(
        settings.smtp_url.get_secret_value(),
        ca_bundle=settings.ca_bundle,
        client_name=settings.smtp_client_name,
    )


def microsoft_credential(settings: Settings) -> Credential:
    """Return our own credential at Microsoft, with its end in the log and in the metrics.

    Raises:
        SettingsError: the certificate cannot be used, is not valid yet or not any more.
    """
    now = wall_clock()
    credential = _credential(settings, now)
    ends_at = _end_of(credential, settings)
    if ends_at is not None:
        kind = "certificate" if isinstance(credential, ClientCertificate) else "secret"
        _announce_end(kind, ends_at, now)
    return credential


def registration_settings(settings: Settings) -> RegistrationSettings:
    """Return what the settings say of our app registration.

    Raises:
        SettingsError: as `microsoft_credential`.
    """
    now = wall_clock()
    ends_at = _end_of(_credential(settings, now), settings)
    return RegistrationSettings(
        authority=settings.entra_authority,
        redirect_uris={path: f"{settings.public_url}{path}" for path in REDIRECT_PATHS},
        staff_tenant_id=settings.staff_tenant_id,
        credential_days_left=None if ends_at is None else (ends_at - now).days,
    )


def _credential(settings: Settings, now: datetime) -> Credential:
    try:
        return chosen_credential(settings.client_certificate_path, settings.client_secret_text, now)
    except CredentialMalformedError as error:
        raise SettingsError(f"GOLIVE_CLIENT_CERTIFICATE_PATH: {error}") from None


def _end_of(credential: Credential, settings: Settings) -> datetime | None:
    """Return when our credential ends; None where nothing says so."""
    if isinstance(credential, ClientCertificate):
        return credential.ends_at
    day = settings.client_secret_expires_on
    return None if day is None else datetime.combine(day, datetime.min.time(), UTC)


def _announce_end(kind: str, ends_at: datetime, now: datetime) -> None:
    """Export the end, and log it where it is near; operations/alerts.yaml alarms by it."""
    CREDENTIAL_ENDS.labels(kind).set(ends_at.timestamp())
    left = ends_at - now
    if left < rules.CREDENTIAL_ENDS_SOON:
        log = _log.error if left < timedelta(days=_ENDS_NOW_DAYS) else _log.warning
        log("Our client %s at Microsoft ends on %s.", kind, ends_at.date().isoformat())


def operators(settings: Settings) -> Operators | None:
    """Return who runs this installation and when our own credential ends; None = not configured.

    Raises:
        SettingsError: our own credential cannot be used.
    """
    if settings.operators_address is None:
        return None
    ends_at = _end_of(_credential(settings, wall_clock()), settings)
    return Operators(settings.operators_address, ends_at)


def entra_client(settings: Settings, client: httpx2.Client) -> EntraClient:
    """Return the client of Microsoft Entra that the settings name; nothing is called yet.

    Raises:
        SettingsError: our own credential cannot be used.
    """
    return EntraClient(
        authority=settings.entra_authority,
        client_id=settings.client_id,
        credential=microsoft_credential(settings),
        http=client,
        clock=time.time,
        graph_scope=graph_scope(settings.graph_url),
    )


def graph_client(settings: Settings, client: httpx2.Client) -> GraphClient:
    """Return the client of Microsoft Graph that the settings name; nothing is called yet."""
    return GraphClient(client, settings.graph_url, entra_client(settings, client))


def http(settings: Settings) -> httpx2.Client:
    """Open the HTTP client for Microsoft; the caller closes it."""
    return open_http(
        str(settings.ca_bundle) if settings.ca_bundle else None,
        settings.microsoft_proxy.get_secret_value() if settings.microsoft_proxy else None,
    )


@contextmanager
def microsoft(settings: Settings) -> Iterator[GraphClient]:
    """Open Microsoft Graph for one command."""
    with http(settings) as client:
        yield graph_client(settings, client)


async def temporal(
    settings: Settings | None = None,
    *,
    plugins: tuple[Plugin, ...] = (),
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
    lazy: bool = False,
) -> Client:
    """Return a client of the Temporal server that the standard `TEMPORAL_*` settings name.

    Where those name no authority, the server's certificate is held against the settings' own. A
    lazy client connects at its first use, and so never raises here.

    Raises:
        UnavailableError: the server does not answer, or not us, or has no such namespace.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", LOCAL_TEMPORAL)
    tls, where, namespace = (
        config.get("tls"),
        config["target_host"],
        config.get("namespace", "default"),
    )
    if tls and settings is not None and settings.ca_bundle is not None:
        chosen = tls if isinstance(tls, TLSConfig) else TLSConfig()
        if chosen.server_root_ca_cert is None:
            authorities = settings.ca_bundle.read_bytes()
            config["tls"] = replace(chosen, server_root_ca_cert=authorities)
    connecting = Client.connect(
        **config,
        data_converter=DATA_CONVERTER,
        plugins=plugins,
        interceptors=interceptors,
        runtime=runtime,
        lazy=lazy,
    )
    try:
        client = await asyncio.wait_for(connecting, CONNECT_SECONDS)
        if not lazy:
            await _ask_for_namespace(client, where)
    except TimeoutError:
        raise UnavailableError(Problem.TEMPORAL_AWAY, where=where) from None
    except RuntimeError as error:
        raise _not_connected(str(error), where, namespace) from None
    except RPCError as error:
        if error.status in _REFUSED:
            raise UnavailableError(
                Problem.TEMPORAL_KEY_REFUSED, where=where, namespace=namespace
            ) from None
        raise UnavailableError(Problem.TEMPORAL_AWAY, where=where) from None
    return client


_REFUSED = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED})


async def _ask_for_namespace(client: Client, where: str) -> None:
    asked = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        await client.workflow_service.describe_namespace(
            asked, timeout=timedelta(seconds=CONNECT_SECONDS)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise UnavailableError(
                Problem.TEMPORAL_UNKNOWN_NAMESPACE, where=where, namespace=client.namespace
            ) from None
        raise


def _not_connected(said: str, where: str, namespace: str) -> UnavailableError:
    """Tell the cause from the SDK's words: it has no kinds of error for them."""
    if any(refused in said for refused in ("code: PermissionDenied", "code: Unauthenticated")):
        return UnavailableError(Problem.TEMPORAL_KEY_REFUSED, where=where, namespace=namespace)
    if "InvalidCertificate" in said or "UnknownIssuer" in said:
        return UnavailableError(Problem.TEMPORAL_NOT_TRUSTED, where=where)
    if "InvalidContentType" in said or "corrupt message" in said:
        return UnavailableError(Problem.TEMPORAL_NO_TLS, where=where)
    if "dns error" in said:
        return UnavailableError(Problem.TEMPORAL_UNKNOWN_HOST, where=where)
    if "after connection" in said and ("http2" in said or "transport" in said.lower()):
        return UnavailableError(Problem.TEMPORAL_ELSEWHERE, where=where)
    return UnavailableError(Problem.TEMPORAL_AWAY, where=where)
