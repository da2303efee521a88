"""What an activity fails with names nobody, in the history and in the log."""

import dataclasses
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import event
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from contracts.go_live import Wait
from database.engine import open_engine
from graph.client import GraphClient
from graph.credentials import ClientSecret
from graph.tokens import EntraClient
from local.histories import everything_kept, found_in
from tests.activity_worker import activity_worker, every_activity
from tests.cluster import Cluster
from tests.graph.scripted import CLIENT_ID, Answer, ScriptedMicrosoft, SteppedClock
from tests.house.test_privacy_of_failures import ADDRESS, FAILURES, NAME, SAID, written
from tests.one_activity import Asked, AskOnce
from worker import WorkerDependencies

OF_OURS = {"activity"}
"""What an activity of ours says for the history is held to be clean where it is said."""


def example(kind: Any) -> Any:
    """Something of this type, as JSON; fields with a default are left out."""
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return {
            field.name: str(uuid4()) if field.name.endswith("_id") else example(hints[field.name])
            for field in dataclasses.fields(kind)
            if field.default is field.default_factory is dataclasses.MISSING
        }
    if get_origin(kind) in (Union, types.UnionType):
        return example(get_args(kind)[0])
    if get_origin(kind) is not None:
        return [example(get_args(kind)[0])]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    return {datetime: datetime.now(UTC).isoformat(), bool: False, int: 1, str: "x"}[kind]


def argument_of(one: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(one)
    hints.pop("return", None)
    (kind,) = hints.values()
    made: dict[str, Any] = example(kind)
    return made


@asynccontextmanager
async def asking(
    cluster: Cluster, dependencies: WorkerDependencies
) -> AsyncIterator[Callable[..., Any]]:
    """Have an activity done, and return all that is kept of it, its log too."""
    queue = f"asking-{uuid4().hex[:8]}"

    async def ask(name: str, argument: dict[str, Any]) -> tuple[ApplicationError | None, list[str]]:
        workflow_id, cause = f"{queue}-{uuid4().hex[:8]}", None
        with written() as lines:
            try:
                await cluster.client.execute_workflow(
                    AskOnce.run, Asked(name, argument), id=workflow_id, task_queue=queue
                )
            except WorkflowFailureError as error:
                cause = error.cause.__cause__
        _, kept = await everything_kept(cluster.client, workflow_id)
        assert any(name in line for line in lines), lines
        assert cause is None or isinstance(cause, ApplicationError), cause
        return cause, kept + lines

    async with activity_worker(cluster, dependencies, queue):
        yield ask


@contextmanager
def failing(cluster: Cluster, failure: Callable[[], Exception]) -> Iterator[WorkerDependencies]:
    """Dependencies whose database fails at every statement."""
    engine = open_engine(cluster.environment["GOLIVE_DATABASE_URL"])

    def fail(*_: Any) -> None:
        raise failure()

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield cluster.dependencies._replace(engine=engine)
    finally:
        engine.dispose()


async def test_no_activity_that_fails_unforeseen_names_anybody(cluster: Cluster) -> None:
    with failing(cluster, FAILURES["chained"]) as dependencies:
        async with asking(cluster, dependencies) as ask:
            for name, one in every_activity(dependencies).items():
                error, kept = await ask(name, argument_of(one))
                assert error is not None, name
                assert error.type == "unexpected", name
                assert error.message.startswith(f"{name} failed with "), name
                assert found_in(kept, [ADDRESS, NAME]) == [], name


@pytest.mark.parametrize("failure", sorted(FAILURES.keys() - OF_OURS))
async def test_no_kind_of_failure_names_anybody(cluster: Cluster, failure: str) -> None:
    with failing(cluster, FAILURES[failure]) as dependencies:
        argument = argument_of(every_activity(dependencies)["close_record"])
        async with asking(cluster, dependencies) as ask:
            error, kept = await ask("close_record", argument)
    assert error is not None
    assert error.type == "unexpected"
    assert found_in(kept, [ADDRESS, NAME]) == []


BROKEN = {
    "listing": {"value": [{"id": {"of": ADDRESS}, "mail": ADDRESS}], "@odata.nextLink": ADDRESS},
    "object id": {"value": [{"id": ADDRESS, "userPrincipalName": ADDRESS}]},
    "error of Graph": {"error": {"code": ADDRESS, "message": SAID}},
    "OAuth error": {"error": ADDRESS, "error_description": SAID, "error_codes": [ADDRESS]},
    "token": {"access_token": f"x\r\nX-Of: {ADDRESS}", "id_token": ADDRESS},
}


ASKED = {
    "discover_tenant": ("/openid-configuration",),
    "verify_consent": ("/token", "/organization"),
    "snapshot_directory": ("/token", "/users"),
}


async def test_no_answer_of_microsoft_brings_a_name_into_the_history(cluster: Cluster) -> None:
    organisation = cluster.create_organisation()
    await organisation.start()
    await organisation.until(Wait.ADMIN_CONSENT)
    await organisation.consent()
    await organisation.until(Wait.MOVE_DATE)
    argument = {
        "go_live_id": str(organisation.standing().go_live_id),
        "tenant_id": organisation.tenant_id,
        "administrator_object_id": organisation.administrator_id,
        "at": datetime.now(UTC).isoformat(),
        "received_at": datetime.now(UTC).isoformat(),
    }
    failures = []
    with scripted(cluster, organisation.tenant_id) as (microsoft, graph):
        settings = cluster.settings.model_copy(update={"entra_authority": microsoft.url})
        async with asking(
            cluster, cluster.dependencies._replace(graph=graph, settings=settings)
        ) as ask:
            for name, path, status, body in (
                (name, path, status, body)
                for name, paths in ASKED.items()
                for path in paths
                for status in (200, 401)
                for body in BROKEN.values()
            ):
                answer = Answer(status, body, {"Retry-After": ADDRESS})
                with microsoft.answering(path, answer):
                    error, kept = await ask(name, argument)
                failures.append(error and error.type)
                assert found_in(kept, [ADDRESS, NAME]) == [], (name, path, status, body)
    assert set(failures) >= {"microsoft_unreachable", "not_yet", "unexpected_answer"}, failures
    assert failures.count(None) < len(failures) / 4
    await organisation.handle.cancel()


class Microsoft(ScriptedMicrosoft):
    """One tenant, to which every domain leads."""

    tenant_id = ""

    def document(self, tenant: str) -> dict[str, Any]:
        return super().document(self.tenant_id)

    @contextmanager
    def answering(self, path: str, answer: Answer) -> Iterator[None]:
        """Answer so at one path; an hour later nothing of it is kept."""
        self.routes = {path: lambda _: answer}
        yield
        self.routes = {}
        self.clock.pause(3601.0)


@contextmanager
def scripted(cluster: Cluster, tenant_id: str) -> Iterator[tuple[Microsoft, GraphClient]]:
    """A Microsoft that answers what it is told, and our client of it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    microsoft = Microsoft(key, clock := SteppedClock())
    microsoft.tenant_id = tenant_id
    entra = EntraClient(
        authority=microsoft.url,
        client_id=CLIENT_ID,
        credential=ClientSecret("a-secret"),
        http=cluster.dependencies.http,
        clock=clock,
    )
    base = f"{microsoft.url}/graph/v1.0"
    try:
        yield (
            microsoft,
            GraphClient(cluster.dependencies.http, base, entra, pause=clock.pause, clock=clock),
        )
    finally:
        microsoft.close()
