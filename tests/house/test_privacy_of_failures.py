"""What fails in a way nobody has thought of names nobody: not in a log, a page or a history."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import get_args
from urllib.parse import quote

import pytest
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from commands.errors import UnavailableError
from contracts.problems import Problem
from graph.errors import MicrosoftUnreachableError
from local.histories import found_in
from telemetry.logs import JsonLines, PlainLines
from tests.cluster import Cluster
from web.app import create_app
from web.visit import AVisit

NAME = "Anna-Berg"
ADDRESS = f"{NAME}@alpenglow.example"
SAID = f"no row for {ADDRESS}"


def chained() -> Exception:
    """One that was raised while another was dealt with."""
    try:
        try:
            raise ValueError(SAID)
        except ValueError as error:
            raise KeyError(ADDRESS) from error
    except KeyError as error:
        return error


FAILURES: dict[str, Callable[[], Exception]] = {
    "key": lambda: KeyError(ADDRESS),
    "runtime": lambda: RuntimeError(SAID),
    "assertion": lambda: AssertionError(SAID),
    "unicode": lambda: UnicodeDecodeError("utf-8", ADDRESS.encode(), 0, 1, SAID),
    "several": lambda: ExceptionGroup(SAID, [ValueError(ADDRESS)]),
    "chained": chained,
    "away": lambda: OperationalError(f"SELECT '{ADDRESS}'", {"a": ADDRESS}, ValueError(SAID)),
    "twice": lambda: IntegrityError(f"INSERT '{ADDRESS}'", {"a": ADDRESS}, ValueError(SAID)),
    "unreadable": lambda: DataError(f"SELECT '{ADDRESS}'", {"a": ADDRESS}, ValueError(SAID)),
    "temporal": lambda: RPCError(SAID, RPCStatusCode.UNAVAILABLE, ADDRESS.encode()),
    "activity": lambda: ApplicationError(SAID, ADDRESS),
    "microsoft": lambda: MicrosoftUnreachableError(SAID),
    "unavailable": lambda: UnavailableError(Problem.DATABASE_AWAY, where=SAID),
    "refused": lambda: HTTPException(418, SAID),
}


@contextmanager
def written() -> Iterator[list[str]]:
    """Every line of every logger, in both forms, as it is written."""
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.extend(form.format(record) for form in (JsonLines(), PlainLines()))

    logger, handler = logging.getLogger(), Keeping()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_page_that_fails_names_anybody(cluster: Cluster, failure: str) -> None:
    app = create_app(cluster.settings)
    visit = get_args(AVisit)[1].dependency

    def fail() -> None:
        raise FAILURES[failure]()

    def come() -> dict[str, int]:
        answered = {}
        with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as http:
            app.dependency_overrides[visit] = fail
            http.cookies.set("pulse_session", quote(ADDRESS))
            for path, methods in app.openapi()["paths"].items():
                address = path.replace("{", "").replace("}", "")
                for method in methods:
                    answer = http.request(
                        method,
                        f"{address}?login_hint={ADDRESS}",
                        data={"email": ADDRESS, "address": ADDRESS},
                    )
                    answered[f"{method} {path}"] = answer.status_code
                    said = [answer.text, str(answer.headers)]
                    assert found_in(said, [ADDRESS, NAME]) == [], f"{method} {path}"
        return answered

    with written() as lines:
        answered = await asyncio.to_thread(come)
    assert len(answered) > 40, answered
    assert min(answered.values()) >= 400, answered
    assert sum("web.middleware.request_metrics" in line for line in lines) >= len(answered)
    assert found_in(lines, [ADDRESS, NAME]) == []
