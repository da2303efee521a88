"""Builds every object and registers it, in one visible list; then works until told to stop."""

import asyncio
import compileall
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from sqlalchemy import Engine
from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker, WorkerDeploymentConfig

import workflows
from activities.digests import DigestActivities, Operators
from activities.directory import DirectoryActivities
from activities.mail_content import Branding
from activities.mail_sending import Sending
from activities.notices import NoticeActivities
from activities.records import RecordActivities
from activities.redaction import RedactingInterceptor
from activities.throttle import RateLimiter, Slots
from bootstrap import connections
from bootstrap.collectors import GraphUsageCollector, RecordCollector
from bootstrap.exit import leave, leave_after
from bootstrap.health import Health
from commands import signing_keys
from commands.errors import (
    OF_DATABASE_FAULTS,
    CommandError,
    UnavailableError,
    plain_database_errors,
)
from contracts.go_live import GO_LIVE_BULK_QUEUE, GO_LIVE_QUEUE
from contracts.links import LinkSigner
from contracts.problems import Problem
from database.engine import check_usable, open_sessions
from database.faults import DatabaseFault
from graph.client import GraphClient
from mail.mailer import Mailer
from settings import Settings, SettingsError, read_settings
from telemetry.logs import set_up_logging
from telemetry.metrics import registered
from telemetry.runtime import runtime
from telemetry.serving import Answer, healthy, metrics_page, serving
from telemetry.tracing import set_up_tracing
from wording import shell
from workflows.go_live import SsoGoLive
from workflows.sandbox import SandboxWithoutContexts
from workflows.staff_digest import StaffDigest

_log = logging.getLogger("worker")

ACTIVITY_THREADS = 20
BULK_THREADS = 4

DELIVERIES, BULK_DELIVERIES = 10, 3
"""Of those threads, so many at most take mail to the relay, which may fall silent."""

DEPLOYMENT_NAME = "sso-go-live"
"""What Temporal calls all versions of this worker together; see docs/deploying.md."""

UNVERSIONED = "unversioned"
"""The build id of a worker without a version. Without one, the SDK makes one up from the code of
every loaded module, which takes a quarter of a second of each start."""

TURN_SECONDS = 0.0005
"""How long a computing thread keeps the interpreter while others wait; Python's own 5 ms is felt at
each statement of each other activity: 80 ms a statement beside four threads that render mail."""

CANCELLING_HEARD_WITHIN = timedelta(seconds=5)
"""An activity learns by a heartbeat that it was cancelled, and the SDK would delay heartbeats for
most of their timeout: a roll back must not wait half a minute for a batch to end."""

WORKFLOWS_IN_MEMORY = 700
"""Waiting go-lives kept ready; each takes about 0.4 MB. The others are replayed when they wake."""


RETRY_SECONDS = 2.0
"""Between two questions whether the database is there, before the worker takes work."""

STOP_SECONDS = 60.0
"""After SIGTERM whatever runs has this long; what is cut off runs again elsewhere."""

_PASSING = {OF_DATABASE_FAULTS[fault] for fault in DatabaseFault if fault.passes}


class WorkerDependencies(NamedTuple):
    """Everything a worker needs from outside."""

    engine: Engine
    http: httpx2.Client
    graph: GraphClient
    mailer: Mailer
    branding: Branding
    settings: Settings
    operators: Operators | None = None


def compile_workflows() -> None:
    """Compile the workflow's modules, even if Python's own writing of bytecode is switched off.

    Temporal's sandbox imports them for each run that it loads. From source that is a tenth of a
    worker's computing. If the folder cannot be written to, nothing is compiled.
    """
    compileall.compile_dir(Path(workflows.__file__).parent, quiet=2)


def activities(dependencies: WorkerDependencies) -> dict[str, list[Callable[..., Any]]]:
    """Return the activities of each task queue.

    Mail to users is rate limited on the bulk queue only, which serves the large organisations.
    """
    sessions = open_sessions(dependencies.engine)
    records = RecordActivities(sessions, dependencies.settings.public_url)
    settings = dependencies.settings
    sending = Sending(
        sessions,
        dependencies.mailer,
        settings.mail_from,
        pooled=settings.database_pooling == "transaction",
    )
    notices = NoticeActivities(sessions, sending, dependencies.branding, slots=Slots(DELIVERIES))
    to_many = NoticeActivities(
        sessions,
        sending,
        dependencies.branding,
        slots=Slots(BULK_DELIVERIES),
        to_all_users=RateLimiter(dependencies.settings.user_mails_per_second),
    )
    digests = DigestActivities(sessions, sending, dependencies.branding, dependencies.operators)
    directory = DirectoryActivities(
        sessions, dependencies.graph, dependencies.http, dependencies.settings.entra_authority
    )
    return {
        GO_LIVE_QUEUE: [
            records.read_prerequisites,
            records.record_position,
            records.offer_sso,
            records.check_for_plan,
            records.withdraw_sso,
            records.decide_move_date,
            records.close_record,
            notices.send_notice,
            digests.send_digests,
            notices.send_account_notices,
            notices.deliver_mail,
            directory.discover_tenant,
            directory.verify_consent,
            directory.verify_connection,
            directory.check_credential,
            directory.count_sign_ins,
            # Where the users are few:
            directory.plan_migration,
            directory.move_wave,
            directory.undo_moves,
        ],
        GO_LIVE_BULK_QUEUE: [
            directory.snapshot_directory,
            directory.plan_migration,
            directory.move_wave,
            directory.undo_moves,
            to_many.send_notice,
            to_many.deliver_mail,
        ],
    }


def build_workers(client: Client, dependencies: WorkerDependencies) -> list[Worker]:
    """Return the workers of both task queues, or of the one that the settings name."""
    asked = activities(dependencies)
    deployment = _deployment_of(dependencies.settings)
    unversioned = None if deployment else UNVERSIONED
    builders: dict[str, Callable[[], Worker]] = {
        GO_LIVE_QUEUE: lambda: Worker(
            client,
            task_queue=GO_LIVE_QUEUE,
            workflows=[SsoGoLive, StaffDigest],
            workflow_runner=SandboxWithoutContexts(),
            max_cached_workflows=WORKFLOWS_IN_MEMORY,
            activities=asked[GO_LIVE_QUEUE],
            # Where every activity waits for Microsoft or a relay, positions are still recorded.
            activity_executor=ThreadPoolExecutor(2 * ACTIVITY_THREADS, "activity"),
            max_concurrent_activities=ACTIVITY_THREADS,
            max_concurrent_local_activities=ACTIVITY_THREADS,
            max_heartbeat_throttle_interval=CANCELLING_HEARD_WITHIN,
            interceptors=[RedactingInterceptor()],
            deployment_config=deployment,
            build_id=unversioned,
        ),
        GO_LIVE_BULK_QUEUE: lambda: Worker(
            client,
            task_queue=GO_LIVE_BULK_QUEUE,
            activities=asked[GO_LIVE_BULK_QUEUE],
            activity_executor=ThreadPoolExecutor(BULK_THREADS, "bulk"),
            max_concurrent_activities=BULK_THREADS,
            max_heartbeat_throttle_interval=CANCELLING_HEARD_WITHIN,
            interceptors=[RedactingInterceptor()],
            deployment_config=deployment,
            build_id=unversioned,
        ),
    }
    alone = dependencies.settings.worker_queue
    return [build() for queue, build in builders.items() if alone in (None, queue)]


def _deployment_of(settings: Settings) -> WorkerDeploymentConfig | None:
    """Return the version this worker offers itself as; None = unversioned.

    Both queues belong to it, so that a go-live's activities run on the code of its own version.
    Runs move to the version that is made current at their next step: they last for weeks, and a
    mended bug must reach those that wait (docs/decisions/0007-versions-of-the-worker.md).
    """
    if settings.build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT_NAME, settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


@contextmanager
def open_dependencies(settings: Settings) -> Iterator[WorkerDependencies]:
    """Open what the activities use, and close it at the end."""
    with (
        connections.http(settings) as http,
        connections.mailer(settings) as mailer,
    ):
        engine = connections.database(settings)
        try:
            yield WorkerDependencies(
                engine,
                http,
                connections.graph_client(settings, http),
                mailer,
                connections.branding(settings),
                settings,
                connections.operators(settings),
            )
        finally:
            engine.dispose()


async def _work(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with open_dependencies(settings) as dependencies, _watched(dependencies) as temporal_runtime:
        client = await connections.temporal(
            settings, runtime=temporal_runtime, interceptors=set_up_tracing("sso-go-live-worker")
        )
        async with AsyncExitStack() as running:
            await _refuse_to_idle(client, settings)
            if not await _came_to_be_ready(dependencies, stopping):
                return
            for worker in build_workers(client, dependencies):
                await running.enter_async_context(worker)
            if settings.worker_health_port is not None:
                health = Health(open_sessions(dependencies.engine), client)
                pages = {"/health": _ready(health), "/health/live": healthy}
                running.enter_context(
                    _shown("health", "127.0.0.1", settings.worker_health_port, pages)
                )
            _log.info("The worker is ready.")
            await stopping.wait()
            leave_after(STOP_SECONDS)


async def _came_to_be_ready(dependencies: WorkerDependencies, stopping: asyncio.Event) -> bool:
    """Wait until there is a database to work with; False: told to stop before.

    Raises:
        CommandError: it cannot be used until somebody mends settings or the server.
    """
    while not stopping.is_set():
        try:
            await asyncio.to_thread(use_database, dependencies.engine, dependencies.branding.signer)
        except UnavailableError as error:
            if error.problem not in _PASSING:
                raise
            _log.warning("The worker waits: %s", error.problem)
        else:
            return True
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), RETRY_SECONDS)
    return False


def use_database(engine: Engine, signer: LinkSigner) -> None:
    """Check that there is a database to work with, and that its links can be verified.

    Here and not when the process begins: it may begin without the database, and mails links.

    Raises:
        UnavailableError: there is none now.
        CommandError: it cannot be used, or another key than ours signs.
    """
    with plain_database_errors(engine):
        with open_sessions(engine).begin() as session:
            check_usable(session)
        signing_keys.check(open_sessions(engine), signer)


def _ready(health: Health) -> Answer:
    """Return the page that says whether this worker could do its work now."""
    loop = asyncio.get_running_loop()

    def answer(_authorization: str) -> tuple[int, str, bytes]:
        status, said = asyncio.run_coroutine_threadsafe(health.page(), loop).result()
        return status, "text/plain", said.encode()

    return answer


async def _refuse_to_idle(client: Client, settings: Settings) -> None:
    """End an unversioned worker where it would get nothing to do, before it looks as if it worked.

    Raises:
        CommandError: a version is current, so Temporal sends work to versioned workers only.
    """
    if settings.build_id is not None:
        return
    asked = DescribeWorkerDeploymentRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT_NAME
    )
    try:
        answer = await client.workflow_service.describe_worker_deployment(asked)
    except RPCError as error:
        # No version was ever started, or the server is older than versions.
        if error.status not in {RPCStatusCode.NOT_FOUND, RPCStatusCode.UNIMPLEMENTED}:
            _log.warning("Temporal did not say whether a version is current: %s", error.status.name)
        return
    current = answer.worker_deployment_info.routing_config.current_deployment_version.build_id
    if current:
        raise CommandError(Problem.VERSION_IS_CURRENT, version=current)


@contextmanager
def _shown(what: str, host: str, port: int, pages: Mapping[str, Answer]) -> Iterator[None]:
    """Answer these pages, if the port can be had.

    Go-lives matter more than what is shown of the worker; an alert says that it is missing.
    """
    with ExitStack() as opened:
        try:
            opened.enter_context(serving(host, port, pages))
        except OSError as error:
            _log.error("No %s page at %s:%s: %s.", what, host, port, error.strerror)
        yield


@contextmanager
def _watched(dependencies: WorkerDependencies) -> Iterator[Runtime]:
    """Show metrics while the worker works, where the settings say so."""
    settings = dependencies.settings
    with ExitStack() as opened:
        opened.enter_context(
            registered(
                RecordCollector(open_sessions(dependencies.engine)),
                GraphUsageCollector(dependencies.graph),
            )
        )
        if settings.worker_metrics_address is not None and settings.metrics_token is not None:
            host, _, port = settings.worker_metrics_address.rpartition(":")
            pages = {"/metrics": metrics_page(settings.metrics_token.get_secret_value())}
            opened.enter_context(_shown("metrics", host, int(port), pages))
        yield opened.enter_context(runtime(with_metrics=settings.metrics_token is not None))


def main() -> int:
    """Work until SIGTERM or Ctrl-C; return the exit status."""
    set_up_logging()
    compile_workflows()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        settings = read_settings()
        asyncio.run(_work(settings))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except CommandError as error:
        print(error.words(shell.said_of), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    leave(main())
