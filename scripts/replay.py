"""The gate before a deployment: would the code at hand strand a go-live? python -m scripts.replay.

Replays the recorded histories, and every running go-live of the Temporal server that the worker
uses: the one that the standard `TEMPORAL_*` settings name, else localhost:7233. One that cannot be
looked at is no yes. Reads only; nothing is sent to any go-live.
"""

import argparse
import asyncio
import json
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from temporalio.client import Client, WorkflowHistory
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer

from bootstrap import connections
from bootstrap.exit import leave
from commands.errors import UnavailableError
from contracts.go_live import go_live_id
from wording import shell
from workflows.go_live import SsoGoLive
from workflows.payloads import DATA_CONVERTER
from workflows.sandbox import SandboxWithoutContexts

RECORDED = Path(__file__).parents[1] / "tests" / "replay" / "histories"
RUNNING = f"WorkflowType = '{SsoGoLive.__name__}' AND ExecutionStatus = 'Running'"
PAGE = 200
"""Runs a page of the list; their histories are fetched one at a time, some 100 kB each."""

_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')
"""The readable part of what the SDK says about a replay that failed."""

_ADVICE = """\
Do not deploy this code: these go-lives would stop where they are and need a person.
Keep the old order of steps for runs that have passed it, with workflow.patched(...), and replay
again; docs/deploying.md shows how. Or deploy once they have ended."""


class NotLookedAtError(Exception):
    """Go-lives could not be replayed; the text says why."""


async def recorded_failures(folder: Path) -> tuple[int, dict[str, str]]:
    """Return how many recorded histories there are, and why each of some fails, by file name."""
    files = sorted(folder.glob("*.json"))

    async def histories() -> AsyncIterator[WorkflowHistory]:
        for file in files:
            yield WorkflowHistory.from_json(file.name, json.loads(file.read_text(encoding="utf-8")))

    return await _replay(
        Replayer(
            workflows=[SsoGoLive],
            data_converter=DATA_CONVERTER,
            workflow_runner=SandboxWithoutContexts(),
        ),
        histories(),
    )


async def stranded(client: Client, organisations: Iterable[str]) -> tuple[int, dict[str, str]]:
    """Return how many go-lives run, and why each of some could not go on, by organisation.

    With `organisations` only those are looked at, in whatever state they are.
    """
    wanted = [go_live_id(slug) for slug in organisations]
    replayer = Replayer(
        workflows=[SsoGoLive],
        namespace=client.namespace,
        data_converter=client.data_converter,
    )
    count, failures = await _replay(replayer, _histories(client, wanted))
    return count, {name.removeprefix(go_live_id("")): why for name, why in failures.items()}


async def _histories(client: Client, wanted: list[str]) -> AsyncIterator[WorkflowHistory]:
    if wanted:
        for workflow_id in wanted:
            try:
                yield await client.get_workflow_handle(workflow_id).fetch_history()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                raise NotLookedAtError(f"There is no go-live {workflow_id} at Temporal.") from None
        return
    async for run in client.list_workflows(RUNNING, page_size=PAGE):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        try:
            yield await handle.fetch_history()
        except RPCError as error:
            # Ended and forgotten since it was listed: nothing is left that could be stranded.
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


async def _replay(
    replayer: Replayer, histories: AsyncIterator[WorkflowHistory]
) -> tuple[int, dict[str, str]]:
    count, failures = 0, {}
    async with replayer.workflow_replay_iterator(histories) as results:
        async for result in results:
            count += 1
            if result.replay_failure is not None:
                failures[result.history.workflow_id] = _plain(result.replay_failure)
    return count, failures


def _plain(failure: Exception) -> str:
    """Return why a replay failed in one line; a history holds ids only, so no personal data."""
    text = str(failure)
    inner = _MESSAGE.search(text)
    line = (inner.group(1) if inner else text).strip().partition("\n")[0]
    return line.removeprefix("[TMPRL1100] Nondeterminism error: ")[:300]


async def gate(organisations: list[str], *, recorded_only: bool = False) -> int:
    """Replay, tell, and return the exit status: 0 = deploy, 1 = do not.

    Raises:
        NotLookedAtError: the go-lives that run could not be looked at.
    """
    count, failures = await recorded_failures(RECORDED)
    print(f"Recorded histories: {count - len(failures)} of {count} replay.")
    _list(failures)
    status = 1 if failures else 0
    if recorded_only:
        print("Running go-lives: not looked at, as you asked. This is no leave to deploy.")
    else:
        client = await _client()
        count, failures = await stranded(client, organisations)
        print(f"Running go-lives: {count - len(failures)} of {count} can go on with this code.")
        if failures:
            print("This deployment would strand:")
        _list(failures)
        status = 1 if failures else status
    if status:
        print(_ADVICE)
    return status


async def _client() -> Client:
    try:
        return await connections.temporal()
    except UnavailableError as error:
        why = error.words(shell.said_of)
        raise NotLookedAtError(
            f"Running go-lives: not looked at, so do not deploy yet. {why}\n"
            "With --recorded-only the recorded histories alone are replayed."
        ) from None


def _list(failures: dict[str, str]) -> None:
    for name, why in sorted(failures.items()):
        print(f"  {name}: {why}")


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.replay", description=__doc__)
    parser.add_argument(
        "organisations", metavar="ORGANISATION", nargs="*", help="only these (all that run)"
    )
    parser.add_argument(
        "--recorded-only",
        action="store_true",
        help="replay the recorded histories alone, without any server: says nothing about go-lives "
        "that run",
    )
    chosen = parser.parse_args()
    if chosen.recorded_only and chosen.organisations:
        parser.error("--recorded-only looks at no organisation")
    # The SDK's own lines about each failed replay would hide ours.
    quiet = LoggingConfig(filter=TelemetryFilter(core_level="OFF", other_level="OFF"))
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=quiet)))
    logging.disable(logging.CRITICAL)
    try:
        return asyncio.run(gate(chosen.organisations, recorded_only=chosen.recorded_only))
    except NotLookedAtError as error:
        print(error, file=sys.stderr)
    except RPCError as error:
        print(f"Temporal did not answer: {error.status.name}. Try again.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    leave(main())
