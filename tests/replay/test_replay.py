"""Every recorded path replays on the workflow of today."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from local.histories import texts_of
from tests.replay.paths import PATHS
from workflows.go_live import SsoGoLive
from workflows.payloads import DATA_CONVERTER
from workflows.sandbox import SandboxWithoutContexts

FOLDER = Path(__file__).parent / "histories"


def _history(name: str) -> WorkflowHistory:
    kept = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return WorkflowHistory.from_json("sso-go-live/recorded", kept)


@pytest.mark.parametrize("name", PATHS)
async def test_a_recorded_path_replays(name: str) -> None:
    replayer = Replayer(
        workflows=[SsoGoLive],
        data_converter=DATA_CONVERTER,
        workflow_runner=SandboxWithoutContexts(),
    )
    result = await replayer.replay_workflow(_history(name), raise_on_replay_failure=False)
    assert result.replay_failure is None


def test_every_path_has_a_history_and_every_history_a_path() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(PATHS)


@pytest.mark.parametrize("name", PATHS)
def test_a_recorded_path_holds_nobody_and_no_machine(name: str) -> None:
    texts = list(texts_of(_history(name).events))
    assert [text for text in texts if "@" in text] == []
    assert [text for text in texts if "it2." in text or "Tee" in text] == []
    assert [text for text in texts if 'File "/' in text] == []


@pytest.mark.parametrize("name", PATHS)
def test_no_path_comes_near_a_size_that_would_need_continuing_as_new(name: str) -> None:
    """Temporal suggests it at 4,096 events; reminders, retries and pauses included, we stay far."""
    assert len(_history(name).events) <= 250
