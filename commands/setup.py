"""Prepares what go-lives need: tables, search attributes at Temporal, the digest's schedule."""

from datetime import timedelta

from sqlalchemy import Engine
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
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
from temporalio.common import SearchAttributeIndexedValueType
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

    Raises:
        CommandError: an attribute of that name has another type, or we may not register any.
    """
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        types = dict(known.custom_attributes)
        wanted = {
            key.name: IndexedValueType.ValueType(_number(key.indexed_value_type))
            for key in search_attributes.ALL
        }
        wrong = [name for name, kind in wanted.items() if types.get(name, kind) != kind]
        if wrong:
            raise CommandError(Problem.SEARCH_ATTRIBUTE_OF_OTHER_TYPE, name=wrong[0])
        missing = {name: kind for name, kind in wanted.items() if name not in types}
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
    except RPCError as error:
        if error.status is RPCStatusCode.PERMISSION_DENIED:
            names = [key.name for key in search_attributes.ALL]
            raise CommandError(Problem.SEARCH_ATTRIBUTES_NOT_ALLOWED, names=names) from None
        raise
    return sorted(missing)


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


def _number(kind: SearchAttributeIndexedValueType) -> int:
    return int(kind)
