"""What stands before several web processes: each connection goes to one that answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

HOST = "127.0.0.1"


@asynccontextmanager
async def balancing(port: int, backends: Sequence[int]) -> AsyncIterator[None]:
    """Listen on `port` and hand each connection to the next of the backends that takes it."""
    turn = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        turn += 1
        for number in range(len(backends)):
            backend = backends[(turn + number) % len(backends)]
            with suppress(OSError):
                there = await asyncio.open_connection(HOST, backend)
                await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
                return
        writer.close()

    server = await asyncio.start_server(serve, HOST, port)
    try:
        yield
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()
