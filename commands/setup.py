"""Prepares what go-lives need: tables, search attributes at Temporal, the digest's schedule."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from commands.errors import CommandError, OtherTablesError, place_of, plain_database_errors
from contracts.digests import DigestRound
from contracts.go_live import GO_LIVE_QUEUE
from contracts.problems import Problem
from database.engine import OtherEncodingError, UnknownRevisionError, migrate
from wording import runs
from workflows import search_attributes
from workflows.staff_digest import SCHEDULE_ID, StaffDigest


def set_up_database(engine: Engine) -> None:
    """Bring the tables to the newest version; a second run changes nothing.

    Raises:
        OtherTablesError: this release knows no way from the tables that are there.
        CommandError: the database cannot hold every name.
        UnavailableError: the database cannot be used, or this user may not make tables there.
    """
    try:
        with plain_database_errors(engine):
            migrate(engine)
    except UnknownRevisionError as error:
        raise OtherTablesError(
            Problem.TABLES_OF_ANOTHER_RELEASE, where=place_of(engine), revision=error
        ) from None
    except OtherEncodingError as error:
        raise CommandError(
            Problem.DATABASE_OF_ANOTHER_ENCODING, where=place_of(engine), encoding=error
        ) from None


async def set_up_temporal(client: Client) -> list[str]:
    """Register the search attributes that are missing and return their names.

    Where we may register none, as on Temporal Cloud, it only checks that they are there.

    Raises:
        CommandError: an attribute of that name has another type, or is missing and we may not or
            cannot register it; the text has what to type instead.
    """
    wanted = {key.name: key.indexed_value_type for key in search_attributes.ALL}
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status not in _CLOSED:
            raise
        missing = [name for name in wanted if not await _is_known(client, name)]
        if missing:
            raise _not_allowed(client, missing) from None
        return []
    types = dict(known.custom_attributes)
    wrong = [name for name, kind in wanted.items() if types.get(name, int(kind)) != int(kind)]
    if wrong:
        raise CommandError(Problem.SEARCH_ATTRIBUTE_OF_OTHER_TYPE, name=wrong[0])
    missing = sorted(name for name in wanted if name not in types)
    if missing:
        await _register(client, missing)
    return missing


_CLOSED = frozenset(
    {
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
        RPCStatusCode.NOT_FOUND,
    }
)
"""What is said where the OperatorService is not for us; on Temporal Cloud it never is."""


async def _register(client: Client, names: list[str]) -> None:
    kinds = {
        key.name: IndexedValueType.ValueType(int(key.indexed_value_type))
        for key in search_attributes.ALL
        if key.name in names
    }
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=kinds)
        )
    except RPCError as error:
        if error.status in _CLOSED:
            raise _not_allowed(client, names) from None
        raise CommandError(
            Problem.SEARCH_ATTRIBUTES_REFUSED,
            namespace=client.namespace,
            names=_named(names),
            status=error.status.name,
        ) from None


async def _is_known(client: Client, name: str) -> bool:
    """Tell whether go-lives can be listed by it; whoever may list may ask this."""
    asked = CountWorkflowExecutionsRequest(
        namespace=client.namespace, query=f"`{name}` IS NOT NULL"
    )
    try:
        await client.workflow_service.count_workflow_executions(asked)
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True


def _named(names: list[str]) -> str:
    return ", ".join(
        f"{key.name} ({_kind(key)})" for key in search_attributes.ALL if key.name in names
    )


def _kind(key: SearchAttributeKey[Any]) -> str:
    return key.indexed_value_type.name.title().replace("_", "")


def _not_allowed(client: Client, names: list[str]) -> CommandError:
    lines = (
        f"tcld namespace search-attributes add --namespace {client.namespace} "
        f'--search-attribute "{key.name}={_kind(key)}"'
        for key in search_attributes.ALL
        if key.name in names
    )
    return CommandError(
        Problem.SEARCH_ATTRIBUTES_NOT_ALLOWED,
        namespace=client.namespace,
        names=", ".join(names),
        lines="\n".join(lines),
    )


async def set_up_digest(client: Client) -> None:
    """Have the daily digest to customer success sent; a second run renews the schedule."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            StaffDigest.run,
            DigestRound(),
            id=SCHEDULE_ID,
            task_queue=GO_LIVE_QUEUE,
            # One that a deployment strands, or no worker takes, must not hold up the next ones.
            run_timeout=timedelta(hours=1),
            static_summary=runs.DIGEST_ROUND,
        ),
        # Every hour, because mornings come at different times; who has had theirs is passed over.
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))]),
        # After an outage one round is enough.
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)
        ),
    )
    try:
        await client.create_schedule(SCHEDULE_ID, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(SCHEDULE_ID).update(lambda _: ScheduleUpdate(schedule))
