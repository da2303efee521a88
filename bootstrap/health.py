"""Whether a process could do its work now, as a load balancer and an operator ask it."""

import asyncio
import time
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from database.engine import Sessions, check_usable
from database.faults import fault_of

ANSWER_SECONDS = 3.0
KEPT_SECONDS = 2.0
"""Anybody may ask, so the database and Temporal are asked at most this often."""


class Health:
    """Asks the database and Temporal whether they would take what this process has to do."""

    def __init__(self, sessions: Sessions, client: Client) -> None:
        """Ask these two; nothing is asked yet."""
        self._sessions = sessions
        self._client = client
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._problems: dict[str, str] = {}

    async def problems(self) -> dict[str, str]:
        """Return what is wrong by part, as a code such as `login_refused`; empty: ready."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= KEPT_SECONDS:
                database, temporal = await asyncio.gather(self._of_database(), self._of_temporal())
                found = {"database": database, "temporal": temporal}
                self._problems = {part: code for part, code in found.items() if code}
                self._asked_at = time.monotonic()
            return self._problems

    async def page(self) -> tuple[int, str]:
        """Return status and text of the page: 200 and "ready", or 503 and a line for each part."""
        problems = await self.problems()
        if not problems:
            return 200, "ready\n"
        return 503, "".join(f"{part}: {code}\n" for part, code in problems.items())

    async def _of_database(self) -> str:
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._ask_database), ANSWER_SECONDS)
        except TimeoutError:
            return "silent"

    def _ask_database(self) -> str:
        try:
            with self._sessions.begin() as session:
                check_usable(session)
        except SQLAlchemyError as error:
            fault = fault_of(error)
            return fault.value if fault else type(error).__name__
        return ""

    async def _of_temporal(self) -> str:
        asked = DescribeNamespaceRequest(namespace=self._client.namespace)
        limit = timedelta(seconds=ANSWER_SECONDS)
        try:
            await asyncio.wait_for(
                self._client.workflow_service.describe_namespace(asked, timeout=limit),
                ANSWER_SECONDS,
            )
        except RPCError as error:
            return error.status.name.lower()
        except TimeoutError:
            return "silent"
        except RuntimeError:
            # A lazy client that has never connected; it tries again at each question.
            return "unavailable"
        return ""
