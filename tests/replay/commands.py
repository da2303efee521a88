"""What the workflow of today tells Temporal to do when a recorded history is replayed.

Replay itself compares kinds and ids only. Here every argument, duration, attribute, summary and
detail is written down, with what differs from one recording to the next left out.
"""

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict
from temporalio.client import WorkflowHistory
from temporalio.worker import (
    Replayer,
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)

from workflows.go_live import SsoGoLive
from workflows.payloads import DATA_CONVERTER

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_READ_INSTANT = re.compile(r"[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC")
_STAMP = re.compile(r"\b20\d{18}\b")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH = re.compile(r"\b[0-9a-f]{64}\b|(?<=plan )[0-9a-f]{12}\b")
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)s$")
_SLUG = re.compile(r"\bt[0-9a-f]{10}\b")
_HOST = re.compile(r"http://127\.0\.0\.1:\d+")
_LEFT_OUT = {"seq", "identity", "namespace", "runId", "protocolInstanceId", "originalScheduleTime"}


class _KeepingRunner(WorkflowRunner):
    """Runs a workflow without the sandbox, and keeps the answer to each activation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._details = ""
        self._inner = UnsandboxedWorkflowRunner()

    def prepare_workflow(self, defn: Any) -> None:
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance: Any = self._inner.create_instance(det)
        activate, names = instance.activate, _Names(det.info.start_time)

        def keep(activation: Any) -> Any:
            completion = activate(activation)
            for command in completion.successful.commands:
                self.lines += _line(MessageToDict(command), names)
            # Details are an answer to a query, no command.
            if instance._current_details != self._details:
                self._details = instance._current_details
                self.lines.append(f"details {json.dumps(names.plain(self._details))}")
            return completion

        instance.activate = keep
        return instance


class _Names:
    """Replaces what another recording would have otherwise."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._ids: dict[str, str] = {}

    def plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            if "metadata" in value and "data" in value:
                return self.plain(json.loads(base64.b64decode(value["data"])))
            return {name: self.plain(kept) for name, kept in value.items() if name not in _LEFT_OUT}
        if isinstance(value, list):
            return [self.plain(one) for one in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if seconds := _SECONDS.match(text):
            return _duration(timedelta(seconds=float(seconds[1])))
        text = _INSTANT.sub(lambda found: self._since_began(found[0]), text)
        text = _READ_INSTANT.sub("<instant>", _STAMP.sub("<stamp>", _HASH.sub("<hash>", text)))
        text = _UUID.sub(
            lambda found: self._ids.setdefault(found[0], f"<id {len(self._ids) + 1}>"), text
        )
        return _HOST.sub("<web>", _SLUG.sub("<slug>", text))

    def _since_began(self, instant: str) -> str:
        since = datetime.fromisoformat(instant) - self._began
        return f"start + {_to_the_minute(since)}"


def _duration(duration: timedelta) -> str:
    """Return a duration as it was set where it is short, else to the minute."""
    if duration < timedelta(minutes=2):
        return f"{duration.total_seconds():.3g} s"
    return _to_the_minute(duration)


def _to_the_minute(duration: timedelta) -> str:
    minutes = round(duration / timedelta(minutes=1))
    return f"{minutes // 1440} d {minutes // 60 % 24:02}:{minutes % 60:02}"


def _line(command: dict[str, Any], names: _Names) -> Iterator[str]:
    """Return a command as a line: its kind, then what it says."""
    summary = command.pop("userMetadata", {}).get("summary")
    for kind, said in command.items():
        if kind == "respondToQuery":
            continue
        title = f" “{names.plain(summary)}”" if summary else ""
        text = json.dumps(names.plain(said), ensure_ascii=False, sort_keys=True)
        yield f"{kind}{title} {text}"


async def commands_of(history: WorkflowHistory) -> str:
    """Return a line for each command that the workflow gives when this history is replayed.

    Raises:
        temporalio.workflow.NondeterminismError: the history does not replay.
    """
    runner = _KeepingRunner()
    replayer = Replayer(
        workflows=[SsoGoLive], data_converter=DATA_CONVERTER, workflow_runner=runner
    )
    await replayer.replay_workflow(history)
    return "".join(f"{line}\n" for line in runner.lines)
