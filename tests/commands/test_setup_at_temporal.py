"""What `setup` does where Temporal is somebody else's, and what is said where it is not right."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from commands import setup
from commands.errors import CommandError
from contracts.problems import Problem
from tests.bounds import LONGEST_WAIT
from tests.certificates import make_certificate
from tests.closed_operator_service import closed_operator_service
from tests.cluster import Cluster
from tests.shell import plain, shell
from wording.shell import said_of
from workflows import search_attributes
from workflows.payloads import DATA_CONVERTER
from workflows.staff_digest import SCHEDULE_ID

HOST = "127.0.0.1"


class TestWithTheOperatorServiceClosed:
    async def test_everything_is_done_where_the_attributes_are_there(
        self, cluster: Cluster
    ) -> None:
        target = cluster.environment["TEMPORAL_ADDRESS"]
        async with closed_operator_service(target) as (address, refused):
            environment = {**cluster.environment, "TEMPORAL_ADDRESS": address}
            try:
                said = plain(await asyncio.to_thread(shell, environment, "setup"), 0)
            finally:
                await cluster.client.get_schedule_handle(SCHEDULE_ID).delete()
        assert "digest to customer success is scheduled" in said
        assert "(0 new)" in said
        assert len(refused) == 1

    async def test_missing_attributes_are_named_with_the_lines_for_temporal_cloud(
        self, cluster: Cluster
    ) -> None:
        target = cluster.environment["TEMPORAL_ADDRESS"]
        async with closed_operator_service(target) as (address, _):
            # A namespace in which nothing was registered.
            elsewhere = await Client.connect(
                address, namespace="temporal-system", data_converter=DATA_CONVERTER
            )
            with pytest.raises(CommandError) as refused:
                await setup.set_up_temporal(elsewhere)
        assert refused.value.problem is Problem.SEARCH_ATTRIBUTES_NOT_ALLOWED
        said = refused.value.words(said_of)
        lines = re.findall(r'^tcld namespace search-attributes add .*"(\w+)=(\w+)"$', said, re.M)
        assert {name for name, _ in lines} == {key.name for key in search_attributes.ALL}
        assert ("NeedsAttention", "Bool") in lines
        assert ("ConsentDeadline", "Datetime") in lines


class TestWhatIsSaid:
    async def test_of_an_unknown_namespace(self, cluster: Cluster) -> None:
        environment = {**cluster.environment, "TEMPORAL_NAMESPACE": "nowhere"}
        for command in (("setup",), ("start", "acme")):
            said = plain(await asyncio.to_thread(shell, environment, *command), 1)
            assert "has no namespace nowhere. Correct TEMPORAL_NAMESPACE" in said

    async def test_of_a_namespace_with_no_more_of_a_type_free(self, cluster: Cluster) -> None:
        full = await namespace_without_free_bools(cluster)
        with pytest.raises(CommandError) as refused:
            await setup.set_up_temporal(full)
        said = refused.value.words(said_of)
        assert f"in namespace {full.namespace}: " in said
        assert "NeedsAttention (Bool)" in said
        assert "(INVALID_ARGUMENT). Usually no more of their type are free" in said

    @pytest.mark.parametrize(
        ("kind", "variables", "words"),
        [
            ("temporal", {"TEMPORAL_TLS": "true"}, "speaks no TLS"),
            ("http", {}, "is not Temporal's gRPC port"),
            ("tls", {"TEMPORAL_TLS": "true"}, "is not trusted, or is for another name"),
            ("nobody", {}, "No Temporal server answers"),
        ],
    )
    async def test_of_what_is_no_server_of_ours(
        self,
        cluster: Cluster,
        tmp_path: Path,
        kind: str,
        variables: dict[str, str],
        words: str,
    ) -> None:
        async with answering(kind, cluster, tmp_path) as address:
            environment = {**cluster.environment, **variables, "TEMPORAL_ADDRESS": address}
            said = plain(await asyncio.to_thread(shell, environment, "start", "acme"), 1)
        assert words in said
        assert len(said.strip().splitlines()) == 1


async def namespace_without_free_bools(cluster: Cluster) -> Client:
    name = f"n{uuid4().hex[:10]}"
    await cluster.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)
        )
    )
    address = cluster.environment["TEMPORAL_ADDRESS"]
    client = await Client.connect(address, namespace=name, lazy=True)
    async with asyncio.timeout(LONGEST_WAIT):
        for number in count():
            theirs = {f"Theirs{number}": IndexedValueType.INDEXED_VALUE_TYPE_BOOL}
            asked = AddSearchAttributesRequest(namespace=name, search_attributes=theirs)
            try:
                await client.operator_service.add_search_attributes(asked)
            except RPCError as error:
                if error.status is RPCStatusCode.INVALID_ARGUMENT:
                    return client
                # The server makes a new namespace known by and by.
                await asyncio.sleep(0.1)
    raise AssertionError("there is no end to them")


@asynccontextmanager
async def answering(kind: str, cluster: Cluster, folder: Path) -> AsyncIterator[str]:
    """Give the address of a server of this kind."""
    if kind == "temporal":
        yield cluster.environment["TEMPORAL_ADDRESS"].replace("localhost", HOST)
        return
    if kind == "nobody":
        yield f"{HOST}:9"
        return
    context = None
    if kind == "tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(make_certificate(folder), folder / "server.key")
        context.set_alpn_protocols(["h2"])

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, HOST, 0, ssl=context)
    try:
        yield f"{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
