"""A Temporal server as on Temporal Cloud: everything but its OperatorService is open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

CLOSED = "/temporal.api.operatorservice."


def _as_it_is(content: bytes) -> bytes:
    return content


class _Passing(grpc.GenericRpcHandler):
    def __init__(self, channel: Any, refused: list[str]) -> None:
        self._channel = channel
        self._refused = refused

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method

        async def answer(request: bytes, context: Any) -> bytes:
            if method.startswith(CLOSED):
                self._refused.append(method)
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, "Request unauthorized.")
            call: Callable[..., Any] = self._channel.unary_unary(
                method, request_serializer=_as_it_is, response_deserializer=_as_it_is
            )
            try:
                # A poll of a worker is refused without the time that it may take.
                answered: bytes = await call(
                    request, metadata=_handed_on(context), timeout=context.time_remaining()
                )
            except grpc.aio.AioRpcError as error:
                context.set_trailing_metadata(tuple(error.trailing_metadata() or ()))
                await context.abort(error.code(), error.details() or "")
            return answered

        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=_as_it_is, response_serializer=_as_it_is
        )


def _handed_on(context: Any) -> tuple[Any, ...]:
    kept = ("temporal-", "client-", "authorization", "supported-")
    return tuple(
        (name, value) for name, value in context.invocation_metadata() if name.startswith(kept)
    )


@asynccontextmanager
async def closed_operator_service(target: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Give the address of the server without that service, and the list of what was refused."""
    refused: list[str] = []
    channel = grpc.aio.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)])
    server = grpc.aio.server(handlers=[_Passing(channel, refused)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}", refused
    finally:
        await server.stop(0)
        await channel.close()
        await asyncio.sleep(0)
