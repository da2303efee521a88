"""A whole stack in the eyes of its operators: what it logs, counts, traces, and keeps."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

import httpx2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from sqlalchemy import Engine

from contracts.go_live import Progress, Wait
from database.engine import open_sessions
from database.go_live import standings
from local import loopback
from local.postgresql import PROGRAMS
from local.stack import METRICS_TOKEN
from tests.bounds import LONGEST_WAIT
from tests.cluster import ROOT


@dataclass
class Spans:
    """A collector of traces, as operators run one."""

    endpoint: str
    found: list[Span] = field(default_factory=list)

    def named(self, name: str) -> list[Span]:
        return [span for span in list(self.found) if span.name == name]


@contextmanager
def collecting_spans() -> Iterator[Spans]:
    """Take OTLP over HTTP inside the block; every program started in it exports its traces."""

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.found.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    spans = Spans(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield spans
    finally:
        server.shutdown()
        server.server_close()


Found = TypeVar("Found")


async def until(
    look: Callable[[], Awaitable[Found]], is_so: Callable[[Found], bool], what: str
) -> Found:
    """Return what a look finds, once it is so."""
    give_up = time.monotonic() + LONGEST_WAIT
    while True:
        found = await look()
        if is_so(found):
            return found
        if time.monotonic() > give_up:
            raise AssertionError(f"{what} did not come about: {found}")
        await asyncio.sleep(0.1)


async def until_wait(engine: Engine, slug: str, wait: Wait | str) -> Progress:
    """Return where a go-live stands once it waits for this, or has this outcome."""

    def look() -> Progress | None:
        with open_sessions(engine).begin() as session:
            standing = standings.standing_of(session, slug)
        return standing.progress if standing else None

    found = await until(
        lambda: asyncio.to_thread(look),
        lambda now: now is not None and wait in {now.wait, now.outcome},
        f"{slug}: {wait}",
    )
    assert found is not None
    return found


def scrape(url: str, token: str = METRICS_TOKEN) -> httpx2.Response:
    return loopback.get(
        f"{url}/metrics",
        headers={"Authorization": f"Bearer {token}"},
        timeout=LONGEST_WAIT,
    )


def value(metrics: str, name: str, **labels: str) -> float:
    """Return the sum of all samples of a metric that have these labels."""
    wanted = {f'{label}="{text}"' for label, text in labels.items()}
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in metrics.splitlines()
        if re.match(rf"{name}(\{{|\s)", line) and all(one in line for one in wanted)
    )


def postgresql(program: str, port: int, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs, as docs/operating.md says."""
    subprocess.run(
        [
            str(PROGRAMS / program),
            *("--host", "127.0.0.1", "--port", str(port), "--username", "postgres"),
            *arguments,
        ],
        check=True,
        timeout=LONGEST_WAIT,
        env={"LC_ALL": "C", "PATH": os.defpath},
    )


def shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "starter.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
        check=False,
    )
