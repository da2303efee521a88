"""Runs the simulator: `python -m simulator --port 0 --seed simulator/seeds/demo.json`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from simulator.app import create_app
from simulator.seed_files import SeedError

DEMO_SEED = Path(__file__).parent / "seeds" / "demo.json"


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; exit status 0, or 2 when a seed or the port cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes any free one")
    parser.add_argument("--seed", action="append", type=Path, help="may be given more than once")
    parser.add_argument("--base-url", help="address for links, when it is not the request's own")
    parser.add_argument("--memory", type=Path, help="file in which grants outlive the process")
    chosen = parser.parse_args(arguments)
    try:
        app = create_app(chosen.seed or [DEMO_SEED], chosen.base_url, chosen.memory)
        listener = _listener(chosen.host, chosen.port)
    except (SeedError, OSError) as error:
        print(f"The simulator cannot start: {error}", file=sys.stderr)
        return 2
    # Ctrl-C is how people stop it: the server has ended in order when the interrupt arrives.
    with listener, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(app, listener, chosen.host))
    return 0


def _listener(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only for sockets that say they are TCP; with it on,
    # each answer that goes out in two writes costs 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


async def _serve(app: Starlette, listener: socket.socket, host: str) -> None:
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
    # A connection that was cut on request is no error of the program.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "without completing response" not in record.getMessage()
    )
    server = uvicorn.Server(config)
    port = listener.getsockname()[1]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    print(f"simulator listening on http://{host}:{port}", flush=True)
    await serving


if __name__ == "__main__":
    sys.exit(main())
